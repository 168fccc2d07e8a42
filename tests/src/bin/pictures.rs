//! How well `host classify` reads pictures: a table of the generator's conditions, of pictures that are no digit, of pages
//! with many, and of how often a score is right.
//!
//! `cargo run --release -p tests --bin pictures -- [--tuning] [--model FILE] [--count N] [--save FOLDER]`

use host::error::{Error, Result};
use std::path::PathBuf;
use std::process::ExitCode;
use tests::pictures::{CONDITIONS, OTHERS, Outcome, Part, Reader, picture, sudoku};

/// What is typed.
struct Options {
    part: Part,
    model: Option<PathBuf>,
    count: usize,
    /// Where misread pictures are written.
    save: Option<PathBuf>,
}

fn main() -> ExitCode {
    let mut options = Options { part: Part::Test, model: None, count: 40, save: None };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_default();
        match argument.as_str() {
            "--tuning" => options.part = Part::Tuning,
            "--model" => options.model = Some(value().into()),
            "--count" => options.count = value().parse().unwrap_or(options.count),
            "--save" => options.save = Some(value().into()),
            _ => {
                eprintln!("error: {argument} is none of --tuning, --model FILE, --count N, --save FOLDER");
                return ExitCode::FAILURE;
            }
        }
    }
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let reader = Reader::new(options.model.as_deref())?;
    let Options { part, count, .. } = *options;
    // Scores, and whether they were those of a right answer.
    let mut scores = Vec::new();
    let (mut all, mut all_right) = (0, 0);
    println!("Right, of {count} pictures of each condition; then wrong answers, and none");
    for &condition in CONDITIONS {
        let (mut right, mut wrong) = (0, 0);
        for index in 0..count {
            let picture = picture(condition, index, part);
            let outcome = reader.read(&picture);
            if let Outcome::Digit(digit, score) = outcome {
                scores.push((score, Some(digit) == picture.digit));
            }
            match outcome.answer() {
                Some((digit, _)) if Some(digit) == picture.digit => {
                    right += 1;
                    continue;
                }
                Some(_) => wrong += 1,
                None => {}
            }
            save(options, condition.0, index, &picture.bytes)?;
        }
        println!("{:34} {:5.1} %  {wrong:3} {:3}", condition.0, percent(right, count), count - right - wrong);
        (all, all_right) = (all + count, all_right + right);
    }
    println!("{:34} {:6.2} %\n", "all", percent(all_right, all));

    println!("Accepted, of {count} pictures that are no digit, or several");
    let (mut all, mut all_accepted) = (0, 0);
    for &condition in OTHERS {
        let outcomes = (0..count).map(|index| reader.read(&picture(condition, index, part)));
        let accepted = outcomes.filter(|outcome| outcome.answer().is_some()).count();
        println!("{:34} {:5.1} %", condition.0, percent(accepted, count));
        (all, all_accepted) = (all + count, all_accepted + accepted);
    }
    println!("{:34} {:6.2} %\n", "all", percent(all_accepted, all));

    println!("Sudokus, photographed aslant: digits right, of how many; other cells with a digit");
    for index in 0..(count / 8).max(1) {
        let [right, all, other] = reader.read_page(&sudoku(index, part))?;
        println!("{right:3} of {all:3}, {other}");
    }

    println!("\nOf the digits with at least this score, so many are wrong");
    for least in [0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98] {
        let chosen: Vec<bool> = scores.iter().filter(|(score, _)| *score >= least).map(|(_, right)| *right).collect();
        let wrong = chosen.iter().filter(|right| !**right).count();
        println!("{least:4.2}  {:4} of {:4} ({:.2} %)", wrong, chosen.len(), percent(wrong, chosen.len()));
    }
    Ok(())
}

fn save(options: &Options, condition: &str, index: usize, bytes: &[u8]) -> Result<()> {
    let Some(folder) = &options.save else { return Ok(()) };
    let kind = if bytes.starts_with(b"\x89PNG") { "png" } else { "jpg" };
    let path = folder.join(format!("{}-{index}.{kind}", condition.replace([' ', ','], "-")));
    let fail = |cause| Error::Write { path: path.clone(), cause };
    std::fs::create_dir_all(folder).map_err(fail)?;
    std::fs::write(&path, bytes).map_err(fail)
}

fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}
