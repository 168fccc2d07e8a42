//! The project's tests, run so that none is skipped.

use crate::Error;
use crate::record::count;
use emulator::board::BOARDS;
use emulator::{Toolchain, process, qemu, top};
use std::env;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::{Command, Stdio};

/// Provides what the tests need and runs them all with `cargo test --workspace --all-features`, to which `arguments` are
/// handed on. Its output passes through as it comes. Then the firmware's instructions are counted ([`count::check`]).
///
/// # Errors
/// Those of [`Toolchain::provide`], [`qemu::provide`] and [`count::check`]; [`emulator::Error::Failed`] where a test failed;
/// [`Error::Ignored`] where all passed, but one was not run.
pub fn run(arguments: &[String]) -> Result<(), Error> {
    for board in BOARDS {
        Toolchain::provide(board.target)?;
        qemu::provide(board.emulator)?;
    }
    let mut cargo = cargo();
    let mut child = process::start(
        cargo.args(["test", "--locked", "--workspace", "--all-features"]).args(arguments).stdout(Stdio::piped()),
    )?;
    let passed_on = match child.stdout.take() {
        Some(output) => pass_on(output, io::stdout()),
        None => Ok(0),
    };
    process::finish(child, &cargo)?;
    match passed_on.map_err(Error::io("pass on", "the output of `cargo test`"))? {
        0 => count::check(),
        ignored => Err(Error::Ignored(ignored)),
    }
}

/// The cargo that runs us, in the repository's top folder.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    cargo.current_dir(top());
    cargo
}

/// Copies `from` to `to` as it comes, piece by piece and not only whole lines, since the name of a test appears before
/// its result; returns how many tests the lines in it report as ignored.
fn pass_on(mut from: impl Read, mut to: impl Write) -> io::Result<u64> {
    let (mut piece, mut line, mut ignored) = ([0; 4096], Vec::new(), 0);
    loop {
        let length = from.read(&mut piece)?;
        if length == 0 {
            return Ok(ignored + ignored_in(&line));
        }
        to.write_all(&piece[..length])?;
        to.flush()?;
        for part in piece[..length].split_inclusive(|&byte| byte == b'\n') {
            line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                ignored += ignored_in(&line);
                line.clear();
            }
        }
    }
}

/// The number of ignored tests in one of libtest's closing lines, such as
/// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`; 0 in any other line.
fn ignored_in(line: &[u8]) -> u64 {
    let line = String::from_utf8_lossy(line);
    let Some(result) = line.strip_prefix("test result: ") else { return 0 };
    result.split("; ").find_map(|part| part.strip_suffix(" ignored")?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_tests_are_counted_and_everything_passes_on() {
        let output = "test a ... ignored, 1 ignored; no result\n\
            test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
            test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 9 filtered out; finished in 0.01s\n\
            test result: FAILED. 0 passed; 1 failed; 12 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        let mut copy = Vec::new();
        assert_eq!(pass_on(output.as_bytes(), &mut copy).unwrap(), 13);
        assert_eq!(copy, output.as_bytes());
    }

    #[test]
    fn a_line_that_comes_in_pieces_is_one_line() {
        let text = "test result: ok. 3 passed; 0 failed; 7 ignored; 0 measured; 0 filtered out\n";
        let (first, second) = text.split_at(40);
        assert_eq!(pass_on(first.as_bytes().chain(second.as_bytes()), io::sink()).unwrap(), 7);
    }
}
