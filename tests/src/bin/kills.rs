//! Kills trainings at random moments, has them go on from their checkpoints, and compares the weights with those of a
//! training that nobody killed: `kills HOST [RUNS]`, where HOST is the program `host`, built with `--release`.

use host::data::{Mnist, default_directory, write_idx_images, write_idx_labels};
use rand_core::{Rng, SeedableRng};
use rand_xorshift::XorShiftRng;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What is trained: everything that a checkpoint has to keep.
const TRAIN: &str = "train --data data --epochs 12 --every 1 --optimizer adamw --average 0.9 --batch-norm --freeze-norm 2 \
                     --schedule cosine --early-stopping 9 --threads 1 --out m.minnet";
/// Its network and its augmentation, which have spaces in them.
const REST: [&str; 4] = [
    "--net",
    "28x28x1: conv5x5 3 maxpool2 relu int4, flatten, dense 10 softmax int2",
    "--augment",
    "shift 1, rotate 8, elastic 2",
];
const RESUME: [&str; 3] = ["train", "--resume", "m.minnet.checkpoint"];

type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let mut arguments = std::env::args_os().skip(1);
    let host =
        PathBuf::from(arguments.next().ok_or("name the program `host`, then the number of runs")?).canonicalize()?;
    let runs: u32 = arguments.next().map_or(Ok(1000), |runs| runs.to_string_lossy().parse())?;
    let folder = tempfile::tempdir()?;
    let place = folder.path();
    write_data(&place.join("data"))?;
    let words: Vec<&str> = TRAIN.split_whitespace().chain(REST).collect();

    let begin = Instant::now();
    let whole = start(&host, place, &words)?.wait()?;
    let time = begin.elapsed();
    if !whole.success() {
        return Err("the training itself fails".into());
    }
    let weights = hash(&host, place)?;
    let mut rng = XorShiftRng::seed_from_u64(1);
    let (mut kills, mut resumed, mut damaged) = (0, 0, 0);
    for run in 1..=runs {
        std::fs::remove_file(place.join("m.minnet"))?;
        let mut next = &words[..];
        loop {
            let mut child = start(&host, place, next)?;
            // Up to a little more than it takes.
            sleep(Duration::from_secs_f64(time.as_secs_f64() * 1.2 * f64::from(rng.next_u32()) / f64::from(u32::MAX)));
            if let Some(status) = child.try_wait()? {
                if !status.success() {
                    return Err(format!("run {run}: {status}").into());
                }
                break;
            }
            child.kill()?;
            child.wait()?;
            kills += 1;
            damaged += u32::from(place.join("m.minnet").exists() && hash(&host, place)? != weights);
            next = if place.join("m.minnet.checkpoint").exists() { &RESUME } else { &words };
            resumed += u32::from(next == RESUME);
        }
        if hash(&host, place)? != weights {
            return Err(format!("run {run}: other weights").into());
        }
        let left = std::fs::read_dir(place)?.count();
        // The data, the model, and its two curves.
        if left != 4 {
            return Err(format!("run {run}: {left} files are left").into());
        }
    }
    println!(
        "{runs} trainings of {:.2} s, killed {kills} times, gone on {resumed} times: {damaged} files damaged, all end with the \
         weights {weights}, and no other file is left",
        time.as_secs_f64()
    );
    Ok(())
}

/// Some of MNIST's images.
fn write_data(folder: &Path) -> Result<(), Failed> {
    let mnist = Mnist::load(&default_directory()?)?;
    std::fs::create_dir(folder)?;
    for (name, range) in [("train", 0..600), ("t10k", 600..700)] {
        write_idx_images(&folder.join(format!("{name}-images-idx3-ubyte")), &mnist.train.images[range.clone()])?;
        write_idx_labels(&folder.join(format!("{name}-labels-idx1-ubyte")), &mnist.train.labels[range])?;
    }
    Ok(())
}

fn start(host: &Path, place: &Path, words: &[&str]) -> std::io::Result<std::process::Child> {
    Command::new(host).args(words).current_dir(place).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

/// The hash of the model's weights.
fn hash(host: &Path, place: &Path) -> Result<String, Failed> {
    let output = Command::new(host).args(["inspect", "m.minnet", "--json"]).current_dir(place).output()?;
    let json: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    Ok(json["weight_hash"].as_str().ok_or("no hash")?.to_owned())
}
