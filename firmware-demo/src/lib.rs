//! Minnet on a microcontroller: what the programs in `bin` share, beside the crate `device`, which knows no board: what is
//! answered over the serial port, and a training run that gives the same bits on every machine.
//!
//! - [`board`]: the one module that knows the boards;
//! - [`processor`]: what boards with the same processor share;
//! - [`nets`]: the networks, and the memory they work in;
//! - [`images`]: digits in flash;
//! - [`kernels`]: the device's kernels against plain loops;
//! - [`picture`]: digits and numbers as text;
//! - [`run`]: how a program starts and ends.
#![no_std]

pub mod board;
pub mod images;
#[cfg(feature = "training")]
pub mod kernels;
pub mod nets;
pub mod picture;
pub mod processor;
pub mod run;
