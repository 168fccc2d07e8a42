//! QEMU, which stands in for a board: found on PATH, or installed where that is possible, and its command line.

use crate::{Board, Error, Missing, debian, find_program};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The full path of the QEMU program `binary`, for example `qemu-system-arm`.
///
/// # Errors
/// [`Missing`], with the commands that install it.
pub fn find(binary: &str) -> Result<PathBuf, Missing> {
    find_program(binary).ok_or_else(|| Missing {
        what: format!("no {binary} on PATH, which runs the firmware"),
        remedies: vec![
            format!("{}    (Debian, Ubuntu)", debian::command_for(&[binary])),
            format!("sudo dnf install {binary}    (Fedora)"),
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
pub fn provide(binary: &str) -> Result<PathBuf, Error> {
    if find(binary).is_err() && debian::can_have(&[binary]) {
        debian::install(&[binary])?;
    }
    Ok(find(binary)?)
}

/// The command that runs the firmware `elf` on the machine of `board`, whose serial port is what `serial` says in
/// QEMU's words: `stdio`, `mon:stdio`, `unix:PATH`, `pty`. The exit code is the one the firmware ends with.
///
/// # Errors
/// [`Missing`], where QEMU is.
pub fn command(board: &Board, elf: &Path, serial: &str) -> Result<Command, Missing> {
    let mut command = Command::new(find(board.emulator)?);
    command
        .args(["-M", board.machine, "-nographic", "-monitor", "none", "-serial", serial])
        .args(["-semihosting-config", "enable=on,target=native", "-kernel"])
        .arg(elf);
    Ok(command)
}
