//! The table of all checks, in the order in which they are told.

mod buffering;
mod cache_control;
mod content_encoding;
mod content_length;
mod content_type;
mod cors;
mod cors_credentials;
mod disconnect;
mod empty_chunk;
mod end;
mod event_live;
mod first_byte;
mod foreign_ids;
mod format;
mod head;
mod heartbeat;
mod ids;
mod limit;
mod preflight;
mod protocols;
mod resume;
mod retry;
mod status;
mod stop;

use super::check::Check;

pub(super) const CHECKS: &[Check] = &[
    status::CHECK,
    content_type::CHECK,
    content_length::CHECK,
    content_encoding::CHECK,
    cache_control::CHECK,
    buffering::CHECK,
    first_byte::CHECK,
    event_live::CHECK,
    format::CHECK,
    heartbeat::CHECK,
    retry::CHECK,
    end::CHECK,
    ids::CHECK,
    resume::CHECK,
    foreign_ids::CHECK,
    head::CHECK,
    cors::CHECK,
    cors_credentials::CHECK,
    preflight::CHECK,
    stop::CHECK,
    protocols::CHECK,
    empty_chunk::CHECK,
    disconnect::CHECK,
    limit::CHECK,
];
