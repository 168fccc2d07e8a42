//! The device's side of `host device`: [`Device`] answers what the PC asks in the protocol of the crate `wire`. It knows no
//! board. A firmware brings the serial port and the memory; [`wire::Server`] carries bytes between the two. The tests on
//! a PC run the same code.
#![no_std]
#![deny(missing_docs)]

pub mod layers;
mod service;
pub mod shapes;
pub mod training;

pub use service::{About, Device, INIT, Learner, Learning};
