//! What pages of other origins may do.

use std::time::Duration;

use axum::http::{
    HeaderName, Method,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use tower_http::cors::{Any, CorsLayer};

/// Anybody may see the prices, and nobody is known by a cookie: any page may ask.
///
/// Without the names below a browser keeps a grpc-web client from asking at all, and a page from
/// reading how a call failed: a status that comes before the first message is in the head.
pub(crate) fn layer() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            CONTENT_TYPE,
            HeaderName::from_static("grpc-timeout"),
            HeaderName::from_static("last-event-id"),
            HeaderName::from_static("x-grpc-web"),
            HeaderName::from_static("x-user-agent"),
        ])
        .expose_headers([
            HeaderName::from_static("grpc-message"),
            HeaderName::from_static("grpc-status"),
            HeaderName::from_static("grpc-status-details-bin"),
            RETRY_AFTER,
        ])
        .max_age(Duration::from_secs(3600))
}
