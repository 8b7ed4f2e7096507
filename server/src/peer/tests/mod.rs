//! Whole nodes of this module, each with connections both ways. What is bytes alone is tested where it is decoded.

mod refusals;
mod requests;
mod sending;
mod sockets;
mod storm;
mod trouble;
mod world;
