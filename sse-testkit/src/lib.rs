//! Asserts what an event stream really sends.
