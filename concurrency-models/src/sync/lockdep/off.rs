//! Nothing is watched.

#[cfg(loom)]
use crate::sync::event::{Access, Object};
#[cfg(loom)]
use std::panic::Location;

/// The future itself.
pub type Scoped<F> = F;

/// In this build: the future itself.
pub fn scope<F: Future>(_task: &'static str, future: F) -> Scoped<F> {
    future
}

#[cfg(loom)]
pub(crate) fn request(_: &Object, _: Access, _: &'static Location<'static>) {}

#[cfg(loom)]
pub(crate) fn acquired(_: &Object, _: Access, _: &'static Location<'static>) {}

#[cfg(loom)]
pub(crate) fn released(_: &Object) {}

#[cfg(loom)]
pub(crate) fn forget(_: &Object) {}
