//! `host nets`

use super::{grouped, print, print_json};
use host::error::Result;
use host::nets::{ALL, DEFAULT};
use std::fmt::Write;

#[derive(clap::Args)]
pub struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: Arguments) -> Result<()> {
    if arguments.json {
        return print_json(&ALL);
    }
    let width = ALL.iter().map(|net| net.name.len()).max().unwrap_or(0);
    let mut text = format!(
        "{:width$}  {:14}  {:>10}  {:>9}  {:>11}  {:>8}\n",
        "name", "cost", "parameters", "MACs", "flash bytes", "RAM bytes"
    );
    for net in ALL {
        let mark = if net.name == DEFAULT { " (default)" } else { "" };
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{:width$}  {:14}  {:>10}  {:>9}  {:>11}  {:>9}\n    {}{mark}\n    {}",
            net.name,
            net.cost,
            grouped(net.parameters),
            grouped(net.macs),
            grouped(net.flash_bytes),
            grouped(net.ram_bytes),
            net.about,
            net.architecture,
        );
    }
    text += "\nMACs: multiplications with a weight for one image. Flash holds the parameters; RAM holds an image and the\n\
             activations of one inference.\n";
    print(&text)
}
