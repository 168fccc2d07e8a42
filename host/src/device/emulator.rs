//! A board that QEMU emulates. Its serial line is a TCP connection inside this machine.

use super::Line;
use crate::error::{Error, Result};
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use xtask::{Board, Toolchain, firmware, qemu};

/// The firmware's program that answers.
const PROGRAM: &str = "serve";
/// The longest that QEMU may take to start.
const STARTING: Duration = Duration::from_secs(10);

/// Starts the firmware in QEMU: the file `elf`, or else what is built for the board called `board`. It ends when the
/// line is dropped.
///
/// QEMU counts instructions, so that the board's counter gives the same number in every run.
///
/// # Errors
/// [`Error::Emulator`] for an unknown board, for a missing QEMU or toolchain, with the remedies, and for firmware that
/// does not build; [`Error::Read`] for a file that is not there.
pub fn emulate(board: &str, elf: Option<&Path>) -> Result<impl Line + use<>> {
    let board = Board::named(Some(board))?;
    let built = match elf {
        Some(elf) => {
            std::fs::File::open(elf).map_err(|cause| Error::Read { path: elf.to_owned(), cause })?;
            elf.to_owned()
        }
        None => {
            qemu::find(board.emulator).map_err(xtask::Error::from)?;
            let toolchain = Toolchain::find(board.target).map_err(xtask::Error::from)?;
            eprintln!("building the firmware for {}", board.name);
            firmware::build(&toolchain, board, PROGRAM, &["qemu"])?
        }
    };
    start(board, &built)
}

fn start(board: &Board, elf: &Path) -> Result<Emulated> {
    let failed = |cause| Error::DeviceGone { line: format!("QEMU's {}", board.machine), cause, heard: String::new() };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let mut command = qemu::command(board, elf, &format!("tcp:{address},nodelay=on")).map_err(xtask::Error::from)?;
    command.args(["-icount", "shift=0"]);
    let program = board.emulator.program.to_owned();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    let child = child.map_err(|source| xtask::Error::Start { program, source })?;
    let mut running = Running(child);
    let begin = Instant::now();
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).and_then(|()| stream.set_nodelay(true)).map_err(failed)?;
                return Ok(Emulated { stream, _running: running });
            }
            Err(cause) if cause.kind() != io::ErrorKind::WouldBlock => return Err(failed(cause)),
            Err(cause) if begin.elapsed() > STARTING => return Err(failed(cause)),
            Err(_) => sleep(Duration::from_millis(5)),
        }
        if let Ok(Some(status)) = running.0.try_wait() {
            return Err(failed(io::Error::other(format!("it ended at once ({status})"))));
        }
    }
}

struct Emulated {
    stream: TcpStream,
    _running: Running,
}

impl Line for Emulated {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.send(bytes)
    }

    fn receive(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        self.stream.receive(buffer, patience)
    }
}

/// QEMU, as long as this lives.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
