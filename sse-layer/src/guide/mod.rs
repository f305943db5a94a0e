//! Guides: what to do with the layer, and where to put it.
//!
//! They are documentation and nothing else: these modules are empty, and not there in a build.

// The snippets need `Sse` to be a response of axum's.
#[cfg_attr(any(not(doctest), feature = "axum"), doc = include_str!("composing.md"))]
pub mod composing {}

#[doc = include_str!("observing.md")]
pub mod observing {}

// The snippets need a hub and a server.
#[cfg_attr(any(not(doctest), all(feature = "axum", feature = "hub", feature = "serve")), doc = include_str!("in_production.md"))]
pub mod in_production {}
