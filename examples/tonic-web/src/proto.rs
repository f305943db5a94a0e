//! What `proto/prices/v1/prices.proto` says, in Rust.

#![allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "generated"
)]

tonic::include_proto!("prices.v1");
