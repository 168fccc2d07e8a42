//! One setting: all contestants stand ready, and work one after the other, round after round.

use super::Result;
use crate::Error;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

/// Between two turns: some frameworks' threads go on spinning for a while, and would take the next one's time.
const PAUSE: Duration = Duration::from_millis(300);

/// What everyone does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Setting {
    pub(super) network: char,
    /// `train` or `infer`.
    pub(super) mode: String,
    pub(super) batch: usize,
    pub(super) threads: usize,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { network, mode, batch, threads } = self;
        write!(f, "({network}) {mode}, batch {batch}, threads {threads}")
    }
}

impl Setting {
    /// Every setting of these networks.
    pub(super) fn all(networks: &str) -> Vec<Self> {
        let mut all = Vec::new();
        for network in networks.chars() {
            for (mode, batch) in [("train", 10), ("train", 64), ("infer", 1), ("infer", 10), ("infer", 1000)] {
                for threads in [1, 2] {
                    all.push(Self { network, mode: mode.to_owned(), batch, threads });
                }
            }
        }
        all
    }

    /// Whether its network is one of these.
    pub(super) fn is_of(&self, networks: &str) -> bool {
        networks.contains(self.network)
    }
}

/// A framework's program in one of its variants.
pub(super) struct Contestant {
    framework: &'static str,
    variant: &'static str,
    program: PathBuf,
    script: Option<PathBuf>,
}

impl Contestant {
    /// Our program.
    pub(super) fn ours(root: &Path) -> Self {
        Self::rust(root, "Minnet", "release/ours")
    }

    /// Our program, built with multiply and add fused.
    pub(super) fn ours_fused(root: &Path) -> Self {
        Self::rust(root, "Minnet, fused", "rivals-fused/release/ours")
    }

    fn rust(root: &Path, framework: &'static str, program: &str) -> Self {
        Self { framework, variant: "", program: root.join("target").join(program), script: None }
    }

    /// Everyone who takes part. Variants that cannot win a setting stay away: those that gather patches where there is
    /// no convolution, and those that loop over pieces of a batch that has only one.
    pub(super) fn all(root: &Path, python: &Path, setting: &Setting) -> Vec<Self> {
        let training = setting.mode == "train";
        let script = |framework, variant, script: &str| Self {
            framework,
            variant,
            program: python.to_owned(),
            script: Some(root.join("benches/rivals").join(script)),
        };
        let mut all = vec![Self::ours(root)];
        // Never the best where there are convolutions, they were not taught (e).
        if setting.network != 'e' {
            all.push(Self::rust(root, "Burn", "rivals-rust/release/burn"));
            all.push(Self::rust(root, "candle", "rivals-rust/release/candle"));
        }
        let convolves = setting.network != 'a';
        for (variant, takes_part) in
            [("eager", true), ("channels_last", convolves), ("compiled", training), ("traced", !training)]
        {
            if takes_part {
                all.push(script("PyTorch", variant, "pytorch.py"));
            }
        }
        let pieces = training || setting.batch > 10;
        for (variant, takes_part) in [
            ("step", !training),
            ("loop", pieces),
            ("patches_step", convolves && !pieces),
            ("patches_loop", convolves && pieces),
        ] {
            if takes_part {
                all.push(script("JAX", variant, "jax_cpu.py"));
            }
        }
        all
    }

    fn start(&self, setting: &Setting, seconds: f64) -> std::result::Result<Ready<'_>, Error> {
        let mut command = Command::new(&self.program);
        command.args(&self.script).args([setting.network.to_string(), setting.mode.clone()]);
        command.args([setting.batch.to_string(), setting.threads.to_string(), seconds.to_string()]);
        if !self.variant.is_empty() {
            command.arg(self.variant);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = emulator::process::start(&mut command)?;
        let (Some(orders), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            unreachable!("both piped")
        };
        Ok(Ready {
            contestant: self,
            child,
            orders: Some(orders),
            answers: BufReader::new(answers),
            rounds: Vec::new(),
        })
    }

    /// Whether its result is among these.
    pub(super) fn is_in(&self, results: &[Result]) -> bool {
        results.iter().any(|result| result.framework == self.framework && result.variant == self.variant)
    }

    fn name(&self) -> String {
        format!("{} {}", self.framework, self.variant)
    }
}

/// Lets all of them work in turns, and tells how they did.
pub(super) fn run(
    contestants: &[Contestant],
    setting: &Setting,
    seconds: f64,
    rounds: usize,
) -> std::result::Result<Vec<Result>, Error> {
    let programs: Vec<_> = contestants.iter().map(|contestant| (contestant, setting)).collect();
    let turns = take_turns(&programs, seconds, rounds, PAUSE)?;
    let results: Vec<Result> = turns.into_iter().map(Ready::finish).collect();
    for result in &results {
        eprintln!("    {:<13} {:<14} {:>9.0} images/s", result.framework, result.variant, result.images_per_second);
    }
    Ok(results)
}

/// Starts all, then lets one after the other work for so many seconds, again and again, with a pause before each turn.
pub(super) fn take_turns<'a>(
    programs: &[(&'a Contestant, &Setting)],
    seconds: f64,
    rounds: usize,
    pause: Duration,
) -> std::result::Result<Vec<Ready<'a>>, Error> {
    let mut all = Vec::new();
    for (contestant, setting) in programs {
        all.push(contestant.start(setting, seconds)?);
    }
    for program in &mut all {
        program.wait_until_ready()?;
    }
    for _ in 0..rounds {
        for program in &mut all {
            thread::sleep(pause);
            program.work()?;
        }
    }
    Ok(all)
}

pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// A contestant's program, which waits for orders.
pub(super) struct Ready<'a> {
    contestant: &'a Contestant,
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    rounds: Vec<Answer>,
}

/// What a program says of one round.
#[derive(Debug, Deserialize)]
struct Answer {
    images_per_second: f64,
    cpu_seconds_per_image: f64,
    peak_mib: Option<f64>,
}

impl Ready<'_> {
    fn line(&mut self) -> std::result::Result<String, Error> {
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(Error::io("read from", &self.contestant.program))?;
        if line.is_empty() {
            return Err(Error::Answer { program: self.contestant.name(), said: "nothing, and ended".into() });
        }
        Ok(line.trim().to_owned())
    }

    fn wait_until_ready(&mut self) -> std::result::Result<(), Error> {
        while self.line()? != "ready" {}
        Ok(())
    }

    fn work(&mut self) -> std::result::Result<(), Error> {
        if let Some(orders) = &mut self.orders {
            orders
                .write_all(b"go\n")
                .and_then(|()| orders.flush())
                .map_err(Error::io("write to", &self.contestant.program))?;
        }
        let line = self.line()?;
        let answer = serde_json::from_str(&line)
            .map_err(|_| Error::Answer { program: self.contestant.name(), said: line.clone() })?;
        self.rounds.push(answer);
        Ok(())
    }

    /// Images a second in each round.
    pub(super) fn rates(&self) -> impl Iterator<Item = f64> {
        self.rounds.iter().map(|answer| answer.images_per_second)
    }

    /// Ends the program, and gives its medians.
    fn finish(mut self) -> Result {
        drop(self.orders.take());
        // Its results are here; how it ends is of no interest.
        let _ = self.child.wait();
        let of = |value: fn(&Answer) -> f64| median(self.rounds.iter().map(value).collect());
        Result {
            framework: self.contestant.framework.to_owned(),
            variant: self.contestant.variant.to_owned(),
            images_per_second: of(|answer| answer.images_per_second),
            cpu_seconds_per_image: of(|answer| answer.cpu_seconds_per_image),
            peak_mib: of(|answer| answer.peak_mib.unwrap_or(0.0)),
        }
    }
}

impl Drop for Ready<'_> {
    fn drop(&mut self) {
        // After an error; a program that has ended cannot be killed again, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_takes_part_in_every_setting() {
        for setting in Setting::all("abcde") {
            let all = Contestant::all(Path::new("/"), Path::new("python"), &setting);
            let takes_part = |framework| all.iter().any(|contestant| contestant.framework == framework);
            for framework in ["Minnet", "PyTorch", "JAX"] {
                assert!(takes_part(framework), "{framework}: {setting}");
            }
            for framework in ["Burn", "candle"] {
                assert_eq!(takes_part(framework), setting.network != 'e', "{framework}: {setting}");
            }
        }
        assert_eq!(Setting::all("abcde").len(), 5 * 5 * 2);
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(Vec::new()), 0.0);
    }
}
