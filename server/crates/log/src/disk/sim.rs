//! A deterministic disk in memory.
/// A deterministic disk in memory.
#[derive(Debug, Clone)]
pub struct SimDisk {}
