//! Other programs: finding them, running them, ending them in time, and keeping this build's variables from them.

use crate::Error;
use std::env;
use std::ffi::OsStr;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The full path of the program called `name` on PATH, if it is there.
pub fn find_program(name: &str) -> Option<PathBuf> {
    find_in(&env::var_os("PATH")?, name)
}

fn find_in(path: &OsStr, name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    env::split_paths(path).map(|folder| folder.join(&file)).find(|program| program.is_file())
}

/// Runs `command` to its end with its output shown.
///
/// # Errors
/// [`Error::Start`] where it cannot be started, [`Error::Failed`] where it ends without success.
pub fn run(command: &mut Command) -> Result<(), Error> {
    finish(start(command)?, command)
}

/// Starts `command`.
///
/// # Errors
/// [`Error::Start`] where it cannot be started.
pub fn start(command: &mut Command) -> Result<Child, Error> {
    command.spawn().map_err(|source| not_started(command, source))
}

/// Waits for `child`, which `command` started, to end with success.
///
/// # Errors
/// [`Error::Failed`] where it does not.
pub fn finish(mut child: Child, command: &Command) -> Result<(), Error> {
    let status = child.wait().map_err(|source| not_started(command, source))?;
    if status.success() { Ok(()) } else { Err(Error::Failed { command: line(command), status }) }
}

/// What `command` prints to stdout, without the line's end; its stderr is shown.
///
/// # Errors
/// As [`run`].
pub fn read(command: &mut Command) -> Result<String, Error> {
    let output = command.stderr(Stdio::inherit()).output().map_err(|source| not_started(command, source))?;
    if !output.status.success() {
        return Err(Error::Failed { command: line(command), status: output.status });
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// Runs `command` without input, keeps what it prints, and stops it when `limit` has passed.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Result<Output, Error> {
    let begin = Instant::now();
    let mut child = start(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let stdout = child.stdout.take().map(read_aside);
    let stderr = child.stderr.take().map(read_aside);
    let ended = loop {
        match child.try_wait() {
            Ok(None) if begin.elapsed() < limit => thread::sleep(Duration::from_millis(5)),
            Ok(None) => break None,
            Ok(Some(status)) => break Some(status),
            Err(source) => return Err(not_started(command, source)),
        }
    };
    if ended.is_none() {
        // Both can only fail because the program has just ended by itself; then nothing is left to stop.
        let _ = child.kill();
        let _ = child.wait();
    }
    let join = |reader: Option<thread::JoinHandle<Vec<u8>>>| reader.and_then(|r| r.join().ok()).unwrap_or_default();
    let (stdout, stderr) = (join(stdout), join(stderr));
    match ended {
        Some(status) => Ok(Output { status, stdout, stderr }),
        None => Err(Error::TimedOut { command: line(command), limit, said: last_lines(&stdout, &stderr) }),
    }
}

/// Reads to the end on a thread of its own, so that a full pipe cannot hold the program up.
fn read_aside(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // A pipe that breaks ends what was said; what came before is still worth having.
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}

fn last_lines(stdout: &[u8], stderr: &[u8]) -> String {
    let text = format!("{}{}", String::from_utf8_lossy(stdout), String::from_utf8_lossy(stderr));
    let lines: Vec<&str> = text.lines().collect();
    match lines.len() {
        0 => "(nothing)".to_owned(),
        n => lines[n.saturating_sub(20)..].join("\n"),
    }
}

fn not_started(command: &Command, source: std::io::Error) -> Error {
    Error::Start { program: command.get_program().to_string_lossy().into_owned(), source }
}

/// The command as one would type it.
fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Keeps from `command` the variables that `cargo run` and `cargo test` set for the program they start, and those that
/// choose a compiler or its flags for the workspace: firmware is another workspace, with a compiler of its own.
pub(crate) fn keep_outer_build_out(command: &mut Command) -> &mut Command {
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(belongs_to_outer_build) {
            command.env_remove(name);
        }
    }
    command
}

fn belongs_to_outer_build(name: &str) -> bool {
    // Of cargo's variables only those that say where things are fetched from and kept concern every build.
    const OF_EVERY_BUILD: [&str; 6] =
        ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR", "CARGO_SOURCE_", "CARGO_TERM_"];
    const OF_THIS_BUILD: [&str; 9] = [
        "CARGO",
        "LD_LIBRARY_PATH",
        "OUT_DIR",
        "RUSTC",
        "RUSTDOC",
        "RUSTFLAGS",
        "RUSTDOCFLAGS",
        "RUSTUP_TOOLCHAIN",
        "RUSTUP_TOOLCHAIN_SOURCE",
    ];
    OF_THIS_BUILD.contains(&name)
        || name.starts_with("RUSTC_")
        || name.starts_with("CARGO_") && !OF_EVERY_BUILD.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_in_the_first_folder_that_has_it() {
        let (empty, full) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let program = full.path().join(format!("abacus{}", env::consts::EXE_SUFFIX));
        std::fs::write(&program, "").unwrap();
        let path = env::join_paths([empty.path(), full.path()]).unwrap();
        assert_eq!(find_in(&path, "abacus"), Some(program));
        assert_eq!(find_in(&path, "slide-rule"), None);
    }

    #[test]
    fn the_outer_build_is_kept_out_and_the_users_settings_are_not() {
        for name in
            ["CARGO", "CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "CARGO_TARGET_DIR", "CARGO_ENCODED_RUSTFLAGS", "RUSTC"]
        {
            assert!(belongs_to_outer_build(name), "{name}");
        }
        for name in ["RUSTC_WRAPPER", "RUSTFLAGS", "RUSTUP_TOOLCHAIN", "LD_LIBRARY_PATH", "CARGO_BUILD_TARGET"] {
            assert!(belongs_to_outer_build(name), "{name}");
        }
        for name in ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "CARGO_NET_OFFLINE", "CARGO_TERM_COLOR"] {
            assert!(!belongs_to_outer_build(name), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_does_not_end_is_stopped_and_its_words_are_kept() {
        // `exec`, so that the one process that is stopped is also the one that holds the pipes.
        let error = run_within(Command::new("sh").args(["-c", "echo here; exec sleep 60"]), Duration::from_millis(300));
        let error = error.unwrap_err().to_string();
        assert!(error.contains("300ms") && error.ends_with("here"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_ends_in_time_keeps_its_exit_code() {
        let output = run_within(Command::new("sh").args(["-c", "echo out; exit 3"]), Duration::from_secs(60)).unwrap();
        assert_eq!((output.status.code(), output.stdout), (Some(3), b"out\n".to_vec()));
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = run(&mut Command::new("no-such-program")).unwrap_err().to_string();
        assert!(error.contains("`no-such-program`"), "{error}");
    }
}
