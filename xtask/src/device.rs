//! `cargo xtask device`: the firmware's program `serve` on an emulated board, and `host device` that talks to it.

use crate::{Error, host};
use emulator::serial::{Emulated, PROGRAM};
use emulator::{Board, Toolchain, firmware, process, qemu};
use std::ffi::OsString;
use std::path::PathBuf;

/// Builds the firmware for `board`, unless `elf` is one, starts it in QEMU, and runs `host device` with `arguments`. QEMU
/// ends with this program.
///
/// # Errors
/// Those of [`qemu::provide`], [`firmware::build`] and [`Emulated::start`];
/// [`emulator::Error::Failed`] where `host` did not succeed.
pub fn device(board: &Board, elf: Option<PathBuf>, toolchain: &Toolchain, arguments: &[OsString]) -> Result<(), Error> {
    qemu::provide(board.emulator)?;
    let elf = match elf {
        Some(elf) => elf,
        None => {
            eprintln!("building the firmware for {}", board.name);
            firmware::build(toolchain, board, PROGRAM, &["qemu"])?
        }
    };
    let emulated = Emulated::start(board, &elf)?;
    // A Ctrl-C reaches `host`, too, which then asks the board for the last time, and ends.
    ctrlc::set_handler(|| ())?;
    let mut host = host::command();
    host.args(["device", "--tcp", &emulated.address().to_string()]).args(arguments);
    Ok(process::run(&mut host)?)
}
