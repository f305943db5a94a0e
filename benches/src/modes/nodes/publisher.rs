use std::{sync::Arc, thread};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::{
    runtime::Builder,
    sync::{
        mpsc::{self, UnboundedReceiver, UnboundedSender},
        oneshot,
    },
    task::unconstrained,
};

use super::{ledger::Ledger, outlet::Outlet, way::Way};
use crate::engines::Kind;

/// So many calls are under way at once. Redis' client has room for 50 that are to be sent: those that
/// wait for room may be overtaken.
pub(super) const CALLS: usize = 32;

/// Publishes what it is handed, in order, on a thread of its own: so that it waits for no subscriber.
#[derive(Clone)]
pub(super) struct Publisher {
    bodies: UnboundedSender<String>,
}

impl Publisher {
    /// One that is connected. It ends when it is dropped and all is published.
    pub(super) async fn start(
        kind: Kind,
        way: Way,
        url: &str,
        ledger: Arc<Ledger>,
    ) -> Result<Self, String> {
        let (bodies, receiver) = mpsc::unbounded_channel();
        let (told, connected) = oneshot::channel();
        let url = url.to_owned();
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        thread::spawn(move || {
            runtime.block_on(async {
                match Outlet::connect(kind, way, &url).await {
                    Ok(outlet) => {
                        let _ = told.send(Ok(()));
                        // A call that is told to yield before it has sent anything would be overtaken.
                        unconstrained(publish(&outlet, receiver, &ledger)).await;
                    }
                    Err(error) => {
                        let _ = told.send(Err(error));
                    }
                }
            });
        });
        connected.await.map_err(|_| "the publisher is gone")??;
        Ok(Self { bodies })
    }

    pub(super) fn publish(&self, body: String) {
        // Where it is gone, it has noted why.
        let _ = self.bodies.send(body);
    }
}

/// Calls are made in the order of the bodies, whatever the order of the answers.
async fn publish(outlet: &Outlet, mut bodies: UnboundedReceiver<String>, ledger: &Ledger) {
    let mut calls = FuturesUnordered::new();
    loop {
        tokio::select! {
            biased;
            body = bodies.recv(), if calls.len() < CALLS => match body {
                Some(body) => calls.push(outlet.publish(body)),
                None => break,
            },
            Some(published) = calls.next() => ledger.published(published),
        }
    }
    while let Some(published) = calls.next().await {
        ledger.published(published);
    }
}
