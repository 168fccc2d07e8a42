//! The project's tools: what builds firmware and runs it in QEMU, used by `cargo xtask` and by the integration tests.
//!
//! From the top: [`firmware`] builds the firmware for a [`board`] and runs it, with what [`toolchain`] and [`qemu`]
//! find or provide; [`elf`] tells what the firmware takes of the board's memory; [`suite`] runs the project's tests so
//! that none is skipped.
#![deny(missing_docs)]

pub mod accuracy;
pub mod board;
pub mod count;
mod debian;
mod document;
pub mod elf;
pub mod error;
pub mod firmware;
mod host;
mod process;
pub mod qemu;
pub mod rivals;
pub mod stream;
pub mod suite;
mod sysroot;
pub mod toolchain;

pub use board::Board;
pub use error::{Error, Missing};
pub use process::{find_program, run};
pub use toolchain::Toolchain;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The top folder of the repository.
pub fn top() -> PathBuf {
    // Cargo says at run time which clone it runs; what was built knows only the clone that it was built in, and clones
    // that share a target folder share that too. Every package lies right below the top.
    let package = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&package).parent().map(Path::to_owned).unwrap_or_default()
}

/// Writes a file beside the old one, which it then replaces: there is always a whole one.
pub(crate) fn replace(file: &Path, text: &str) -> Result<(), Error> {
    let beside = file.with_extension("part");
    fs::write(&beside, text).map_err(Error::io("write", &beside))?;
    fs::rename(&beside, file).map_err(Error::io("write", file))
}
