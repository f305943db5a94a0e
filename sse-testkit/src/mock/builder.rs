//! A server under construction.

use std::fmt;
use std::io;
use std::sync::Arc;

use tokio::net::{TcpListener, ToSocketAddrs};

use super::accept::accept;
use super::body::Pace;
use super::plan::{Plan, Turns};
use super::replay::Replay;
use super::service::Mock;
use super::{MockServer, Script};
use crate::recording::Recording;

/// What a server will serve, and how.
#[must_use = "nothing is served until it is started"]
pub struct MockBuilder {
    plan: Plan,
    pace: Pace,
    cors: bool,
}

impl MockBuilder {
    pub(super) fn scripts(scripts: Vec<Script>) -> Self {
        let answers = scripts.into_iter().map(Script::into_answer).collect();
        Self::new(Plan::Turns(Turns::new(answers)))
    }

    pub(super) fn replay(recording: &Recording) -> Self {
        Self::new(Plan::Replay(Replay::new(recording)))
    }

    fn new(plan: Plan) -> Self {
        Self {
            plan,
            pace: Pace::Times(1.0),
            cors: true,
        }
    }

    /// Lets the time pass so many times as fast.
    ///
    /// # Panics
    ///
    /// If this is no positive number.
    #[track_caller]
    pub fn speed(mut self, times: f64) -> Self {
        assert!(
            times.is_finite() && times > 0.0,
            "a speed is a positive number, and {times} is not"
        );
        self.pace = Pace::Times(times);
        self
    }

    /// Leaves all pauses out, but not the cuts between chunks.
    pub fn at_once(mut self) -> Self {
        self.pace = Pace::AtOnce;
        self
    }

    /// Begins again when all is served: scripts with the first one for the next request, a
    /// recording in the same response.
    pub fn repeat(mut self) -> Self {
        self.plan.repeat();
        self
    }

    /// Answers with this when there is no script for a request, or nothing left of a recording.
    pub fn otherwise(mut self, script: Script) -> Self {
        self.plan.otherwise(script.into_answer());
        self
    }

    /// Does not allow pages of other origins to read the answers, unless these say so themselves, as
    /// a recorded one may.
    pub fn without_cors(mut self) -> Self {
        self.cors = false;
        self
    }

    /// Serves at a free port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub async fn start(self) -> MockServer {
        match self.bind("127.0.0.1:0").await {
            Ok(server) => server,
            Err(error) => panic!("the mock server can't listen: {error}"),
        }
    }

    /// Serves at this address.
    ///
    /// # Errors
    ///
    /// When it is taken, or not one of this machine's.
    pub async fn bind(mut self, address: impl ToSocketAddrs) -> io::Result<MockServer> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        if self.cors {
            self.plan.allow_every_origin();
        }
        let mock = Arc::new(Mock::new(self.plan, self.pace, self.cors));
        let accept = tokio::spawn(accept(listener, Arc::clone(&mock)));
        Ok(MockServer {
            address,
            mock,
            accept,
        })
    }
}

impl fmt::Debug for MockBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockBuilder")
            .field("pace", &self.pace)
            .field("cors", &self.cors)
            .field("left", &self.plan.left())
            .finish_non_exhaustive()
    }
}
