//! Runs that are cut short: whatever happens, a model file is whole.
#![cfg(unix)]

use crate::program::Place;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const TRAIN: &str = "train --data @data --net 784-30-10 --images 100 --epochs 2";

fn start(place: &Place, line: &str) -> Child {
    place.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// When to kill a run.
#[derive(Debug)]
enum Moment {
    /// After this part of the time that a whole run takes.
    Share(f64),
    /// When, after the last epoch, this many files have been begun.
    Writing(usize),
}

/// Waits for the last epoch of a run, then until it has begun to write `count` files beside those in `before`.
fn wait_for_writing(place: &Place, child: &mut Child, count: usize) {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("epoch 2/2")));
    let mut begun = std::collections::BTreeSet::new();
    while begun.len() < count && child.try_wait().unwrap().is_none() {
        begun.extend(place.names().into_iter().filter(|name| name.ends_with(".tmp")));
    }
}

#[test]
fn a_killed_run_leaves_a_whole_model_or_none() {
    let start_of_all = Instant::now();
    let old = Place::new();
    let new_hash = old.json(TRAIN)["weight_hash"].clone();
    let whole_run = start_of_all.elapsed();
    let old_hash = old.json(&format!("{TRAIN} --seed 2"))["weight_hash"].clone();
    assert_ne!(old_hash, new_hash);

    let shares = [0.02, 0.1, 0.4, 0.7, 0.9].map(Moment::Share);
    for moment in shares.into_iter().chain([1, 1, 2, 3].map(Moment::Writing)) {
        for has_old in [false, true] {
            let place = Place::new();
            if has_old {
                std::fs::copy(old.path("digits.minnet"), place.path("digits.minnet")).unwrap();
            }
            let mut child = start(&place, TRAIN);
            match moment {
                Moment::Share(share) => sleep(whole_run.mul_f64(share)),
                Moment::Writing(count) => wait_for_writing(&place, &mut child, count),
            }
            child.kill().unwrap();
            child.wait().unwrap();

            if place.path("digits.minnet").exists() {
                let hash = place.json("inspect digits.minnet")["weight_hash"].clone();
                assert!(hash == new_hash || has_old && hash == old_hash, "{moment:?}");
            } else {
                assert!(!has_old, "{moment:?}: the old model is gone");
            }
            if let Moment::Writing(_) = moment {
                // What was left behind does not trouble the next run.
                assert_eq!(place.json(TRAIN)["weight_hash"], new_hash);
            }
        }
    }
}

#[test]
fn an_interrupted_run_saves_what_it_has_learned() {
    let place = Place::new();
    let mut child = start(&place, "train --data @data --net 784-30-10 --epochs 100000 --json");
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(stderr.any(|line| line.starts_with("epoch 2/")));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert!(stderr.any(|line| line.contains("stopping: measuring and saving what has been learned")));
    // What comes after must be read, or the run would wait for it.
    stderr.for_each(drop);
    let mut json = String::new();
    child.stdout.take().unwrap().read_to_string(&mut json).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));

    let run: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(run["history"]["stopped"], true);
    assert!((2..100_000).contains(&run["history"]["epochs"].as_array().unwrap().len()));
    assert_eq!(place.json("inspect digits.minnet")["weight_hash"], run["weight_hash"]);
    assert_eq!(place.names(), ["digits.minnet", "digits.png", "digits.svg"]);
}

#[test]
fn a_second_interrupt_gives_up() {
    // A network large enough that measuring it takes until the second interrupt arrives.
    let place = Place::new();
    let mut child = start(&place, "train --data @data --net conv20-conv40-1000-1000-10-dropout --epochs 100000");
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(stderr.any(|line| line.contains("training images")));
    let deadline = Instant::now() + Duration::from_secs(30);
    while child.try_wait().unwrap().is_none() && Instant::now() < deadline {
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        sleep(Duration::from_millis(1));
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(place.names(), Vec::<String>::new());
}
