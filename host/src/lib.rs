//! Minnet on a PC: data, training, models on disk, plots. The command line `host` is made of it, and so can programs
//! be that train network types of their own.
#![deny(missing_docs)]

pub mod architecture;
pub mod confusion;
pub mod data;
pub mod device;
pub mod error;
pub mod executor;
pub mod experiment;
pub mod file;
pub mod model;
pub mod nets;
pub mod network2;
pub mod picture;
pub mod plot;
pub mod quantize;
pub mod sheet;
pub mod train;
