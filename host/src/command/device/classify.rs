//! `host device classify`

use super::Connection;
use crate::command::classify::Answers;
use clap::Args;
use minnet::activation::Function;
use minnet_host::description::Description;
use minnet_host::device::Which;
use minnet_host::error::Result;
use minnet_host::picture;
use std::path::PathBuf;

#[derive(Args)]
pub struct Arguments {
    /// PNG pictures of one digit each: any size, dark on light or light on dark
    #[arg(required = true, value_name = "PICTURE")]
    pictures: Vec<PathBuf>,
    /// Show each digit as the network sees it
    #[arg(long)]
    show: bool,
    /// Print the results as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: Arguments, connection: &Connection) -> Result<()> {
    // A picture that cannot be read is said before the device is asked anything.
    let pictures = arguments.pictures.into_iter().map(|path| picture::load(&path).map(|pixels| (path, pixels)));
    let pictures = pictures.collect::<Result<Vec<_>>>()?;
    let (mut client, _) = connection.open()?;
    let mut answers = Answers::new(arguments.show, Description::default());
    let mut failure = None;
    for (path, pixels) in pictures {
        match client.classify(Which::Embedded, &pixels) {
            Ok(outputs) => answers.add(&path, None, &pixels, outputs.values(), Function::Softmax),
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    answers.print(arguments.json)?;
    failure.map_or(Ok(()), Err)
}
