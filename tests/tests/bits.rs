//! The same training run gives the same weights, to the last bit: a convolutional network with dropout and L2, on 200
//! images, four times. `qemu.rs` runs it on an emulated microcontroller.

use host::executor::{Threads, Vectors};
use minnet::prelude::*;
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;
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

/// A layer with so many weights that threads share them, not the images.
#[test]
fn a_large_layer_with_any_threads_and_vectors() {
    type Large = Net<[f32; 520], seq![Dropout<50>, Dense<520, 520, Relu>, Dense<520, 10, Softmax>]>;
    let train = |executor: &Threads| {
        let mut net: Box<Large> = host::model::zeroed().unwrap();
        let mut batch = host::model::batch(18).unwrap();
        let mut rng = XorShiftRng::seed_from_u64(7);
        net.initialize(Init::He, &mut rng);
        let sgd = Sgd::new(0.1, batch.len()).with_l2(0.1, 1.0, 1000);
        executor.run(|| {
            for step in 0..5u8 {
                for (number, sample) in (step..).zip(&mut batch) {
                    sample.load(&[number.wrapping_mul(41); 520], number % 10);
                }
                net.train::<LogLikelihood>(&mut batch, &sgd, &mut rng, executor);
            }
        });
        net.weight_hash()
    };
    let expected = train(&Threads::new(1, Vectors::Baseline).unwrap());
    for vectors in [Vectors::Baseline, Vectors::Avx2, Vectors::Avx512] {
        for threads in [1, 2, 3] {
            assert_eq!(train(&Threads::new(threads, vectors).unwrap()), expected, "{threads} threads, {vectors:?}");
        }
    }
}
