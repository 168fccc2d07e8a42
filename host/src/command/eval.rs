//! `host eval`

use super::{Parts, Resources, check_output, grouped, noun, percent, print, print_json};
use clap::{Args, ValueEnum};
use minnet::prelude::*;
use minnet_host::architecture::Shape;
use minnet_host::confusion::Confusion;
use minnet_host::data::Sample;
use minnet_host::description::Description;
use minnet_host::error::{Error, Result};
use minnet_host::file::check_drawing;
use minnet_host::model::File;
use minnet_host::report;
use minnet_host::samples::Samples;
use minnet_host::sheet::{self, Digit, Picture};
use minnet_host::train::{Outputs, Score, score};
use serde::Serialize;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct Arguments {
    /// The model file, as `host train` writes it; of several the mean of their outputs is tested
    #[arg(required = true)]
    model: Vec<PathBuf>,
    /// The images to test on
    #[arg(long, value_enum, default_value = "test")]
    set: Set,
    /// Where to put the sheet of the digits it got wrong, the surest mistakes first
    #[arg(long, value_name = "FILE", default_value = "misclassified.png", value_parser = png)]
    sheet: PathBuf,
    /// Replace a picture of that name even if Minnet did not draw it
    #[arg(long)]
    force: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    resources: Resources,
}

/// A picture's name, so that no slip of the pen replaces a model.
pub(super) fn png(name: &str) -> std::result::Result<PathBuf, String> {
    let path = PathBuf::from(name);
    if path.extension().is_some_and(|extension| extension == "png") {
        Ok(path)
    } else {
        Err("give a name that ends in .png".into())
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Set {
    /// Those that neither train nor validate: of MNIST 10,000
    Test,
    /// Those that settings are chosen by: of MNIST the last 10,000 training images
    Validation,
    /// Those that it learned from: of MNIST the first 50,000 training images
    Training,
}

impl Set {
    fn of(self, parts: Parts<'_>) -> Samples<'_> {
        match self {
            Self::Test => parts.test,
            Self::Validation => parts.validation,
            Self::Training => parts.training,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Validation => "validation",
            Self::Training => "training",
        }
    }
}

pub fn run(arguments: Arguments) -> Result<()> {
    check_output(&arguments.sheet, "--sheet")?;
    check_drawing(&arguments.sheet, arguments.force)?;
    let Some((first, others)) = arguments.model.split_first() else { return Ok(()) };
    let file = File::read(first)?;
    let (net, description) = (file.net()?, file.description()?);
    let executor = arguments.resources.executor()?;
    let data = arguments.resources.source.open(Some(net.architecture.input()))?;
    super::compare_data(&description, &data);
    let parts = Parts::of(&data, &description);
    if matches!(arguments.set, Set::Validation) && parts.all_trained(&file.metadata()?) {
        report!("note: the model was trained on the validation {}, too", noun(data.shape()));
    }
    let set = arguments.set.of(parts);
    if set.is_empty() {
        return Err(Error::NoSamples { path: arguments.resources.source.path()?, part: arguments.set.name() });
    }
    let mut outputs = file.contents()?.outputs(set, &executor)?;
    for path in others {
        let other = File::read(path)?;
        let own = other.description()?;
        let is_same = own.classes == description.classes && own.normalization() == description.normalization();
        if !is_same || other.net()?.architecture.outputs() != outputs.classes() {
            return Err(Error::Together { first: first.clone(), path: path.clone() });
        }
        outputs.add(&other.contents()?.outputs(set, &executor)?);
    }
    outputs.divide(arguments.model.len());
    let score = score(&outputs, net.cost, set);
    let classes = (0..net.architecture.outputs()).map(|class| description.class(class)).collect();
    let name = match others.len() {
        0 => net.name,
        more => format!("{} and {more} more, together", net.name),
    };
    let mut report = Report { net: name, noun: noun(set.shape()), score, confusion: None, classes, sheet: None };
    if !set.are_numbers() {
        let (confusion, wrong) = look(set, &outputs);
        let title = format!("{}: {} of {} wrong", report.net, grouped(wrong.len()), grouped(set.len()));
        if save(&title, set, &wrong, &description, &arguments.sheet)? {
            report.sheet = Some(arguments.sheet);
        }
        report.confusion = Some(confusion);
    }
    if arguments.json { print_json(&report) } else { print(&report.text()) }
}

/// A sample that was taken for another class.
struct Mistake {
    sample: usize,
    label: usize,
    predicted: usize,
    score: f32,
}

/// What was taken for what, and the mistakes, the surest first.
fn look(set: Samples<'_>, outputs: &Outputs) -> (Confusion, Vec<Mistake>) {
    let mut confusion = Confusion::new(outputs.classes());
    let mut wrong = Vec::new();
    for (sample, (output, label)) in outputs.iter().zip(set.view().labels().unwrap_or_default()).enumerate() {
        let (predicted, label) = (argmax(output), usize::from(*label));
        confusion.count(label, predicted);
        if predicted != label {
            wrong.push(Mistake { sample, label, predicted, score: output.get(predicted).copied().unwrap_or(0.0) });
        }
    }
    wrong.sort_by(|a, b| b.score.total_cmp(&a.score));
    (confusion, wrong)
}

/// Writes the sheet of mistakes, if the samples are pictures.
fn save(title: &str, set: Samples<'_>, wrong: &[Mistake], description: &Description, path: &Path) -> Result<bool> {
    let (Shape::Image { height, width, channels }, Sample::Bytes(_)) = (set.shape(), set.view().values()) else {
        return Ok(false);
    };
    if height == 1 || width == 1 || !matches!(channels, 1 | 3) {
        return Ok(false);
    }
    let pixels = |mistake: &Mistake| match set.view().sample(mistake.sample) {
        Sample::Bytes(pixels) => pixels,
        Sample::Floats(_) => &[],
    };
    let name = |class| description.class(class);
    if description.classes.is_empty() && channels == 1 {
        let digit = |mistake: &Mistake| Digit {
            image: pixels(mistake),
            width,
            label: name(mistake.label),
            predicted: name(mistake.predicted),
            score: Some(mistake.score),
        };
        sheet::save(title, &wrong.iter().map(digit).collect::<Vec<_>>(), path)?;
    } else {
        let picture = |mistake: &Mistake| Picture {
            pixels: pixels(mistake).to_vec(),
            width,
            channels,
            caption: format!("{} → {}", name(mistake.label), name(mistake.predicted)),
        };
        let shown: Vec<_> = wrong.iter().map(picture).collect();
        sheet::save_pictures(title, &shown, None, path)?;
    }
    Ok(true)
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    net: String,
    #[serde(skip)]
    noun: &'static str,
    #[serde(flatten)]
    score: Score,
    /// None where numbers are to be told.
    confusion: Option<Confusion>,
    classes: Vec<String>,
    /// The sheet of mistakes, if the samples are pictures.
    sheet: Option<PathBuf>,
}

impl Report {
    fn text(&self) -> String {
        let Self { net, noun, score, confusion, classes, sheet } = self;
        let Some(confusion) = confusion else {
            return format!("{net}: {} {noun}: {}\n", grouped(score.images), super::score(*score));
        };
        let share = percent(score.accuracy());
        let (right, images) = (grouped(score.right), grouped(score.images));
        let matrix = confusion.text(classes);
        let mut text = format!("{net}: {right} of {images} right ({share})\n\n{matrix}\n");
        if let Some(sheet) = sheet {
            text += &format!("what it got wrong: {}\n", sheet.display());
        }
        text
    }
}
