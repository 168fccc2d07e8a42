//! `host experiment`

use super::{Digits, Resources, check_output, print};
use indicatif::{ProgressBar, ProgressStyle};
use minnet::prelude::Executor;
use minnet_host::data::Mnist;
use minnet_host::error::Result;
use minnet_host::experiment::report::{self, Origin};
use minnet_host::experiment::store::{Results, Store};
use minnet_host::experiment::{self, Experiment, Lab, Observer, Part};
use minnet_host::file::write_atomically;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The name that stands for every experiment.
const ALL: &str = "all";

#[derive(clap::Args)]
pub struct Arguments {
    /// The experiment, or `all`; without it, they are listed
    name: Option<String>,
    /// Seeds to run, from 1 to N
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,
    /// Where plots and results go; the report of `all` goes beside it, as DIR.md
    /// [default: experiments; docs/book for `all`, if not --quick]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Take few images and few epochs, to see that everything works
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    resources: Resources<Digits>,
}

pub fn run(arguments: Arguments) -> Result<()> {
    let Some(name) = arguments.name.as_deref() else { return list() };
    let is_all = name == ALL;
    let experiments = if is_all { experiment::all() } else { vec![experiment::find(name)?] };
    let default = if is_all && !arguments.quick { "docs/book" } else { "experiments" };
    let directory = arguments.out.clone().unwrap_or_else(|| default.into());

    let executor = arguments.resources.executor()?;
    let takes_digits = experiments.iter().flat_map(|experiment| &experiment.parts).any(|part| part.work.takes_digits());
    let mnist = if takes_digits { arguments.resources.source.mnist()? } else { Mnist::default() };
    let mnist = if arguments.quick { experiment::few_images(mnist) } else { mnist };
    // What cannot be written is said before the minutes of training, not after.
    let document = directory.with_file_name(document_name(&directory, arguments.quick));
    if is_all {
        check_output(&document, "--out")?;
    }
    let store = Store::open(&directory, &mnist, arguments.quick).map_err(|error| error.about("--out"))?;
    let screen = Screen { bar: bar(), is_quiet: is_all };
    let lab = Lab { mnist: &mnist, executor: &executor, observer: &screen };

    let mut done = Vec::new();
    for experiment in experiments {
        let experiment = if arguments.quick { experiment.quick() } else { experiment };
        let results = perform(&experiment, arguments.seeds, &lab, &store, &screen)?;
        let mut text = String::from("\n");
        if arguments.quick {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{}", report::QUICK);
        }
        text += &report::table(&experiment, &results);
        for plot in &experiment.plots {
            let [svg, png] = plot.chart(&results).save(&store.place(&plot.stem(experiment.name)))?;
            let _ = writeln!(text, "  plot: {} and {}", svg.display(), png.display());
        }
        print(&text)?;
        done.push((experiment, results));
    }
    if is_all {
        let origin = Origin {
            command: super::command_line(),
            seeds: arguments.seeds,
            is_quick: arguments.quick,
            plots: directory.file_name().map_or(".".into(), |name| name.to_string_lossy().into_owned()),
        };
        let text = report::document(&origin, &done);
        write_atomically(&document, |file| file.write_all(text.as_bytes()))?;
        print(&format!("\nreport: {}\n", document.display()))?;
    }
    Ok(())
}

fn document_name(directory: &Path, is_quick: bool) -> String {
    let name = directory.file_name().map_or("book".into(), |name| name.to_string_lossy());
    format!("{name}{}.md", if is_quick { "-quick" } else { "" })
}

fn list() -> Result<()> {
    let all = experiment::all();
    let width = all.iter().map(|experiment| experiment.name.len()).max().unwrap_or(0);
    let mut text = format!("{:width$}  {:8}  {:>8}  what it shows\n", "name", "chapter", "time");
    for Experiment { name, chapter, seconds, about, .. } in &all {
        let time = report::seconds(f64::from(*seconds));
        let _ = writeln!(text, "{name:width$}  {chapter:8}  {time:>8}  {about}");
    }
    let total = all.iter().map(|experiment| experiment.seconds).sum::<u32>();
    let time = report::seconds(f64::from(total));
    let _ = writeln!(text, "{ALL:width$}  {:8}  {time:>8}  every one of them, and the report docs/book.md", "");
    text += "\nThe time is that of one seed on two cores, roughly.\n";
    print(&text)
}

/// Runs what is not there yet of an experiment, and gives all of it.
fn perform(experiment: &Experiment, seeds: u64, lab: &Lab<'_>, store: &Store, screen: &Screen) -> Result<Results> {
    let mut results = Results::default();
    for part in &experiment.parts {
        for seed in 1..=if part.work.is_seeded() { seeds } else { 1 } {
            let record = match store.load(part, seed) {
                Some(record) => {
                    screen.say(&format!("{}: done before, in {}", title(part, seed), report::seconds(record.seconds)));
                    record
                }
                None => {
                    screen.say(&title(part, seed));
                    screen.begin(&title(part, seed));
                    let start = Instant::now();
                    let curves = part.work.run(seed, lab)?;
                    screen.bar.reset();
                    store.save(part, seed, lab.executor.threads(), start.elapsed().as_secs_f64(), curves)?
                }
            };
            results.records.push(record);
        }
    }
    screen.bar.finish_and_clear();
    Ok(results)
}

fn title(part: &Part, seed: u64) -> String {
    if part.work.is_seeded() { format!("{}, seed {seed}", part.name) } else { part.name.clone() }
}

/// Shows progress on the standard error, and the book's lines on the standard output.
struct Screen {
    bar: ProgressBar,
    /// Whether the book's lines are left out.
    is_quiet: bool,
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    // A template that did not parse would only cost the bar's looks.
    if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {percent} %, {eta} to go") {
        bar.set_style(style);
    }
    bar
}

impl Screen {
    /// A line about how the runs go on.
    fn say(&self, line: &str) {
        self.bar.suspend(|| minnet_host::report!("{line}"));
    }

    fn begin(&self, title: &str) {
        self.bar.reset();
        self.bar.set_prefix(title.to_owned());
    }
}

impl Observer for Screen {
    fn line(&self, line: &str) {
        if !self.is_quiet {
            // Where the output is closed, the table will fail to be printed, too, and tell it.
            self.bar.suspend(|| print(&format!("{line}\n")).unwrap_or_default());
        }
    }

    fn progress(&self, done: usize, all: usize) {
        self.bar.set_length(all as u64);
        self.bar.set_position(done as u64);
    }
}
