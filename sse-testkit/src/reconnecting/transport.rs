//! Connections that are cut, one after the other.

use std::collections::VecDeque;

use http::Request;
use http_body_util::BodyExt as _;

use super::body::CutBody;
use super::cut::Cut;
use crate::Body;
use crate::client::{ResetOnClose, Sending, Transport};

pub(super) struct Cutting {
    inner: Box<dyn Transport>,
    /// Those of the connections that are still to come.
    cuts: VecDeque<(usize, Cut)>,
}

impl Cutting {
    pub(super) fn new(inner: Box<dyn Transport>, cuts: Vec<(usize, Cut)>) -> Self {
        Self {
            inner,
            cuts: cuts.into(),
        }
    }
}

impl Transport for Cutting {
    fn send(&mut self, mut request: Request<Body>) -> Sending<'_> {
        let Some((events, cut)) = self.cuts.pop_front() else {
            return self.inner.send(request);
        };
        if cut == Cut::Reset {
            request.extensions_mut().insert(ResetOnClose);
        }
        let sending = self.inner.send(request);
        Box::pin(async move {
            let response = sending.await?;
            Ok(response.map(|body| CutBody::new(body, events, cut).boxed_unsync()))
        })
    }

    fn needs_real_time(&self) -> bool {
        self.inner.needs_real_time()
    }
}
