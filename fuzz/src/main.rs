//! Hostile inputs for every parser and for the wire: inputs of a corpus are changed at random, and whatever comes of them,
//! nothing may panic, hang, or take too much memory. `cargo xtask fuzz` builds and runs it; docs/fuzzing.md says more.

mod coverage;
mod memory;
mod mutate;
mod targets;

use clap::{Args, Parser};
use coverage::Seen;
use host::{memory as budget, report};
use mutate::{below, mutate};
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use targets::{TARGETS, Target};
use tempfile::TempDir;

#[global_allocator]
static ALLOCATOR: memory::Counted = memory::Counted;

/// What `--memory` is while inputs are read.
const BUDGET: u64 = 256 << 20;

/// Inputs of a target's corpus after it was shrunk, at most, and their bytes: so that all of them are less than half a
/// megabyte.
const INPUTS: usize = 64;
const ROOM: usize = 20 << 10;
/// What takes longer is not kept: without optimization it would take seconds.
const SLOW: Duration = Duration::from_millis(10);

#[derive(Parser)]
#[command(name = "fuzz", about = "Hostile inputs for every parser and for the wire")]
enum Order {
    /// Change inputs of the corpus at random, for a while
    Run(Run),
    /// Execute a target with the inputs in these files
    Replay { target: String, files: Vec<PathBuf> },
    /// Leave in the corpus the inputs that reach most for their length; needs a guided build
    Shrink { targets: Vec<String> },
    #[command(hide = true)]
    Work(Work),
}

#[derive(Args)]
struct Run {
    /// The targets; all if none is given
    targets: Vec<String>,
    #[command(flatten)]
    length: Length,
    /// Where inputs are kept that led to a finding
    #[arg(long, default_value = "fuzz/found")]
    found: PathBuf,
}

/// What a process of its own does, so that its end is not that of all.
#[derive(Args)]
struct Work {
    target: String,
    #[command(flatten)]
    length: Length,
    /// The file that holds the input while it is executed
    #[arg(long)]
    input: PathBuf,
}

#[derive(Args, Clone)]
struct Length {
    /// Seconds for each target
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Executions for each target, whatever time they take
    #[arg(long)]
    runs: Option<u64>,
    /// Seconds that an execution may take
    #[arg(long, default_value_t = 10)]
    hang: u64,
    /// What the random numbers begin with
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the corpus is
    #[arg(long, default_value = "fuzz/corpus")]
    corpus: PathBuf,
    /// Keep inputs that reach something new in this folder, too; a guided build finds some
    #[arg(long)]
    keep: Option<PathBuf>,
}

fn main() -> ExitCode {
    budget::set_limit(BUDGET);
    let order = Order::parse();
    let place = settle(&order);
    let done = place.as_ref().map_err(|cause| format!("a temporary folder: {cause}")).and_then(|_| match order {
        Order::Run(order) => run(&order),
        Order::Replay { target, files } => replay(&target, &files),
        Order::Shrink { targets } => chosen(&targets).and_then(|targets| targets.iter().try_for_each(|it| shrink(it))),
        Order::Work(work) => fuzz(&work),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Gives the targets a folder: in memory, where the system has one there. It is removed when it is dropped, whatever became
/// of the processes that work in it.
fn settle(order: &Order) -> io::Result<Option<TempDir>> {
    if let Order::Work(Work { input, .. }) = order {
        targets::settle(input.parent().unwrap_or(Path::new(".")));
        return Ok(None);
    }
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }?;
    targets::settle(place.path());
    Ok(Some(place))
}

fn named(name: &str) -> Result<&'static Target, String> {
    let names = || TARGETS.iter().map(|target| target.name).collect::<Vec<_>>().join(", ");
    TARGETS.iter().find(|target| target.name == name).ok_or_else(|| format!("{name}: no target; there are {}", names()))
}

fn chosen(names: &[String]) -> Result<Vec<&'static Target>, String> {
    if names.is_empty() { Ok(TARGETS.iter().collect()) } else { names.iter().map(|name| named(name)).collect() }
}

/// What went wrong with a file.
fn at(path: &Path) -> impl FnOnce(io::Error) -> String {
    move |cause| format!("{}: {cause}", path.display())
}

/// Runs each target in a process of its own, and keeps the input of one that ends badly.
fn run(order: &Run) -> Result<(), String> {
    let targets = chosen(&order.targets)?;
    let program = std::env::current_exe().map_err(|cause| format!("this program: {cause}"))?;
    let place = targets::place().path("input");
    let mut found = Vec::new();
    for target in targets {
        let Length { seconds, runs, hang, seed, corpus, keep } = &order.length;
        let mut work = Command::new(&program);
        work.args(["work", target.name, "--seconds", &seconds.to_string(), "--seed", &seed.to_string()]);
        work.args(["--hang", &hang.to_string()]);
        work.args(runs.map(|runs| format!("--runs={runs}")));
        work.arg("--corpus").arg(corpus).arg("--input").arg(&place);
        if let Some(keep) = keep {
            work.arg("--keep").arg(keep);
        }
        let status = work.status().map_err(at(&program))?;
        if !status.success() {
            let input = fs::read(&place).map_err(at(&place))?;
            let kept = save(&order.found.join(target.name), &input)?;
            report!("{}: {status}; the input is kept: fuzz replay {0} {}", target.name, kept.display());
            found.push(target.name);
        }
    }
    if found.is_empty() { Ok(()) } else { Err(format!("{} ended badly", found.join(", "))) }
}

fn replay(name: &str, files: &[PathBuf]) -> Result<(), String> {
    let target = named(name)?;
    for file in files {
        let bytes = fs::read(file).map_err(at(file))?;
        let begin = Instant::now();
        (target.run)(&bytes);
        println!("{}: {:.3} s", file.display(), begin.elapsed().as_secs_f64());
    }
    Ok(())
}

/// The inputs of a folder, in the order of their names; none if there is no such folder.
fn corpus(folder: &Path) -> Result<Vec<Vec<u8>>, String> {
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        files.insert(entry.map_err(at(folder))?.path());
    }
    files.iter().map(|file| fs::read(file).map_err(at(file))).collect()
}

/// Writes an input under a name made of its contents.
fn save(folder: &Path, bytes: &[u8]) -> Result<PathBuf, String> {
    fs::create_dir_all(folder).map_err(at(folder))?;
    let path = folder.join(format!("{:016x}", crc::Crc::<u64>::new(&crc::CRC_64_XZ).checksum(bytes)));
    fs::write(&path, bytes).map_err(at(&path))?;
    Ok(path)
}

/// When the execution under way began, in milliseconds since the program did; 0 between two.
static SINCE: AtomicU64 = AtomicU64::new(0);

/// Ends the program where an execution takes too long.
fn watch(begin: Instant, most: Duration) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(most / 10);
            let since = SINCE.load(Ordering::Relaxed);
            if since != 0 && begin.elapsed().saturating_sub(Duration::from_millis(since)) > most {
                report!("an execution has taken more than {} s", most.as_secs());
                std::process::abort();
            }
        }
    });
}

/// Executes a target with the inputs of its corpus, then with changed ones, until the time is over.
fn fuzz(work: &Work) -> Result<(), String> {
    let target = named(&work.target)?;
    let Length { seconds, runs, hang, seed, corpus: folder, keep } = &work.length;
    let mut inputs = corpus(&folder.join(target.name))?;
    let given = inputs.len();
    if let Some(keep) = keep.as_ref().filter(|keep| *keep != folder) {
        inputs.extend(corpus(&keep.join(target.name))?);
    }
    // A panic says no more than its message; the input is in the file.
    let mut under_way = UnderWay(File::create(&work.input).map_err(at(&work.input))?);
    let mut rng = XorShiftRng::seed_from_u64(*seed);
    let mut seen = Seen::new();
    let begin = Instant::now();
    watch(begin, Duration::from_secs(*hang));
    let (mut count, mut slowest) = (0_u64, Duration::ZERO);
    let mut execute = |bytes: &[u8], seen: &mut Seen| {
        under_way.write(bytes).map_err(at(&work.input))?;
        seen.begin();
        let since = begin.elapsed();
        SINCE.store(since.as_millis() as u64 + 1, Ordering::Relaxed);
        (target.run)(bytes);
        SINCE.store(0, Ordering::Relaxed);
        slowest = slowest.max(begin.elapsed() - since);
        count += 1;
        let is_over = runs.map_or_else(|| begin.elapsed().as_secs() >= *seconds, |runs| count >= runs);
        Ok::<_, String>((seen.take(), is_over))
    };
    for input in &inputs {
        execute(input, &mut seen)?;
    }
    loop {
        // Half of the time what was found last, which has been changed least.
        let latest = inputs.len().saturating_sub(1 + below(&mut rng, 32));
        let pick = if below(&mut rng, 2) == 0 { latest } else { below(&mut rng, inputs.len().max(1)) };
        let mut bytes = inputs.get(pick).cloned().unwrap_or_default();
        let other = if inputs.is_empty() { &[][..] } else { &inputs[below(&mut rng, inputs.len())] };
        mutate(&mut bytes, other, target.words, &mut rng);
        if below(&mut rng, 16) != 0 {
            (target.repair)(&mut bytes);
        }
        let (is_new, is_over) = execute(&bytes, &mut seen)?;
        if is_new {
            if let Some(keep) = keep {
                save(&keep.join(target.name), &bytes)?;
            }
            inputs.push(bytes);
        }
        if is_over {
            break;
        }
    }
    let (reached, counters) = seen.reached();
    let seconds = begin.elapsed().as_secs_f64();
    let guided = if counters == 0 { String::new() } else { format!(", {reached} of {counters} counters") };
    println!(
        "{:<14}{count:>11} executions in {seconds:>7.1} s,{:>9.0}/s, slowest {:>6.1} ms, at most {:>5.1} MB, inputs {given} + \
         {}{guided}",
        target.name,
        count as f64 / seconds,
        slowest.as_secs_f64() * 1e3,
        memory::peak() as f64 / 1e6,
        inputs.len() - given,
    );
    Ok(())
}

/// The file that holds the input while it is executed.
struct UnderWay(File);

impl UnderWay {
    #[cfg(unix)]
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        use std::os::unix::fs::FileExt;
        self.0.set_len(bytes.len() as u64)?;
        self.0.write_all_at(bytes, 0)
    }

    #[cfg(not(unix))]
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        use std::io::{Seek, Write};
        self.0.rewind()?;
        self.0.set_len(bytes.len() as u64)?;
        self.0.write_all(bytes)
    }
}

/// Leaves of the corpus the inputs that reach most for their length, as long as there is room.
fn shrink(target: &Target) -> Result<(), String> {
    let folder = Path::new("fuzz/corpus").join(target.name);
    let seen = Seen::new();
    if seen.reached().1 == 0 {
        return Err("this build has no counters; `cargo xtask fuzz --guided` makes one that has".into());
    }
    let inputs = corpus(&folder)?;
    let mut reaching: Vec<(&Vec<u8>, Vec<usize>)> = Vec::new();
    for input in &inputs {
        seen.begin();
        let begin = Instant::now();
        (target.run)(input);
        if begin.elapsed() < SLOW {
            reaching.push((input, seen.now()));
        }
    }
    fs::remove_dir_all(&folder).map_err(at(&folder))?;
    let (mut reached, mut room, mut kept) = (BTreeSet::new(), ROOM, 0);
    while kept < INPUTS {
        reaching.iter_mut().for_each(|(_, counters)| counters.retain(|counter| !reached.contains(counter)));
        reaching.retain(|(input, counters)| !counters.is_empty() && input.len() <= room);
        let worth = |(input, counters): &(&Vec<u8>, Vec<usize>)| counters.len() * 1000 / (input.len() + 100);
        let Some(best) = (0..reaching.len()).max_by_key(|&index| worth(&reaching[index])) else { break };
        let (input, counters) = reaching.swap_remove(best);
        save(&folder, input)?;
        (room, kept) = (room - input.len(), kept + 1);
        reached.extend(counters);
    }
    println!("{:<14}{kept:>6} inputs of {}, which reach {} counters", target.name, inputs.len(), reached.len());
    Ok(())
}
