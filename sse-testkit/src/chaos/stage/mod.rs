//! What each fault does to the pieces that pass it.

mod cut;
mod delay;
mod merge;
mod split;
mod stall;

use std::task::{Context, Poll};

use bytes::Bytes;

pub(super) use self::cut::Cut;
pub(super) use self::delay::Delay;
pub(super) use self::merge::Merge;
pub(super) use self::split::Split;
pub(super) use self::stall::Stall;
use super::piece::Piece;
use super::pipeline::Source;

pub(super) trait Stage: Send + Sync {
    /// The next piece, made of what comes from above.
    ///
    /// It is not asked again after an end or an error.
    fn poll(&mut self, cx: &mut Context<'_>, above: &mut Source<'_>) -> Poll<Piece>;

    /// Whether something is held that will pass by itself.
    fn is_waiting(&self) -> bool;

    /// Takes out the bytes that are held.
    #[cfg_attr(
        not(feature = "socket"),
        expect(dead_code, reason = "only the proxy changes its faults")
    )]
    fn take_held(&mut self) -> Bytes;
}
