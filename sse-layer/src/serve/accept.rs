use std::{io, time::Duration};

use super::{Listener, PeerAddr};

/// How long a server waits that can't accept, at first and at most.
const FIRST: Duration = Duration::from_millis(50);
const MOST: Duration = Duration::from_secs(1);

/// The next connection, however long it takes: a server that has run out of files accepts again
/// when some are free.
pub(super) async fn accept<L>(listener: &mut L) -> (L::Io, PeerAddr)
where
    L: Listener,
{
    let mut wait = FIRST;
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // Of one connection, that is gone already. A listener that says nothing else must not
            // keep its thread from everything else.
            Err(error) if is_of_the_peer(&error) => tokio::task::yield_now().await,
            Err(error) => {
                tracing::error!(%error, "connections can't be accepted; next try in {wait:?}");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(MOST);
            }
        }
    }
}

fn is_of_the_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}
