//! Those who ask for topics, and what they are told.

use std::collections::BTreeMap;

use chronik_server::cluster::{Command, Controller, ProposeError};
use chronik_server::spawn::Spawner;
use concurrency_models::mailbox::{self, Receiver, Sender};
use uuid::Uuid;

/// Answers that wait to be noted.
const MAX_ANSWERS: usize = 1_000;

/// All of them.
pub(crate) struct Clients {
    answers: (Sender<Answer>, Receiver<Answer>),
    asked: usize,
    answered: usize,
    /// Names of topics that exist for certain.
    acknowledged: Vec<String>,
    last_was_acknowledged: bool,
}

struct Answer {
    name: String,
    outcome: Result<(), ProposeError>,
}

impl Clients {
    pub(crate) fn new() -> Self {
        Self {
            answers: mailbox::channel(MAX_ANSWERS),
            asked: 0,
            answered: 0,
            acknowledged: Vec::new(),
            last_was_acknowledged: false,
        }
    }

    /// Asks for a new topic with one replica; returns its name.
    pub(crate) fn propose(&mut self, controller: Controller, replica: i32) -> String {
        let name = format!("topic-{}", self.asked);
        self.asked += 1;
        let command = Command::CreateTopic {
            name: name.clone(),
            id: Uuid::nil(),
            assignment: vec![vec![replica]],
            configs: BTreeMap::new(),
        };
        let (answers, asked) = (self.answers.0.clone(), name.clone());
        let _asks = Spawner::simulated().task(async move {
            let outcome = controller.propose(command).await.map(drop);
            let _the_run_is_over = answers.send(Answer { name: asked, outcome }).await;
        });
        name
    }

    /// Notes what has come; returns it in words.
    pub(crate) fn take_answers(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        while let Some(Answer { name, outcome }) = self.answers.1.try_recv() {
            self.answered += 1;
            self.last_was_acknowledged = outcome.is_ok();
            told.push(match outcome {
                Ok(()) => format!("{name} is acknowledged"),
                Err(error) => format!("{name}: {error}"),
            });
            if self.last_was_acknowledged {
                self.acknowledged.push(name);
            }
        }
        told
    }

    /// Whether somebody has no answer yet.
    pub(crate) fn is_waiting(&self) -> bool {
        self.answered < self.asked
    }

    /// Whether the last answer was a good one.
    pub(crate) fn last_was_acknowledged(&self) -> bool {
        self.last_was_acknowledged
    }

    /// Names of topics that exist for certain.
    pub(crate) fn acknowledged(&self) -> &[String] {
        &self.acknowledged
    }
}
