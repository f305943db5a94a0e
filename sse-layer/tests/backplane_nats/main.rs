//! The engine `nats`, against the rules of a backplane, and against a real server that fails.

#[path = "../engines/mod.rs"]
mod engines;

mod conforms;
mod faults;
mod many;
mod node;
mod order;
mod secure;
mod shell;
mod stream;
