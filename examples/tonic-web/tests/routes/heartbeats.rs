use example_tonic_web::{Config, app, proto::WatchRequest};

use crate::{config, millis, new_app, secs, sse, watch};

/// A price a minute.
fn slowly() -> WatchRequest {
    WatchRequest {
        interval_ms: Some(60_000),
        ..watch(&["ACME"])
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_event_stream_is_kept_alive() {
    let mut sse = sse(&new_app(), &slowly()).await;
    sse.expect_event("price").await;
    sse.expect_idle(secs(15)).await;
    sse.expect_heartbeat().await;
    sse.expect_event("price").within(secs(45)).await;
    insta::assert_snapshot!(sse.transcript().without_headers());
}

#[tokio::test(start_paused = true)]
async fn heartbeats_can_be_set_and_left_out() {
    let heartbeat = millis(500);
    let mut set = sse(
        &app(Config {
            heartbeat,
            ..config()
        }),
        &slowly(),
    )
    .await;
    set.expect_event("price").await;
    set.expect_idle(heartbeat).await;
    set.expect_heartbeat().await;

    let heartbeat = secs(0);
    let mut none = sse(
        &app(Config {
            heartbeat,
            ..config()
        }),
        &slowly(),
    )
    .await;
    none.expect_event("price").await;
    none.expect_idle(secs(50)).await;
}
