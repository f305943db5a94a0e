//! Redis as an engine.
