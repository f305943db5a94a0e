//! The page that shows it all: `GET /`.

use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    response::IntoResponse,
    routing::get,
};

/// The page loads nothing from elsewhere, and runs no script but its own.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; connect-src 'self'; img-src data:; script-src 'self'; style-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/", get(index))
        .route("/app.js", get(|| script(include_str!("page/app.js"))))
        .route(
            "/connection.js",
            get(|| script(include_str!("page/connection.js"))),
        )
        .route("/dom.js", get(|| script(include_str!("page/dom.js"))))
        .route("/style.css", get(style))
}

async fn index() -> impl IntoResponse {
    let policy = [(header::CONTENT_SECURITY_POLICY, POLICY)];
    (
        policy,
        file("text/html; charset=utf-8", include_str!("page/index.html")),
    )
}

async fn script(text: &'static str) -> impl IntoResponse {
    file("text/javascript; charset=utf-8", text)
}

async fn style() -> impl IntoResponse {
    file("text/css; charset=utf-8", include_str!("page/style.css"))
}

fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    let headers: [(HeaderName, &str); 3] = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text)
}
