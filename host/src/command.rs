//! The commands, and what they share.

mod checkpoint;
mod classify;
mod data;
mod device;
mod eval;
mod expand;
mod experiment;
mod export;
mod import;
mod inspect;
mod nets;
mod quantize;
mod search;
mod sign;
mod train;

use clap::{Args, Parser, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use minnet::model::Metadata;
use minnet_host::architecture::Shape;
use minnet_host::data::{Data, Mnist, Options, Part, Problem, TargetKind, default_directory, open};
use minnet_host::description::Description;
use minnet_host::error::{Error, Result};
use minnet_host::executor::{Threads, Vectors};
use minnet_host::file::check_writable;
use minnet_host::memory;
use minnet_host::report;
use minnet_host::report::visible;
use minnet_host::samples::Samples;
use minnet_host::shell;
use minnet_host::train::{Errors, Score};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Small neural networks: trained here, run on a microcontroller.
///
/// Results go to the standard output, progress and errors to the standard error.
#[derive(Parser)]
#[command(name = "host", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// The most memory that reading a file may take, in MB, whatever its size [default: half of what the machine has, and
    /// 100 times the file's size or 64 MB]
    #[arg(long, global = true, value_name = "MB", value_parser = clap::value_parser!(u64).range(1..1 << 40))]
    memory: Option<u64>,
}

#[derive(Subcommand)]
enum Command {
    /// Train a network and write its model and its training curve
    ///
    /// Trains on the first 50,000 of MNIST's training images, validates on the last 10,000 after each epoch, keeps the
    /// weights of the best epoch, and reads the 10,000 test images once, at the end. Ctrl-C stops early and saves, and so do
    /// SIGTERM and SIGHUP; `--resume` goes on.
    Train(train::Arguments),
    /// Look for a network that fits a budget of flash, RAM and instructions, and does well
    ///
    /// Draws candidates at random, trains all of them for a few epochs, the best third for three times as many, and so on.
    /// The validation samples judge; test samples are not read. What is done is kept: the same command goes on where it was
    /// interrupted.
    Search(search::Arguments),
    /// Test a model: accuracy, confusion matrix, and a sheet of the digits it got wrong
    Eval(eval::Arguments),
    /// Show what is in data: samples, classes, ranges, a picture of some, and what looks wrong
    ///
    /// Data are IDX files, CSV tables, NumPy's .npz and .npy, CIFAR-10's binary files, the book's pickle, or a folder of
    /// pictures (PNG, JPEG) or of CSV windows for each class. What they are is found out by their contents.
    Data(data::Arguments),
    /// Classify pictures of handwritten digits
    Classify(classify::Arguments),
    /// Ask a microcontroller, or an emulated one, that runs the firmware's program `serve`
    Device(device::Arguments),
    /// List the named networks with what they need
    Nets(nets::Arguments),
    /// Show what a model file holds
    Inspect(inspect::Arguments),
    /// Make an integer model of a float one: 8- or 4-bit weights, for microcontrollers
    Quantize(quantize::Arguments),
    /// Sign a model, so that a device takes only yours (Ed25519)
    Sign(sign::Arguments),
    /// Make a model of a network from PyTorch, Keras, ONNX, or the book's network2.py
    Import(import::Arguments),
    /// Write a model for the book's network2.py, PyTorch, Keras, ONNX, or as C
    Export(export::Arguments),
    /// Make five training images of each: the book's expand_mnist.py
    ///
    /// Each training image comes with four copies, displaced by one pixel down, up, right and left; the images that
    /// validate (the last ones of the training files) and the test images stay as they are. `--data` takes the result.
    Expand(expand::Arguments),
    /// Run one of the book's programs, or all; without a name, list them
    ///
    /// Prints the book's lines and a table of the book's figures beside ours, and writes plots and raw results. What is
    /// finished is kept: the same command goes on where it was interrupted, and more seeds are added to those there.
    Experiment(experiment::Arguments),
}

impl Cli {
    /// Runs the command that was typed.
    pub fn run(self) -> Result<()> {
        set_memory(self.memory);
        match self.command {
            Command::Train(arguments) => train::run(arguments),
            Command::Search(arguments) => search::run(arguments),
            Command::Eval(arguments) => eval::run(arguments),
            Command::Data(arguments) => data::run(arguments),
            Command::Classify(arguments) => classify::run(arguments),
            Command::Device(arguments) => device::run(arguments),
            Command::Nets(arguments) => nets::run(arguments),
            Command::Inspect(arguments) => inspect::run(arguments),
            Command::Quantize(arguments) => quantize::run(arguments),
            Command::Sign(arguments) => sign::run(arguments),
            Command::Import(arguments) => import::run(arguments),
            Command::Export(arguments) => export::run(arguments),
            Command::Expand(arguments) => expand::run(arguments),
            Command::Experiment(arguments) => experiment::run(arguments),
        }
    }
}

/// Sets what `--memory` says, in MB, unless it was said before.
fn set_memory(megabytes: Option<u64>) {
    if let Some(megabytes) = megabytes {
        memory::set_limit(megabytes << 20);
    }
}

/// Where the book's digits come from.
#[derive(Args)]
struct Digits {
    /// The directory of MNIST's four IDX files, plain or .gz, or the book's mnist.pkl.gz [default: the bundled data/mnist]
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
}

impl Digits {
    fn path(&self) -> Result<PathBuf> {
        self.data.clone().map_or_else(default_directory, Ok)
    }

    fn mnist(&self) -> Result<Mnist> {
        Mnist::load(&self.data.clone().map_or_else(default_data, Ok)?).map_err(|error| error.about("--data"))
    }
}

/// Where the data are when none are named. It is said, for there may be others than were meant.
fn default_data() -> Result<PathBuf> {
    let path = default_directory()?;
    report!("data: {}; --data names others", path.display());
    Ok(path)
}

/// Where data of any kind come from.
#[derive(Args)]
struct Source {
    /// The data: a directory or a file of MNIST's or another's IDX files, a CSV table, NumPy's .npz or .npy, CIFAR-10, or a
    /// folder for each class with pictures or CSV windows; `host data` shows them [default: the bundled data/mnist]
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// Exchange the rows and columns of each image: EMNIST's need it
    #[arg(long)]
    transpose: bool,
    /// The column of a table that is the label: its name, or its number from 1 [default: the column label, class or
    /// target, or the last]
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
    /// What the targets are [default: texts and few different whole numbers are classes, others numbers]
    #[arg(long, value_enum)]
    targets: Option<TargetArgument>,
}

#[derive(Clone, Copy, ValueEnum)]
enum TargetArgument {
    /// Classes
    Classes,
    /// Numbers to be predicted
    Numbers,
}

impl Source {
    fn path(&self) -> Result<PathBuf> {
        self.data.clone().map_or_else(default_directory, Ok)
    }

    /// The same as words of a command.
    fn arguments(&self) -> Vec<String> {
        let data = self.data.as_ref().map(|path| path.display().to_string());
        let targets = self.targets.and_then(|targets| targets.to_possible_value());
        let named = [
            ("--data", data),
            ("--label", self.label.clone()),
            ("--targets", targets.map(|targets| targets.get_name().to_owned())),
        ];
        let named = named.into_iter().filter_map(|(flag, value)| Some([flag.to_owned(), value?])).flatten();
        named.chain(self.transpose.then(|| "--transpose".to_owned())).collect()
    }

    /// What is there, for a network that takes this, if there is one already.
    fn open(&self, shape: Option<Shape>) -> Result<Data> {
        let targets = self.targets.map(|targets| match targets {
            TargetArgument::Classes => TargetKind::Classes,
            TargetArgument::Numbers => TargetKind::Numbers,
        });
        // A vector's values may be those of an image, which stays one, to be shown.
        let image = shape.filter(|shape| matches!(shape, Shape::Image { .. }));
        let options = Options { transpose: self.transpose, label: self.label.clone(), shape: image, targets };
        let path = self.data.clone().map_or_else(default_data, Ok)?;
        let data = open(&path, &options).map_err(|error| error.about("--data"))?;
        match shape.filter(|wanted| wanted.values() != data.shape().values()) {
            Some(wanted) => Err(Problem::Wanted { found: data.shape(), wanted }.of(&path)),
            None => Ok(data),
        }
    }
}

/// Says so if a model was trained on other data than these.
fn compare_data(description: &Description, data: &Data) {
    // A gigabyte takes a second.
    if description.data == 0 {
        return;
    }
    let found = data.checksum();
    if description.data != found {
        report!(
            "note: the model was trained on other data (checksum {:016x}) than these ({found:016x}); --data names others",
            description.data
        );
    }
}

/// What a set of samples is called: images, or samples.
fn noun(shape: Shape) -> &'static str {
    match shape {
        Shape::Image { height, width, .. } if height > 1 && width > 1 => "images",
        _ => "samples",
    }
}

/// The parts of a data set as a network takes them.
struct Parts<'a> {
    training: Samples<'a>,
    /// None at all, if the data have none.
    validation: Samples<'a>,
    test: Samples<'a>,
    /// All of them.
    all: Samples<'a>,
}

impl<'a> Parts<'a> {
    fn of(data: &'a Data, description: &'a Description) -> Self {
        let part = |part| Samples::new(data.part(part), description.normalization());
        let all = Samples::new(data.all(), description.normalization());
        Self { training: part(Part::Train), validation: part(Part::Validation), test: part(Part::Test), all }
    }

    /// The same with nothing to validate with: those samples are trained on.
    fn without_validation(self) -> Self {
        let (training, rest) = self.all.split_at(self.training.len() + self.validation.len());
        Self { training, validation: rest.split_at(0).0, ..self }
    }

    /// The parts as a model met them: what it was trained on does not validate it.
    fn met_by(self, metadata: &Metadata) -> Self {
        if self.all_trained(metadata) { self.without_validation() } else { self }
    }

    /// Whether a model was trained on the validation samples, too.
    fn all_trained(&self, metadata: &Metadata) -> bool {
        let all = self.training.len() + self.validation.len();
        !self.validation.is_empty() && metadata.training_images as usize == all
    }
}

/// Where the data come from, and how many threads work on them.
#[derive(Args)]
struct Resources<S: Args = Source> {
    #[command(flatten)]
    source: S,
    /// Threads to use; 0 is one for each core. The results are the same with any number
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
}

impl<S: Args> Resources<S> {
    fn executor(&self) -> Result<Threads> {
        Threads::new(self.threads, Vectors::detect())
    }
}

/// The first Ctrl-C asks the work to stop; the second ends the program. On Unix SIGTERM and SIGHUP are as Ctrl-C.
fn catch_ctrl_c(stop: &Arc<AtomicBool>, doing: &'static str) -> Result<()> {
    let stop = Arc::clone(stop);
    let handler = move || {
        if stop.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        report!("\nstopping: {doing} (Ctrl-C again to give it up)");
    };
    #[cfg(unix)]
    catch_others(handler.clone()).map_err(|cause| Error::Signals { cause: ctrlc::Error::System(cause) })?;
    ctrlc::set_handler(handler).map_err(|cause| Error::Signals { cause })
}

#[cfg(unix)]
fn catch_others(handler: impl Fn() + Send + 'static) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGTERM};
    let all = [SIGTERM, SIGHUP];
    let caught = if ignores_hangups() { &all[..1] } else { &all };
    let mut signals = signal_hook::iterator::Signals::new(caught)?;
    std::thread::spawn(move || signals.forever().for_each(|_| handler()));
    Ok(())
}

/// Whether `nohup` or a shell has SIGHUP ignored, where the system tells it.
#[cfg(unix)]
fn ignores_hangups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // Of a hexadecimal number the last bit is that of the first signal, which it is.
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

/// A bar that shows how many of so many images are done; nothing if the standard error is no terminal.
fn progress_bar(images: usize) -> ProgressBar {
    let bar = ProgressBar::new(images as u64);
    // A template that did not parse would only cost the bar's looks.
    if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} images, {per_sec}") {
        bar.set_style(style);
    }
    bar
}

/// Writes a result to the standard output.
fn print(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(visible(text).as_bytes()).and_then(|()| stdout.flush()).map_err(|cause| Error::Output { cause })
}

/// Writes a result to the standard output as JSON.
fn print_json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|cause| Error::Output { cause: cause.into() })?;
    print(&format!("{text}\n"))
}

/// Tries whether a file can be written whose name a flag gives, or will be made of it.
fn check_output(path: &Path, flag: &'static str) -> Result<()> {
    check_writable(path).map_err(|error| error.about(flag))
}

/// How the program was called, for what to type next: cargo says when the program runs through it.
fn program() -> &'static str {
    if std::env::var_os("CARGO").is_some() { "cargo run --release --" } else { "host" }
}

/// The command as it could be typed again.
fn command_line() -> String {
    format!("host {}", shell::line(words()))
}

/// The command's words, without the program's name. What is not Unicode cannot be in a model file.
fn words() -> Vec<String> {
    std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect()
}

/// A path as a word of a command.
fn path_word(path: &Path) -> String {
    shell::word(&path.to_string_lossy())
}

/// As much of `text` as fits.
fn short<const N: usize>(text: &str) -> heapless::String<N> {
    let mut short = heapless::String::new();
    for letter in text.chars() {
        if short.push(letter).is_err() {
            break;
        }
    }
    short
}

/// A score as the text of a report: so many of so many, or how far off.
fn score(score: Score) -> String {
    match score.errors {
        Some(Errors { mean_absolute, root_mean_square }) => {
            format!("mean absolute error {mean_absolute:.4}, root mean square error {root_mean_square:.4}")
        }
        None => format!("{} of {} ({})", grouped(score.right), grouped(score.images), percent(score.accuracy())),
    }
}

/// A score as a model file has it: not measured if there are no samples, or no classes.
fn accuracy(score: Option<Score>) -> f32 {
    score.filter(|score| score.errors.is_none()).map_or(f32::NAN, |score| score.accuracy() as f32)
}

/// A share as a percentage.
fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// A number with its thousands set apart.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of something.
fn counted(number: impl TryInto<usize>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(usize::MAX);
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_633_000, "1,633,000")] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(
            [0_u64, 1, 1000].map(|number| counted(number, "request")),
            ["0 requests", "1 request", "1,000 requests"]
        );
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
