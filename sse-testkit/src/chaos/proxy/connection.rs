//! A client, a server, and the bytes between them.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::AsyncWrite as _;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use super::pump::{End, Pump};
use super::state::{Endings, State};

pub(super) struct Connection {
    client: TcpStream,
    server: TcpStream,
    to_client: Option<Pump>,
    to_server: Option<Pump>,
}

/// How long to take what still comes on a connection that was ended: a socket closed with bytes
/// unread is reset instead.
const LINGER: Duration = Duration::from_secs(1);

impl Connection {
    pub(super) fn new(client: TcpStream, server: TcpStream) -> Self {
        // Pieces have to go out as they are.
        let _ = client.set_nodelay(true);
        let _ = server.set_nodelay(true);
        Self {
            client,
            server,
            to_client: Some(Pump::new()),
            to_server: Some(Pump::new()),
        }
    }

    /// Moves bytes until both sides have sent all, or the test or the faults end it.
    pub(super) async fn run(mut self, mut state: watch::Receiver<State>, since: Endings) {
        let end = loop {
            let now = state.borrow_and_update().clone();
            if now.endings.resets != since.resets {
                break End::Reset;
            }
            if now.endings.cuts != since.cuts {
                break End::Cut;
            }
            self.set(&now);
            if let Some(end) = self.step(&mut state, now.is_stalled).await {
                break end;
            }
        };
        match end {
            End::Sent => {}
            End::Cut => drop(timeout(LINGER, self.close()).await),
            End::Reset => {
                let _ = self.client.set_zero_linger();
                let _ = self.server.set_zero_linger();
            }
        }
    }

    fn set(&mut self, state: &State) {
        if let Some(pump) = &mut self.to_client {
            pump.set(&state.to_client);
        }
        if let Some(pump) = &mut self.to_server {
            pump.set(&state.to_server);
        }
    }

    /// Moves bytes until the test changes something, which is nothing, or the connection is over.
    async fn step(&mut self, state: &mut watch::Receiver<State>, is_stalled: bool) -> Option<End> {
        let mut changed = pin!(state.changed());
        poll_fn(|cx| {
            if changed.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            match is_stalled {
                true => Poll::Pending,
                false => self.poll(cx).map(Some),
            }
        })
        .await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        if let Poll::Ready(end) = poll_pump(&mut self.to_server, cx, &self.client, &mut self.server)
        {
            return Poll::Ready(end);
        }
        if let Poll::Ready(end) = poll_pump(&mut self.to_client, cx, &self.server, &mut self.client)
        {
            return Poll::Ready(end);
        }
        match (&self.to_client, &self.to_server) {
            (None, None) => Poll::Ready(End::Sent),
            _ => Poll::Pending,
        }
    }

    /// Ends both sides, and takes what they still send until they have ended as well.
    async fn close(mut self) {
        poll_fn(|cx| {
            let _ = Pin::new(&mut self.client).poll_shutdown(cx);
            let _ = Pin::new(&mut self.server).poll_shutdown(cx);
            Poll::Ready(())
        })
        .await;
        for tcp in [&self.client, &self.server] {
            let mut rest = [0; 1024];
            while tcp.readable().await.is_ok() {
                match tcp.try_read(&mut rest) {
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Ok(0) | Err(_) => break,
                    Ok(_) => {}
                }
            }
        }
    }
}

/// Ready when the whole connection is over; a direction that has sent all is closed and gone.
fn poll_pump(
    pump: &mut Option<Pump>,
    cx: &mut Context<'_>,
    from: &TcpStream,
    to: &mut TcpStream,
) -> Poll<End> {
    let Some(moving) = pump else {
        return Poll::Pending;
    };
    match moving.poll(cx, from, to) {
        Poll::Ready(End::Sent) => {
            *pump = None;
            // A socket is shut down without waiting.
            let _ = Pin::new(to).poll_shutdown(cx);
            Poll::Pending
        }
        other => other,
    }
}
