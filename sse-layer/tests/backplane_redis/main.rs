//! The engine `redis`, against the rules of a backplane, on servers that are started for it.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

#[path = "../engines/mod.rs"]
mod engines;
#[path = "../handed/mod.rs"]
mod handed;

mod access;
mod conforms;
mod failover;
mod faults;
mod history;
mod many;
mod node;
mod publishing;
mod warnings;
mod wire;
