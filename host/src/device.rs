//! A microcontroller with a network, at the other end of a serial line: a real one, or one that QEMU emulates.
//!
//! [`Client`] asks what the protocol in the crate `wire` lets it ask; a [`Line`] carries the bytes. [`Faults`] spoils a
//! line on purpose, for tests.

mod client;
mod emulator;
mod faults;
mod line;

pub use client::{Client, Identity, Integers, Network, Outputs, Timing};
pub use emulator::emulate;
pub use faults::Faults;
pub use line::{Line, open};

pub use wire::Which;

#[cfg(test)]
mod tests;
