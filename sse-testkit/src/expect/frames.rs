//! Expectations of what is not an event: heartbeats, retries, ids, the end.

use std::time::Duration;

use crate::EventStream;
use crate::frame::Frame;
use crate::record::What;
use crate::recorder::{Spot, Verdict};

impl EventStream {
    /// Expects the opening: comments or a `retry` sent together with the response head, before
    /// anything else. Yields its lines.
    ///
    /// In paused time that is the very same moment; in real time it may be a quarter of a second
    /// later.
    #[track_caller]
    pub fn expect_opening(&mut self) -> impl Future<Output = String> + Send {
        let spot = Spot::here();
        async move {
            self.recorder
                .expect(spot, "the opening", None, |what| match what {
                    What::Frame(Frame::Opening { text, .. }) => Verdict::Met(text.clone()),
                    _ => Verdict::Wrong(String::new()),
                })
                .await
        }
    }

    /// Expects a heartbeat: a comment by itself, or one with an id but without data. Yields its
    /// text.
    ///
    /// Everything but an event may come before. The [opening](Self::expect_opening) is no
    /// heartbeat.
    #[track_caller]
    pub fn expect_heartbeat(&mut self) -> impl Future<Output = String> + Send {
        let spot = Spot::here();
        async move {
            self.recorder
                .expect(spot, "a heartbeat", None, |what| match what {
                    What::Frame(Frame::Comment { text, .. }) => Verdict::Met(text.clone()),
                    What::Frame(Frame::Id { comments, .. }) if !comments.is_empty() => {
                        Verdict::Met(comments.join("\n"))
                    }
                    _ => skip_all_but_events(what),
                })
                .await
        }
    }

    /// Expects a comment with this text (without the colon and one space), be it the
    /// [opening](Self::expect_opening), a heartbeat or any other.
    ///
    /// Openings without it, retries and ids may come before, but neither an event nor another
    /// comment.
    #[track_caller]
    pub fn expect_comment(&mut self, text: impl Into<String>) -> impl Future<Output = ()> + Send {
        let spot = Spot::here();
        let wanted = text.into();
        async move {
            let expected = format!("a comment {wanted:?}");
            self.recorder
                .expect(spot, &expected, None, |what| match what {
                    What::Frame(Frame::Comment { text, .. }) if *text == wanted => Verdict::Met(()),
                    What::Frame(Frame::Comment { .. }) => Verdict::Wrong(String::new()),
                    What::Frame(Frame::Opening { comments, .. }) if comments.contains(&wanted) => {
                        Verdict::Met(())
                    }
                    What::Frame(Frame::Id { comments, .. }) if comments.contains(&wanted) => {
                        Verdict::Met(())
                    }
                    _ => skip_all_but_events(what),
                })
                .await;
        }
    }

    /// Expects a reconnection time by itself, in the [opening](Self::expect_opening), or in a block
    /// that only sets the id.
    ///
    /// Heartbeats and ids may come before. For the one of an event see
    /// [`ExpectEvent::retry`](super::ExpectEvent::retry).
    #[track_caller]
    pub fn expect_retry(&mut self, retry: Duration) -> impl Future<Output = ()> + Send {
        let spot = Spot::here();
        let wanted = retry;
        async move {
            let expected = format!("retry: {}", wanted.as_millis());
            self.recorder
                .expect(spot, &expected, None, |what| {
                    let retry = match what {
                        What::Frame(Frame::Retry(retry)) => Some(retry),
                        What::Frame(Frame::Opening { retry, .. } | Frame::Id { retry, .. }) => {
                            retry.as_ref()
                        }
                        _ => None,
                    };
                    match retry {
                        Some(retry) if *retry == wanted => Verdict::Met(()),
                        Some(_) => Verdict::Wrong(String::new()),
                        None => skip_all_but_events(what),
                    }
                })
                .await;
        }
    }

    /// Expects a block without data that sets the last event id to this.
    ///
    /// Heartbeats and retries may come before, but neither an event nor another id.
    #[track_caller]
    pub fn expect_id(&mut self, id: impl Into<String>) -> impl Future<Output = ()> + Send {
        let spot = Spot::here();
        let wanted = id.into();
        async move {
            let expected = format!("a block without data that sets the id {wanted:?}");
            self.recorder
                .expect(spot, &expected, None, |what| match what {
                    What::Frame(Frame::Id { id, .. }) if *id == wanted => Verdict::Met(()),
                    What::Frame(Frame::Id { .. }) => Verdict::Wrong(String::new()),
                    _ => skip_all_but_events(what),
                })
                .await;
        }
    }

    /// Expects the stream to end cleanly: not with an error, and not inside a block.
    ///
    /// Heartbeats and retries may come before.
    #[track_caller]
    pub fn expect_end(&mut self) -> impl Future<Output = ()> + Send {
        let spot = Spot::here();
        async move {
            self.recorder
                .expect(spot, "the end of the stream", None, |what| match what {
                    What::End { discarded: None } => Verdict::Met(()),
                    What::End {
                        discarded: Some(text),
                    } => Verdict::Wrong(format!("and clients discard what it had begun: {text:?}")),
                    What::Frame(Frame::Id { .. }) => Verdict::Wrong(String::new()),
                    _ => skip_all_but_events(what),
                })
                .await;
        }
    }

    /// Expects the stream to break off with an error, or the request to fail. Yields the error's
    /// text.
    ///
    /// Everything but an event may come before.
    #[track_caller]
    pub fn expect_error(&mut self) -> impl Future<Output = String> + Send {
        let spot = Spot::here();
        async move {
            self.recorder
                .expect(spot, "an error", None, |what| match what {
                    What::Error(error) => Verdict::Met(error.clone()),
                    _ => skip_all_but_events(what),
                })
                .await
        }
    }
}

fn skip_all_but_events<T>(what: &What) -> Verdict<T> {
    match what {
        What::Frame(Frame::Event { .. }) => Verdict::Wrong(String::new()),
        What::Frame(_) => Verdict::Skip,
        _ => Verdict::Wrong(String::new()),
    }
}
