//! `host device`

mod classify;
mod eval;
mod info;
mod train;

use clap::{Args, Subcommand};
use host::device::{Client, Faults, Identity, Line, Timing, emulate, open};
use host::error::{Error, Result};
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

/// How to reach the device.
#[derive(Args)]
struct Connection {
    /// The serial port that the device is at, such as /dev/ttyACM0
    #[arg(long, required_unless_present = "qemu", conflicts_with = "qemu")]
    port: Option<String>,
    /// Emulate this board with QEMU; `cargo xtask` builds its firmware first
    #[arg(long, value_name = "BOARD")]
    qemu: Option<String>,
    /// Emulate with this firmware, instead of building it
    #[arg(long, value_name = "FILE", requires = "qemu")]
    elf: Option<PathBuf>,
    /// Spoil one byte in N on the line (lost, changed, doubled, late), to see that it does no harm
    #[arg(long, value_name = "N", default_value_t = 0)]
    faults: u32,
}

#[derive(Subcommand)]
enum Command {
    /// Who is there: board, networks, memory
    Info(info::Arguments),
    /// Have the device classify test images: accuracy, confusion, agreement with this machine to the last bit
    Eval(eval::Arguments),
    /// Have the device classify pictures of handwritten digits
    Classify(classify::Arguments),
    /// Train the network on the device, and the same one here: both must end with the same weights
    Train(train::Arguments),
}

pub fn run(arguments: Arguments) -> Result<()> {
    let Arguments { connection, command } = arguments;
    match command {
        Command::Info(arguments) => info::run(arguments, &connection),
        Command::Eval(arguments) => eval::run(arguments, &connection),
        Command::Classify(arguments) => classify::run(arguments, &connection),
        Command::Train(arguments) => train::run(arguments, &connection),
    }
}

impl Connection {
    fn open(&self) -> Result<(Client, Identity)> {
        let line: Box<dyn Line> = match (&self.port, &self.qemu) {
            (Some(port), _) => Box::new(open(port)?),
            (None, Some(board)) => Box::new(emulate(board, self.elf.as_deref())?),
            // clap asks for one of the two.
            (None, None) => return Err(Error::DeviceNone),
        };
        Client::connect(Box::new(Faults::new(line, self.faults, 1)), &self.name(), Timing::default())
    }

    /// What errors call the device.
    fn name(&self) -> String {
        match (&self.port, &self.qemu) {
            (Some(port), _) => port.clone(),
            (None, board) => format!("the emulated {}", board.as_deref().unwrap_or("board")),
        }
    }
}

/// The model that the firmware is built with when nothing is said: the one that `MINNET_MODEL` names, or the
/// repository's. A relative path is looked for here, then at the top of the repository.
fn default_model() -> PathBuf {
    let named = std::env::var_os("MINNET_MODEL").map_or_else(|| PathBuf::from("models/digits.minnet"), PathBuf::from);
    let in_repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(&named);
    if !named.is_file() && in_repository.is_file() { in_repository } else { named }
}
