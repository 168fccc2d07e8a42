//! `host device`

mod classify;
mod eval;
mod info;
mod train;

use clap::{Args, Subcommand};
use minnet_host::device::{Client, Faults, Identity, Line, Network, Timing, connect, open};
use minnet_host::error::{Error, Result};
use minnet_host::model::File;
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
    #[arg(long, required_unless_present = "tcp", conflicts_with = "tcp")]
    port: Option<String>,
    /// The address that the serial port of an emulated device is at; `cargo xtask device` starts one and names it
    #[arg(long, value_name = "ADDRESS")]
    tcp: Option<String>,
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
        let line: Box<dyn Line> = match (&self.port, &self.tcp) {
            (Some(port), _) => Box::new(open(port)?),
            (None, Some(address)) => Box::new(connect(address)?),
            // clap asks for one of the two.
            (None, None) => return Err(Error::DeviceNone),
        };
        Client::connect(Box::new(Faults::new(line, self.faults, 1)), &self.name(), Timing::default())
    }

    /// What errors call the device.
    fn name(&self) -> String {
        self.port.as_ref().or(self.tcp.as_ref()).cloned().unwrap_or_default()
    }
}

/// The model that `MINNET_MODEL` names, if the firmware was built with one.
fn model_of_environment() -> Option<PathBuf> {
    std::env::var_os("MINNET_MODEL").map(|named| in_repository(named.into()))
}

/// The model that the firmware of this device was built with when none was named: the repository's of the same network.
/// Without one it is the first, which is then said not to fit.
fn bundled_model(device: &Network) -> PathBuf {
    let models = ["models/digits.minnet", "models/digits-small.minnet"].map(|path| in_repository(path.into()));
    let fits = |path: &&PathBuf| {
        let metadata = File::read(path).and_then(|file| file.metadata());
        metadata.is_ok_and(|metadata| metadata.architecture.as_str() == device.architecture)
    };
    models.iter().find(fits).unwrap_or(&models[0]).clone()
}

/// A relative path is looked for here, then at the top of the repository.
fn in_repository(path: PathBuf) -> PathBuf {
    let there = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(&path);
    if !path.is_file() && there.is_file() { there } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_the_one_of_the_device_s_network() {
        let of = |architecture: &str| {
            let architecture = architecture.to_owned();
            bundled_model(&Network { architecture, cost: "".into(), fingerprint: 0, weight_bytes: 0, ram_bytes: 0 })
        };
        for name in ["digits.minnet", "digits-small.minnet"] {
            let file = File::read(&in_repository(Path::new("models").join(name))).unwrap();
            assert!(of(&file.metadata().unwrap().architecture).ends_with(name), "{name}");
        }
        assert!(of("784: dense 10 softmax").ends_with("digits.minnet"));
    }
}
