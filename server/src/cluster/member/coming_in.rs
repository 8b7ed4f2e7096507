//! The first steps of a member, once it is one: it registers, names the cluster if it is new, and waits to be unfenced.

use std::sync::Arc;

use concurrency_models::image::Image;

use super::super::command::{Applied, Command, Refusal};
use super::super::controller::{Controller, ProposeError, Served};
use super::super::publisher::MetadataPublisher;
use super::super::raft::Outcome;
use super::super::state::ClusterState;
use super::{Member, StartError};
use crate::clock::Clock;
use crate::limits;
use crate::rng::Rng;

impl Member {
    /// Registers. When this returns, what this node serves is everything that was committed before. Returns its broker epoch.
    pub(super) async fn come_in(
        &self,
        register: &Command,
        committed: &Image<ClusterState>,
        publisher: &mut MetadataPublisher,
        rng: &mut Rng,
    ) -> Result<i64, StartError> {
        let (state, registered) = settle(&self.controller, register, committed).await?;
        if let (Err(Refusal::RemovedNode(node_id)), Some(_)) = (&registered, &self.network) {
            self.until_not_needed(committed).await;
            return Err(StartError::removed(*node_id));
        }
        let broker_epoch = broker_epoch_of(registered)?;
        let cluster_id = match state.cluster_id {
            Some(cluster_id) => cluster_id,
            None => {
                let name = Command::NameCluster { cluster_id: rng.uuid() };
                let (state, _by_whom) = settle(&self.controller, &name, committed).await?;
                state.cluster_id.expect("it has a name now, this one or that of somebody who was quicker")
            }
        };
        if let Some(network) = &self.network {
            network.join(cluster_id);
        }
        // Not before: now everything that was committed before this start is known, and no log is taken for an orphan.
        publisher.publish_now().await?;
        Ok(broker_epoch)
    }

    /// A node that was removed votes until the others do without it: they may have no majority otherwise, not even to let it go.
    async fn until_not_needed(&self, committed: &Image<ClusterState>) {
        tracing::warn!(
            "this node was removed from its cluster: it ends as soon as the others do without its vote"
        );
        let loop_has_ended = async {
            let mut seen = committed.version();
            while committed.at_least(seen + 1).await.is_ok() {
                seen = committed.version();
            }
        };
        tokio::select! {
            biased;
            () = self.gone.requested() => {}
            () = loop_has_ended => {}
        }
    }
}

/// The epoch that this life was given. The metadata may show that of another life of the same node by now, or none: two would send heartbeats in one epoch.
fn broker_epoch_of(registered: Result<Applied, Refusal>) -> Result<i64, ProposeError> {
    match registered? {
        Applied::Registered { broker_epoch, .. } => Ok(broker_epoch),
        other => unreachable!("registering came to {other:?}"),
    }
}

/// Has a command committed, however long it takes until somebody leads, and returns the metadata with its effect, and what became of it. It is proposed again when nobody knows what
/// became of it, so it must bear that.
async fn settle(
    controller: &Controller,
    command: &Command,
    committed: &Image<ClusterState>,
) -> Result<(Arc<ClusterState>, Result<Applied, Refusal>), ProposeError> {
    let Outcome { version, result } = loop {
        match controller.commit(command).await {
            Ok(outcome) => break outcome,
            Err(error @ (ProposeError::NotController { .. } | ProposeError::Unknown(_))) => {
                tracing::warn!(%error, "waiting for a majority of the nodes");
            }
            Err(error) => return Err(error),
        }
    };
    loop {
        let seen = committed.version();
        let state = committed.load();
        if state.version >= version {
            return Ok((state, result));
        }
        committed.at_least(seen + 1).await.map_err(|_| ProposeError::Closed)?;
    }
}

/// Waits until this node serves metadata in which it is unfenced, so that who connects finds leaders.
pub(super) async fn unfenced(node_id: i32, served: &Served, clock: &Clock) -> Result<(), StartError> {
    loop {
        let seen = served.image.version();
        if served.image.load().brokers.get(&node_id).is_some_and(|broker| !broker.fenced) {
            return Ok(());
        }
        tokio::select! {
            biased;
            later = served.image.at_least(seen + 1) => drop(later.map_err(|_| ProposeError::Closed)?),
            () = clock.sleep(limits::FENCED_REMINDER) => {
                tracing::warn!("registered, and waiting to be unfenced: whoever leads the metadata has not granted a lease yet");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::command::Moved;
    use crate::cluster::example::registration;

    #[test]
    fn a_life_has_the_epoch_that_it_was_given_whatever_came_after() {
        let mut state = ClusterState::default();
        let [first, second] = [(); 2].map(|()| state.apply(&registration(1)).unwrap());
        let shown = state.brokers[&1].broker_epoch;
        let epochs = [first, second].map(|registered| broker_epoch_of(Ok(registered)).unwrap());
        assert!(epochs[0] < epochs[1] && epochs[1] == shown, "{epochs:?}, and the metadata has {shown}");
        let registered = Applied::Registered { broker_epoch: 7, moved: Moved::default() };
        assert_eq!(broker_epoch_of(Ok(registered)), Ok(7));
        let removed = Refusal::RemovedNode(1);
        assert_eq!(broker_epoch_of(Err(removed.clone())), Err(removed.into()));
    }
}
