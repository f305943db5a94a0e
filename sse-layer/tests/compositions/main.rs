//! The layer among the layers that users have: what each does to a stream, around ours and inside.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod app;
mod auth;
mod axum_middleware;
mod capacity;
mod empty_bodies;
mod plain_answers;
mod request_bodies;
mod routers;
mod services;
mod stacks;
mod timeouts;
mod trace;
