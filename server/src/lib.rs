//! chronik-server.
#![cfg(not(any(loom, shuttle)))]
