//! The contract suite, on a server that keeps the contract and on servers that break it in one
//! point each.
#![allow(clippy::unwrap_used, reason = "also outside of the test functions")]

mod each_flaw;
mod finite;
mod history;
mod hostile;
mod peers;
mod script;
mod server;
mod text;
