//! Incremental fetch sessions (KIP-227): the broker remembers what a consumer reads, so that neither side repeats it.
//!
//! A consumer has one session with a broker, on one connection; so a session belongs to its connection and ends with it. A client that comes
//! back asks for a session that is not there, gets `FETCH_SESSION_ID_NOT_FOUND`, and starts a new one, as the protocol has it.

use std::collections::BTreeMap;

use chronik_kafka::ErrorCode;
use chronik_kafka::message::FetchRequest;
use chronik_kafka::message::fetch::FetchPartition;

use super::partition::TopicRef;

/// `session_epoch` of a request that wants no session.
const FINAL_EPOCH: i32 = -1;
/// `session_epoch` of a request that wants a new one.
const INITIAL_EPOCH: i32 = 0;
/// `session_id` of an answer without a session.
pub(super) const NO_SESSION: i32 = 0;

/// The sessions of one connection: there is at most one at a time.
#[derive(Debug, Default)]
pub struct FetchSessions {
    current: Option<Session>,
    last_id: i32,
}

#[derive(Debug)]
struct Session {
    id: i32,
    /// What the next request must say.
    next_epoch: i32,
    partitions: BTreeMap<(TopicRef, i32), Remembered>,
    next_turn: u64,
}

/// What a session knows of a partition.
#[derive(Clone, Debug)]
struct Remembered {
    request: FetchPartition,
    /// Partitions are served in the order of their turns; one that got records takes the last turn.
    turn: u64,
    /// What the consumer was told last.
    told: Option<Told>,
}

/// The offsets that a consumer is told when they change, even without records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) high_watermark: i64,
    pub(super) log_start_offset: i64,
}

/// One partition to be read.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) topic: TopicRef,
    pub(super) request: FetchPartition,
}

/// What a request comes to.
#[derive(Debug)]
pub(super) struct Plan {
    /// What to read, in this order.
    pub(super) targets: Vec<Target>,
    /// For the answer.
    pub(super) session_id: i32,
    /// Whether the answer leaves out partitions of which there is nothing new.
    pub(super) incremental: bool,
}

impl FetchSessions {
    /// Finds or makes the session of `request`, and what is to be read.
    ///
    /// # Errors
    /// `FETCH_SESSION_ID_NOT_FOUND` or `INVALID_FETCH_SESSION_EPOCH`: the client starts anew.
    pub(super) fn plan(
        &mut self,
        request: &FetchRequest,
        by_id: bool,
        allowed: bool,
    ) -> Result<Plan, ErrorCode> {
        match request.session_epoch {
            FINAL_EPOCH => {
                self.current = None;
                Ok(Plan {
                    targets: targets(request, by_id).collect(),
                    session_id: NO_SESSION,
                    incremental: false,
                })
            }
            INITIAL_EPOCH => {
                let targets: Vec<Target> = targets(request, by_id).collect();
                self.current = (allowed && !targets.is_empty())
                    .then(|| Session::new(self.last_id.checked_add(1).unwrap_or(1), &targets));
                let session_id = self.current.as_ref().map_or(NO_SESSION, |session| session.id);
                self.last_id = session_id.max(self.last_id);
                Ok(Plan { targets, session_id, incremental: false })
            }
            epoch => {
                let session = self.current.as_mut().filter(|session| session.id == request.session_id);
                let session = session.ok_or(ErrorCode::FETCH_SESSION_ID_NOT_FOUND)?;
                if epoch != session.next_epoch {
                    return Err(ErrorCode::INVALID_FETCH_SESSION_EPOCH);
                }
                session.next_epoch = epoch.checked_add(1).unwrap_or(1);
                session.change(request, by_id);
                Ok(Plan { targets: session.targets(), session_id: session.id, incremental: true })
            }
        }
    }

    /// Notes what the answer tells of a partition. Returns whether an incremental answer must name it.
    pub(super) fn tell(
        &mut self,
        topic: &TopicRef,
        partition: i32,
        told: Option<Told>,
        has_records: bool,
    ) -> bool {
        let Some(session) = &mut self.current else { return true };
        let Some(remembered) = session.partitions.get_mut(&(topic.clone(), partition)) else { return true };
        if has_records {
            remembered.turn = session.next_turn;
            session.next_turn += 1;
        }
        let news = has_records || told.is_none() || remembered.told != told;
        remembered.told = told;
        news
    }
}

impl Session {
    fn new(id: i32, targets: &[Target]) -> Self {
        let mut session =
            Self { id, next_epoch: INITIAL_EPOCH + 1, partitions: BTreeMap::new(), next_turn: 0 };
        targets.iter().cloned().for_each(|target| session.remember(target));
        session
    }

    fn remember(&mut self, target: Target) {
        let key = (target.topic, target.request.partition);
        if let Some(known) = self.partitions.get_mut(&key) {
            known.request = target.request;
            known.told = None;
        } else {
            self.partitions
                .insert(key, Remembered { request: target.request, turn: self.next_turn, told: None });
            self.next_turn += 1;
        }
    }

    fn change(&mut self, request: &FetchRequest, by_id: bool) {
        for forgotten in &request.forgotten_topics_data {
            let topic = TopicRef::new(by_id, &forgotten.topic, forgotten.topic_id);
            for partition in &forgotten.partitions {
                self.partitions.remove(&(topic.clone(), *partition));
            }
        }
        targets(request, by_id).for_each(|target| self.remember(target));
    }

    fn targets(&self) -> Vec<Target> {
        let mut by_turn: Vec<_> = self.partitions.iter().collect();
        by_turn.sort_unstable_by_key(|(_, remembered)| remembered.turn);
        let target = |((topic, _), remembered): (&(TopicRef, i32), &Remembered)| Target {
            topic: topic.clone(),
            request: remembered.request.clone(),
        };
        by_turn.into_iter().map(target).collect()
    }
}

/// The partitions that a request names.
fn targets(request: &FetchRequest, by_id: bool) -> impl Iterator<Item = Target> + '_ {
    request.topics.iter().flat_map(move |topic| {
        let reference = TopicRef::new(by_id, &topic.topic, topic.topic_id).detached(); // a session outlives the request
        topic
            .partitions
            .iter()
            .map(move |partition| Target { topic: reference.clone(), request: partition.clone() })
    })
}

#[cfg(test)]
mod tests {
    use chronik_kafka::message::fetch::{FetchTopic, ForgottenTopic};

    use super::*;

    fn request(session_id: i32, session_epoch: i32, partitions: &[i32], forgotten: &[i32]) -> FetchRequest {
        let partition = |index: &i32| FetchPartition { partition: *index, ..Default::default() };
        let topic = FetchTopic {
            topic: "t".into(),
            partitions: partitions.iter().map(partition).collect(),
            ..Default::default()
        };
        let forgotten =
            ForgottenTopic { topic: "t".into(), partitions: forgotten.to_vec(), ..Default::default() };
        FetchRequest {
            session_id,
            session_epoch,
            topics: if partitions.is_empty() { vec![] } else { vec![topic] },
            forgotten_topics_data: vec![forgotten],
            ..Default::default()
        }
    }

    fn read(plan: &Plan) -> Vec<i32> {
        plan.targets.iter().map(|target| target.request.partition).collect()
    }

    fn name() -> TopicRef {
        TopicRef::Name("t".into())
    }

    #[test]
    fn a_session_remembers_adds_and_forgets() {
        let mut sessions = FetchSessions::default();
        let id = sessions.plan(&request(0, 0, &[0, 1], &[]), false, true).unwrap().session_id;
        assert_ne!(id, NO_SESSION);
        let plan = sessions.plan(&request(id, 1, &[2], &[0]), false, true).unwrap();
        assert!(plan.incremental);
        assert_eq!(read(&plan), [1, 2]);
        assert_eq!(read(&sessions.plan(&request(id, 2, &[], &[]), false, true).unwrap()), [1, 2]);
    }

    #[test]
    fn a_wrong_epoch_or_id_is_refused() {
        let mut sessions = FetchSessions::default();
        let id = sessions.plan(&request(0, 0, &[0], &[]), false, true).unwrap().session_id;
        let refused = |sessions: &mut FetchSessions, id, epoch| {
            sessions.plan(&request(id, epoch, &[], &[]), false, true).unwrap_err()
        };
        assert_eq!(refused(&mut sessions, id, 2), ErrorCode::INVALID_FETCH_SESSION_EPOCH);
        assert_eq!(refused(&mut sessions, id + 1, 1), ErrorCode::FETCH_SESSION_ID_NOT_FOUND);
        sessions.plan(&request(id, -1, &[], &[]), false, true).unwrap();
        assert_eq!(
            refused(&mut sessions, id, 1),
            ErrorCode::FETCH_SESSION_ID_NOT_FOUND,
            "-1 ends the session"
        );
    }

    #[test]
    fn the_epoch_goes_round_to_one() {
        let mut sessions = FetchSessions::default();
        let id = sessions.plan(&request(0, 0, &[0], &[]), false, true).unwrap().session_id;
        sessions.current.as_mut().unwrap().next_epoch = i32::MAX;
        sessions.plan(&request(id, i32::MAX, &[], &[]), false, true).unwrap();
        sessions.plan(&request(id, 1, &[], &[]), false, true).unwrap();
    }

    #[test]
    fn only_news_is_told() {
        let mut sessions = FetchSessions::default();
        sessions.plan(&request(0, 0, &[0], &[]), false, true).unwrap();
        let told = |high_watermark| Some(Told { high_watermark, log_start_offset: 0 });
        assert!(sessions.tell(&name(), 0, told(5), false), "the first time");
        assert!(!sessions.tell(&name(), 0, told(5), false), "nothing new");
        assert!(sessions.tell(&name(), 0, told(6), false), "the high watermark moved");
        assert!(sessions.tell(&name(), 0, told(6), true), "records");
        assert!(sessions.tell(&name(), 0, None, false), "an error");
        assert!(sessions.tell(&name(), 0, told(6), false), "recovered from the error");
    }

    #[test]
    fn whoever_got_records_comes_last_next_time() {
        let mut sessions = FetchSessions::default();
        let id = sessions.plan(&request(0, 0, &[0, 1, 2], &[]), false, true).unwrap().session_id;
        sessions.tell(&name(), 0, None, true);
        assert_eq!(read(&sessions.plan(&request(id, 1, &[], &[]), false, true).unwrap()), [1, 2, 0]);
    }
}
