//! The engine `nats`, against the rules of a backplane, and against a real server that fails.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

#[path = "../engines/mod.rs"]
mod engines;
#[path = "../handed/mod.rs"]
mod handed;

mod cluster;
mod conforms;
mod faults;
mod history;
mod identity;
mod lost;
mod many;
mod node;
mod order;
mod secure;
mod shell;
mod sieve;
mod stream;
