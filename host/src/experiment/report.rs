//! The book's figures, its rerun's, and ours: as text for a terminal, and as the document `book.md`.

use super::Experiment;
use super::figure::{Figure, Summary};
use super::store::Results;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What quick runs are marked with.
pub const QUICK: &str =
    "QUICK RUN: few images and few epochs, to see that everything works. These figures mean nothing.";

/// What the document says of the run that made it.
pub struct Origin {
    /// The command.
    pub command: String,
    /// How many seeds.
    pub seeds: u64,
    /// Whether it was a quick run.
    pub is_quick: bool,
    /// The directory of the plots, as seen from the document.
    pub plots: String,
}

/// A row of the table: what it is, the book's number, the rerun's, ours, and the time.
type Row = [String; 5];

fn rows(experiment: &Experiment, results: &Results) -> Vec<Row> {
    let mut time = seconds(results.seconds());
    let mut row = |figure: &Figure| {
        let here = Summary::of(&figure.values(results)).map_or("–".into(), |summary| summary.show(figure.unit));
        let [book, rerun] =
            [figure.book, figure.rerun].map(|number| number.map_or("–".into(), |number| figure.unit.show(number)));
        [figure.label.clone(), book, rerun, here, std::mem::take(&mut time)]
    };
    experiment.figures.iter().map(&mut row).collect()
}

/// A time as a reader wants it.
pub fn seconds(seconds: f64) -> String {
    if seconds < 9.95 {
        format!("{seconds:.1} s")
    } else if seconds < 180.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{:.0} min", seconds / 60.0)
    }
}

/// An experiment's table for a terminal.
pub fn table(experiment: &Experiment, results: &Results) -> String {
    let seeds = results.seeds();
    let here = if seeds == 1 { "here".into() } else { format!("here, mean of {seeds} seeds (least to greatest)") };
    let time = if seeds == 1 { "time" } else { "time a seed" };
    let mut rows = rows(experiment, results);
    rows.insert(0, [String::new(), "the book".into(), "its rerun".into(), here, time.into()]);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    let mut text = format!("{}: {}\n", experiment.name, experiment.about);
    for [label, book, rerun, here, time] in &rows {
        let [first, second, third, fourth] = widths;
        let line = format!("  {label:first$}  {book:>second$}  {rerun:>third$}  {here:fourth$}  {time}");
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// The document: one table of all experiments, then each one with its plots.
pub fn document(origin: &Origin, experiments: &[(Experiment, Results)]) -> String {
    let Origin { command, seeds, is_quick, plots } = origin;
    let mut text = String::from("# The book's programs, run here\n\n");
    if *is_quick {
        let _ = writeln!(text, "**{QUICK}**\n");
    }
    // A part that several experiments share was run once.
    let parts: BTreeMap<_, _> = experiments
        .iter()
        .flat_map(|(_, results)| &results.records)
        .map(|record| ((&record.part, record.seed), record.seconds))
        .collect();
    let threads = experiments.iter().flat_map(|(_, results)| &results.records).map(|record| record.threads).max();
    let _ = writeln!(
        text,
        "Made by `{command}`: {seeds} seed{}. All runs together took {}, on at most {} thread{}.\n\n\
         *The book* is Michael Nielsen's [Neural Networks and Deep Learning](http://neuralnetworksanddeeplearning.com) \
         (Determination Press, 2015). *The rerun* is a published rerun of the book's programs under Python 3, one run each \
         with another seed than the book's, so that its figures differ from the book's, sometimes by much. A dash means \
         that no number is printed there. *Here* is the mean over the seeds, with the least and the greatest in brackets. \
         The time is that of the quickest seed. Epochs are counted from 0, as the book does.\n",
        plural(*seeds),
        seconds(parts.values().sum()),
        threads.unwrap_or(1),
        plural(threads.unwrap_or(1) as u64),
    );
    text += "| Experiment | Figure | The book | The rerun | Here | Time |\n| --- | --- | ---: | ---: | ---: | ---: |\n";
    for (experiment, results) in experiments {
        let mut name = format!("[{0}](#{0})", experiment.name);
        for [label, book, rerun, here, time] in rows(experiment, results) {
            let name = std::mem::take(&mut name);
            let _ = writeln!(text, "| {name} | {label} | {book} | {rerun} | {here} | {time} |");
        }
    }
    let mut chapter = "";
    for (experiment, results) in experiments {
        if experiment.chapter != chapter {
            chapter = experiment.chapter;
            let _ = writeln!(text, "\n## {}", heading(chapter));
        }
        let _ = writeln!(text, "\n### {}\n\n{}.", experiment.name, experiment.about);
        if !experiment.remark.is_empty() {
            let _ = writeln!(text, "\n{}", experiment.remark);
        }
        for plot in &experiment.plots {
            let title = plot.chart(results).title;
            let stem = plot.stem(experiment.name);
            let quick = if *is_quick { "quick-" } else { "" };
            let _ = writeln!(text, "\n![{title}]({plots}/{quick}{stem}.svg)");
        }
    }
    text
}

/// A chapter's heading.
fn heading(chapter: &str) -> String {
    if chapter.bytes().all(|byte| byte.is_ascii_digit()) { format!("Chapter {chapter}") } else { chapter.to_owned() }
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_unit_that_suits_them() {
        for (number, text) in [(0.04, "0.0 s"), (6.04, "6.0 s"), (9.96, "10 s"), (179.0, "179 s"), (600.0, "10 min")] {
            assert_eq!(seconds(number), text);
        }
    }
}
