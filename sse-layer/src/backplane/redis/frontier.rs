//! Markers: a number that comes by the subscription, behind all that was published before it.

use redis::{ErrorKind, RedisError, aio::MultiplexedConnection};
use tokio::time::timeout;

use super::{
    failure::is_broken,
    script::FRONTIER,
    shared::{Frontier, Shared},
};
use crate::backplane::Place;

/// Sends a marker for all who wait at once, one after the other, until the connection fails.
pub(super) async fn serve(
    shared: &Shared,
    commands: &MultiplexedConnection,
) -> Result<(), RedisError> {
    let clock = shared.keys.clock();
    loop {
        let waiting = shared.next_frontiers();
        let Some(at_least) = newest(&waiting) else {
            shared.frontier_asked.notified().await;
            continue;
        };
        let (number, arrives) = shared.send_marker(waiting);
        let (number, sequence) = (number.to_string(), at_least.sequence.to_string());
        let epoch = format!("{:016x}", at_least.epoch);
        let args = [&shared.node_channel, &number, &epoch, &sequence];
        let args = args.map(String::as_bytes);
        match FRONTIER.run(commands, &[&clock], &args).await {
            Ok(_) => {
                let lost = (
                    ErrorKind::Io,
                    "a message to this node's own channel did not arrive",
                );
                let arrived = timeout(shared.timeout, arrives).await;
                arrived.map_err(|_| RedisError::from(lost))?.ok();
            }
            Err(error) if is_broken(&error) => return Err(error),
            Err(error) => shared.fail_marker(&error),
        }
    }
}

/// The newest place that one of them knows of, of the epoch that the last one knows of.
fn newest(waiting: &[Frontier]) -> Option<Place> {
    let epoch = waiting.last()?.at_least.epoch;
    let places = waiting.iter().map(|frontier| frontier.at_least);
    places
        .filter(|place| place.epoch == epoch)
        .max_by_key(|place| place.sequence)
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn the_newest_place_is_one_of_the_epoch_that_is_known_now() {
        let place = |epoch, sequence| Place { epoch, sequence };
        let waiting = [(1, 90), (2, 5), (2, 7), (2, 6)].map(|(epoch, sequence)| Frontier {
            at_least: place(epoch, sequence),
            answer: oneshot::channel().0,
        });
        assert_eq!(newest(&waiting), Some(place(2, 7)));
        assert_eq!(newest(&[]), None);
    }
}
