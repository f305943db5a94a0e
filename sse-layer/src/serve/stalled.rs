use std::{io, time::Duration};

/// What the kernel counts in; nothing at all would be its own limit, of a quarter of an hour.
#[cfg(target_os = "linux")]
const LEAST: Duration = Duration::from_millis(1);

/// A peer has had all the time that there is.
pub(super) fn does_not_read() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the peer does not read")
}

/// Has the kernel give up a connection whose peer has taken nothing for so long: one that is gone
/// without a word, and one that is there and doesn't read.
///
/// For servers that are not [`serve`](super::serve), which has a
/// [`write_timeout`](super::Serve::write_timeout): hyper does not ask a body for more while the
/// connection can't be written, so that nothing in a body can end it. On Linux this sets
/// `TCP_USER_TIMEOUT` ([RFC 5482](https://www.rfc-editor.org/rfc/rfc5482), tcp(7)), in whole
/// milliseconds, at least one; the connection then fails with `ETIMEDOUT`, the body is dropped, and the stream is
/// told as `stalled`. Elsewhere it does nothing.
///
/// ```
/// # use std::time::Duration;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use axum::serve::ListenerExt;
///
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?.tap_io(|tcp| {
///     if let Err(error) = sse_layer::serve::cut_stalled(tcp, Duration::from_secs(30)) {
///         tracing::warn!(%error, "a reader that stalls will not be noticed");
///     }
/// });
/// # let app: axum::Router = axum::Router::new();
/// # if false {
/// axum::serve(listener, app).await?;
/// # }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// What the kernel says where the socket is none of TCP.
#[cfg_attr(
    not(target_os = "linux"),
    expect(unused_variables, reason = "nothing to set")
)]
pub fn cut_stalled(tcp: &tokio::net::TcpStream, after: Duration) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(tcp).set_tcp_user_timeout(Some(after.max(LEAST)))?;
    Ok(())
}
