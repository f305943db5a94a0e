//! What makes records of a body's bytes: a protocol.

use crate::record::What;

/// Reads the body of one response, chunk by chunk.
pub(crate) trait Decoder: Send {
    /// Takes the next bytes; `at_head` while no time has passed since the response head.
    ///
    /// An error among what is returned is the last that is looked at.
    fn chunk(&mut self, bytes: &[u8], at_head: bool) -> Vec<What>;

    /// The body ended by itself, after it was told to be over. An end or an error is the last of what is returned.
    fn finish(self: Box<Self>) -> Vec<What>;

    /// The body pauses: what waited for it to do so stands by itself.
    fn pause(&mut self) -> Vec<What> {
        Vec::new()
    }

    /// The body is over, by itself or not.
    fn over(&mut self) -> Vec<What> {
        self.pause()
    }

    /// The body sent HTTP trailers, which a browser does not show.
    fn http_trailers(&mut self) {}

    /// Whether there is something whose meaning depends on what comes at this very moment.
    fn is_undecided(&self) -> bool {
        false
    }

    /// Describes bytes that made no record yet; nothing if an idle stream may send them.
    fn part(&self, bytes: &[u8]) -> Option<String>;
}
