//! Runs that are cut short, and reports that nobody reads: whatever happens, a model file is whole, and no work is lost.
#![cfg(unix)]

use super::program::Place;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const TRAIN: &str = "train --data @data --net 784-30-10 --images 100 --epochs 2";

fn start(place: &Place, line: &str) -> Child {
    place.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// When to kill a run.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// After this part of the time that a whole run takes.
    Share(f64),
    /// When, after the last epoch, files have begun, grown or gone so many times.
    Writing(usize),
}

/// Waits for the last epoch of a run, then until the files have changed `count` times, or the run has ended.
fn wait_for_writing(place: &Place, child: &mut Child, count: usize) {
    // A file may go between its name and its length.
    let length = |name: &String| std::fs::metadata(place.path(name)).map(|file| file.len()).ok();
    let files = || place.names().into_iter().map(|name| (length(&name), name)).collect::<Vec<_>>();
    let mut seen = files();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("epoch 2/2")));
    for _ in 0..count {
        while files() == seen && child.try_wait().unwrap().is_none() {}
        seen = files();
    }
}

#[test]
fn a_killed_run_leaves_a_whole_model_or_none() {
    let [old, new] = [Place::new(), Place::new()];
    let old_hash = old.json(&format!("{TRAIN} --seed 2"))["weight_hash"].clone();
    let start_of_run = Instant::now();
    let new_hash = new.json(TRAIN)["weight_hash"].clone();
    let whole_run = start_of_run.elapsed();
    assert_ne!(old_hash, new_hash);

    let shares = [0.05, 0.4, 0.8].map(|share| (Moment::Share(share), true));
    let writing = [1, 2, 4, 12].map(Moment::Writing);
    let writing = writing.into_iter().flat_map(|moment| [(moment, false), (moment, true)]);
    for (moment, has_old) in shares.into_iter().chain(writing) {
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
        if !has_old {
            // What was left behind does not trouble the next run.
            assert_eq!(place.json(TRAIN)["weight_hash"], new_hash);
        }
    }
}

#[test]
fn a_killed_training_goes_on_to_the_same_weights() {
    let line = "train --data @data --net 784-30-10 --epochs 12 --every 1 --average 0.9";
    let whole = Place::new();
    let start_of_run = Instant::now();
    let hash = whole.json(line)["weight_hash"].clone();
    let whole_run = start_of_run.elapsed();
    let mut resumed = 0;
    for share in 1..12 {
        let place = Place::new();
        let mut child = start(&place, line);
        sleep(whole_run.mul_f64(f64::from(share) / 12.0));
        child.kill().unwrap();
        child.wait().unwrap();
        if place.path("digits.minnet.checkpoint").exists() {
            resumed += 1;
            // Killed once more on its way.
            let mut child = start(&place, "train --resume digits.minnet.checkpoint");
            sleep(whole_run / 6);
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let rest = if place.path("digits.minnet.checkpoint").exists() {
            "train --resume digits.minnet.checkpoint"
        } else {
            line
        };
        place.succeed(rest);
        assert_eq!(place.json("inspect digits.minnet")["weight_hash"], hash, "{share}");
        assert_eq!(place.names(), ["digits.minnet", "digits.png", "digits.svg"], "{share}");
    }
    assert!(resumed > 0);
}

#[test]
fn a_training_that_was_cut_short_is_not_forgotten() {
    let place = Place::new();
    let line = "train --data @data --net 784-30-10 --epochs 100000 --every 1";
    let mut child = start(&place, line);
    while !place.path("digits.minnet.checkpoint").exists() {
        sleep(Duration::from_millis(5));
    }
    let second = place.run(line);
    assert!(second.code == Some(1) && second.stderr.contains("another run writes it"), "{}", second.stderr);
    child.kill().unwrap();
    child.wait().unwrap();
    let next = place.run(TRAIN);
    assert!(next.code == Some(0), "{}", next.stderr);
    let words = "`host train --resume digits.minnet.checkpoint` would go on";
    assert!(next.stderr.contains("was cut short after") && next.stderr.contains(words), "{}", next.stderr);
}

#[test]
fn a_checkpoint_of_other_data_or_none_is_refused() {
    let place = Place::new();
    std::fs::copy(super::program::DATA.join("t10k-images-idx3-ubyte.gz"), place.path("digits.minnet.checkpoint"))
        .unwrap();
    for line in [TRAIN, "train --resume digits.minnet.checkpoint", "train --resume nowhere"] {
        let run = place.run(line);
        assert!(run.code == Some(1) && run.stderr.contains("error: "), "{line}: {}", run.stderr);
    }
    assert!(place.run("train --resume digits.minnet.checkpoint --epochs 3").code == Some(2));
}

#[test]
fn nobody_reads_the_reports() {
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    let closed = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        writer
    };
    let hash = Place::new().json(TRAIN)["weight_hash"].clone();
    for stderr in [Stdio::from(full()), Stdio::from(closed())] {
        let place = Place::new();
        let status = place.command(TRAIN).stdout(Stdio::null()).stderr(stderr).status().unwrap();
        assert_eq!(status.code(), Some(0));
        assert_eq!(place.json("inspect digits.minnet")["weight_hash"], hash);
    }
    let error = Place::new().command("inspect nowhere").stderr(full()).status().unwrap();
    assert_eq!(error.code(), Some(1));
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_text() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    let name = std::ffi::OsStr::from_bytes(b"m\xff.minnet");
    let mut command = place.command(TRAIN);
    assert_eq!(command.arg("--out").arg(name).output().unwrap().status.code(), Some(0));
    assert!(std::fs::metadata(place.path("").join(name)).is_ok());
    let output = place.command(TRAIN).arg("--json").arg("--out").arg(name).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("which is not UTF-8"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_that_is_asked_to_end_saves_what_it_has_learned() {
    for signal in ["-TERM", "-HUP"] {
        let place = Place::new();
        let run = place.command("train --data @data --net 784-30-10 --epochs 100000");
        // These tests may themselves run under nohup, which ignores SIGHUP for all that is started.
        let mut child = Command::new("env")
            .arg("--default-signal=HUP")
            .arg(run.get_program())
            .args(run.get_args())
            .current_dir(place.path(""))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert!(stderr.any(|line| line.starts_with("epoch 2/")));
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        stderr.for_each(drop);
        assert_eq!(child.wait().unwrap().code(), Some(0), "{signal}");
        place.json("inspect digits.minnet");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_under_nohup_goes_on_after_a_hangup() {
    let place = Place::new();
    let inner = place.command("train --data @data --net 784-30-10 --epochs 300");
    let mut child = Command::new("nohup")
        .arg(inner.get_program())
        .args(inner.get_args())
        .current_dir(place.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(stderr.any(|line| line.starts_with("epoch 2/")));
    assert!(Command::new("kill").args(["-HUP", &child.id().to_string()]).status().unwrap().success());
    assert!(stderr.any(|line| line.starts_with("epoch 300/300")));
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn an_interrupted_run_saves_what_it_has_learned() {
    let place = Place::new();
    let mut child = start(&place, "train --data @data --net 784-30-10 --epochs 100000 --every 1 --json");
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
    // From the checkpoint it would go on.
    assert_eq!(place.names(), ["digits.minnet", "digits.minnet.checkpoint", "digits.png", "digits.svg"]);
    assert_eq!(run["checkpoint"], "digits.minnet.checkpoint");
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
    // The lock holds nobody up: it is nobody's.
    assert_eq!(place.names(), [".digits.minnet.lock"]);
}
