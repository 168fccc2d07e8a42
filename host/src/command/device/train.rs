//! `host device train`

use super::Connection;
use crate::command::train::{not_negative, positive};
use crate::command::{
    Digits, Resources, catch_ctrl_c, check_output, command_line, counted, grouped, percent, print, print_json,
    progress_bar, short,
};
use clap::Args;
use minnet::model::Metadata;
use minnet::prelude::{Sgd, argmax};
use minnet_host::description::Description;
use minnet_host::device::{Client, Which};
use minnet_host::error::{Error, Result};
use minnet_host::nets;
use minnet_host::network::Network;
use minnet_host::samples::Samples;
use minnet_host::train::{self, Event, Hyper, Score};
use serde::Serialize;
use std::fmt::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub struct Arguments {
    /// Train on the first N of the training images
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    images: u32,
    /// Passes over them
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    epochs: u32,
    /// The learning rate η
    #[arg(long, value_name = "RATE", default_value_t = 0.1, value_parser = positive)]
    eta: f32,
    /// The strength λ of L2 regularization
    #[arg(long, value_name = "LAMBDA", default_value_t = 0.0, value_parser = not_negative)]
    lambda: f32,
    /// The seed of the first weights and of the images' order, as for `host train`
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Where to write the model that the device has learned
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    resources: Resources<Digits>,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    board: String,
    net: String,
    /// Images that the device learned from, each pass counted.
    images: usize,
    /// Of these, those that it classified rightly just before.
    right: usize,
    /// The weights after the same training here.
    weight_hash: String,
    /// The weights on the device; none if it was lost.
    device_weight_hash: Option<String>,
    /// The test images, classified here with these weights.
    test: Score,
    /// Ticks of the device's counter for a step, in the mean.
    ticks: u64,
    /// Requests that were sent more than once.
    repeats: u64,
    /// Bytes of RAM that the device's statics take.
    ram_bytes: u32,
    /// The most bytes of stack in use there.
    stack_bytes: Option<u32>,
    seconds: f64,
}

pub fn run(arguments: Arguments, connection: &Connection) -> Result<()> {
    arguments.out.as_deref().map_or(Ok(()), |out| check_output(out, "--out"))?;
    let mnist = arguments.resources.source.mnist()?;
    let executor = arguments.resources.executor()?;
    let (training, _) = mnist.split().0.split_at(arguments.images as usize);
    let (_, none) = training.split_at(training.len());
    let hyper = Hyper {
        epochs: arguments.epochs,
        batch: 1,
        eta: arguments.eta,
        lambda: arguments.lambda,
        seed: arguments.seed,
        ..Hyper::default()
    };

    let (mut client, identity) = connection.open()?;
    let learning = identity.learning.ok_or(Error::DeviceRefused {
        line: connection.name(),
        why: "it has no network that learns: take a board with more RAM",
    })?;
    let net = nets::find_architecture(&learning.architecture, &learning.cost)
        .map_err(|cause| Error::DeviceText { line: connection.name(), cause })?;
    let mut network = Network::zeroed(&net)?;
    train::check_digits(&net.architecture)?;
    let stop = Arc::new(AtomicBool::new(false));
    catch_ctrl_c(&stop, "comparing what has been learned")?;
    let start = Instant::now();
    client.reset(hyper.seed, &Sgd::new(hyper.eta, 1).with_l2(hyper.eta, hyper.lambda, training.len()))?;

    // This machine trains the same network; the device takes each step with it.
    let mut pupil = Pupil { client, training, right: 0, images: 0, ticks: 0, failure: None };
    let bar = progress_bar(training.len() * hyper.epochs as usize);
    train::train(&mut network, net.cost, training, none, &hyper, &executor, &mut |event| {
        if let Event::Batch { images, .. } = event {
            images.iter().for_each(|&index| pupil.learn(index as usize));
            bar.set_position(pupil.images as u64);
        }
        let is_over = pupil.failure.is_some() || stop.load(Ordering::Relaxed);
        if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    bar.finish_and_clear();

    let Pupil { mut client, right, images, ticks, failure, .. } = pupil;
    // After a failure there is nobody to ask.
    let asked = failure.map_or_else(|| Ok((client.hash(Which::Learning)?, client.identity()?)), Err);
    let (device, failure) = match asked {
        Ok((hash, now)) => (Some((hash, now.stack_bytes)), None),
        Err(error) => (None, Some(error)),
    };
    let host = network.weight_hash();
    let report = Report {
        board: identity.board,
        net: net.name,
        images,
        right,
        weight_hash: format!("{host:016x}"),
        device_weight_hash: device.map(|(hash, _)| format!("{hash:016x}")),
        test: train::evaluate(&network, net.cost, mnist.test.samples(), &executor)?,
        ticks: ticks / images.max(1) as u64,
        repeats: client.repeats(),
        ram_bytes: identity.ram_bytes,
        stack_bytes: device.map(|(_, stack)| stack),
        seconds: start.elapsed().as_secs_f64(),
    };
    if arguments.json { print_json(&report) } else { print(&report.text(training.len() * hyper.epochs as usize)) }?;
    if let Some(error) = failure {
        return Err(error);
    }
    if device.is_none_or(|(hash, _)| hash != host) {
        return Err(Error::DeviceDiffers { line: connection.name(), what: "the weights after training".into() });
    }
    let Some(out) = arguments.out else { return Ok(()) };
    let metadata = Metadata {
        cost: short(net.cost.name()),
        seed: hyper.seed,
        epochs: hyper.epochs,
        training_images: training.len() as u32,
        validation_accuracy: f32::NAN,
        test_accuracy: report.test.accuracy() as f32,
        command: short(&command_line()),
        ..Metadata::default()
    };
    network.save(&out, &metadata, &Description::default())
}

/// The device, as it learns.
struct Pupil<'a> {
    client: Client,
    training: Samples<'a>,
    images: usize,
    right: usize,
    ticks: u64,
    failure: Option<Error>,
}

impl Pupil<'_> {
    fn learn(&mut self, index: usize) {
        let Some((image, label)) = self.training.digits().nth(index) else { return };
        let learned = self.client.learn(image, label as u8);
        match learned.and_then(|outputs| Ok((self.client.numbers(&outputs)?, outputs))) {
            Ok((values, outputs)) => {
                self.images += 1;
                self.right += usize::from(argmax(&values) == usize::from(label));
                self.ticks += u64::from(outputs.ticks);
            }
            Err(error) => self.failure = Some(error),
        }
    }
}

impl Report {
    fn text(&self, asked: usize) -> String {
        let Self { board, net, weight_hash, device_weight_hash, test, repeats, seconds, .. } = self;
        let [images, right, ticks, ram] =
            [self.images, self.right, self.ticks as usize, self.ram_bytes as usize].map(grouped);
        let cut = if self.images < asked { format!(" (of {} asked for)", grouped(asked)) } else { String::new() };
        let mut text = format!("{net} on {board}: learned from {images} images{cut}, {right} of them right before\n");
        // Writing to a string does not fail.
        if let Some(device) = device_weight_hash {
            let (of, share) = (grouped(test.images), percent(test.accuracy()));
            let _ = writeln!(text, "hash of the weights: {device} there, {weight_hash} here");
            let _ = writeln!(text, "test: {} of {of} ({share})", grouped(test.right));
        }
        if let Some(stack) = self.stack_bytes {
            let _ = writeln!(text, "RAM: {ram} bytes, and {} of stack at most", grouped(stack as usize));
        }
        let repeated = counted(*repeats, "request");
        let _ = writeln!(text, "{ticks} ticks a step, {repeated} repeated, {seconds:.1} s");
        text
    }
}
