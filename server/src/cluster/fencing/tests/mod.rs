//! The pure parts. The whole of it is in `tests/simulation/cluster`.

mod beats;
mod judgement;
mod leases;
mod suspects;
mod under_way;
