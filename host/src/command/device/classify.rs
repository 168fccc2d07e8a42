//! `host device classify`

use super::Connection;
use crate::command::classify::{Answers, Options};
use clap::Args;
use minnet::activation::Function;
use minnet_host::description::Description;
use minnet_host::device::Which;
use minnet_host::error::Result;
use std::path::PathBuf;

#[derive(Args)]
pub struct Arguments {
    /// PNG or JPEG pictures of one digit each, photographs or drawings of any size and colour
    #[arg(required = true, value_name = "PICTURE")]
    pictures: Vec<PathBuf>,
    #[command(flatten)]
    options: Options,
}

pub fn run(arguments: Arguments, connection: &Connection) -> Result<()> {
    let Arguments { pictures, options } = arguments;
    // A picture that cannot be read is said before the device is asked anything.
    let readings: Vec<_> = pictures.into_iter().map(|path| (options.read(&path), path)).collect();
    let is_any = readings.iter().any(|(reading, _)| reading.is_ok());
    let mut client = if is_any { Some(connection.open()?.0) } else { None };
    let mut answers = Answers::new(options, Description::default());
    for (reading, path) in readings {
        let answer = reading.and_then(|reading| {
            let mut scores = Vec::new();
            for digit in &reading.digits {
                if let Some(client) = &mut client {
                    let outputs = client.classify(Which::Embedded, &digit.image)?;
                    scores.push(client.numbers(&outputs)?);
                }
            }
            answers.add_reading(&path, reading, scores, Function::Softmax)
        });
        if let Err(error) = answer {
            answers.fail(error);
        }
    }
    answers.finish()
}
