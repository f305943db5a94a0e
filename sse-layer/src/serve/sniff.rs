//! HTTP/2 or HTTP/1, told by the first bytes.

use std::io;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// What HTTP/2 begins with (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// So much of it is the beginning of no method of HTTP/1.
const TELLING: usize = 3;

/// Most first requests fit.
const ENOUGH: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Reads until it is clear, and answers all that was read. `None` if nothing came.
///
/// Of HTTP/2 until its whole preface is there, for which hyper would wait without end.
///
/// Read, not peeked at: a peek would spin on a preface that comes in parts, and TLS has none.
pub(super) async fn sniff<I>(io: &mut I) -> io::Result<Option<(Protocol, Bytes)>>
where
    I: AsyncRead + Unpin,
{
    let mut read = Vec::with_capacity(ENOUGH);
    loop {
        let is_over = io.read_buf(&mut read).await? == 0;
        let same = PREFACE
            .iter()
            .zip(&read)
            .take_while(|(a, b)| a == b)
            .count();
        let protocol = if same >= TELLING {
            Protocol::Http2
        } else {
            Protocol::Http1
        };
        if is_over {
            // Whatever it was going to be, hyper says what is to be said.
            return Ok((!read.is_empty()).then(|| (protocol, read.into())));
        }
        if same < read.len() || same == PREFACE.len() {
            return Ok(Some((protocol, read.into())));
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
        let parts: [&[u8]; 4] = [b"P", b"R", b"I * HTTP/2.0\r\n\r\n", b"SM\r\n\r\n and more"];
        let (protocol, read) = sniffed(&parts).await.unwrap();
        assert_eq!(protocol, Protocol::Http2);
        assert_eq!(read, parts.concat());
    }

    #[tokio::test(start_paused = true)]
    async fn a_preface_that_is_not_whole_is_waited_for() {
        use std::time::Duration;

        use tokio::time::timeout;

        let (mut client, mut server) = tokio::io::duplex(64);
        client.write_all(&PREFACE[..23]).await.unwrap();
        let early = timeout(Duration::from_secs(1), sniff(&mut server)).await;
        assert!(early.is_err(), "{early:?}");
    }

    #[tokio::test]
    async fn a_preface_that_goes_wrong_is_for_hyper_to_answer() {
        for wrong in ["PRI * HTTP/2.1\r\n\r\n", "PRINT / HTTP/1.1\r\n"] {
            let (protocol, read) = sniffed(&[wrong.as_bytes()]).await.unwrap();
            assert_eq!(protocol, Protocol::Http2, "{wrong}");
            assert_eq!(read, wrong);
        }
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
