//! The numbers of all streams, for Prometheus: `GET /metrics`.

use std::time::Duration;

use axum::{
    Router, extract::State, http::header::CONTENT_TYPE, response::IntoResponse, routing::get,
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::interval;

/// How long streams last, in seconds: from those that fail at once to those that are open all day.
const DURATIONS: [f64; 10] = [
    0.1, 1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 43_200.0, 86_400.0,
];

/// How often what was counted is put into the buckets.
const UPKEEP: Duration = Duration::from_secs(5);

/// Counts from here on, for the whole process, and answers what [`routes`] show.
///
/// # Errors
///
/// [`BuildError`] if somebody else counts already.
///
/// # Panics
///
/// Outside a tokio runtime.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let durations = Matcher::Full("sse_connection_duration_seconds".to_owned());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(durations, &DURATIONS)?
        .install_recorder()?;
    let kept_up = handle.clone();
    tokio::spawn(async move {
        let mut upkeep = interval(UPKEEP);
        loop {
            upkeep.tick().await;
            kept_up.run_upkeep();
        }
    });
    Ok(handle)
}

/// `GET /metrics`.
pub fn routes(handle: PrometheusHandle) -> Router {
    Router::new()
        .route("/metrics", get(render))
        .with_state(handle)
}

async fn render(State(handle): State<PrometheusHandle>) -> impl IntoResponse {
    // Prometheus takes no other type for its text format.
    let text = "text/plain; version=0.0.4; charset=utf-8";
    ([(CONTENT_TYPE, text)], handle.render())
}
