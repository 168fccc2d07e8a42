//! `host classify`

use super::{print, print_json};
use clap::{Args, CommandFactory, error::ErrorKind};
use minnet::activation::Function;
use minnet::model::MAGIC;
use minnet::prelude::*;
use minnet_host::architecture::Shape;
use minnet_host::data::{PIXELS, Sample, View, open_unlabelled};
use minnet_host::description::Description;
use minnet_host::error::{Error, Result};
use minnet_host::executor::{Threads, Vectors};
use minnet_host::file::check_drawing;
use minnet_host::model::{Contents, File};
use minnet_host::picture::{self, Reading, Rect, Shown};
use minnet_host::report;
use minnet_host::samples::Samples;
use serde::Serialize;
use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct Arguments {
    /// For a network of digits PNG or JPEG pictures of one digit each, photographs or drawings of any size and colour. For
    /// others, PNG or JPEG pictures, or CSV files without labels: a row for each sample, or for each step of a signal. The
    /// first may be the model
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The model file, as `host train` writes it [default: the first FILE if it is one, or the bundled model of digits]
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

/// How answers are given.
#[derive(Args)]
pub struct Options {
    /// Read all digits of each picture, in reading order, with the boxes they stand in
    #[arg(long)]
    many: bool,
    /// Write a PNG picture of what was seen at each step, to understand a wrong answer
    #[arg(long, value_name = "FILE")]
    show: Option<PathBuf>,
    /// Replace a picture of that name even if Minnet did not draw it
    #[arg(long, requires = "show")]
    force: bool,
    /// Print the results as JSON
    #[arg(long)]
    json: bool,
}

impl Options {
    /// Reads the digits of a picture.
    pub fn read(&self, path: &Path) -> Result<Reading> {
        picture::read(path, self.many)
    }
}

pub fn run(arguments: Arguments) -> Result<()> {
    let Arguments { mut files, model, options } = arguments;
    if let Some(path) = &options.show {
        check_drawing(path, options.force)?;
    }
    let model = match model {
        None if is_model(&files[0]) => Some(files.remove(0)),
        named => named,
    };
    if files.is_empty() {
        let cause = "a model, and nothing to classify: name pictures or tables, too";
        super::Cli::command().error(ErrorKind::MissingRequiredArgument, cause).exit();
    }
    let file = model.map_or_else(|| Ok(File::bundled()), |path| File::read(&path))?;
    let network = Network {
        description: file.description()?,
        shape: file.contents()?.architecture().input(),
        contents: file.contents()?,
        executor: Threads::new(1, Vectors::detect())?,
    };
    // A network of digits gets them as MNIST has them; others get what is in the file.
    let is_digits = network.shape.values() == PIXELS
        && network.description.normalization() == Normalization::PIXELS
        && network.description.classes.is_empty();
    let mut answers = Answers::new(options, network.description.clone());
    for path in files {
        if let Err(error) = network.answer(&path, is_digits, &mut answers) {
            answers.fail(error);
        }
    }
    answers.finish()
}

/// Whether a file is a model, or is named as one.
fn is_model(path: &Path) -> bool {
    let mut start = Vec::new();
    let reads = |file: std::fs::File| file.take(MAGIC.len() as u64).read_to_end(&mut start).is_ok();
    // Damaged line ends are told later. What is read of a pipe is gone.
    path.extension().is_some_and(|extension| extension == "minnet")
        || path.is_file() && std::fs::File::open(path).is_ok_and(reads) && start.starts_with(MAGIC.trim_ascii_end())
}

struct Network {
    description: Description,
    shape: Shape,
    contents: Contents,
    executor: Threads,
}

impl Network {
    fn answer(&self, path: &Path, is_digits: bool, answers: &mut Answers) -> Result<()> {
        let last = self.contents.architecture().activation();
        if is_digits {
            let reading = answers.options.read(path)?;
            let pixels: Vec<u8> = reading.digits.iter().flat_map(|digit| digit.image).collect();
            let scores = self.scores(Sample::Bytes(&pixels))?;
            return answers.add_reading(path, reading, scores, last);
        }
        let values = open_unlabelled(path, self.shape)?;
        let all = self.scores(values.as_slice())?;
        let is_table = all.len() > 1;
        for (index, scores) in all.into_iter().enumerate() {
            answers.add(path, is_table.then_some(Place::Row(index + 1)), scores, last);
        }
        Ok(())
    }

    /// What the network gives for each sample.
    fn scores(&self, values: Sample<'_>) -> Result<Vec<Vec<f32>>> {
        // What they are is not known.
        let labels = vec![0; values.len() / self.shape.values().max(1)];
        if labels.is_empty() {
            return Ok(Vec::new());
        }
        let view = View::of_classes(self.shape, values, &labels)?;
        let outputs = self.contents.outputs(Samples::new(view, self.description.normalization()), &self.executor)?;
        Ok(outputs.iter().map(<[f32]>::to_vec).collect())
    }
}

/// Where in a file a sample is.
enum Place {
    /// The row of a table, counted from 1.
    Row(usize),
    /// The line of digits, counted from 1, and the box in the upright picture, in pixels.
    Box(usize, Rect),
}

/// What `--json` prints of each sample.
#[derive(Serialize)]
struct Answer {
    #[serde(rename = "picture")]
    file: PathBuf,
    /// The row of a table, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<usize>,
    /// The line that a digit stands in, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// Where a digit is, in pixels: left, top, right, bottom.
    #[serde(rename = "box", skip_serializing_if = "Option::is_none")]
    area: Option<[usize; 4]>,
    digit: usize,
    /// The name of the class.
    class: String,
    scores: Vec<f32>,
}

/// What was made of some files.
pub struct Answers {
    options: Options,
    description: Description,
    answers: Vec<Answer>,
    text: String,
    shown: Vec<Shown>,
    failures: Vec<Error>,
}

impl Answers {
    /// None yet.
    pub fn new(options: Options, description: Description) -> Self {
        let (answers, shown, failures) = (Vec::new(), Vec::new(), Vec::new());
        Self { options, description, answers, text: String::new(), shown, failures }
    }

    /// Notes that there is no answer to a file; the others are answered all the same.
    pub fn fail(&mut self, error: Error) {
        self.failures.push(error);
    }

    /// Adds a picture of digits, with the network's outputs for each of them.
    ///
    /// # Errors
    /// That it is not one digit, or that the network is not sure of it.
    pub fn add_reading(&mut self, path: &Path, reading: Reading, scores: Vec<Vec<f32>>, last: Function) -> Result<()> {
        let result = if self.options.many {
            let places: Vec<_> = reading.digits.iter().map(|digit| Place::Box(digit.line + 1, digit.area)).collect();
            for (place, scores) in places.into_iter().zip(&scores) {
                self.add(path, Some(place), scores.clone(), last);
            }
            if reading.digits.is_empty() { Err(Error::NoInk { path: path.to_owned() }) } else { Ok(()) }
        } else {
            reading.only().and_then(|_| match scores.first() {
                Some(scores) if is_sure(scores, last) || reading.is_prepared() => {
                    self.add(path, None, scores.clone(), last);
                    Ok(())
                }
                scores => Err(not_sure(path, scores.map_or(&[], |scores| scores))),
            })
        };
        if self.options.show.is_some() {
            let answers: Vec<String> = scores.iter().map(|scores| self.short(scores)).collect();
            let answer = match &result {
                Ok(()) if self.options.many => format!("{} digits", answers.len()),
                Ok(()) => answers.concat(),
                Err(Error::SeveralDigits { .. }) => "more than one digit".into(),
                Err(Error::NotSure { .. }) => format!("not sure: {}", answers.concat()),
                Err(_) => "no digit".into(),
            };
            let title = format!("{}: {answer}", path.display());
            self.shown.push(Shown { reading, title, answers });
        }
        result
    }

    fn short(&self, scores: &[f32]) -> String {
        let digit = argmax(scores);
        format!("{} ({:.2})", self.description.class(digit), scores.get(digit).copied().unwrap_or_default())
    }

    /// Adds a file, or a part of it, with the network's outputs, of which the last layer has this activation.
    fn add(&mut self, file: &Path, place: Option<Place>, scores: Vec<f32>, last: Function) {
        let digit = argmax(&scores);
        let (row, line, area) = match place {
            Some(Place::Row(row)) => (Some(row), None, None),
            Some(Place::Box(line, Rect { left, top, right, bottom })) => {
                (None, Some(line), Some([left, top, right, bottom]))
            }
            None => (None, None, None),
        };
        let mut place = row.map_or(String::new(), |row| format!(", row {row}"));
        if let (Some(line), Some([left, top, right, bottom])) = (line, area) {
            place = format!(", line {line}, {left},{top} to {right},{bottom}");
        }
        // Writing to a string does not fail.
        let _ = write!(self.text, "{}{place}: ", file.display());
        if last == Function::Identity && self.description.classes.is_empty() {
            let numbers: Vec<_> = scores.iter().map(f32::to_string).collect();
            let _ = writeln!(self.text, "{}", numbers.join(", "));
        } else {
            let _ = write!(self.text, "{}  (", self.description.class(digit));
            for (place, (class, score)) in ranks(&scores).into_iter().take(3).enumerate() {
                let name = self.description.class(class);
                let _ = write!(self.text, "{}{name}: {score:.3}", if place > 0 { ", " } else { "" });
            }
            self.text += ")\n";
        }
        let class = self.description.class(digit);
        self.answers.push(Answer { file: file.to_owned(), row, line, area, digit, class, scores });
    }

    /// Prints them, as text or as JSON, writes what was seen, and then says what failed.
    ///
    /// # Errors
    /// The last failure; those before it are printed.
    pub fn finish(mut self) -> Result<()> {
        if self.options.json {
            print_json(&self.answers)?;
        } else {
            print(&self.text)?;
        }
        if let Some(path) = &self.options.show {
            picture::show(&self.shown, path).map_err(|error| error.about("--show"))?;
        }
        let Some(last) = self.failures.pop() else { return Ok(()) };
        for failure in self.failures {
            report!("error: {failure}");
        }
        Err(last)
    }
}

/// The classes and their scores, the greatest first.
fn ranks(scores: &[f32]) -> Vec<(usize, f32)> {
    let mut ranks: Vec<_> = scores.iter().copied().enumerate().collect();
    ranks.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranks
}

/// Whether the greatest score is an answer. What is no share of certainty does not tell.
fn is_sure(scores: &[f32], last: Function) -> bool {
    last != Function::Softmax || scores.iter().any(|&score| score >= picture::SURE)
}

fn not_sure(path: &Path, scores: &[f32]) -> Error {
    let mut ranks = ranks(scores).into_iter().chain([(0, 0.0); 2]);
    let [(first, score), (second, second_score)] = [ranks.next(), ranks.next()].map(Option::unwrap_or_default);
    Error::NotSure { path: path.to_owned(), first, score, second, second_score }
}
