//! What can go wrong, each said with its place and its remedy.

use std::io;
use std::path::PathBuf;

/// Why one of the tools could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Firmware could not be built or run, or another program could not.
    #[error(transparent)]
    Emulator(#[from] emulator::Error),
    /// A board of the emulator's own cannot be flashed.
    #[error("{board} is a machine of QEMU's own, with no chip to flash; `cargo xtask qemu {board}` runs it")]
    NoChip { board: &'static str },
    /// Firmware that must not use a heap has the symbols of one.
    #[error(
        "{}: must do without a heap, but has {}; find the dependency or the `extern crate alloc` that brings it in",
        path.display(),
        symbols.join(", ")
    )]
    Heap { path: PathBuf, symbols: Vec<String> },
    /// A program or a file does not say what it should.
    #[error("{program}: unexpected: {said}")]
    Answer { program: String, said: String },
    /// An inference takes more than is recorded, or than that of a larger layer, or has what it must not have.
    #[error(
        "not as docs/device.json and host/src/instructions/layers.json have it, or as it must be; find out why, or record what has grown \
         with `cargo xtask count`:\n{}",
        .0.join("\n")
    )]
    Grown(Vec<String>),
    /// Tests were not run because they are marked to be ignored.
    #[error(
        "{0} test(s) were ignored, and no test may be: run them, or delete them (the lines `... ignored` above name them)"
    )]
    Ignored(u64),
    /// The handler for Ctrl-C could not be installed.
    #[error("Ctrl-C cannot be caught: {0}; run the command from a terminal or a plain shell")]
    Signals(#[from] ctrlc::Error),
}

impl Error {
    /// For `map_err`: the failure to do `action` with `path`.
    pub fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
        let io = emulator::Error::io(action, path);
        move |source| io(source).into()
    }
}

/// What is missing comes with its remedies.
impl From<emulator::Missing> for Error {
    fn from(missing: emulator::Missing) -> Self {
        Self::Emulator(missing.into())
    }
}
