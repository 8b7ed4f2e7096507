//! Those who ask for topics, and what they are told.

use std::collections::BTreeMap;

use chronik_log::PartitionId;
use chronik_server::cluster::{Command, Controller, ProposeError, Topic};
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

    /// Suspects the leader of a topic's first partition. What comes of it is seen in the metadata.
    pub(crate) fn suspect(&self, controller: Controller, topic: &Topic) {
        let id = PartitionId { topic_id: topic.id, partition: 0 };
        let leader_epoch = topic.partitions[0].leader_epoch;
        let _asks = Spawner::simulated().task(async move { _ = controller.elect(id, leader_epoch).await });
    }

    /// Asks for a new topic with these replicas; returns its name.
    pub(crate) fn propose(&mut self, controller: Controller, replicas: Vec<i32>) -> String {
        let name = format!("topic-{}", self.asked);
        self.asked += 1;
        let command = Command::CreateTopic {
            name: name.clone(),
            id: Uuid::nil(),
            assignment: vec![replicas],
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
