//! A board in QEMU whose serial port is a TCP connection inside this machine.

use crate::{Board, Error, process, qemu};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// The firmware's program that answers over the serial port.
pub const PROGRAM: &str = "serve";
/// The longest that QEMU may take to open the port.
const STARTING: Duration = Duration::from_secs(10);
/// QEMU listens, and says where; the board starts when somebody has connected.
const SERIAL: &str = "tcp:127.0.0.1:0,server=on,wait=on,nodelay=on";

/// A board that runs. It ends when this is dropped, and, on Unix, when this program ends, in whatever way.
#[derive(Debug)]
pub struct Emulated {
    child: Child,
    address: SocketAddr,
}

impl Emulated {
    /// Starts the firmware `elf` on the machine of `board`. QEMU counts instructions, so that the board's counter gives the
    /// same numbers in every run.
    ///
    /// # Errors
    /// [`Error::Missing`] and [`Error::Start`], for QEMU; [`Error::Serial`] where it does not open the port.
    pub fn start(board: &Board, elf: &Path) -> Result<Self, Error> {
        let mut qemu = qemu::command(board, elf, SERIAL)?;
        qemu.args(["-icount", "shift=0"]);
        let mut command = watched(qemu);
        let mut child = process::start(command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()))?;
        let (sender, receiver) = channel();
        if let Some(stderr) = child.stderr.take() {
            thread::spawn(move || listen(stderr, &sender));
        }
        // From here on it is ended, whatever happens.
        let mut emulated = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let fail = |reason| Error::Serial { machine: board.machine, reason };
        emulated.address = receiver.recv_timeout(STARTING).map_err(|error| {
            fail(match error {
                RecvTimeoutError::Timeout => format!("it did not do so in {STARTING:?}"),
                RecvTimeoutError::Disconnected => "it ended; its own message is above".into(),
            })
        })?;
        Ok(emulated)
    }

    /// The number of the process that runs it; on Unix of a group of processes, QEMU among them.
    pub fn group(&self) -> u32 {
        self.child.id()
    }

    /// Where the serial port is: whoever connects talks to the board.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Emulated {
    fn drop(&mut self) {
        // The end of this pipe ends a watched program; the others are killed. Both fail only for one that has ended.
        drop(self.child.stdin.take());
        if cfg!(not(unix)) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// Reads what QEMU says to its end: sends on the address that is in it, and passes on the rest.
fn listen(stderr: impl Read, address: &Sender<SocketAddr>) {
    for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
        match address_in(&String::from_utf8_lossy(&line)) {
            // Fails if nobody waits any more.
            Some(found) => drop(address.send(found)),
            // Fails if nobody can read it any more.
            None => drop(io::stderr().write_all(&[&line[..], b"\n"].concat())),
        }
    }
}

/// The address in `…: info: QEMU waiting for connection on: disconnected:tcp:127.0.0.1:35775,server=on`.
fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, place) = line.split_once("waiting for connection on: ")?;
    place.rsplit_once("tcp:")?.1.split(',').next()?.parse().ok()
}

/// `command` under a shell that ends it when the pipe to the shell's standard input ends. Only this program holds the other
/// side of that pipe, so it ends with this program, even with one that is killed.
///
/// It is a process group of its own: a Ctrl-C is for who talks to the board, and may want to ask it something at the end.
#[cfg(unix)]
fn watched(command: Command) -> Command {
    use std::os::unix::process::CommandExt;
    const SCRIPT: &str = r#"
        exec 3<&0
        "$@" </dev/null 3<&- & program=$!
        exec 2>/dev/null
        (read -r line <&3; kill -9 "$program") & watch=$!
        wait "$program"; status=$?
        kill "$watch"
        exit "$status""#;
    let mut shell = Command::new("sh");
    shell.args(["-c", SCRIPT, "sh"]).arg(command.get_program()).args(command.get_args()).process_group(0);
    shell
}

#[cfg(not(unix))]
fn watched(command: Command) -> Command {
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_what_qemu_says_last() {
        let line = "qemu-system-arm: -serial tcp:127.0.0.1:0,server=on: info: QEMU waiting for connection on: \
                    disconnected:tcp:127.0.0.1:35775,server=on";
        assert_eq!(address_in(line), Some(SocketAddr::from(([127, 0, 0, 1], 35775))));
        assert_eq!(address_in("qemu-system-arm: -serial tcp:127.0.0.1:0,server=on: no such thing"), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_program_ends_with_the_pipe_of_who_started_it() {
        let mut sleep = Command::new("sleep");
        sleep.arg("600");
        let mut child = watched(sleep).stdin(Stdio::piped()).spawn().unwrap();
        thread::sleep(Duration::from_millis(100));
        assert_eq!(child.try_wait().unwrap(), None);
        // The system does this for a program that is killed.
        drop(child.stdin.take());
        assert_eq!(child.wait().unwrap().code(), Some(128 + 9));
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_ends_by_itself_keeps_its_exit_code() {
        let mut exit = Command::new("sh");
        exit.args(["-c", "exit 3"]);
        let mut child = watched(exit).stdin(Stdio::piped()).spawn().unwrap();
        // Not `wait`, which ends the pipe first.
        let status = loop {
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None => thread::sleep(Duration::from_millis(5)),
            }
        };
        assert_eq!(status.code(), Some(3));
    }
}
