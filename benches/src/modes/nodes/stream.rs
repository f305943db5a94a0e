use std::{io, time::Duration};

use memchr::memmem;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::timeout};

use crate::load::{Events, Fault, Message, Part, Sign, Target};

/// How long a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// So much is read at once.
const BUFFER: usize = 32 * 1024;

/// An event stream of a node, as a client has it.
pub(super) struct Stream {
    tcp: TcpStream,
    message: Message,
    events: Events,
    /// Whether a line with an id has come.
    has_position: bool,
}

impl Stream {
    /// Asks for what comes from now on, and waits until the node has told from where on that is.
    pub(super) async fn open(target: &Target) -> Result<Self, Fault> {
        let mut stream = Self::ask(target, "").await?;
        let positioned = timeout(PATIENCE, async {
            while !stream.has_position {
                stream.read(|_| {}).await?;
            }
            Ok::<_, Fault>(())
        });
        positioned.await.map_err(|_| Fault::TimedOut)??;
        Ok(stream)
    }

    /// Asks for what comes after an event.
    pub(super) async fn resume(target: &Target, last: &str) -> Result<Self, Fault> {
        Self::ask(target, &format!("last-event-id: {last}\r\n")).await
    }

    /// Waits until something comes, and hands over what has.
    pub(super) async fn read(&mut self, mut take: impl FnMut(Sign)) -> Result<(), Fault> {
        loop {
            self.tcp.readable().await.map_err(Fault::Broken)?;
            if self.try_read(&mut take)? {
                return Ok(());
            }
        }
    }

    async fn ask(target: &Target, header: &str) -> Result<Self, Fault> {
        let Target {
            address,
            host,
            path,
        } = target;
        let connected = timeout(PATIENCE, TcpStream::connect(address));
        let mut tcp = connected
            .await
            .map_err(|_| Fault::TimedOut)?
            .map_err(Fault::Connect)?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {host}\r\naccept: text/event-stream\r\n{header}\r\n"
        );
        tcp.write_all(request.as_bytes())
            .await
            .map_err(Fault::Broken)?;
        Ok(Self {
            tcp,
            message: Message::new(),
            events: Events::default(),
            has_position: false,
        })
    }

    /// Whether something had come. Not async, so that the buffer is no part of a task that waits.
    fn try_read(&mut self, take: &mut impl FnMut(Sign)) -> Result<bool, Fault> {
        let mut buffer = [0; BUFFER];
        let mut bytes = match self.tcp.try_read(&mut buffer) {
            Ok(0) => return Err(Fault::ClosedEarly),
            Ok(length) => &buffer[..length],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(Fault::Broken(error)),
        };
        while let Some(part) = self.message.next(&mut bytes)? {
            match part {
                Part::Head(head) => head.check()?,
                Part::Data(data) => {
                    self.has_position |= memmem::find(data, b"id: ").is_some();
                    self.events.read(data, &mut *take)?;
                }
                Part::End => return Err(Fault::Ended),
            }
        }
        Ok(true)
    }
}
