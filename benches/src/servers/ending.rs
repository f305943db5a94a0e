//! When a server ends.

use std::{io, thread};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    /// SIGTERM or Ctrl-C.
    Signal,
    /// These, or the end of the standard input, which comes with the end of whoever holds it.
    SignalOrClosedInput,
}

impl Ending {
    /// Listens from this call on, so that no signal is missed. Needs a runtime.
    pub(super) fn listen(self) -> io::Result<impl Future<Output = ()>> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let input = match self {
            Self::Signal => None,
            Self::SignalOrClosedInput => Some(closed_input()?),
        };
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = async { input?.await.ok() }, if input.is_some() => {}
            }
        })
    }
}

/// In a thread of its own: tokio's standard input would keep the runtime from ending.
fn closed_input() -> io::Result<oneshot::Receiver<()>> {
    let (closed, receiver) = oneshot::channel();
    thread::Builder::new().name("stdin".into()).spawn(move || {
        // An input that can't be read is as good as closed.
        drop(io::copy(&mut io::stdin().lock(), &mut io::sink()));
        drop(closed);
    })?;
    Ok(receiver)
}
