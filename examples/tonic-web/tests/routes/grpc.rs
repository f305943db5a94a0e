use tonic::{Code, Request, Status, codegen::http::uri::PathAndQuery};
use tonic_prost::ProstCodec;

use crate::{grpc, millis, new_app, watch};
use example_tonic_web::proto::{Price, WatchRequest};

#[tokio::test(start_paused = true)]
async fn a_client_of_grpc_gets_a_price_of_each_symbol_with_every_tick() {
    let started = tokio::time::Instant::now();
    let answer = grpc(&new_app())
        .watch(watch(&["ACME", "INIT"]))
        .await
        .unwrap();
    let mut stream = answer.into_inner();
    for (symbol, at) in [
        ("ACME", 0),
        ("INIT", 0),
        ("ACME", 1000),
        ("INIT", 1000),
        ("ACME", 2000),
    ] {
        let price = stream.message().await.unwrap().unwrap();
        assert_eq!(price.symbol, symbol);
        assert_eq!(started.elapsed(), millis(at));
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_in_the_middle_comes_behind_the_messages() {
    let answer = grpc(&new_app()).watch(watch(&["BUBBLE"])).await.unwrap();
    let mut stream = answer.into_inner();
    for _ in 0..3 {
        assert!(stream.message().await.unwrap().is_some());
    }
    let status = stream.message().await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::Aborted, "trading in BUBBLE is suspended")
    );
}

#[tokio::test(start_paused = true)]
async fn methods_and_services_that_are_not_there_are_unimplemented() {
    for path in ["/prices.v1.Prices/Nothing", "/other.v1.Other/Call"] {
        let status = call(path).await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented, "{path}: {status}");
    }
}

/// Calls any method, and waits for the first message.
async fn call(path: &'static str) -> Result<Option<Price>, Status> {
    let mut client = tonic::client::Grpc::new(new_app());
    client.ready().await.unwrap();
    let request = Request::new(watch(&["ACME"]));
    let path = PathAndQuery::from_static(path);
    let codec = ProstCodec::<WatchRequest, Price>::default();
    let answer = client.server_streaming(request, path, codec).await?;
    answer.into_inner().message().await
}
