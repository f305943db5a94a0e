//! NATS JetStream as an engine.
