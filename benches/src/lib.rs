//! Benches live in `benches/`, one file per kernel and per hot path.
