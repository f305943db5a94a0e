use std::time::{Duration, Instant};

use super::Running;
use crate::measure::{KernelMemory, Memory};

/// What is known of a server at one time.
pub(super) struct Moment {
    pub(super) at: Instant,
    memory: Memory,
    cpu: Duration,
    kernel: KernelMemory,
    pub(super) sockets: usize,
}

impl Moment {
    pub(super) fn of(server: &Running) -> Result<Self, String> {
        Ok(Self {
            cpu: server.cpu()?,
            at: Instant::now(),
            memory: server.memory()?,
            kernel: KernelMemory::now().map_err(|error| error.to_string())?,
            sockets: server.sockets()?,
        })
    }

    pub(super) fn rss_since(&self, before: &Self) -> f64 {
        self.memory.rss as f64 - before.memory.rss as f64
    }

    pub(super) fn pss_since(&self, before: &Self) -> f64 {
        self.memory.pss as f64 - before.memory.pss as f64
    }

    /// In nanoseconds.
    pub(super) fn cpu_since(&self, before: &Self) -> f64 {
        self.cpu.saturating_sub(before.cpu).as_nanos() as f64
    }

    pub(super) fn kernel_since(&self, before: &Self) -> f64 {
        self.kernel.slab as f64 - before.kernel.slab as f64 + self.queues_since(before)
    }

    pub(super) fn queues_since(&self, before: &Self) -> f64 {
        self.kernel.tcp_queues as f64 - before.kernel.tcp_queues as f64
    }
}
