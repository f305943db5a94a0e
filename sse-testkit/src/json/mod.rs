//! Wildcards: values that stand for others in JSON that a test expects.
//!
//! They go wherever a value goes, mostly into [`serde_json::json!`], and mean something to
//! [`json_partial`](crate::ExpectEvent::json_partial) and [`json`](crate::ExpectEvent::json) alike.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use serde_json::json;
//! use sse_testkit::json::{absent, any_number, containing, matching};
//!
//! # let stream = ([("content-type", "text/event-stream")],
//! #     "data: {\"id\":\"a-7\",\"at\":17,\"tags\":[\"new\",\"red\"],\"size\":3}\n\n");
//! # let app = axum::Router::new().route("/", axum::routing::get(move || async move { stream }));
//! let mut sse = sse_testkit::get(app, "/").await;
//! sse.expect_message()
//!     .json_partial(&json!({
//!         "id": matching("^a-[0-9]+$"),
//!         "at": any_number(),
//!         "tags": containing(["red"]),
//!         "error": absent(),
//!     }))
//!     .await;
//! # }
//! ```

mod compare;
mod difference;
mod wildcard;

pub(crate) use self::compare::{compare, shown};
pub(crate) use self::difference::compare_text;
pub use self::wildcard::{
    Wildcard, absent, any, any_array, any_bool, any_number, any_object, any_string, containing,
    matching,
};
