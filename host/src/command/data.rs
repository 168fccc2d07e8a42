//! `host data`

use super::{check_output, grouped, print, print_json};
use clap::Args;
use minnet::augment::Augment;
use minnet_host::architecture::Shape;
use minnet_host::augment;
use minnet_host::data::{self, Options, Range, Summary, default_directory};
use minnet_host::error::Result;
use minnet_host::file::check_drawing;
use serde::Serialize;
use std::fmt::Write;
use std::path::PathBuf;

/// Beyond so many columns, only what all values have in common is shown.
const MOST_RANGES: usize = 32;

#[derive(Args)]
pub struct Arguments {
    /// The file or the directory [default: the bundled data/mnist]
    path: Option<PathBuf>,
    /// Exchange the rows and columns of each image: EMNIST's need it
    #[arg(long)]
    transpose: bool,
    /// The column of a table that is the label: its name, or its number from 1 [default: the column label, class or
    /// target, or the last]
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
    /// What a sample is to be, such as 32x32x3: pictures are scaled to it, and made gray or coloured
    #[arg(long, value_name = "SHAPE")]
    shape: Option<Shape>,
    /// Draw fewer samples, each with copies that are changed as `host train --augment` changes them
    #[arg(long, value_name = "CHANGES", value_parser = augment::parse)]
    augment: Option<Augment>,
    /// Where to put the picture of some samples: a sheet of pictures, or a plot (then also as .svg)
    #[arg(long, value_name = "FILE", default_value = "samples.png", value_parser = super::eval::png)]
    sheet: PathBuf,
    /// Replace a picture of that name even if Minnet did not draw it
    #[arg(long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    path: PathBuf,
    #[serde(flatten)]
    summary: Summary,
    pictures: Vec<PathBuf>,
}

pub fn run(arguments: Arguments) -> Result<()> {
    check_output(&arguments.sheet, "--sheet")?;
    check_drawing(&arguments.sheet, arguments.force)?;
    let path = arguments.path.map_or_else(default_directory, Ok)?;
    let Arguments { transpose, label, shape, .. } = arguments;
    let data = data::open(&path, &Options { transpose, label, shape, targets: None })?;
    for path in data.drawings(&arguments.sheet) {
        check_drawing(&path, arguments.force)?;
    }
    let title = path.file_name().map_or_else(|| "Data".into(), |name| name.to_string_lossy().into_owned());
    let pictures = data.draw(&title, arguments.augment.as_ref(), &arguments.sheet)?;
    let report = Report { summary: data.summary(), path, pictures };
    if arguments.json { print_json(&report) } else { print(&report.text()) }
}

impl Report {
    fn text(&self) -> String {
        let Summary {
            found,
            samples,
            shape,
            values,
            parts,
            classes,
            targets,
            ranges,
            range,
            checksum,
            notes,
            warnings,
        } = &self.summary;
        let mut text = String::new();
        let [train, validation, test] = parts.map(grouped);
        let pictures: Vec<_> = self.pictures.iter().map(|path| path.display().to_string()).collect();
        for (what, value) in [
            ("data", self.path.display().to_string()),
            ("found", found.clone()),
            (
                "samples",
                format!("{}: {train} to train on, {validation} to validate, {test} to test", grouped(*samples)),
            ),
            ("shape", format!("{shape} {values}")),
            ("checksum", checksum.clone()),
            ("picture", pictures.join(" and ")),
        ] {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{what:14}{value}");
        }
        if !classes.is_empty() {
            let width = classes.iter().map(|class| class.name.chars().count()).max().unwrap_or(0).max(5);
            let _ = writeln!(text, "\n{:width$}{:>12}{:>12}{:>12}", "class", "training", "validation", "test");
            for class in classes {
                let [train, validation, test] = class.parts.map(grouped);
                let _ = writeln!(text, "{:width$}{train:>12}{validation:>12}{test:>12}", class.name);
            }
        }
        let shown: Vec<&Range> = match ranges.len() {
            1 | MOST_RANGES.. => vec![range],
            _ => ranges.iter().collect(),
        };
        let all: Vec<&Range> = shown.into_iter().chain(targets).collect();
        let width = all.iter().map(|range| range.name.chars().count()).max().unwrap_or(0);
        let _ = writeln!(text, "\n{:width$}{:>14}{:>14}{:>14}{:>14}", "", "least", "greatest", "mean", "deviation");
        for Range { name, least, greatest, mean, deviation } in all {
            let _ = writeln!(text, "{name:width$}{least:>14}{greatest:>14}{mean:>14.4}{deviation:>14.4}");
        }
        for (what, list) in [("What was done", notes), ("What looks wrong", warnings)] {
            if !list.is_empty() {
                let _ = writeln!(text, "\n{what}:\n- {}", list.join("\n- "));
            }
        }
        text
    }
}
