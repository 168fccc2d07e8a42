//! What can go wrong with firmware and emulator, each said with its place and its remedy.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// Something that has to be installed first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Missing {
    /// What is missing, and where it was looked for.
    pub what: String,
    /// The ways to get it: commands, any one of which is enough.
    pub remedies: Vec<String>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}\nget it by one of:", self.what)?;
        self.remedies.iter().try_for_each(|remedy| write!(f, "\n    {remedy}"))
    }
}

/// Why firmware could not be built or run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program or a library has to be installed first.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// No board has this name.
    #[error("no board is called `{name}`; there are: {}", known.join(", "))]
    UnknownBoard {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<&'static str>,
    },
    /// A program could not be started.
    #[error("cannot start `{program}`: {source}; is it installed and on PATH?")]
    Start {
        /// The program.
        program: String,
        /// The system's reason.
        source: io::Error,
    },
    /// A program ended without success; it has said why on its own output.
    #[error("`{command}` failed ({status}); its own message is above")]
    Failed {
        /// The whole command line.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// A file or a folder could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried: "read", "create", …
        action: &'static str,
        /// The file or the folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A program did not end in the time it was given, and was stopped.
    #[error("`{command}` did not end within {limit:?} and was stopped; the last it said:\n{said}")]
    TimedOut {
        /// The whole command line.
        command: String,
        /// The time it was given.
        limit: Duration,
        /// The end of its output.
        said: String,
    },
    /// QEMU did not open the serial port of an emulated board.
    #[error("QEMU's {machine} did not open its serial port: {reason}")]
    Serial {
        /// QEMU's machine.
        machine: &'static str,
        /// How it ended, or that it did not.
        reason: String,
    },
    /// A file is no ELF file that can be reported on.
    #[error("{}: {reason}", path.display())]
    Elf {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    /// For `map_err`: the failure to do `action` with `path`.
    pub fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |source| Error::Io { action, path, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said_with_every_remedy() {
        let missing = Missing { what: "no abacus".into(), remedies: vec!["buy one".into(), "carve one".into()] };
        assert_eq!(missing.to_string(), "no abacus\nget it by one of:\n    buy one\n    carve one");
    }
}
