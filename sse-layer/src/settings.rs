//! What a layer is set to, made once and shared by all that it lets through.

use std::{sync::Arc, time::Duration};

use crate::{
    drain::Drain, keep_alive::Heartbeat, limit::ConnectionLimit, observe::Meters, on_error::OnError,
};

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) heartbeat: Option<Arc<Heartbeat>>,
    pub(crate) retry: Option<Duration>,
    pub(crate) max_lifetime: Option<Duration>,
    pub(crate) on_error: OnError,
    pub(crate) limit: Option<ConnectionLimit>,
    pub(crate) drain: Option<Drain>,
    pub(crate) meters: Meters,
}
