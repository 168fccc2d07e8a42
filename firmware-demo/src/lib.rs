//! Minnet on a microcontroller: what the two programs in `bin` share.
//!
//! - [`board`]: the one module that knows the hardware;
//! - [`nets`]: the networks, and the memory they work in;
//! - [`images`]: digits in flash;
//! - [`kernels`]: the device's kernels against plain loops;
//! - [`training`]: a training run that gives the same bits on every machine;
//! - [`picture`]: digits and numbers as text;
//! - [`end`]: how a program ends.
#![no_std]

pub mod board;
pub mod end;
pub mod images;
pub mod kernels;
pub mod nets;
pub mod picture;
pub mod training;
