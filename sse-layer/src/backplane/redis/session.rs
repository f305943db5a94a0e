//! The engine's task: from one connection to the next.

use std::{collections::HashMap, error::Error as _, sync::Arc};

use redis::{Cmd, ErrorKind, RedisError, Value, aio::MultiplexedConnection};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep},
};

use super::{
    connect::{Connector, Link, OnPush},
    failure::{is_broken, is_elsewhere, not_connected},
    frontier, listening,
    pause::Pauses,
    script::ATTACH,
    shared::Shared,
};
use crate::backplane::BackplaneError;

/// Connects, tells whether that was possible, and then keeps a connection for ever.
pub(super) async fn run(
    connector: Connector,
    shared: Arc<Shared>,
    opened: oneshot::Sender<Result<(), BackplaneError>>,
) {
    let taking = shared.clone();
    let on_push: OnPush = Arc::new(move |push| taking.take(push));
    let mut link = match connector.connect(&on_push).await {
        Ok(link) => link,
        Err(error) => {
            let _ = opened.send(Err(error));
            return;
        }
    };
    warn_of_eviction(link.commands.clone()).await;
    let mut opened = Some(opened);
    let mut pauses = Pauses::new();
    loop {
        let connected_at = Instant::now();
        let ended = session(&shared, link, || match opened.take() {
            Some(opened) => {
                let _ = opened.send(Ok(()));
            }
            None => shared.inbox.reconnected(),
        });
        let error = ended.await;
        let was_connected = shared.disconnected();
        if let Some(opened) = opened.take() {
            let _ = opened.send(Err(not_connected(error)));
            return;
        }
        tracing::warn!(%error, "the connection to Redis has ended");
        if was_connected {
            shared.inbox.disconnected();
        }
        // A server that lets nodes in and then throws them out is not asked without pause either.
        if connected_at.elapsed() > Pauses::LONGEST {
            pauses = Pauses::new();
        }
        link = loop {
            sleep(pauses.next()).await;
            match connector.connect(&on_push).await {
                Ok(link) => break link,
                Err(error) => {
                    let source = error.source().map(ToString::to_string);
                    tracing::warn!(%error, source, "Redis is not reached");
                }
            }
        };
    }
}

/// The life of a connection, from `connected` until it fails.
async fn session(shared: &Arc<Shared>, link: Link, connected: impl FnOnce()) -> RedisError {
    let Link {
        commands,
        mut commands_driver,
        subscription,
        subscription_driver,
    } = link;
    let work = async {
        let mut listening = subscription.clone();
        let topics = match listening::resume(shared, &mut listening).await {
            Ok(topics) => topics,
            Err(error) => return error,
        };
        shared.connected(commands.clone(), &topics);
        drop(topics);
        connected();
        let failed = tokio::select! {
            failed = listening::serve(shared, &mut listening) => failed,
            failed = frontier::serve(shared, &commands) => failed,
            failed = ask_commands(shared, &commands) => failed,
            failed = ask_subscription(shared, &subscription) => failed,
            () = commands_driver.ended() => Err(closed()),
            () = shared.elsewhere() => Err(elsewhere()),
        };
        failed.err().unwrap_or_else(closed)
    };
    tokio::select! {
        error = work => error,
        () = subscription_driver => closed(),
    }
}

/// Asks from time to time, so that a server is noticed that has gone without a word, takes no more
/// writes, or has handed on its slot.
async fn ask_commands(shared: &Shared, commands: &MultiplexedConnection) -> Result<(), RedisError> {
    let clock = shared.keys.clock();
    loop {
        sleep(shared.timeout / 2).await;
        match ATTACH.run(commands, &[&clock], &[]).await {
            Err(error) if is_broken(&error) || is_elsewhere(&error) => return Err(error),
            _ => {}
        }
    }
}

/// Asks from time to time, so that a server is noticed that has gone without a word.
async fn ask_subscription(
    shared: &Shared,
    subscription: &MultiplexedConnection,
) -> Result<(), RedisError> {
    let mut subscription = subscription.clone();
    loop {
        sleep(shared.timeout / 2).await;
        let answer: Result<Value, _> = Cmd::new().arg("PING").query_async(&mut subscription).await;
        answer?;
    }
}

/// What Redis evicts is lost without a trace.
async fn warn_of_eviction(mut commands: MultiplexedConnection) {
    let mut ask = Cmd::new();
    ask.arg("CONFIG").arg("GET").arg("maxmemory-policy");
    let answer: Result<HashMap<String, String>, _> = ask.query_async(&mut commands).await;
    let policy = answer
        .ok()
        .and_then(|mut found| found.remove("maxmemory-policy"));
    if let Some(policy) = policy.filter(|policy| policy != "noeviction") {
        tracing::warn!(
            policy,
            "Redis throws events away where memory is short; set maxmemory-policy to noeviction"
        );
    }
}

fn closed() -> RedisError {
    (ErrorKind::Io, "the connection was closed").into()
}

fn elsewhere() -> RedisError {
    (ErrorKind::Io, "another server takes the writes").into()
}
