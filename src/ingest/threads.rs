//! Threads beside the present one.

use std::thread::{Builder, Scope, ScopedJoinHandle};

/// Starts a thread; `None` where the system has none left, and then those that there are do its work.
pub fn beside<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Option<ScopedJoinHandle<'scope, T>> {
    Builder::new().spawn_scoped(scope, work).ok()
}
