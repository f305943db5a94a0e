//! The page that shows it all: `GET /`.

use http::HeaderValue;

pub(crate) const INDEX: &str = include_str!("page/index.html");
pub(crate) const SCRIPT: &str = include_str!("page/app.js");

/// The page loads nothing from elsewhere, and runs no script but its own.
pub(crate) const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; connect-src 'self'; script-src 'self'; style-src 'unsafe-inline'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
