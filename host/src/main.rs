//! The command line: parse, run, exit code. What can be typed is in `command`; the work is the library's.

#![deny(clippy::print_stderr, clippy::print_stdout)]

mod command;

use clap::Parser;
use minnet_host::report;
use std::process::ExitCode;

fn main() -> ExitCode {
    match command::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has seen enough, as with `host nets | head -3`.
        Err(minnet_host::error::Error::Output { cause }) if cause.kind() == std::io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            report!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
