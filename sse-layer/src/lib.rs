// Where the README's link leads in the documentation; elsewhere it leads to the file.
#![doc = "[composing]: crate::guide::composing\n"]
#![doc = "[observing]: crate::guide::observing\n"]
#![doc = "[production]: crate::guide::in_production\n"]
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
//
// In the order in which an event travels: what is sent, what it is sent from, what a handler
// answers with it, the layer around the handler, and what lives as long as the stream.

pub mod event;

pub mod stream;

#[cfg(feature = "hub")]
pub mod backplane;
#[cfg(feature = "hub")]
pub mod hub;

#[cfg(feature = "conformance")]
pub mod conformance;

mod response;
mod sse;

mod admission;
mod alarm;
mod future;
mod layer;
mod service;
mod settings;

mod body;
mod drain;
mod headers;
mod keep_alive;
mod last_event_id;
mod limit;
mod observe;
mod on_error;
mod random;
mod refusal;

mod error;

#[cfg(feature = "axum")]
mod axum;
#[cfg(feature = "tonic")]
pub mod grpc;

#[cfg(feature = "serve")]
pub mod serve;

#[cfg(any(doc, doctest))]
pub mod guide;

#[cfg(feature = "json")]
pub use self::event::{Json, Tagged};
#[cfg(feature = "hub")]
pub use self::hub::Hub;
#[cfg(feature = "serve")]
pub use self::serve::serve;
pub use self::{
    body::{GuardedBody, SseBody},
    drain::{Drain, DrainTimeout},
    error::{BoxError, EncodeError, Error, InvalidField},
    event::{Encoder, Event, EventData, EventDataWriter, EventId, EventName, Frame, Text},
    future::ResponseFuture,
    keep_alive::KeepAlive,
    last_event_id::LastEventId,
    layer::SseLayer,
    limit::{ConnectionLimit, OverLimit},
    on_error::OnError,
    response::IntoEventResponse,
    service::SseService,
    sse::Sse,
    stream::{BoxEventStream, EventStream},
};
