//! Waiting for a server that has only just been started.

use std::time::Duration;

use http::Uri;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// Returns once the server of this address accepts connections, and an error if it does not within
/// this time. What is no address is left to whoever connects to it.
pub(crate) async fn for_server(url: &str, within: Duration) -> Result<(), String> {
    let Some((host, port)) = server(url) else {
        return Ok(());
    };
    let accepted = async {
        while TcpStream::connect((host.as_str(), port)).await.is_err() {
            sleep(PAUSE).await;
        }
    };
    let waited = timeout(within, accepted).await;
    waited.map_err(|_| format!("nothing accepts connections at {host}:{port} within {within:?}"))
}

fn server(url: &str) -> Option<(String, u16)> {
    let uri: Uri = url.parse().ok()?;
    let usual = match uri.scheme_str()? {
        "https" => 443,
        _ => 80,
    };
    let host = uri.host()?.trim_matches(['[', ']']);
    Some((host.to_owned(), uri.port_u16().unwrap_or(usual)))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn the_server_is_in_the_address() {
        let server = |url| server(url).map(|(host, port)| format!("{host} {port}"));
        assert_eq!(server("http://[::1]:3000/x").as_deref(), Some("::1 3000"));
        assert_eq!(server("http://localhost").as_deref(), Some("localhost 80"));
        assert_eq!(
            server("https://localhost").as_deref(),
            Some("localhost 443")
        );
        assert_eq!(server("/path"), None);
    }

    #[tokio::test]
    async fn a_server_that_listens_later_is_waited_for() {
        let reserved = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = reserved.local_addr().unwrap();
        drop(reserved);
        let url = format!("http://{address}/");
        let waiting = for_server(&url, Duration::from_secs(60));
        // The first attempt is made before there is a listener: futures are joined in their order.
        let (waited, listener) = tokio::join!(waiting, async { TcpListener::bind(address).await });
        waited.unwrap();
        listener.unwrap();
    }

    #[tokio::test]
    async fn a_server_that_never_listens_is_told_of() {
        let reserved = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = reserved.local_addr().unwrap();
        drop(reserved);
        let began = Instant::now();
        let error = for_server(&format!("http://{address}/"), PAUSE).await;
        let expected = format!("nothing accepts connections at {address} within 50ms");
        assert_eq!(error, Err(expected));
        assert!(began.elapsed() >= PAUSE);
    }
}
