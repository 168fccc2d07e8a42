//! The firmware: building it for a board, and running it in QEMU.

use crate::{Board, Error, Toolchain, process, qemu, top};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

/// Builds the binary `bin` of `firmware-demo` for `board`, with `features` besides the board's own, and returns its ELF
/// file.
///
/// Every set of features has a target folder of its own under `target/firmware`: tests that run side by side must not
/// replace each other's file.
///
/// # Errors
/// [`Error::Start`] or [`Error::Failed`], where cargo could not be started or could not build it.
pub fn build(toolchain: &Toolchain, board: &Board, bin: &str, features: &[&str]) -> Result<PathBuf, Error> {
    build_in(&[&[board.name], features].concat().join("+"), toolchain, board, bin, features)
}

/// As [`build`], in the folder `name` under `target/firmware`.
///
/// # Errors
/// As [`build`].
pub fn build_in(
    name: &str,
    toolchain: &Toolchain,
    board: &Board,
    bin: &str,
    features: &[&str],
) -> Result<PathBuf, Error> {
    let features = [&[board.name], features].concat();
    let folder = top().join("target/firmware").join(name);
    let mut cargo = toolchain.cargo();
    cargo
        .current_dir(top().join("firmware-demo"))
        .args(["build", "--locked", "--quiet", "--release", "--target", toolchain.target(), "--bin", bin])
        .args(["--no-default-features", "--features", &features.join(",")])
        .arg("--target-dir")
        .arg(&folder);
    process::run(&mut cargo)?;
    Ok(folder.join(toolchain.target()).join("release").join(bin))
}

/// Runs the firmware `elf` on the machine of `board` until it ends; `stdout` is what it sends on its serial port, and
/// the exit code is the one it ends with.
///
/// With `icount` a virtual clock counts instructions, one nanosecond each: time is then exact and repeatable.
///
/// # Errors
/// [`Error::Missing`] without QEMU, [`Error::TimedOut`] with the last lines of output where it does not end within
/// `limit`. An exit code that tells of failure is not an error here.
pub fn run_in_qemu(board: &Board, elf: &Path, icount: bool, limit: Duration) -> Result<Output, Error> {
    let mut command = qemu::command(board, elf, "stdio")?;
    if icount {
        command.args(["-icount", "shift=0"]);
    }
    process::run_within(&mut command, limit)
}
