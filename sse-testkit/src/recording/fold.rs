//! From entries, one after the other, to a recording; and back.

use std::time::Duration;

use super::entry::Entry;
use super::{Ending, Exchange, Head, Recording};
use crate::record::{Chunk, What};
use crate::{EventStream, Seen};

impl Recording {
    /// Takes the next entry, or tells why it can't follow.
    pub(super) fn push(&mut self, at: Duration, entry: Entry) -> Result<(), &'static str> {
        if at < self.until {
            return Err("the time goes back");
        }
        let connected = self.exchanges.last().is_some_and(Exchange::is_open);
        match entry {
            Entry::Connect { last_event_id } => self.connect(at, last_event_id),
            Entry::Head { status, headers } => {
                if !connected {
                    if !self.exchanges.is_empty() {
                        return Err("a \"connect\" is missing before this response head");
                    }
                    self.connect(Duration::ZERO, String::new());
                }
                let exchange = self.open()?;
                if exchange.head.is_some() {
                    return Err("a request has one response head; is a \"connect\" missing?");
                }
                exchange.head = Some(Head {
                    at,
                    status,
                    headers,
                });
            }
            Entry::Chunk(bytes) => self.response()?.chunks.push(Chunk { bytes, elapsed: at }),
            Entry::End => self.response()?.ending = Ending::End { at },
            Entry::Error(reason) => self.open()?.ending = Ending::Error { at, reason },
        }
        self.until = at;
        Ok(())
    }

    /// All that happened, in order.
    pub(super) fn entries(&self) -> impl Iterator<Item = (Duration, Entry)> {
        self.exchanges.iter().flat_map(Exchange::entries)
    }

    fn connect(&mut self, at: Duration, last_event_id: String) {
        self.exchanges.push(Exchange {
            at,
            last_event_id,
            head: None,
            chunks: Vec::new(),
            ending: Ending::Open,
        });
    }

    fn open(&mut self) -> Result<&mut Exchange, &'static str> {
        let last = self.exchanges.last_mut();
        last.filter(|it| it.is_open())
            .ok_or("no connection is open here")
    }

    fn response(&mut self) -> Result<&mut Exchange, &'static str> {
        let exchange = self.open()?;
        match exchange.head {
            Some(_) => Ok(exchange),
            None => Err("there is no response head before this"),
        }
    }
}

impl Exchange {
    fn is_open(&self) -> bool {
        self.ending == Ending::Open
    }

    fn entries(&self) -> impl Iterator<Item = (Duration, Entry)> {
        let connect = Entry::Connect {
            last_event_id: self.last_event_id.clone(),
        };
        let head = self.head.as_ref().map(|head| {
            let (status, headers) = (head.status, head.headers.clone());
            (head.at, Entry::Head { status, headers })
        });
        let chunks = self.chunks.iter();
        let chunks = chunks.map(|chunk| (chunk.elapsed, Entry::Chunk(chunk.bytes.clone())));
        let ending = match &self.ending {
            Ending::Open => None,
            Ending::End { at } => Some((*at, Entry::End)),
            Ending::Error { at, reason } => Some((*at, Entry::Error(reason.clone()))),
        };
        [(self.at, connect)]
            .into_iter()
            .chain(head)
            .chain(chunks)
            .chain(ending)
    }
}

impl Entry {
    /// What a recording keeps of it.
    pub(super) fn of(seen: &Seen) -> Option<Self> {
        Some(match seen {
            Seen::Request { last_event_id, .. } => Self::Connect {
                last_event_id: last_event_id.clone(),
            },
            Seen::Head { status, headers } => Self::Head {
                status: *status,
                headers: headers.clone(),
            },
            Seen::Chunk(bytes) => Self::Chunk(bytes.clone()),
            Seen::End { .. } => Self::End,
            Seen::Error(reason) => Self::Error(reason.clone()),
            Seen::Frame(_) | Seen::Body(_) | Seen::Wait { .. } | Seen::GaveUp(_) => return None,
        })
    }
}

impl EventStream {
    /// All that has come so far, read by an expectation or not, over all connections.
    pub fn recording(&self) -> Recording {
        let mut recording = Recording::default();
        let mut last_event_id = self.first_last_event_id().to_owned();
        let (mut sent, mut connected) = (Duration::ZERO, false);
        for record in self.recorder.records() {
            let entry = match &record.what {
                What::Reconnect { id, .. } => {
                    last_event_id.clone_from(id);
                    (sent, connected) = (record.at, false);
                    continue;
                }
                What::Head(head) => Entry::Head {
                    status: head.status,
                    headers: head.headers.clone(),
                },
                What::Chunk(bytes) => Entry::Chunk(bytes.clone()),
                What::End { .. } => Entry::End,
                What::Error(reason) => Entry::Error(reason.clone()),
                _ => continue,
            };
            if !connected {
                recording.connect(sent, last_event_id.clone());
                connected = true;
            }
            // Records are in order of time, and none follows the end of its connection.
            let _ = recording.push(record.at, entry);
        }
        recording
    }
}
