//! The same `Router` as under `axum::serve`, under sse-layer's own server.

use std::{io, net::TcpListener};

use super::{Settings, sse_layer_axum::app};

pub(super) async fn serve(listener: TcpListener, settings: Settings) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let app = app(&settings);
    let server = ::sse_layer::serve(listener, app).drain(settings.drain);
    server.await.map_err(io::Error::other)
}
