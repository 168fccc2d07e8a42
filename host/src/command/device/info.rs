//! `host device info`

use super::Connection;
use crate::command::{grouped, print, print_json};
use clap::Args;
use minnet_host::device::{Identity, Network, Which};
use minnet_host::error::Result;
use serde::Serialize;

#[derive(Args)]
pub struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    identity: Identity,
    weight_hash: String,
    integers_weight_hash: String,
}

pub fn run(arguments: Arguments, connection: &Connection) -> Result<()> {
    let (mut client, identity) = connection.open()?;
    let weight_hash = format!("{:016x}", client.hash(Which::Embedded)?);
    let integers_weight_hash = format!("{:016x}", client.hash(Which::Integers)?);
    let report = Report { identity, weight_hash, integers_weight_hash };
    if arguments.json { print_json(&report) } else { print(&report.text()) }
}

impl Report {
    fn text(&self) -> String {
        let Identity { board, flash_bytes, ram_bytes, stack_bytes, embedded, learning, integers } = &self.identity;
        let learning = learning.as_ref().map_or("none".to_owned(), network);
        format!(
            "board:     {board}\nflash:     {} bytes\nRAM:       {} bytes, and {} of stack so far\n\
             classifies {}\n           hash of the weights {}\n\
             int8:      {} bytes of weights, {} of RAM for an inference\n           hash of the weights {}\n\
             learns:    {learning}\n",
            grouped(*flash_bytes as usize),
            grouped(*ram_bytes as usize),
            grouped(*stack_bytes as usize),
            network(embedded),
            self.weight_hash,
            grouped(integers.weight_bytes as usize),
            grouped(integers.ram_bytes as usize),
            self.integers_weight_hash,
        )
    }
}

fn network(network: &Network) -> String {
    let Network { architecture, cost, fingerprint, weight_bytes, ram_bytes } = network;
    let cost = if cost.is_empty() { String::new() } else { format!(", {cost}") };
    format!(
        "{architecture}{cost}\n           fingerprint {fingerprint:08x}, {} bytes of weights, {} of RAM for an inference",
        grouped(*weight_bytes as usize),
        grouped(*ram_bytes as usize)
    )
}
