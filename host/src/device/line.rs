//! Serial lines, and what stands for one.

use crate::error::{Error, Result};
use serialport::SerialPort;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// Bits a second; one byte takes ten bits. The firmware's boards all use it.
const BAUD: u32 = 115_200;
/// The longest that the other end may take to accept a connection.
const CONNECTING: Duration = Duration::from_secs(5);
/// The longest that sending may wait for the other end to take bytes.
const SENDING: Duration = Duration::from_secs(2);

/// Something that carries bytes both ways, perhaps not all of them and perhaps not as they were.
pub trait Line: Send {
    /// Sends bytes.
    ///
    /// # Errors
    /// If the other end is gone.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Waits until bytes arrive, but no longer than `patience`. Gives how many are now in `buffer`: none, if none came.
    ///
    /// # Errors
    /// If the other end is gone.
    fn receive(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize>;
}

impl<L: Line + ?Sized> Line for Box<L> {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        (**self).send(bytes)
    }

    fn receive(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        (**self).receive(buffer, patience)
    }
}

/// Opens a serial port, such as `/dev/ttyACM0` or `COM3`.
///
/// # Errors
/// [`Error::DeviceOpen`], with the ports that there are.
pub fn open(port: &str) -> Result<impl Line + use<>> {
    let opened = serialport::new(port, BAUD).timeout(SENDING).open();
    opened.map_err(|cause| Error::DeviceOpen { port: port.to_owned(), cause, known: known_ports() })
}

/// Connects to a serial port that is at a TCP address, such as `127.0.0.1:4444`.
///
/// # Errors
/// [`Error::DeviceConnect`].
pub fn connect(address: &str) -> Result<impl Line + use<>> {
    let failed = |cause| Error::DeviceConnect { address: address.to_owned(), cause };
    let mut failure = io::Error::new(ErrorKind::NotFound, "the name stands for no address");
    for place in address.to_socket_addrs().map_err(failed)? {
        match TcpStream::connect_timeout(&place, CONNECTING) {
            Ok(stream) => return stream.set_nodelay(true).map(|()| stream).map_err(failed),
            Err(cause) => failure = cause,
        }
    }
    Err(failed(failure))
}

fn known_ports() -> String {
    let names: Vec<_> = serialport::available_ports().unwrap_or_default().into_iter().map(|p| p.port_name).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

impl Line for Box<dyn SerialPort> {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.set_timeout(SENDING)?;
        self.write_all(bytes)?;
        self.flush()
    }

    fn receive(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        self.set_timeout(patience)?;
        received(self.read(buffer))
    }
}

impl Line for TcpStream {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.set_write_timeout(Some(SENDING))?;
        self.write_all(bytes)
    }

    fn receive(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        self.set_read_timeout(Some(patience))?;
        received(self.read(buffer))
    }
}

/// What a read came to: systems have several names for time that has passed, and no bytes at all are the end.
fn received(read: io::Result<usize>) -> io::Result<usize> {
    match read {
        Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
        Err(cause) if matches!(cause.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
            Ok(0)
        }
        read => read,
    }
}
