//! Chronik's storage. Nothing here knows tokio; a decision is a function of values and the [`disk`] seam executes it.
#![cfg(not(any(loom, shuttle)))]
