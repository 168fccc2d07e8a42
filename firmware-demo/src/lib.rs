//! Minnet on a microcontroller: what the programs in `bin` share.
//!
//! - [`board`]: the one module that knows the boards;
//! - [`processor`]: what boards with the same processor share;
//! - [`nets`]: the networks, and the memory they work in;
//! - [`images`]: digits in flash;
//! - [`kernels`]: the device's kernels against plain loops;
//! - [`training`]: a training run that gives the same bits on every machine;
//! - [`service`]: what the device answers over its serial port;
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
pub mod service;
pub mod training;
