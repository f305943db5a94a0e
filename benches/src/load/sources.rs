use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process,
};

/// The addresses that connections to this machine come from.
///
/// Between one address and one server there are only as many connections as there are ports. All of
/// 127.0.0.0/8 is this machine, so when the ports of one address run short the next one is taken. The
/// ports are counted through here, for the kernel picks ports slowly once most of them are in use,
/// and keeps those of connections that are gone for a minute. Connections to another machine are left
/// to the kernel.
#[derive(Debug)]
pub struct Sources {
    addresses: Vec<Ipv4Addr>,
    low: u32,
    ports: u32,
    next: u64,
}

impl Sources {
    /// Enough addresses for `connections` to `target`, other ones for each `shard`.
    pub fn new(target: SocketAddr, connections: usize, shard: usize) -> Self {
        let (low, high) = port_range();
        Self::within(target, connections, shard, low, high)
    }

    /// Where the next connection shall come from; `None` leaves it to the kernel.
    pub fn take(&mut self) -> Option<SocketAddr> {
        let addresses = u64::try_from(self.addresses.len()).ok()?;
        if addresses == 0 {
            return None;
        }
        let at = self.next % (addresses * u64::from(self.ports));
        self.next += 1;
        // Turn about, so that all addresses are worn alike.
        let address = self.addresses[usize::try_from(at % addresses).ok()?];
        let port = self.low + u32::try_from(at / addresses).ok()?;
        Some(SocketAddr::new(
            IpAddr::V4(address),
            u16::try_from(port).ok()?,
        ))
    }

    fn within(target: SocketAddr, connections: usize, shard: usize, low: u16, high: u16) -> Self {
        let low = u32::from(low);
        let ports = (u32::from(high) + 1).saturating_sub(low).max(1);
        let loopback = matches!(target.ip(), IpAddr::V4(address) if address.is_loopback());
        let addresses = if loopback {
            // Some ports are other programs'; a quarter is room enough.
            let usable = usize::try_from(ports - ports / 4).unwrap_or(1);
            let count = connections.div_ceil(usable).max(1);
            (0..count)
                .map(|n| nth_loopback(shard * count + n))
                .collect()
        } else {
            Vec::new()
        };
        Self {
            addresses,
            low,
            ports,
            // Not where another run of this program began a second ago.
            next: u64::from(process::id()) * 7919,
        }
    }
}

/// 127.0.0.1, 127.0.0.2 and so on, without those that end in 0 or 255.
fn nth_loopback(n: usize) -> Ipv4Addr {
    let [_, _, high, low] = u32::try_from(n / 254 * 256 + n % 254 + 1)
        .unwrap_or(1)
        .to_be_bytes();
    Ipv4Addr::new(127, 0, high, low)
}

fn port_range() -> (u16, u16) {
    fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|text| {
            let mut numbers = text.split_whitespace().map(str::parse);
            Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
        })
        .unwrap_or((32_768, 60_999))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn sources(connections: usize, shard: usize) -> Sources {
        Sources::within(
            "127.0.0.1:80".parse().unwrap(),
            connections,
            shard,
            40_000,
            40_099,
        )
    }

    #[test]
    fn one_address_is_enough_while_its_ports_are() {
        assert_eq!(sources(75, 0).addresses, [Ipv4Addr::LOCALHOST]);
        assert_eq!(sources(76, 0).addresses.len(), 2);
    }

    #[test]
    fn none_comes_twice_before_all_have_come() {
        let mut sources = sources(150, 0);
        let taken: HashSet<_> = (0..200).map(|_| sources.take().unwrap()).collect();
        assert_eq!(taken.len(), 200);
        assert!(taken.contains(&sources.take().unwrap()));
        assert!(taken.iter().all(|a| (40_000..40_100).contains(&a.port())));
    }

    #[test]
    fn shards_share_no_address() {
        let first: HashSet<_> = sources(150, 0).addresses.into_iter().collect();
        let second: HashSet<_> = sources(150, 1).addresses.into_iter().collect();
        assert!(first.is_disjoint(&second));
    }

    #[test]
    fn addresses_end_in_neither_0_nor_255() {
        assert_eq!(nth_loopback(253), Ipv4Addr::new(127, 0, 0, 254));
        assert_eq!(nth_loopback(254), Ipv4Addr::new(127, 0, 1, 1));
    }

    #[test]
    fn another_machine_is_left_to_the_kernel() {
        let mut other = Sources::new("192.0.2.1:80".parse().unwrap(), 10, 0);
        assert_eq!(other.take(), None);
    }
}
