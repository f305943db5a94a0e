use std::time::Duration;

use serde::Deserialize;
use tokio::time::sleep;

/// The query of `/idle`: how long its handler takes.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Delay {
    #[serde(default)]
    after_ms: u64,
}

impl Delay {
    pub(super) async fn pass(self) {
        if self.after_ms > 0 {
            sleep(Duration::from_millis(self.after_ms)).await;
        }
    }
}
