//! The future of a response.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::Response;
use pin_project_lite::pin_project;

use crate::{admission::Admission, response::IntoEventResponse};

pin_project! {
    /// The response of an [`SseService`](crate::SseService).
    pub struct ResponseFuture<F> {
        #[pin]
        kind: Kind<F>,
    }
}

pin_project! {
    #[project = Projected]
    enum Kind<F> {
        Admitted {
            #[pin]
            inner: F,
            // Boxed, since servers keep the room for this future as long as the connection.
            admission: Option<Box<Admission>>,
        },
        Refused {
            response: Option<Response<Bytes>>,
        },
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) fn admitted(inner: F, admission: Admission) -> Self {
        Self {
            kind: Kind::Admitted {
                inner,
                admission: Some(Box::new(admission)),
            },
        }
    }

    pub(crate) const fn refused(response: Response<Bytes>) -> Self {
        Self {
            kind: Kind::Refused {
                response: Some(response),
            },
        }
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<R, E>>,
    R: IntoEventResponse,
{
    type Output = Result<Response<R::Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = match self.project().kind.project() {
            Projected::Admitted { inner, admission } => {
                let answer = ready!(inner.poll(cx));
                match (admission.take(), answer) {
                    (Some(admission), Ok(answer)) => Some(answer.into_event_response(*admission)),
                    (_, Err(error)) => return Poll::Ready(Err(error)),
                    (None, Ok(_)) => None,
                }
            }
            Projected::Refused { response } => response.take().map(R::refused),
        };
        // As with any future, nobody may poll it again once it was ready.
        response.map_or(Poll::Pending, |response| Poll::Ready(Ok(response)))
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
