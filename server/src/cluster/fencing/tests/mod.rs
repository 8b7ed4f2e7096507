//! The pure parts. The whole of it is in `tests/simulation/cluster`.

mod judgement;
mod leases;
mod under_way;
