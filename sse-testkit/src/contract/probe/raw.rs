//! A request without body as HTTP/1.1 writes it, and whatever bytes come back: an HTTP client hides
//! what should not be there.

use std::io::ErrorKind;
use std::time::Duration;

use http::{Request, Version};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::Body;
use crate::client::{BoxError, dial};

/// More than this is not looked at.
const ENOUGH: usize = 64 * 1024;

pub(super) async fn exchange(
    request: Request<Body>,
    silence: Duration,
) -> Result<Vec<u8>, BoxError> {
    let mut wire = dial(&request, Version::HTTP_11).await?;
    wire.write_all(&written(&request)).await?;
    wire.flush().await?;
    let mut received = Vec::new();
    let mut buffer = vec![0; 8 * 1024];
    // The head may take as long as the caller waits, what follows only as long as this.
    while received.len() < ENOUGH {
        let read = wire.read(&mut buffer);
        let size = match head_end(&received) {
            None => read.await?,
            Some(end) if received.len() > end => break,
            Some(_) => match timeout(silence, read).await {
                // Over TLS many servers close without saying so.
                Ok(Err(error)) if error.kind() == ErrorKind::UnexpectedEof => break,
                Ok(size) => size?,
                Err(_) => break,
            },
        };
        if size == 0 {
            break;
        }
        received.extend_from_slice(&buffer[..size]);
    }
    Ok(received)
}

/// Where the head ends and a body would begin.
pub(crate) fn head_end(bytes: &[u8]) -> Option<usize> {
    let end = b"\r\n\r\n";
    let at = bytes.windows(end.len()).position(|window| window == end)?;
    let at = at + end.len();
    // Only a hint that comes before the head, such as 103.
    match bytes.starts_with(b"HTTP/1.1 1") {
        true => Some(at + head_end(&bytes[at..])?),
        false => Some(at),
    }
}

fn written(request: &Request<Body>) -> Vec<u8> {
    let target = request.uri().path_and_query();
    let target = target.map_or("/", |it| it.as_str());
    let mut bytes = format!("{} {target} HTTP/1.1\r\n", request.method()).into_bytes();
    for (name, value) in request.headers() {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"connection: close\r\n\r\n");
    bytes
}
