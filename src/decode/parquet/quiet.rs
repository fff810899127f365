//! Panics of the decoder as errors, without their text on stderr.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`; a panic inside it is `None` and prints nothing. Panics of other threads, and of
/// this one elsewhere, are reported as before.
pub(super) fn catch_quietly<T>(work: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // A thread that is going away has nothing left to keep quiet about.
            if !QUIET.try_with(Cell::get).unwrap_or(false) {
                previous(info);
            }
        }));
    });
    let was_quiet = QUIET.replace(true);
    // What `work` touches is dropped or never used again after a panic.
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    QUIET.set(was_quiet);
    result.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_none_and_the_next_call_works() {
        assert_eq!(catch_quietly(|| 7), Some(7));
        let empty: Vec<u8> = Vec::new();
        assert_eq!(catch_quietly(|| empty[std::hint::black_box(3)]), None);
        assert_eq!(catch_quietly(|| catch_quietly(|| 1)), Some(Some(1)));
        assert!(!QUIET.get());
    }
}
