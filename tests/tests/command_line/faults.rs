//! A disk that is full, or fails: whatever call of the system fails in whatever command, a file is what it was or all of the
//! new one, and the program says what went wrong. strace has the calls fail; where there is none, or where it may not
//! trace, nothing is tested.
#![cfg(target_os = "linux")]

use super::program::Place;
use std::fs;
use std::process::{Command, Stdio};

/// Calls that fail, how, and the first of them that does: libraries are opened first.
type Fault = (&'static str, &'static str, usize);

const FAULTS: [Fault; 6] = [
    ("write", "ENOSPC", 1),
    ("fsync", "EIO", 1),
    ("renameat,renameat2,rename", "ENOSPC", 1),
    ("fchmod", "EPERM", 1),
    ("openat", "ENOSPC", 16),
    ("unlink,unlinkat", "EIO", 1),
];

/// The command `line` run so that call number `at` of these fails: how it ended, what it said, and whether there was
/// such a call.
fn run(place: &Place, line: &str, calls: &str, error: &str, at: usize) -> (Option<i32>, String, bool) {
    let inner = place.command(line);
    let trace = place.path("trace");
    let output = Command::new("strace")
        .args(["-f", "-qq", "--seccomp-bpf", "-e", &format!("trace={calls}")])
        .args(["-e", &format!("inject={calls}:error={error}:when={at}")])
        .arg("-o")
        .arg(&trace)
        .arg(inner.get_program())
        .args(inner.get_args())
        .current_dir(place.path(""))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let was_injected = fs::read_to_string(&trace).unwrap().contains("(INJECTED)");
    fs::remove_file(trace).unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned(), was_injected)
}

/// A table of 40 samples, small enough to train on under a tracer.
fn place() -> Place {
    let place = Place::new();
    let rows: String = (0..40).map(|i| format!("{},{},{}\n", i % 7, i % 5, i % 2)).collect();
    fs::write(place.path("data.csv"), format!("a,b,label\n{rows}")).unwrap();
    place
}

fn hash(place: &Place, name: &str) -> String {
    place.json(&format!("inspect {name}"))["weight_hash"].to_string()
}

/// Fails each call of each kind of a command that writes `file`, where an old one stands.
fn fail_each(faults: &[Fault], line: &str, file: &str, prepare: impl Fn(&Place), may_remain: &[&str]) {
    let traces = Command::new("strace")
        .args(["-f", "-qq", "--seccomp-bpf", "-e", "trace=write", "-o", "/dev/null", "true"])
        .status();
    if !traces.is_ok_and(|status| status.success()) {
        eprintln!("there is no strace that may trace: no call fails in `{line}`");
        return;
    }
    let new = {
        let place = place();
        prepare(&place);
        place.succeed(line);
        hash(&place, file)
    };
    let mut failures = 0;
    let place = place();
    prepare(&place);
    let old_file = fs::read(place.path(file)).unwrap();
    let old = hash(&place, file);
    assert_ne!(old, new);
    let before = place.names();
    for &(calls, error, first) in faults {
        for at in first.. {
            let (code, said, was_injected) = run(&place, line, calls, error, at);
            let context = format!("{line}, {calls} number {at}: {code:?}, {said}");
            let found = hash(&place, file);
            match code {
                Some(0) => assert_eq!(found, new, "{context}"),
                Some(1) => {
                    failures += 1;
                    assert!(said.contains("error: "), "{context}");
                    assert!(found == old || found == new, "{context}");
                }
                _ => panic!("{context}"),
            }
            for name in place.names() {
                let is_known = before.contains(&name) || may_remain.contains(&name.as_str());
                // What could not be removed is swept away by the next command, or is of no harm.
                assert!(is_known || calls.starts_with("unlink") || calls == "write", "{name} is left: {context}");
            }
            fs::write(place.path(file), &old_file).unwrap();
            // What fails once the model is there has to do with the curve, which takes long to draw.
            if !was_injected || code == Some(1) && found == new {
                break;
            }
        }
    }
    assert!(failures > 0);
}

const TRAIN: &str = "train --data data.csv --epochs 2 --every 1 --threads 1 --out model.minnet";

#[test]
fn a_training_that_cannot_write_leaves_the_old_model() {
    let remains = ["model.minnet.rescued", "model.minnet.checkpoint"];
    // Without those of which there are many, most of them before there is anything to lose.
    fail_each(&FAULTS[..4], TRAIN, "model.minnet", |place| drop(place.succeed(&format!("{TRAIN} --seed 2"))), &remains);
}

#[test]
fn a_quantization_that_cannot_write_leaves_the_old_model() {
    let prepare = |place: &Place| {
        for seed in ["2", "1"] {
            place.succeed(&format!("{TRAIN} --seed {seed}"));
            if seed == "2" {
                place.succeed("quantize model.minnet --data data.csv --out integers.minnet");
            }
        }
    };
    fail_each(&FAULTS, "quantize model.minnet --data data.csv --out integers.minnet", "integers.minnet", prepare, &[]);
}

#[test]
fn an_import_that_cannot_write_leaves_the_old_model() {
    let json = |weight| {
        format!("{{\"sizes\": [1, 1], \"weights\": [[[{weight}]]], \"biases\": [[[1]]], \"cost\": \"QuadraticCost\"}}")
    };
    let prepare = |place: &Place| {
        fs::write(place.path("network.json"), json("0.25")).unwrap();
        place.succeed("import network.json --out imported.minnet");
        fs::write(place.path("network.json"), json("0.5")).unwrap();
    };
    fail_each(&FAULTS, "import network.json --out imported.minnet", "imported.minnet", prepare, &[]);
}
