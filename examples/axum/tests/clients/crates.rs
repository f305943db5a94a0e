//! A crate: `eventsource-client`, which LaunchDarkly keeps for its own use.

use eventsource_client::{Client as _, ClientBuilder, SSE};
use futures_util::StreamExt as _;
use launchdarkly_sdk_transport::HyperTransport;
use tokio::time::timeout;

use crate::{PATIENCE, script::Seen};

/// What it sees of a stream until the server has answered 204 so many times.
pub(crate) async fn eventsource_client(url: &str, stops: usize) -> Vec<Seen> {
    let transport = HyperTransport::builder().disable_proxy();
    let client = ClientBuilder::for_url(url).unwrap();
    let client = client.build_with_transport(transport.build_http().unwrap());
    let mut stream = client.stream();
    let mut seen = Vec::new();
    let mut stopped = 0;
    loop {
        let next = timeout(PATIENCE, stream.next()).await;
        match next.expect("the client should come to its end").unwrap() {
            Ok(SSE::Connected(connection)) if connection.response().status() == 204 => {
                stopped += 1;
                if stopped == stops {
                    return seen;
                }
            }
            Ok(SSE::Event(event)) => seen.push(Seen {
                event: event.event_type,
                data: event.data,
                id: event.id.unwrap_or_default(),
            }),
            // An end is an error here, behind which it reconnects.
            Ok(SSE::Connected(_) | SSE::Comment(_)) | Err(_) => {}
        }
    }
}
