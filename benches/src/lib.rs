//! Benchmarks of sse-layer beside its peers.
