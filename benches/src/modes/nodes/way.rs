use crate::engines::Kind;

/// A way from a publisher through an engine to subscribers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Hubs on the engine, so many nodes.
    Nodes(usize),
    /// The engine's own publish and subscribe.
    Plain,
    /// The same, and what is published is kept, as by the hub.
    WithHistory,
}

impl Way {
    /// The name in reports.
    pub(super) fn name(self, kind: Kind) -> String {
        match (self, kind) {
            (Self::Nodes(1), _) => "1 node".to_owned(),
            (Self::Nodes(nodes), _) => format!("{nodes} nodes"),
            (Self::Plain, Kind::Redis) => "PUBLISH".to_owned(),
            (Self::WithHistory, Kind::Redis) => "XADD, PUBLISH".to_owned(),
            (Self::Plain, Kind::Nats) => "core NATS".to_owned(),
            (Self::WithHistory, Kind::Nats) => "JetStream".to_owned(),
        }
    }
}
