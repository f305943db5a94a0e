//! The page that shows it all: `GET /`.

use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    response::IntoResponse,
    routing::{MethodRouter, get},
};

/// The page loads nothing from elsewhere, and runs no script but its own.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; connect-src 'self'; img-src data:; script-src 'self'; style-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const SCRIPT: &str = "text/javascript; charset=utf-8";

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/", get(index))
        .route("/app.js", file(SCRIPT, include_str!("page/app.js")))
        .route("/face.js", file(SCRIPT, include_str!("page/face.js")))
        .route(
            "/grpc-web.js",
            file(SCRIPT, include_str!("page/grpc-web.js")),
        )
        .route(
            "/protobuf.js",
            file(SCRIPT, include_str!("page/protobuf.js")),
        )
        .route("/prices.js", file(SCRIPT, include_str!("page/prices.js")))
        .route(
            "/style.css",
            file("text/css; charset=utf-8", include_str!("page/style.css")),
        )
}

async fn index() -> impl IntoResponse {
    let policy = [(header::CONTENT_SECURITY_POLICY, POLICY)];
    let html = include_str!("page/index.html");
    (policy, content("text/html; charset=utf-8", html))
}

fn file(kind: &'static str, text: &'static str) -> MethodRouter {
    get(async move || content(kind, text))
}

fn content(kind: &'static str, text: &'static str) -> impl IntoResponse {
    let headers: [(HeaderName, &str); 3] = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text)
}
