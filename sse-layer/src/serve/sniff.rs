//! HTTP/2 or HTTP/1, told by the first bytes.

use std::io;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// What HTTP/2 begins with (RFC 9113, 3.4), as far as no method of HTTP/1 does.
const PREFACE: &[u8] = b"PRI";

/// Most first requests fit.
const ENOUGH: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Reads until it is clear, and answers all that was read. `None` if nothing came.
///
/// Read, not peeked at: a peek would spin on a preface that comes in parts, and TLS has none.
pub(super) async fn sniff<I>(io: &mut I) -> io::Result<Option<(Protocol, Bytes)>>
where
    I: AsyncRead + Unpin,
{
    let mut read = Vec::with_capacity(ENOUGH);
    loop {
        if io.read_buf(&mut read).await? == 0 {
            // Whatever it was going to be, hyper says what is to be said.
            return Ok((!read.is_empty()).then(|| (Protocol::Http1, read.into())));
        }
        if read.starts_with(PREFACE) {
            return Ok(Some((Protocol::Http2, read.into())));
        }
        if !PREFACE.starts_with(&read) {
            return Ok(Some((Protocol::Http1, read.into())));
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    async fn sniffed(pieces: &[&[u8]]) -> Option<(Protocol, Bytes)> {
        let (mut client, mut server) = tokio::io::duplex(64);
        let write = async {
            for piece in pieces {
                client.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            drop(client);
        };
        tokio::join!(sniff(&mut server), write).0.unwrap()
    }

    #[tokio::test]
    async fn a_preface_in_parts_is_http2_with_all_its_bytes() {
        let (protocol, read) = sniffed(&[b"P", b"R", b"I * HT"]).await.unwrap();
        assert_eq!(protocol, Protocol::Http2);
        assert_eq!(read, "PRI * HT");
    }

    #[tokio::test]
    async fn a_method_that_begins_like_the_preface_is_http1() {
        for method in ["POST /", "PROPFIND /", "PUT /", "GET /", "PRX"] {
            let (protocol, read) = sniffed(&[method.as_bytes()]).await.unwrap();
            assert_eq!(protocol, Protocol::Http1, "{method}");
            assert_eq!(read, method);
        }
    }

    #[tokio::test]
    async fn an_end_before_it_is_clear_is_http1_and_silence_is_nothing() {
        let (protocol, read) = sniffed(&[b"PR"]).await.unwrap();
        assert_eq!((protocol, &read[..]), (Protocol::Http1, &b"PR"[..]));
        assert!(sniffed(&[]).await.is_none());
    }
}
