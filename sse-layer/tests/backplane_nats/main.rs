//! The engine `nats`, against the rules of a backplane.
