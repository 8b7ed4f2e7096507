//! The node lock: taken once in a round, and nothing else is waited for while it is held.
