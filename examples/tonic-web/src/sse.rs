//! The service's answers as event streams: `GET /sse/prices`.

use axum::{
    Router,
    extract::{Query, State, rejection::QueryRejection},
    routing::get,
};
use serde::Deserialize;
use sse_layer::{Sse, grpc, stream::EventStream};
use tonic::{Request, Status};

use crate::{
    proto::{WatchRequest, prices_server::Prices as _},
    watch::Watch,
};

pub(crate) fn routes(prices: Watch) -> Router {
    Router::new()
        .route("/sse/prices", get(stream))
        .with_state(prices)
}

/// The request's message, as a query: `symbols=ACME,INIT&count=3&intervalMs=500`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    symbols: String,
    count: Option<u32>,
    interval_ms: Option<u32>,
}

impl From<Asked> for WatchRequest {
    fn from(asked: Asked) -> Self {
        Self {
            symbols: asked.symbols.split(',').map(str::to_owned).collect(),
            count: asked.count,
            interval_ms: asked.interval_ms,
        }
    }
}

/// There is nothing to resume: a price that a client missed is gone, so the events have no ids.
async fn stream(
    State(prices): State<Watch>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Sse<impl EventStream> {
    let call = match asked {
        Ok(Query(asked)) => prices.watch(Request::new(asked.into())).await,
        Err(rejection) => Err(Status::invalid_argument(rejection.body_text())),
    };
    grpc::answer(call).await.event("price")
}
