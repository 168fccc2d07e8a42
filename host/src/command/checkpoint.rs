//! `host train --checkpoint`, `--every` and `--resume`: trainings that are cut short go on.

use super::{Cli, Command, set_memory, train};
use clap::Parser;
use minnet_host::error::{Error, Result};
use minnet_host::report;
use minnet_host::shell;
use minnet_host::train::{Checkpoint, Hyper, State};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Without `--every`, a checkpoint is written when so much time has gone since the last.
const INTERVAL: Duration = Duration::from_secs(10);

/// A command that trains, as it was typed, and what it goes on from.
pub(super) struct Order {
    pub(super) arguments: train::Arguments,
    /// Its words, without the program's name.
    pub(super) words: Vec<String>,
    /// A checkpoint, and its path.
    from: Option<(PathBuf, Checkpoint)>,
}

impl Order {
    /// A command that begins.
    pub(super) fn new(arguments: train::Arguments, words: Vec<String>) -> Self {
        Self { arguments, words, from: None }
    }

    /// The command of a checkpoint, which then becomes this program's; its directory becomes the current one.
    ///
    /// # Errors
    /// Those of [`Checkpoint::read`]; [`Error::Checkpoint`] if its command or its directory is not to be had any more.
    pub(super) fn resumed(path: PathBuf) -> Result<Self> {
        let checkpoint = Checkpoint::read(&path)?;
        let bad = |problem| Error::Checkpoint { path: path.clone(), problem };
        let words = checkpoint.command.clone();
        let parsed = Cli::try_parse_from(std::iter::once("host").chain(words.iter().map(String::as_str)));
        let Ok(Cli { command: Command::Train(arguments), memory }) = parsed else {
            return Err(bad(
                "its command is none of this version of `host train`; go on with the version that began it",
            ));
        };
        set_memory(memory);
        let here = std::env::current_dir().unwrap_or_default();
        if here != Path::new(&checkpoint.directory) {
            let cause =
                "the directory that its training was begun in is not there any more; make it, and put the data there";
            std::env::set_current_dir(&checkpoint.directory).map_err(|_| bad(cause))?;
            report!("in {}, where it was begun:", checkpoint.directory);
        }
        report!("host {}", shell::line(&words));
        report!("goes on after epoch {}", checkpoint.state.epochs());
        Ok(Self { arguments, words, from: Some((path, checkpoint)) })
    }

    /// What the training goes on from, if its data and settings are still what they were.
    ///
    /// # Errors
    /// [`Error::Checkpoint`].
    pub(super) fn state(&mut self, fingerprint: u64) -> Result<Option<State>> {
        match self.from.take() {
            Some((path, checkpoint)) if checkpoint.fingerprint != fingerprint => {
                let problem =
                    "the data are others than when its training was begun, or another version of Minnet began it";
                Err(Error::Checkpoint { path, problem })
            }
            from => Ok(from.map(|(_, checkpoint)| checkpoint.state)),
        }
    }

    /// Where its checkpoints go, once it is clear that nothing else is there.
    ///
    /// # Errors
    /// Those of [`Checkpoint::read`], for a file that is no checkpoint.
    pub(super) fn keeper(&self) -> Result<Keeper> {
        let path = self.arguments.checkpoint();
        if self.from.is_none() && path.exists() {
            let epochs = Checkpoint::read(&path)?.state.epochs();
            report!(
                "note: {path} is of a training that was cut short after {epochs} epochs; `host train --resume {path}` would go on \
                 with it; this one will replace it",
                path = path.display()
            );
        }
        let directory = std::env::current_dir().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Keeper {
            path,
            every: self.arguments.every,
            last: Instant::now(),
            command: self.words.clone(),
            directory,
            fingerprint: 0,
            is_written: self.from.is_some(),
            has_failed: false,
        })
    }
}

/// A number that the network, the settings and the data give.
pub(super) fn fingerprint(architecture: &str, hyper: &Hyper, data: u64, samples: [usize; 2]) -> Result<u64> {
    let text = serde_json::to_string(&(architecture, hyper, data, samples));
    let text = text.map_err(|cause| Error::Output { cause: cause.into() })?;
    Ok(crc::Crc::<u64>::new(&crc::CRC_64_XZ).checksum(text.as_bytes()))
}

/// Keeps what a training goes on from.
pub(super) struct Keeper {
    path: PathBuf,
    every: Option<u32>,
    last: Instant,
    command: Vec<String>,
    directory: String,
    /// Of the training; known once its data are read.
    fingerprint: u64,
    is_written: bool,
    has_failed: bool,
}

impl Keeper {
    /// Of a training with this fingerprint.
    pub(super) fn of(self, fingerprint: u64) -> Self {
        Self { fingerprint, ..self }
    }

    /// Writes a checkpoint if it is time for one, or if the training `is_stopping`.
    pub(super) fn keep(&mut self, epoch: u32, state: &dyn Fn() -> State, is_stopping: bool) {
        let is_due = match self.every {
            Some(epochs) => epoch.is_multiple_of(epochs),
            None => self.last.elapsed() >= INTERVAL,
        };
        if !is_due && !is_stopping {
            return;
        }
        let (command, directory) = (self.command.clone(), self.directory.clone());
        let checkpoint = Checkpoint { command, directory, fingerprint: self.fingerprint, state: state() };
        match checkpoint.save(&self.path) {
            Ok(()) => self.is_written = true,
            // The training may come to its end all the same.
            Err(error) if !self.has_failed => {
                self.has_failed = true;
                report!("warning: no checkpoint: {error}");
            }
            Err(_) => {}
        }
        self.last = Instant::now();
    }

    /// What a training that was stopped goes on from, if there is something.
    pub(super) fn left(self) -> Option<PathBuf> {
        Some(self.path).filter(|_| self.is_written)
    }

    /// Removes what nobody needs after the end.
    pub(super) fn remove(self) {
        if self.is_written {
            // If it stays, the next run says what it is.
            let _ = std::fs::remove_file(self.path);
        }
    }
}
