//! Nothing is counted without the feature `metrics`.

use std::time::Duration;

use super::{CloseReason, RejectReason};

#[derive(Clone, Debug, Default)]
pub(crate) struct Meters {}

impl Meters {
    pub(super) const IS_ON: bool = false;

    pub(super) fn opened(&self) {}

    pub(super) fn events(&self, _more: u64) {}

    pub(super) fn bytes(&self, _more: u64) {}

    pub(super) fn beat(&self) {}

    pub(super) fn closed(&self, _reason: CloseReason, _duration: Duration) {}

    pub(super) fn rejected(&self, _reason: RejectReason) {}
}
