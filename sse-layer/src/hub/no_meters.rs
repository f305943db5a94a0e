//! Nothing is counted without the feature `metrics`.

use super::gap::GapReason;

#[derive(Debug, Default)]
pub(super) struct Meters {}

impl Meters {
    pub(super) fn topics(&self, _more: f64) {}

    pub(super) fn subscribers(&self, _more: f64) {}

    pub(super) fn history_bytes(&self, _more: f64) {}

    pub(super) fn published(&self) {}

    pub(super) fn delivered(&self, _more: u64) {}

    pub(super) fn lagged(&self, _more: u64) {}

    pub(super) fn replayed(&self, _more: u64) {}

    pub(super) fn gap(&self, _reason: GapReason) {}
}
