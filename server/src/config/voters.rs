//! The nodes of a cluster, as `controller.quorum.voters` names them.

use std::collections::BTreeMap;

use super::value::{ConfigType, HostPort, Value};

/// Where each node listens for the others, by `node.id`. None: a node that is a cluster of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Voters(pub BTreeMap<i32, HostPort>);

impl Voters {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where this node listens.
    pub fn place_of(&self, node_id: i32) -> Option<&HostPort> {
        self.0.get(&node_id)
    }

    /// Their ids, for readers.
    pub fn ids(&self) -> String {
        self.0.keys().map(i32::to_string).collect::<Vec<_>>().join(", ")
    }

    fn add(&mut self, voter: &str) -> Result<(), String> {
        let (node_id, place) = read_voter(voter)?;
        if let Some((other, _)) = self.0.iter().find(|(_, there)| **there == place) {
            return Err(format!(
                "nodes {other} and {node_id} are both at {place}; give each a place of its own"
            ));
        }
        match self.0.insert(node_id, place) {
            None => Ok(()),
            Some(_) => Err(format!("node {node_id} is named twice; give each node an id of its own")),
        }
    }
}

fn read_voter(voter: &str) -> Result<(i32, HostPort), String> {
    let expected = || format!("'{voter}' must be id@host:port, such as 1@10.0.0.1:9192");
    let (id, place) = voter.split_once('@').ok_or_else(expected)?;
    let node_id = id.parse().ok().filter(|id| *id >= 0);
    let node_id = node_id.ok_or_else(|| {
        format!("'{voter}': the id '{id}' must be a whole number from 0 on, the node.id of that node")
    })?;
    if place.contains("://") {
        return Err(expected()); // what nodes say to each other has no security protocol
    }
    let place = HostPort::read(place).map_err(|_| expected())?;
    if place.is_wildcard() {
        return Err(format!(
            "'{voter}': nobody can connect to {place}; give the name or the address by which the others reach node {node_id}"
        ));
    }
    if place.port == 0 {
        return Err(format!(
            "'{voter}': port 0 is no place to connect to; give the port on which node {node_id} listens"
        ));
    }
    if !place.host.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:%".contains(c)) {
        return Err(format!("'{voter}': '{}' is not the name or the address of a host", place.host));
    }
    Ok((node_id, place))
}

/// As Kafka writes them.
impl Value for Voters {
    const KIND: &'static str = "list of id@host:port";
    const TYPE: ConfigType = ConfigType::List;

    fn read(text: &str) -> Result<Self, String> {
        let mut voters = Self::default();
        for voter in text.split(',').map(str::trim).filter(|voter| !voter.is_empty()) {
            voters.add(voter)?;
        }
        Ok(voters)
    }

    fn show(&self) -> String {
        self.0.iter().map(|(id, place)| format!("{id}@{place}")).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voters_are_read_as_kafka_writes_them() {
        let text = "1@broker-1.example.com:9192,2@10.0.0.2:9193,3@[::1]:9194";
        let voters = Voters::read(text).unwrap();
        assert_eq!((voters.show().as_str(), voters.ids().as_str()), (text, "1, 2, 3"));
        assert_eq!(voters.place_of(3), Some(&HostPort::new("::1", 9194)));
        assert_eq!(Voters::read(" 2@b:2 , 0@a:1,").unwrap().show(), "0@a:1,2@b:2");
        assert!(Voters::read("").unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_with_a_voter_is_said() {
        let cases = [
            ("a:9192", "'a:9192' must be id@host:port, such as 1@10.0.0.1:9192"),
            ("1@a", "'1@a' must be id@host:port"),
            ("1@a:port", "must be id@host:port"),
            ("1@a:70000", "must be id@host:port"),
            ("1@PLAINTEXT://a:1", "must be id@host:port"),
            ("-1@a:1", "the id '-1' must be a whole number from 0 on"),
            ("one@a:1", "the id 'one' must be"),
            (
                "1@:9192",
                "nobody can connect to 0.0.0.0:9192; give the name or the address by which the others reach node 1",
            ),
            ("1@a:0", "port 0 is no place to connect to"),
            ("1@a b:1", "'a b' is not the name or the address of a host"),
            ("1@2@a:1", "'2@a' is not the name"),
            ("1@a:1,1@b:1", "node 1 is named twice"),
            ("1@a:1,2@a:1", "nodes 1 and 2 are both at a:1"),
        ];
        for (text, expected) in cases {
            let error = Voters::read(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
