//! Orders on their way: `GET /orders/{id}/stream` and `POST /orders/{id}/simulate`.

mod order_id;
mod store;

use axum::{
    Json, Router,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
    routing::{get, post},
};
use serde::Serialize;
use sse_layer::{LastEventId, Sse, hub::Subscription};

pub(crate) use self::store::{ALL, Orders};
use self::{order_id::OrderId, store::Refused};
use crate::{error::ApiError, message::OrderStatus};

pub(crate) fn routes(orders: Orders) -> Router {
    Router::new()
        .route("/orders/{id}/stream", get(stream))
        .route("/orders/{id}/simulate", post(simulate))
        .with_state(orders)
}

/// The steps of an order: those it has made already, then each as it comes; ends when it is
/// delivered, and answers 204 to a browser that comes back after that.
///
/// The stream of an order that is not there yet waits for it. A 404 would be the end of it: after
/// that an `EventSource` never tries again.
///
/// It is not marked as [finite](Sse::finite): a shutdown should not wait for the parcel.
async fn stream(
    State(orders): State<Orders>,
    id: Result<Path<OrderId>, PathRejection>,
    last_event_id: LastEventId,
) -> Result<Sse<Subscription>, ApiError> {
    let Path(id) = id?;
    let steps = orders.follow(&id, &last_event_id).await?;
    Ok(steps.map_or_else(Sse::stop, Sse::new))
}

/// Sends an order on its way: from `Created` to `Delivered`.
async fn simulate(
    State(orders): State<Orders>,
    id: Result<Path<OrderId>, PathRejection>,
) -> Result<(StatusCode, Json<Simulated>), ApiError> {
    let Path(id) = id?;
    orders
        .simulate(id.clone())
        .await
        .map_err(|refused| match refused {
            Refused::OnItsWay => {
                ApiError::new(StatusCode::CONFLICT, format!("order {id} is on its way"))
            }
            Refused::TooMany => ApiError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many orders are on their way",
            ),
            Refused::Unpublished(error) => error.into(),
        })?;
    let accepted = Simulated {
        stream: format!("/orders/{id}/stream"),
        order_id: id,
        status: OrderStatus::Created,
    };
    Ok((StatusCode::ACCEPTED, Json(accepted)))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Simulated {
    order_id: OrderId,
    status: OrderStatus,
    stream: String,
}
