//! `host device eval`

use super::{Connection, bundled_model, model_of_environment};
use crate::command::{Digits, Resources, catch_ctrl_c, counted, grouped, percent, print, print_json, progress_bar};
use clap::Args;
use minnet::prelude::argmax;
use minnet::quant::{self, Width};
use minnet_host::architecture::Architecture;
use minnet_host::confusion::Confusion;
use minnet_host::device::{Client, Identity, Which};
use minnet_host::error::{Error, Result};
use minnet_host::executor::Threads;
use minnet_host::model::{Contents, File};
use minnet_host::samples::Samples;
use minnet_host::train;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

#[derive(Args)]
pub struct Arguments {
    /// Only the first N test images
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    images: Option<u32>,
    /// The model that the firmware was built with, or its integer form of 8 bits [default: MINNET_MODEL's, or
    /// the one in models/ of the device's network]
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    resources: Resources<Digits>,
}

pub fn run(arguments: Arguments, connection: &Connection) -> Result<()> {
    // A file that cannot be read is said before the device is asked anything.
    let given = arguments.model.clone().or_else(model_of_environment);
    let given = given.map(|path| File::read(&path).map(|file| (file, path))).transpose()?;
    let mnist = arguments.resources.source.mnist()?;
    let images = arguments.images.map_or(usize::MAX, |images| images as usize);
    let (set, _) = mnist.test.samples().split_at(images);
    let executor = arguments.resources.executor()?;

    let (mut client, identity) = connection.open()?;
    let (file, path) = match given {
        Some(given) => given,
        None => {
            let path = bundled_model(&identity.embedded);
            (File::read(&path).map_err(|error| error.about("--model"))?, path)
        }
    };
    let net = file.net()?;
    let expected = Expected::new(&file.contents()?, &path, set, &executor)?;
    check(&mut client, &identity, &net.architecture, &expected, path)?;
    let stop = Arc::new(AtomicBool::new(false));
    catch_ctrl_c(&stop, "the results so far follow")?;
    let mut report = Report {
        board: identity.board,
        net: net.name,
        weights: expected.weights(),
        images: 0,
        right: 0,
        agree: 0,
        confusion: Confusion::new(net.architecture.outputs()),
        ticks: 0,
        repeats: 0,
        seconds: 0.0,
    };
    let start = Instant::now();
    let bar = progress_bar(set.len());
    let mut failure = None;
    let mut ticks = 0;
    for ((image, label), bytes) in set.digits().zip(&expected.outputs) {
        let answered = client.classify(expected.which, image).and_then(|outputs| {
            let predicted = match expected.which {
                Which::Integers => quant::argmax(&outputs.logits()),
                _ => argmax(&client.numbers(&outputs)?),
            };
            Ok((outputs, predicted))
        });
        let (outputs, predicted) = match answered {
            Ok(answered) => answered,
            Err(error) => {
                failure = Some(error);
                break;
            }
        };
        report.images += 1;
        report.right += usize::from(predicted == usize::from(label));
        report.agree += usize::from(outputs.bytes == *bytes);
        report.confusion.count(label.into(), predicted);
        ticks += u64::from(outputs.ticks);
        bar.inc(1);
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    bar.finish_and_clear();
    report.ticks = ticks / report.images.max(1) as u64;
    report.repeats = client.repeats();
    report.seconds = start.elapsed().as_secs_f64();
    if arguments.json { print_json(&report) } else { print(&report.text(set.len())) }?;
    match failure {
        Some(error) => Err(error),
        None if report.agree < report.images => Err(Error::DeviceDiffers {
            line: connection.name(),
            what: format!("the outputs for {} of {} images", report.images - report.agree, report.images),
        }),
        None => Ok(()),
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    board: String,
    net: String,
    /// The type of the weights.
    weights: &'static str,
    /// Images that the device classified; fewer than were asked for, if it was stopped.
    images: usize,
    right: usize,
    /// Images with the same outputs here, all bits of them.
    agree: usize,
    confusion: Confusion,
    /// Ticks of the device's counter for an image, in the mean.
    ticks: u64,
    /// Requests that were sent more than once.
    repeats: u64,
    seconds: f64,
}

/// What the device should have and give.
struct Expected {
    which: Which,
    hash: u64,
    /// The bytes of the outputs for each image.
    outputs: Vec<Vec<u8>>,
}

impl Expected {
    fn new(contents: &Contents, path: &Path, set: Samples<'_>, executor: &Threads) -> Result<Self> {
        let (which, outputs) = match contents {
            Contents::Floats(network) => {
                let outputs = train::outputs(network, set, executor)?;
                (Which::Embedded, outputs.iter().map(|values| bytes(values, f32::to_le_bytes)).collect())
            }
            Contents::Integers(integers) if integers.width() == Width::Eight => {
                let (logits, classes) = (integers.logits(set, executor)?, integers.architecture().outputs());
                (Which::Integers, logits.chunks(classes.max(1)).map(|logits| bytes(logits, i16::to_le_bytes)).collect())
            }
            Contents::Integers(_) => return Err(Error::DeviceElement { path: path.to_owned() }),
        };
        Ok(Self { which, hash: contents.weight_hash(), outputs })
    }

    fn weights(&self) -> &'static str {
        if self.which == Which::Integers { "int8" } else { "f32" }
    }
}

fn bytes<T: Copy, const N: usize>(values: &[T], of: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|&value| of(value)).collect()
}

/// Whether the device has the model: the same network, and the same weights.
fn check(
    client: &mut Client,
    identity: &Identity,
    architecture: &Architecture,
    expected: &Expected,
    path: PathBuf,
) -> Result<()> {
    let &Expected { which, hash, .. } = expected;
    let model = architecture.to_string();
    if identity.embedded.architecture != model {
        let device = identity.embedded.architecture.clone();
        return Err(Error::DeviceNetwork { path, model, device });
    }
    let device = client.hash(which)?;
    let variable = if which == Which::Integers { "MINNET_MODEL_INT8" } else { "MINNET_MODEL" };
    if device == hash { Ok(()) } else { Err(Error::DeviceWeights { path, model: hash, device, variable }) }
}

impl Report {
    fn text(&self, asked: usize) -> String {
        let Self { board, net, weights, confusion, ticks, repeats, seconds, .. } = self;
        let share = percent(self.right as f64 / self.images.max(1) as f64);
        let [images, right, agree] = [self.images, self.right, self.agree].map(grouped);
        let repeated = counted(*repeats, "request");
        let classes: Vec<_> = (0..10).map(|digit| digit.to_string()).collect();
        let cut = if self.images < asked { format!(" (of {} asked for)", grouped(asked)) } else { String::new() };
        format!(
            "{net} ({weights}) on {board}: {right} of {images} right ({share}){cut}\n\n{}\n\
             same bits as here: {agree} of {images}\n\
             {} ticks an image, {repeated} repeated, {seconds:.1} s\n",
            confusion.text(&classes),
            grouped(*ticks as usize)
        )
    }
}
