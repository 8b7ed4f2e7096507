//! A network of its own for each node: namespaces joined by a bridge, on which clients outside reach every node.

use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::support::cluster::Place;

/// No interface has this address, so that what is sent to it gets lost without a word.
const NOBODY: &str = "02:00:00:00:00:0f";
/// The last part of the address of clients.
pub(crate) const CLIENTS: i32 = 254;

/// What `ip` says where nobody may have, or the kernel has not, what is needed.
const CANNOT_BE_HAD: [&str; 5] = [
    "not permitted",
    "No such file or directory",
    "not supported",
    "Unknown device type",
    "Permission denied",
];

/// Gone when it is dropped.
pub(crate) struct Network {
    /// Begins the names of what it is made of.
    name: String,
    net: [u8; 3],
    nodes: Vec<i32>,
}

impl Network {
    /// Namespaces for so many nodes; why not, if they cannot be had here.
    pub(crate) fn new(nodes: i32) -> Result<Self, String> {
        static NETWORKS: AtomicU8 = AtomicU8::new(0);
        let (id, number) = (std::process::id(), NETWORKS.fetch_add(1, Ordering::SeqCst));
        let [_, _, middle, low] = id.to_be_bytes();
        // From the addresses for measurements between networks (RFC 2544), which nobody has at home.
        let network = Self {
            name: format!("ck{id:x}x{number:x}"),
            net: [198, 18 + middle % 2, low],
            nodes: (1..=nodes).collect(),
        };
        let built = network.build();
        let cannot = |why: &String| CANNOT_BE_HAD.iter().any(|reason| why.contains(reason));
        assert!(built.as_ref().err().is_none_or(cannot), "{built:?}");
        built.map(|()| network)
    }

    fn build(&self) -> Result<(), String> {
        let bridge = &self.name;
        ip(&format!("link add {bridge} type bridge"))?;
        ip(&format!("addr add {}/24 dev {bridge}", self.address(CLIENTS)))?;
        ip(&format!("link set {bridge} up"))?;
        for node in &self.nodes {
            let (space, outside) = (self.space(*node), format!("{bridge}v{node}"));
            ip(&format!("netns add {space}"))?;
            ip(&format!("link add {outside} type veth peer name eth0 netns {space}"))?;
            ip(&format!("link set {outside} master {bridge}"))?;
            ip(&format!("link set {outside} up"))?;
            ip(&format!("-n {space} addr add {}/24 dev eth0", self.address(*node)))?;
            ip(&format!("-n {space} link set eth0 up"))?;
            ip(&format!("-n {space} link set lo up"))?;
        }
        Ok(())
    }

    /// Where the nodes run.
    pub(crate) fn places(&self) -> Vec<Place> {
        let place = |node: &i32| {
            let wrapper = ["ip", "netns", "exec", &self.space(*node)].map(str::to_owned).to_vec();
            Place { host: self.address(*node), wrapper }
        };
        self.nodes.iter().map(place).collect()
    }

    /// What a node sends to another, or to clients, is lost.
    pub(crate) fn cut(&self, from: i32, to: i32) {
        let (space, to) = (self.space(from), self.address(to));
        ip(&format!("-n {space} neigh replace {to} lladdr {NOBODY} dev eth0 nud permanent")).expect("cut");
    }

    /// It arrives again.
    pub(crate) fn heal(&self, from: i32, to: i32) {
        ip(&format!("-n {} neigh del {} dev eth0", self.space(from), self.address(to))).expect("healed");
    }

    /// Bytes that came and went at the interface of a node since it has one.
    pub(crate) fn carried(&self, node: i32) -> u64 {
        let count = |way: &str| {
            let file = format!("/sys/class/net/{}v{node}/statistics/{way}_bytes", self.name);
            let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
            text.trim().parse::<u64>().expect("a number")
        };
        count("rx") + count("tx")
    }

    fn space(&self, node: i32) -> String {
        format!("{}n{node}", self.name)
    }

    fn address(&self, last: i32) -> Ipv4Addr {
        let [a, b, c] = self.net;
        Ipv4Addr::new(a, b, c, u8::try_from(last).expect("small"))
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for node in &self.nodes {
            let _ = ip(&format!("link del {}v{node}", self.name));
            let _ = ip(&format!("netns del {}", self.space(*node)));
        }
        let _ = ip(&format!("link del {}", self.name));
    }
}

fn ip(words: &str) -> Result<(), String> {
    let ran = Command::new("ip").args(words.split(' ')).output();
    let ran = ran.map_err(|error| format!("ip (of iproute2): {error}"))?;
    let said = String::from_utf8_lossy(&ran.stderr);
    if ran.status.success() { Ok(()) } else { Err(format!("ip {words}: {}", said.trim())) }
}
