//! What the kernel tells of a process, of sockets and of the machine.
//!
//! All of it is read from `/proc`, so it runs on Linux only. A server that is measured need not know.

mod machine;
mod process;
mod sockets;

pub use self::{
    machine::Machine,
    process::{Memory, Process},
    sockets::KernelMemory,
};
