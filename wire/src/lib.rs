//! What a PC and a microcontroller with a network say to each other over a serial line.
//!
//! The PC asks and the device answers, one [message] at a time: the next request is sent when the last one
//! is answered, so that nothing arrives while the device computes, and its one buffer always suffices. A message
//! travels in a [frame]: postcard, a CRC-32, and COBS between two zeros. On both sides a [`Receiver`] finds the frames
//! in the bytes that arrive, whatever happens to some of them.
//!
//! Every request has a number. A request that gets no answer is sent again under the same number, and a device that
//! has answered it before answers from memory ([`Server`]): so each is executed exactly once, which learning needs.
//! A session, drawn by the PC, tells the device's memory of another conversation from that of this one, and a device
//! that was switched off in between from one that was not.
#![no_std]
#![deny(missing_docs)]

pub mod frame;
pub mod image;
pub mod message;
mod receiver;
mod server;

pub use frame::{Defect, Frame};
pub use message::{Answer, Identity, Integers, Network, Refusal, Request, Which};
pub use receiver::Receiver;
pub use server::{Buffers, Server, Service};

/// The version of the protocol. It stands in every frame and grows with every change, of a message too.
pub const VERSION: u8 = 2;

/// The most bytes of a frame with a request: of an image that does not pack at all.
pub const REQUEST_MAX: usize = image::PACKED_MAX + 40;
/// The most bytes of a frame with an answer: of an [`Identity`] with two long architectures.
pub const ANSWER_MAX: usize = 714;

#[cfg(test)]
extern crate std;
#[cfg(test)]
mod tests;
