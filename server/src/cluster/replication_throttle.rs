//! How fast replicas that are not in sync may catch up (KIP-73): a rate for each broker and each direction, and lists of the replicas that it is for.
//!
//! There is no default for the rates, and they stand in no configuration file: leaders keep to the rates of their followers, and learn them from the metadata.

use std::collections::BTreeSet;

use super::state::{ClusterState, Topic};
use crate::config::{ConfigType, Value};

/// Bytes per second that a broker sends to replicas that are not in sync, of those that [`LEADER_REPLICAS`] names.
pub const LEADER_RATE: &str = "leader.replication.throttled.rate";
/// Bytes per second that a broker receives for its own replicas that are not in sync, of those that [`FOLLOWER_REPLICAS`] names.
pub const FOLLOWER_RATE: &str = "follower.replication.throttled.rate";
/// The leaders of a topic that are throttled.
pub const LEADER_REPLICAS: &str = "leader.replication.throttled.replicas";
/// The followers of a topic that are throttled.
pub const FOLLOWER_REPLICAS: &str = "follower.replication.throttled.replicas";

/// A rate of a broker; `None`: it has none, and is not throttled.
pub fn rate(state: &ClusterState, node_id: i32, key: &str) -> Option<u64> {
    state.broker_setting(node_id, key)?.parse().ok()
}

/// Replicas of a topic: all, or these by partition and broker (Kafka's `ThrottledReplicaListValidator`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThrottledReplicas {
    /// `*`
    All,
    /// `partition:broker,...`
    These(BTreeSet<(i32, i32)>),
}

impl ThrottledReplicas {
    /// What a topic says under this key.
    pub fn of(topic: &Topic, key: &str) -> Self {
        let listed = topic.configs.get(key).and_then(|text| Self::read(text).ok());
        listed.unwrap_or_default()
    }

    /// Whether this replica is one of them.
    pub fn contain(&self, partition: i32, broker: i32) -> bool {
        match self {
            Self::All => true,
            Self::These(these) => these.contains(&(partition, broker)),
        }
    }
}

impl Default for ThrottledReplicas {
    fn default() -> Self {
        Self::These(BTreeSet::new())
    }
}

impl Value for ThrottledReplicas {
    const KIND: &'static str = "list of partition:broker, or *";
    const TYPE: ConfigType = ConfigType::List;

    fn read(text: &str) -> Result<Self, String> {
        let parts = || text.split(',').map(str::trim).filter(|part| !part.is_empty());
        if parts().eq(["*"]) {
            return Ok(Self::All);
        }
        parts().map(replica).collect::<Result<_, _>>().map(Self::These)
    }

    fn show(&self) -> String {
        match self {
            Self::All => "*".to_owned(),
            Self::These(these) => {
                let shown = these.iter().map(|(partition, broker)| format!("{partition}:{broker}"));
                shown.collect::<Vec<_>>().join(",")
            }
        }
    }
}

fn replica(text: &str) -> Result<(i32, i32), String> {
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
    let found =
        text.split_once(':').and_then(|(partition, broker)| Some((number(partition)?, number(broker)?)));
    found.ok_or_else(|| {
        let all = if text == "*" { "; * stands for all replicas, and alone" } else { "" };
        format!("'{text}' is not a replica: it must be * or a list of replicas, each as partition:broker, such as 0:1,1:2{all}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_replicas_or_all_of_them() {
        let these = |these: &[(i32, i32)]| Ok(ThrottledReplicas::These(these.iter().copied().collect()));
        for (text, expected) in [
            ("", these(&[])),
            (",", these(&[])),
            ("*", Ok(ThrottledReplicas::All)),
            (" * ", Ok(ThrottledReplicas::All)),
            ("*,", Ok(ThrottledReplicas::All)),
            ("0:1", these(&[(0, 1)])),
            ("0:1, 10:102 ,,3:4", these(&[(0, 1), (10, 102), (3, 4)])),
        ] {
            assert_eq!(ThrottledReplicas::read(text), expected, "{text:?}");
        }
        for wrong in
            ["0", "0:", ":1", "0:1:2", "a:b", "-1:1", "+1:1", "0:1;1:2", "0 :1", "0:99999999999", "all"]
        {
            let said = ThrottledReplicas::read(wrong).unwrap_err();
            assert!(said.contains("is not a replica") && said.contains("0:1,1:2"), "{wrong}: {said}");
        }
        for wrong in ["*,0:1", "*,*"] {
            let said = ThrottledReplicas::read(wrong).unwrap_err();
            assert!(said.contains("and alone"), "{wrong}: {said}");
        }
    }

    #[test]
    fn a_list_is_shown_as_it_is_read() {
        for text in ["", "*", "0:1,10:102"] {
            assert_eq!(ThrottledReplicas::read(text).unwrap().show(), text);
        }
        let list = ThrottledReplicas::read("0:1,1:2").unwrap();
        assert!(list.contain(0, 1) && list.contain(1, 2) && !list.contain(0, 2) && !list.contain(1, 1));
        assert!(ThrottledReplicas::All.contain(7, 7) && !ThrottledReplicas::default().contain(0, 1));
    }
}
