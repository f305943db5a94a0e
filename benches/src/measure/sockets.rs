use std::{fs, io};

/// What the kernel itself holds, on the whole machine, in bytes.
///
/// A socket is memory of the kernel's, which no process is told to have: two of them a connection where
/// both ends are on this machine. It is told for the machine only, so a difference between two moments
/// has in it whatever else happened between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KernelMemory {
    /// Objects: sockets, files, entries of epoll and the like, of `/proc/meminfo`.
    pub slab: u64,
    /// What is queued in TCP sockets, of `/proc/net/sockstat`.
    pub tcp_queues: u64,
    /// TCP sockets, of `/proc/net/sockstat`.
    pub tcp_sockets: u64,
}

impl KernelMemory {
    /// What it holds now.
    ///
    /// # Errors
    ///
    /// If `/proc` can't be read.
    pub fn now() -> io::Result<Self> {
        let sockets = fs::read_to_string("/proc/net/sockstat")?;
        let memory = fs::read_to_string("/proc/meminfo")?;
        parse(&sockets, &memory, rustix::param::page_size() as u64)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "sockstat or meminfo"))
    }
}

fn parse(sockets: &str, memory: &str, page: u64) -> Option<KernelMemory> {
    let tcp: Vec<&str> = sockets
        .lines()
        .find_map(|line| line.strip_prefix("TCP: "))?
        .split_whitespace()
        .collect();
    let number = |name: &str| {
        let at = tcp.iter().position(|word| *word == name)?;
        tcp.get(at + 1)?.parse::<u64>().ok()
    };
    let slab = memory.lines().find_map(|line| line.strip_prefix("Slab:"))?;
    let slab: u64 = slab.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(KernelMemory {
        slab: slab * 1024,
        tcp_queues: number("mem")? * page,
        tcp_sockets: number("alloc")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_kilobytes_are_bytes() {
        let sockets =
            "sockets: used 18\nTCP: inuse 1 orphan 0 tw 0 alloc 5 mem 32\nUDP: inuse 0 mem 9\n";
        let memory = "MemTotal: 1 kB\nSlab:              64 kB\n";
        let kernel = parse(sockets, memory, 4096).unwrap();
        assert_eq!(kernel.slab, 65_536);
        assert_eq!(kernel.tcp_queues, 131_072);
        assert_eq!(kernel.tcp_sockets, 5);
    }

    #[test]
    fn this_machine_tells_it() {
        assert!(KernelMemory::now().unwrap().slab > 0);
    }
}
