use async_nats::jetstream::{self, consumer::pull::OrderedConfig};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::task::unconstrained;

use crate::{
    engines::Kind,
    load::Note,
    modes::{
        deliveries::body,
        nodes::{
            outlet::{self, TOPIC},
            publisher::CALLS,
        },
    },
};

/// So many entries are read at once, as the hub does.
pub(super) const PAGE: usize = 256;

/// An id and one field.
type Entry = (String, (String, Vec<u8>));

/// The plain stream.
const PLAIN: &str = "plain";

/// What is in the engine: the hub's events, and as many for plain readers.
pub(super) struct Archive {
    kind: Kind,
    url: String,
    /// The ids of the hub's events, the first of which has the number 1.
    ids: Vec<String>,
    events: usize,
}

impl Archive {
    /// Publishes as many as clients shall miss, and those that the clients have seen.
    pub(super) async fn fill(
        kind: Kind,
        url: &str,
        events: usize,
        clients: usize,
    ) -> Result<Self, String> {
        let count = events + clients;
        let hub = outlet::hub(url, count + 1).await?;
        let ids = stream::iter(1..=count as u64)
            .map(|n| outlet::publish(&hub, TOPIC, body(n, 0)))
            .buffered(CALLS)
            .map_ok(|id| id.as_str().to_owned())
            .try_collect();
        // A call that is told to yield before it has sent anything would be overtaken.
        let ids = unconstrained(ids).await?;
        match kind {
            Kind::Redis => fill_redis(url, events).await?,
            Kind::Nats => fill_nats(url, events).await?,
        }
        Ok(Self {
            kind,
            url: url.to_owned(),
            ids,
            events,
        })
    }

    /// How many events a node has to keep.
    pub(super) fn history(&self) -> usize {
        self.ids.len() + 1
    }

    /// The number of the last event.
    pub(super) fn last(&self) -> u64 {
        self.ids.len() as u64
    }

    /// The number and the id of the event behind which are as many as clients have missed, and `earlier`
    /// more.
    pub(super) fn place(&self, earlier: usize) -> Result<(u64, &str), String> {
        let number = self.ids.len().checked_sub(self.events + earlier);
        let place =
            number.and_then(|number| Some((number as u64, self.ids.get(number.checked_sub(1)?)?)));
        let (number, id) = place.ok_or("more clients than were prepared for")?;
        Ok((number, id))
    }

    /// Reads all of the plain stream. Answers how many there were.
    pub(super) async fn read(&self) -> Result<u64, String> {
        let read = match self.kind {
            Kind::Redis => self.read_redis().await?,
            Kind::Nats => self.read_nats().await?,
        };
        if read == self.events as u64 {
            Ok(read)
        } else {
            Err(format!("{read} events were read of {}", self.events))
        }
    }

    async fn read_redis(&self) -> Result<u64, String> {
        let mut connection = outlet::redis(&self.url).await?;
        let (mut from, mut last) = ("-".to_owned(), 0);
        loop {
            let mut range = redis::cmd("XRANGE");
            range.arg(PLAIN).arg(&from).arg("+").arg("COUNT").arg(PAGE);
            let page = range.query_async::<Vec<Entry>>(&mut connection).await;
            let page = page.map_err(|error| format!("XRANGE: {error}"))?;
            for (id, (_, data)) in &page {
                last = in_turn(last, data)?;
                from = format!("({id}");
            }
            if page.len() < PAGE {
                return Ok(last);
            }
        }
    }

    async fn read_nats(&self) -> Result<u64, String> {
        let failed = |error: &dyn std::fmt::Display| format!("reading the stream: {error}");
        let context = jetstream::new(outlet::nats(&self.url).await?);
        let stream = context.get_stream_no_info(TOPIC).await;
        let stream = stream.map_err(|error| failed(&error))?;
        let consumer = stream.create_consumer(OrderedConfig::default()).await;
        let consumer = consumer.map_err(|error| failed(&error))?;
        let mut messages = consumer.messages().await.map_err(|error| failed(&error))?;
        let mut last = 0;
        while last < self.events as u64 {
            let message = messages.next().await.ok_or("the consumer ended")?;
            last = in_turn(last, &message.map_err(|error| failed(&error))?.payload)?;
        }
        Ok(last)
    }
}

fn in_turn(last: u64, data: &[u8]) -> Result<u64, String> {
    match Note::read(data).sequence {
        Some(sequence) if sequence == last + 1 => Ok(sequence),
        _ => Err("lost or doubled: an entry came out of turn".to_owned()),
    }
}

async fn fill_redis(url: &str, events: usize) -> Result<(), String> {
    let mut connection = outlet::redis(url).await?;
    let numbers: Vec<u64> = (1..=events as u64).collect();
    for numbers in numbers.chunks(CALLS) {
        let mut pipe = redis::pipe();
        for n in numbers {
            pipe.cmd("XADD")
                .arg(PLAIN)
                .arg("*")
                .arg("frame")
                .arg(body(*n, 0))
                .ignore();
        }
        let added: Result<(), _> = pipe.query_async(&mut connection).await;
        added.map_err(|error| format!("XADD: {error}"))?;
    }
    Ok(())
}

async fn fill_nats(url: &str, events: usize) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("filling the stream: {error}");
    let context = jetstream::new(outlet::nats(url).await?);
    let made = context.create_stream(outlet::stream(events + 1)).await;
    made.map_err(|error| failed(&error))?;
    let subject = format!("in.{TOPIC}");
    let published = stream::iter(1..=events as u64)
        .map(|n| {
            let (context, subject) = (&context, subject.clone());
            async move {
                let sent = context.publish(subject, body(n, 0).into()).await;
                let acknowledged = sent.map_err(|error| failed(&error))?.await;
                acknowledged.map_err(|error| failed(&error))
            }
        })
        .buffered(CALLS)
        .try_for_each(async |_| Ok(()));
    unconstrained(published).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_have_to_rise_by_one() {
        assert_eq!(in_turn(4, body(5, 0).as_bytes()), Ok(5));
        for other in [4, 6] {
            assert!(in_turn(4, body(other, 0).as_bytes()).is_err(), "{other}");
        }
        assert!(in_turn(4, b"5").is_err());
    }
}
