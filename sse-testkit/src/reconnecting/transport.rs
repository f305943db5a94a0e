//! Connections that are cut, one after the other.

use http::Request;
use http_body_util::BodyExt as _;

use super::body::CutBody;
use super::cut::Cut;
use super::cuts::Cuts;
use crate::Body;
use crate::client::{ResetOnClose, Sending, Transport};

pub(super) struct Cutting {
    inner: Box<dyn Transport>,
    cuts: Cuts,
}

impl Cutting {
    pub(super) fn new(inner: Box<dyn Transport>, cuts: Cuts) -> Self {
        Self { inner, cuts }
    }
}

impl Transport for Cutting {
    fn send(&mut self, mut request: Request<Body>) -> Sending<'_> {
        let Some((_, cut)) = self.cuts.next() else {
            return self.inner.send(request);
        };
        if cut == Cut::Reset {
            request.extensions_mut().insert(ResetOnClose);
        }
        let sending = self.inner.send(request);
        let cuts = self.cuts.clone();
        Box::pin(async move {
            let response = sending.await?;
            Ok(response.map(|body| CutBody::new(body, cuts).boxed_unsync()))
        })
    }

    fn needs_real_time(&self) -> bool {
        self.inner.needs_real_time()
    }
}
