//! Minnet on a PC: data, training, models on disk, plots. The command line `host` is made of it, and so can other
//! programs be: they train networks that are read from a text ([`network::Network`]), or types of their own
//! ([`minnet::net::Net`]).
//!
//! Cargo features, all on by default through `cli`, which the command line needs: `experiments` brings the book's
//! experiments and, with them, support vector machines; `device` brings serial lines and emulated boards.
#![deny(missing_docs)]
// A program that reports must not end where nobody listens: see `report`.
#![cfg_attr(not(test), deny(clippy::print_stderr, clippy::print_stdout))]

pub mod architecture;
pub mod augment;
pub mod batch_norm;
pub mod confusion;
pub mod data;
pub mod description;
#[cfg(feature = "device")]
pub mod device;
mod drawing;
pub mod error;
pub mod exchange;
pub mod executor;
#[cfg(feature = "experiments")]
pub mod experiment;
pub mod file;
pub mod instructions;
pub mod memory;
pub mod model;
pub mod nets;
pub mod network;
pub mod picture;
mod pixels;
pub mod plot;
pub mod quantize;
pub mod report;
pub mod samples;
pub mod search;
pub mod sheet;
pub mod shell;
pub mod train;
