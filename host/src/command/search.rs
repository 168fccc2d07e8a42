//! `host search`

use super::checkpoint::Order;
use super::{Source, catch_ctrl_c, grouped, percent, print, print_json, train};
use clap::{Args, Parser};
use minnet_host::architecture::{Architecture, Shape};
use minnet_host::data::{Part, Sample};
use minnet_host::error::{Error, Result};
use minnet_host::file::{make_directory, write_atomically};
use minnet_host::instructions::Processor;
use minnet_host::plot::{Chart, Series};
use minnet_host::report;
use minnet_host::search::{self, Budget, Candidate, Judgement, Needs, Round, Task, rounds};
use minnet_host::shell;
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Args)]
pub struct Arguments {
    /// The folder of the search: its plan, what each trial found, the table and the plot
    #[arg(long, value_name = "DIR", default_value = "search")]
    out: PathBuf,
    /// Bytes of flash that the integer network's parameters may take; a new search needs it
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..))]
    flash: Option<u32>,
    /// Bytes of RAM that an inference may take
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..))]
    ram: Option<u32>,
    /// Instructions that an inference may take, foretold from those that were counted in an emulator
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    instructions: Option<u64>,
    /// Whose instructions: m4 (with DSP instructions) or m0 [default: m4]
    #[arg(long, value_name = "NAME", value_parser = processor)]
    processor: Option<Processor>,
    /// Candidates of the first round; each round keeps the best third [default: 27]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    trials: Option<u32>,
    /// Epochs of the first round; each round takes three times as many [default: 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    epochs: Option<u32>,
    /// The seed of the candidates and of their training [default: 1]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Print the numbers of the trials that are left in this round, one in a line, and train nothing
    #[arg(long, conflicts_with_all = ["trial", "json"])]
    pending: bool,
    /// Train one of them only, for a machine among several that share the folder
    #[arg(long, value_name = "N")]
    trial: Option<usize>,
    /// Print the table as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: Source,
    /// Threads to use; 0 is one for each core. The results are the same with any number
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
}

fn processor(name: &str) -> std::result::Result<Processor, String> {
    match name {
        "m4" => Ok(Processor::M4),
        "m0" => Ok(Processor::M0),
        _ => Err("give m4 or m0".into()),
    }
}

/// What a search was begun with, and its candidates; they are kept, so that another version goes on with the same.
#[derive(Serialize, Deserialize)]
struct Plan {
    budget: Budget,
    epochs: u32,
    seed: u64,
    /// What every command needs to read the data.
    data: Vec<String>,
    /// Images in a mini-batch.
    batch: usize,
    candidates: Vec<Candidate>,
}

/// What a trial found; a file each.
#[derive(Serialize, Deserialize)]
struct Found {
    trial: usize,
    epochs: u32,
    /// What `host` was told to do.
    command: Vec<String>,
    /// None if training failed, as [`failure`](Self::failure) says.
    judgement: Option<Judgement>,
    failure: Option<String>,
    seconds: f64,
    /// What `host train --json` prints.
    outcome: Option<serde_json::Value>,
}

/// A line of the table.
#[derive(Serialize)]
struct Row<'a> {
    trial: usize,
    epochs: u32,
    judgement: Option<Judgement>,
    candidate: &'a Candidate,
}

pub fn run(arguments: Arguments) -> Result<()> {
    let search = Search::open(&arguments)?;
    let round = search.rounds().pop().unwrap_or(Round { epochs: 0, trials: Vec::new() });
    let left: Vec<usize> =
        round.trials.iter().copied().filter(|&trial| search.found(trial, round.epochs).is_none()).collect();
    if arguments.pending {
        return print(&left.iter().map(|trial| format!("{trial}\n")).collect::<String>());
    }
    let stop = Arc::new(AtomicBool::new(false));
    catch_ctrl_c(&stop, "the trial that runs is given up; the same command goes on with it")?;
    match arguments.trial {
        Some(trial) if !left.contains(&trial) => {
            return Err(Error::Trial { trial, left: left.len(), path: arguments.out });
        }
        Some(trial) => search.run(trial, round.epochs, arguments.threads, &stop)?,
        None => {
            while let Some((round, trial)) = search.next() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                search.run(trial, round.epochs, arguments.threads, &stop)?;
            }
        }
    }
    search.report(arguments.json)
}

struct Search {
    folder: PathBuf,
    plan: Plan,
}

impl Search {
    /// The search of a folder, or a new one.
    fn open(arguments: &Arguments) -> Result<Self> {
        let folder = arguments.out.clone();
        let path = folder.join("search.json");
        if path.exists() {
            let bytes = fs::read(&path).map_err(|cause| Error::Read { path: path.clone(), cause })?;
            let plan: Plan = serde_json::from_slice(&bytes)
                .map_err(|cause| Error::SearchPlan { path: path.clone(), problem: cause.to_string() })?;
            plan.check(arguments, &path)?;
            return Ok(Self { folder, plan });
        }
        let Some(flash) = arguments.flash else { return Err(Error::SearchNew { path: folder }) };
        let data = arguments.source.open(None)?;
        let training = data.train();
        if data.part(Part::Validation).is_empty() {
            return Err(Error::SearchBlind { path: arguments.source.path()? });
        }
        let task = Task {
            shape: data.shape(),
            outputs: training.outputs(),
            are_numbers: training.numbers().is_some(),
            are_pictures: matches!(training.values(), Sample::Bytes(_)) && is_picture(data.shape()),
        };
        let budget = Budget {
            flash: flash as usize,
            ram: arguments.ram.map(|ram| ram as usize),
            instructions: arguments.instructions,
            processor: arguments.processor.unwrap_or(Processor::M4),
        };
        let seed = arguments.seed.unwrap_or(1);
        let candidates = search::draw(task, &budget, arguments.trials.unwrap_or(27) as usize, seed);
        if candidates.is_empty() {
            return Err(Error::SearchEmpty { shape: data.shape().to_string() });
        }
        make_directory(&folder).map_err(|error| error.about("--out"))?;
        let batch = (training.len() / 100).clamp(10, 100);
        let data = arguments.source.arguments();
        let plan = Plan { budget, epochs: arguments.epochs.unwrap_or(2), seed, data, batch, candidates };
        save(&path, &plan)?;
        Ok(Self { folder, plan })
    }

    fn path(&self, trial: usize, epochs: u32, extension: &str) -> PathBuf {
        self.folder.join(format!("{trial:03}-{epochs:03}.{extension}"))
    }

    /// What a trial found, if it is done: a file that cannot be read is none.
    fn found(&self, trial: usize, epochs: u32) -> Option<Found> {
        serde_json::from_slice(&fs::read(self.path(trial, epochs, "json")).ok()?).ok()
    }

    fn rounds(&self) -> Vec<Round> {
        let found = |trial, epochs| self.found(trial, epochs).map(|found| found.judgement);
        rounds(self.plan.candidates.len(), self.plan.epochs, found)
    }

    /// The trial that is next.
    fn next(&self) -> Option<(Round, usize)> {
        let round = self.rounds().pop()?;
        let next = round.trials.iter().copied().find(|&trial| self.found(trial, round.epochs).is_none())?;
        Some((round, next))
    }

    /// The arguments of `host` that train a candidate.
    fn command(&self, trial: usize, epochs: u32) -> Vec<String> {
        let Plan { seed, data, batch, candidates, .. } = &self.plan;
        let Some(Candidate { net, eta, augment, .. }) = candidates.get(trial) else { return Vec::new() };
        let out = self.path(trial, epochs, "minnet").display().to_string();
        let mut line: Vec<String> = ["train", "--net", net, "--epochs"].map(String::from).into();
        line.push(epochs.to_string());
        for (flag, value) in [("--batch", batch.to_string()), ("--eta", eta.to_string()), ("--seed", seed.to_string())]
        {
            line.extend([flag.into(), value]);
        }
        let fixed = "--optimizer adamw --schedule cosine --warmup 0.5 --batch-norm --freeze-norm 1 --no-test";
        line.extend(fixed.split(' ').map(String::from));
        if let Some(augment) = augment {
            line.extend(["--augment".into(), augment.clone()]);
        }
        line.extend(data.iter().cloned());
        line.extend(["--out".into(), out]);
        line
    }

    /// Trains a candidate, and keeps what it found.
    fn run(&self, trial: usize, epochs: u32, threads: usize, stop: &Arc<AtomicBool>) -> Result<()> {
        let command = self.command(trial, epochs);
        report!("\ntrial {trial}, epochs: {epochs}: host {}", shell::line(&command));
        let line =
            command.iter().map(String::as_str).chain(["--threads"]).map(String::from).chain([threads.to_string()]);
        let Line { arguments } = match Line::try_parse_from(line) {
            Ok(line) => line,
            Err(cause) => {
                let path = self.folder.join("search.json");
                return Err(Error::SearchPlan { path, problem: cause.to_string() });
            }
        };
        let begin = std::time::Instant::now();
        let (judgement, failure, outcome) = match train::outcome(Order::new(arguments, command.clone()), stop) {
            Ok(outcome) => {
                let judgement = outcome.judgement();
                let outcome = serde_json::to_value(&outcome).map_err(|cause| Error::Output { cause: cause.into() })?;
                (judgement, None, Some(outcome))
            }
            Err(error @ Error::Diverged { .. }) => (None, Some(error.to_string()), None),
            Err(error) => return Err(error),
        };
        if stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let seconds = begin.elapsed().as_secs_f64();
        save(&self.path(trial, epochs, "json"), &Found { trial, epochs, command, judgement, failure, seconds, outcome })
    }

    /// What was found so far, those that came furthest first, and of them the best.
    fn rows(&self) -> Vec<Row<'_>> {
        let mut rows: Vec<Row> = Vec::new();
        for Round { epochs, trials } in self.rounds().into_iter().rev() {
            let mut own: Vec<_> = trials
                .iter()
                .filter(|&&trial| rows.iter().all(|row| row.trial != trial))
                .filter_map(|&trial| {
                    let judgement = self.found(trial, epochs)?.judgement;
                    Some(Row { trial, epochs, judgement, candidate: self.plan.candidates.get(trial)? })
                })
                .collect();
            own.sort_by(|a, b| Judgement::compare(a.judgement, b.judgement));
            rows.extend(own);
        }
        rows
    }

    /// Writes the table and the plot, and prints the table.
    fn report(&self, is_json: bool) -> Result<()> {
        let rows = self.rows();
        let table = self.table(&rows);
        let path = self.folder.join("search.md");
        write_atomically(&path, |file| file.write_all(table.as_bytes()))?;
        let plot = self.chart().save(&self.folder.join("search"))?;
        if is_json {
            return print_json(&rows);
        }
        print(&format!("{table}\ntable: {}\nplot:  {} and {}\n", path.display(), plot[0].display(), plot[1].display()))
    }

    fn table(&self, rows: &[Row]) -> String {
        let processor = self.plan.budget.processor.name();
        let mut text = format!(
            "| epochs | validation | trial | flash | RAM | instructions, {processor} | η | network, augmentation |\n\
             |--:|--:|--:|--:|--:|--:|--:|---|\n"
        );
        for Row { trial, epochs, judgement, candidate } in rows {
            let Candidate { net, eta, augment, needs: Needs { flash, ram, instructions } } = candidate;
            let score = judgement.map_or("failed".into(), score);
            let [flash, ram, instructions] = [*flash, *ram, *instructions as usize].map(grouped);
            let augment = augment.as_ref().map_or(String::new(), |augment| format!("; {augment}"));
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "| {epochs} | {score} | {trial} | {flash} | {ram} | {instructions} | {eta} | `{net}`{augment} |"
            );
        }
        let left = self.next().map_or(0, |(round, _)| {
            round.trials.iter().filter(|&&trial| self.found(trial, round.epochs).is_none()).count()
        });
        if left > 0 {
            let _ = writeln!(text, "\n{left} trials of this round are left: the same command goes on.");
        } else if let Some(Row { trial, epochs, .. }) = rows.first() {
            let best = shell::line(self.command(*trial, *epochs));
            let _ = writeln!(text, "\nThe best, again: host {best}");
        }
        text
    }

    /// Accuracy against flash, each round in its colour.
    fn chart(&self) -> Chart {
        let series = |Round { epochs, trials }: Round| {
            let point = |&trial: &usize| {
                let judgement = self.found(trial, epochs)?.judgement?;
                let flash = self.plan.candidates.get(trial)?.needs.flash as f64;
                let y = if judgement.score < 0.0 { -judgement.score } else { 100.0 * judgement.score };
                // A point that is not there keeps the line from the next.
                Some([(flash, y), (flash, f64::NAN)])
            };
            let points = trials.iter().filter_map(point).flatten().collect();
            Series { label: format!("{epochs} epoch{}", if epochs == 1 { "" } else { "s" }), points }
        };
        Chart {
            title: "What was tried".into(),
            x_label: "Bytes of flash".into(),
            y_label: "Validation accuracy (%), or error".into(),
            series: self.rounds().into_iter().map(series).collect(),
            ..Chart::default()
        }
    }
}

impl Plan {
    /// Whether what is asked for is what the search was begun with, as far as it is said.
    fn check(&self, arguments: &Arguments, path: &Path) -> Result<()> {
        let Budget { flash, ram, instructions, processor } = &self.budget;
        let data = arguments.source.arguments();
        let is_trial_known = arguments.trials.is_none_or(|trials| trials as usize >= self.candidates.len());
        for (is_same, flag) in [
            (arguments.flash.is_none_or(|own| own as usize == *flash), "--flash"),
            (arguments.ram.is_none_or(|own| Some(own as usize) == *ram), "--ram"),
            (arguments.instructions.is_none_or(|own| Some(own) == *instructions), "--instructions"),
            (arguments.processor.is_none_or(|own| own == *processor), "--processor"),
            (arguments.epochs.is_none_or(|own| own == self.epochs), "--epochs"),
            (arguments.seed.is_none_or(|own| own == self.seed), "--seed"),
            (is_trial_known, "--trials"),
            (data.is_empty() || data == self.data, "--data"),
        ] {
            if !is_same {
                return Err(Error::SearchOther { path: path.to_owned(), flag });
            }
        }
        let is_net = |candidate: &Candidate| Architecture::parse(&candidate.net).is_ok();
        match self.candidates.iter().find(|candidate| !is_net(candidate)) {
            None => Ok(()),
            Some(Candidate { net, .. }) => {
                Err(Error::SearchPlan { path: path.to_owned(), problem: format!("{net:?} is no network") })
            }
        }
    }
}

/// `host train`'s arguments, as a trial gives them.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    arguments: train::Arguments,
}

fn is_picture(shape: Shape) -> bool {
    matches!(shape, Shape::Image { height, width, .. } if height > 1 && width > 1)
}

fn score(judgement: Judgement) -> String {
    if judgement.score < 0.0 { format!("{:.4}", -judgement.score) } else { percent(judgement.score) }
}

fn save(path: &Path, what: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(what).map_err(|cause| Error::Output { cause: cause.into() })?;
    write_atomically(path, |file| file.write_all((text + "\n").as_bytes()))
}
