//! A microcontroller with a network, at the other end of a serial line: a real one, or an emulated one whose line is a TCP
//! connection.
//!
//! [`Client`] asks what the protocol in the crate `wire` lets it ask; a [`Line`] carries the bytes. [`Faults`] spoils a
//! line on purpose, for tests.

mod client;
mod faults;
mod line;

pub use client::{Client, Identity, Integers, Network, Outputs, Timing};
pub use faults::Faults;
pub use line::{Line, connect, open};

pub use wire::Which;

#[cfg(test)]
mod tests;
