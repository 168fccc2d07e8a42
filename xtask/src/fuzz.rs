//! Builds and runs the program `fuzz`.

use crate::{Error, suite};
use emulator::process::{read, run};
use emulator::top;
use std::ffi::OsString;
use std::process::Command;

/// Has LLVM add a counter to each edge of the control flow. That needs no unstable flag.
const COUNTERS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=3 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Ccodegen-units=4";

/// Runs `fuzz` with `arguments`: as the tests are built, or, to be `guided`, optimized and with counters.
///
/// # Errors
/// [`emulator::Error::Failed`] if it cannot be built, or if it has found something.
pub fn fuzz(guided: bool, arguments: &[OsString]) -> Result<(), Error> {
    let target = top().join("target");
    let mut build = suite::cargo();
    build.args(["build", "--locked"]);
    let folder = if guided {
        let said = read(Command::new(suite::cargo().get_program()).args(["-vV"]))?;
        let triple = said.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default().to_owned();
        // With the target named, the flags are not those of build scripts.
        build.args(["--package", "fuzz", "--profile", "fuzz", "--target", &triple, "--target-dir"]);
        build.arg(target.join("guided")).env("RUSTFLAGS", COUNTERS);
        target.join("guided").join(triple).join("fuzz")
    } else {
        // The very flags of the tests, so that nothing is compiled twice.
        build.args(["--workspace", "--all-features", "--bin", "fuzz", "--target-dir"]).arg(&target);
        target.join("debug")
    };
    run(&mut build)?;
    let program = folder.join("fuzz").with_extension(std::env::consts::EXE_EXTENSION);
    Ok(run(Command::new(program).args(arguments).current_dir(top()))?)
}
