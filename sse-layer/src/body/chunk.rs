use bytes::Bytes;

/// From here on a chunk is sent and not added to: measured twice the throughput of a frame an
/// event, and more gains nothing.
const FULL: usize = 8 * 1024;

/// A shared frame of this size is worth a write of its own, but not a copy.
const WORTH_NO_COPY: usize = 4 * 1024;

/// What one data frame of the body is gathered in.
///
/// Events are encoded straight into its buffer. A shared frame that stays alone goes through
/// without a copy.
#[derive(Debug)]
pub struct Chunk {
    own: Vec<u8>,
    expected: usize,
    lone: Option<Bytes>,
    next: Option<Bytes>,
    closed: bool,
}

impl Chunk {
    /// A chunk of about `expected` bytes, that begins with what the last one had no room for.
    #[inline]
    pub(super) fn new(expected: usize, held: Option<Bytes>) -> Self {
        let mut chunk = Self {
            own: Vec::new(),
            expected,
            lone: None,
            next: None,
            closed: false,
        };
        if let Some(held) = held {
            chunk.push_shared(held);
        }
        chunk
    }

    /// The buffer to encode an event into.
    #[inline]
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        if self.own.capacity() == 0 {
            self.own.reserve(self.expected);
        }
        if let Some(lone) = self.lone.take() {
            self.own.extend_from_slice(&lone);
        }
        &mut self.own
    }

    /// Adds bytes that others may share.
    pub(crate) fn push_shared(&mut self, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        if self.is_empty() {
            self.closed = bytes.len() >= WORTH_NO_COPY;
            self.lone = Some(bytes);
        } else if bytes.len() >= WORTH_NO_COPY {
            self.closed = true;
            self.next = Some(bytes);
        } else {
            self.buffer().extend_from_slice(&bytes);
        }
    }

    /// Lets nothing more in.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.own.is_empty() && self.lone.is_none()
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.closed || self.own.len() >= FULL
    }

    /// What is to be sent, and what the next chunk begins with.
    pub(super) fn into_parts(self) -> (Bytes, Option<Bytes>) {
        let bytes = self.lone.unwrap_or_else(|| {
            // With spare capacity `Bytes` would allocate a header beside it.
            let mut own = self.own;
            own.shrink_to_fit();
            own.into()
        });
        (bytes, self.next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_shared_frame_is_not_copied() {
        let frame = Bytes::from(vec![b'x'; 100]);
        let mut chunk = Chunk::new(16, None);
        chunk.push_shared(frame.clone());
        let (sent, held) = chunk.into_parts();
        assert_eq!(sent.as_ptr(), frame.as_ptr());
        assert_eq!(held, None);
    }

    #[test]
    fn small_frames_and_events_are_joined_in_order() {
        let mut chunk = Chunk::new(16, None);
        chunk.push_shared(Bytes::from_static(b"a"));
        chunk.buffer().push(b'b');
        chunk.push_shared(Bytes::from_static(b"c"));
        assert!(!chunk.is_full());
        assert_eq!(chunk.into_parts().0, "abc");
    }

    #[test]
    fn a_large_shared_frame_waits_for_a_chunk_of_its_own() {
        let large = Bytes::from(vec![b'x'; WORTH_NO_COPY]);
        let mut chunk = Chunk::new(16, None);
        chunk.buffer().push(b'a');
        chunk.push_shared(large.clone());
        assert!(chunk.is_full());
        let (sent, held) = chunk.into_parts();
        assert_eq!(sent, "a");
        let next = Chunk::new(16, held);
        assert!(next.is_full());
        assert_eq!(next.into_parts().0.as_ptr(), large.as_ptr());
    }
}
