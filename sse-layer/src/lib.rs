//! Server-Sent Events for any tower service.
