//! QEMU, which stands in for a board: found on PATH, or installed where that is possible, and its command line.

use crate::process::find_program;
use crate::{Board, Error, Missing, debian};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program of QEMU, and what its package is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Emulator {
    /// The program, for example `qemu-system-arm`.
    pub program: &'static str,
    debian: &'static str,
    fedora: &'static str,
}

/// Emulates Cortex-M.
pub const ARM: Emulator = Emulator { program: "qemu-system-arm", debian: "qemu-system-arm", fedora: "qemu-system-arm" };
/// Emulates RISC-V of 32 bits.
pub const RISCV32: Emulator =
    Emulator { program: "qemu-system-riscv32", debian: "qemu-system-misc", fedora: "qemu-system-riscv" };

/// The full path of the program.
///
/// # Errors
/// [`Missing`], with the commands that install it.
pub fn find(emulator: Emulator) -> Result<PathBuf, Missing> {
    find_program(emulator.program).ok_or_else(|| Missing {
        what: format!("no {} on PATH, which runs the firmware", emulator.program),
        remedies: vec![
            format!("{}    (Debian, Ubuntu)", debian::command_for(&[emulator.debian])),
            format!("sudo dnf install {}    (Fedora)", emulator.fedora),
            "brew install qemu    (macOS)".into(),
            "cargo xtask test    (does the first where it runs as root on Debian)".into(),
        ],
    })
}

/// Like [`find`], but where the program is missing it is installed first if that is possible without asking.
///
/// # Errors
/// [`Error::Missing`], with the commands for the user, where it may not be installed from here; another [`Error`] where
/// the installation failed.
pub fn provide(emulator: Emulator) -> Result<PathBuf, Error> {
    if find(emulator).is_err() && debian::can_have(&[emulator.debian]) {
        debian::install(&[emulator.debian])?;
    }
    Ok(find(emulator)?)
}

/// The command that runs the firmware `elf` on the machine of `board`, whose serial port is what `serial` says in
/// QEMU's words: `stdio`, `mon:stdio`, `unix:PATH`, `pty`. The exit code is the one the firmware ends with.
///
/// # Errors
/// [`Missing`], where QEMU is.
pub fn command(board: &Board, elf: &Path, serial: &str) -> Result<Command, Missing> {
    let mut command = Command::new(find(board.emulator)?);
    command
        // No firmware before ours, which QEMU's RISC-V machine would else bring along.
        .args(["-M", board.machine, "-bios", "none", "-nographic", "-monitor", "none", "-serial", serial])
        .args(["-semihosting-config", "enable=on,target=native", "-kernel"])
        .arg(elf);
    Ok(command)
}
