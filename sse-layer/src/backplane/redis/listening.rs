//! Which topics the subscription is for.

use std::{slice, sync::Arc};

use redis::{RedisError, aio::MultiplexedConnection};
use tokio::sync::oneshot;

use super::{
    failure::is_broken,
    shared::{BATCH, Request, Shared},
};

/// Listens again to everything that was listened to. Answers what that was.
pub(super) async fn resume(
    shared: &Shared,
    subscription: &mut MultiplexedConnection,
) -> Result<Vec<Arc<str>>, RedisError> {
    subscription.subscribe(&[&shared.node_channel]).await?;
    let all = shared.topics();
    for topics in all.chunks(BATCH) {
        subscription.subscribe(channels(shared, topics)).await?;
    }
    Ok(all)
}

/// Does what is asked for, all that waits at once in one command, until the connection fails.
pub(super) async fn serve(
    shared: &Shared,
    subscription: &mut MultiplexedConnection,
) -> Result<(), RedisError> {
    loop {
        let requests = shared.next_requests();
        if requests.is_empty() {
            shared.asked.notified().await;
            continue;
        }
        let mut wanted = Vec::new();
        let mut unwanted = Vec::new();
        for request in requests {
            match request {
                Request::Listen(topic, answer) if shared.has_topic(&topic) => {
                    let _ = answer.send(Ok(()));
                }
                Request::Listen(topic, answer) => wanted.push(Wanted { topic, answer }),
                Request::Leave(topic) => {
                    shared.remove_topic(&topic);
                    unwanted.push(topic);
                }
            }
        }
        if !unwanted.is_empty() {
            subscription
                .unsubscribe(channels(shared, &unwanted))
                .await?;
        }
        if !wanted.is_empty() {
            subscribe(shared, subscription, wanted).await?;
        }
    }
}

/// A topic to listen to, and who is told.
struct Wanted {
    topic: Arc<str>,
    answer: oneshot::Sender<Result<(), RedisError>>,
}

async fn subscribe(
    shared: &Shared,
    subscription: &mut MultiplexedConnection,
    wanted: Vec<Wanted>,
) -> Result<(), RedisError> {
    let topics: Vec<_> = wanted.iter().map(|wanted| wanted.topic.clone()).collect();
    let all = subscription.subscribe(channels(shared, &topics)).await;
    let is_one = wanted.len() == 1;
    for wanted in wanted {
        let result = match &all {
            Err(error) if is_broken(error) => return Err(error.clone()),
            // One that may not be listened to makes Redis refuse the whole command.
            Err(_) if !is_one => {
                let one = subscription.subscribe(channels(shared, slice::from_ref(&wanted.topic)));
                one.await
            }
            all => all.clone(),
        };
        match result {
            Err(error) if is_broken(&error) => return Err(error),
            result => wanted.tell(shared, result),
        }
    }
    Ok(())
}

impl Wanted {
    fn tell(self, shared: &Shared, result: Result<(), RedisError>) {
        let is_ok = result.is_ok();
        if is_ok {
            shared.add_topic(self.topic.clone());
        }
        if self.answer.send(result).is_err() && is_ok {
            // Whoever asked has gone. Others may have asked since.
            shared.leave_first(self.topic);
        }
    }
}

fn channels(shared: &Shared, topics: &[Arc<str>]) -> Vec<String> {
    topics
        .iter()
        .map(|topic| shared.keys.channel(topic))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{super::shared::tests::shared, *};

    #[test]
    fn a_topic_for_which_nobody_waits_any_more_is_left_before_others_ask_for_it() {
        let shared = shared();
        let (answer, answered) = oneshot::channel();
        drop(answered);
        let topic: Arc<str> = "a".into();
        Wanted { topic, answer }.tell(&shared, Ok(()));
        let requests = shared.next_requests();
        assert!(matches!(&requests[..], [Request::Leave(topic)] if &**topic == "a"));
    }
}
