//! A stream that is dropped because its reader stalled, told by the server that writes it.
//!
//! By itself a body only knows when it was last asked, and what it answered. A server that asks for
//! as much as there is, and then can't write it, leaves a body that was asked and had nothing.

use std::cell::Cell;

thread_local! {
    static IS_STALLED: Cell<bool> = const { Cell::new(false) };
}

/// Runs what drops a body whose reader stalled.
#[cfg(feature = "serve")]
pub(crate) fn as_stalled(drop_body: impl FnOnce()) {
    /// Also where a stream's own drop panics.
    struct Before(bool);

    impl Drop for Before {
        fn drop(&mut self) {
            IS_STALLED.set(self.0);
        }
    }

    let _before = Before(IS_STALLED.replace(true));
    drop_body();
}

/// Whether what is dropped now is dropped for that.
pub(super) fn is_stalled() -> bool {
    IS_STALLED.get()
}
