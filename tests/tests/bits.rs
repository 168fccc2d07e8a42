//! The same training run gives the same weights, to the last bit: a convolutional network with dropout and L2, on 200
//! images, four times. `qemu.rs` runs it on an emulated microcontroller.

use host::executor::{Threads, Vectors};
use minnet::prelude::Serial;
use std::process::Command;
use tests::training::{HASH, hash};

#[test]
fn without_threads() {
    assert_eq!(format!("{:016x}", hash(&Serial)), HASH);
}

#[test]
fn with_any_threads_and_vectors() {
    for vectors in [Vectors::Baseline, Vectors::Avx2, Vectors::Avx512] {
        for threads in [1, 2, 3] {
            let executor = Threads::new(threads, vectors).unwrap();
            let hash = executor.run(|| hash(&executor));
            assert_eq!(format!("{hash:016x}"), HASH, "{threads} threads, {vectors:?}");
        }
    }
}

#[test]
fn with_and_without_optimization() {
    let cargo = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--release", "--package", "tests", "--bin", "training_hash"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&cargo.stdout);
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    assert_eq!(output.lines().count(), 9, "{output}");
    for line in output.lines() {
        assert!(line.starts_with(HASH), "optimized: {line}, expected {HASH}");
    }
}
