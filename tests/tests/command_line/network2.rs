//! Models to and from the book's `network2.py`, with networks that a Python program trained and what it made of the test
//! images (`tests/data/network2/make.py`).

use super::program::{DIGITS, Place, REPOSITORY};
use flate2::read::GzDecoder;
use host::executor::{Threads, Vectors};
use host::model::File;
use minnet::prelude::*;
use serde_json::Value;
use std::fs;
use std::io::Read;

fn fixture(name: &str) -> String {
    format!("{REPOSITORY}/tests/data/network2/{name}")
}

/// Puts a network of the Python program into `python.json`.
fn python(place: &Place, name: &str) -> Value {
    let mut text = String::new();
    let file = fs::File::open(fixture(&format!("{name}.json.gz"))).unwrap();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    fs::write(place.path("python.json"), &text).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_network_of_the_book_s_program_classifies_every_test_image_as_there() {
    let place = Place::new();
    for (name, net, cost) in
        [("cross-entropy", "784-30-10", "cross-entropy"), ("quadratic", "784-30-30-10", "quadratic")]
    {
        python(&place, name);
        let report = place.json("import python.json --out python.minnet");
        assert_eq!((&report["net"]["name"], &report["net"]["cost"]), (&net.into(), &cost.into()));

        let file = File::read(&place.path("python.minnet")).unwrap();
        let outputs =
            file.contents().unwrap().outputs(DIGITS.samples(), &Threads::new(0, Vectors::detect()).unwrap()).unwrap();
        let predicted: Vec<u8> = outputs.iter().map(|output| argmax(output) as u8).collect();
        let there = fs::read_to_string(fixture(&format!("{name}.predictions"))).unwrap();
        let there: Vec<u8> = there.trim_end().bytes().map(|digit| digit - b'0').collect();
        assert_eq!((predicted.len(), there.len()), (10_000, 10_000));
        let differ: Vec<usize> = (0..10_000).filter(|&index| predicted[index] != there[index]).collect();
        assert_eq!(differ, [0; 0], "{name}: images that are classified otherwise");
    }
}

#[test]
fn an_exported_network_has_the_same_numbers() {
    let place = Place::new();
    let there = python(&place, "cross-entropy");
    let imported = place.json("import python.json --out python.minnet");
    assert_eq!(imported["weight_hash"], place.json("inspect python.minnet")["weight_hash"]);
    let text = place.succeed("export python.minnet --out back.json");
    assert_eq!(text, "784-30-10, cross-entropy: back.json\n");

    let back: Value = serde_json::from_slice(&fs::read(place.path("back.json")).unwrap()).unwrap();
    assert_eq!((&back["sizes"], &back["cost"]), (&there["sizes"], &there["cost"]));
    for name in ["weights", "biases"] {
        for (layer, there) in there[name].as_array().unwrap().iter().enumerate() {
            for (j, row) in there.as_array().unwrap().iter().enumerate() {
                for (k, number) in row.as_array().unwrap().iter().enumerate() {
                    let expected = f64::from(number.as_f64().unwrap() as f32);
                    assert_eq!(back[name][layer][j][k], expected, "{name}[{layer}][{j}][{k}]");
                }
            }
        }
    }
    let again = place.json("import back.json --out again.minnet");
    assert_eq!(again["weight_hash"], imported["weight_hash"]);
}

#[test]
fn a_network_trained_here_goes_there_and_back() {
    let place = Place::new();
    for net in ["784-10", "784-0-10", "784-30-30-10"] {
        let trained = place.json(&format!("train --data @data --images 50 --epochs 1 --net {net} --cost quadratic"));
        place.succeed("export digits.minnet");
        let imported = place.json("import digits.json --out back.minnet");
        assert_eq!((&imported["weight_hash"], &imported["net"]["name"]), (&trained["weight_hash"], &net.into()));
        assert_eq!(imported["net"]["cost"], "quadratic");
    }
    let text = place.succeed("import digits.json --out back.minnet");
    assert!(text.starts_with("784-30-30-10, quadratic: 24,790 weights and biases, hash "), "{text}");
    assert!(text.contains("\nfrom: network2\n"), "{text}");
    assert!(place.succeed("inspect back.minnet").contains("not measured"));
}
