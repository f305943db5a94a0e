//! What a panic said, for those that report it further.

use std::any::Any;

/// The text of a panic's payload.
pub(crate) fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic that is no text")
        .trim_end()
        .to_owned()
}
