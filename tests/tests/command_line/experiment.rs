//! `host experiment`: the list, runs that go on where others stopped, and the report.

use super::program::{Place, png_size};
use host::experiment;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

const QUICK: &str = "--quick --data @data --out out";

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The names of the files in a directory of a place, sorted.
fn names_in(place: &Place, directory: &str) -> Vec<String> {
    let entries = fs::read_dir(place.path(directory)).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn without_a_name_all_are_listed() {
    let place = Place::new();
    let list = place.succeed("experiment");
    for experiment in experiment::all() {
        let line = list.lines().find(|line| line.split_whitespace().next() == Some(experiment.name));
        assert!(line.is_some_and(|line| line.contains(experiment.about)), "{}", experiment.name);
    }
    assert!(list.lines().any(|line| line.starts_with("all ")));
    assert_eq!(place.names(), Vec::<String>::new());
}

#[test]
fn a_quick_run_prints_and_writes_what_a_long_one_does() {
    let place = Place::new();
    let text = place.succeed(&format!("experiment network-30 {QUICK}"));
    for words in ["Epoch 0: ", "Epoch 1: ", " / 50\n", "QUICK RUN", "the book", "95.31 %", "here", "time"] {
        assert!(text.contains(words), "{words:?} is not in\n{text}");
    }
    assert_eq!(place.names(), ["out"]);
    assert_eq!(names_in(&place, "out"), ["quick-network-30.png", "quick-network-30.svg", "results"]);
    assert_eq!(names_in(&place, "out/results"), ["quick-network-30-seed-1.json"]);
    assert_eq!(png_size(&place.path("out/quick-network-30.png")), (1800, 920));
    let record = read_json(&place.path("out/results/quick-network-30-seed-1.json"));
    assert_eq!(record["settings"]["training"]["hyper"]["eta"], 3.0);
    assert_eq!(record["curves"]["accuracy"].as_array().unwrap().len(), 2);
}

#[test]
fn what_is_finished_is_not_done_again() {
    let place = Place::new();
    let run = |arguments: &str| {
        let run = place.run(&format!("experiment cross-entropy --out out {arguments}"));
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        run
    };
    let file = place.path("out/results/quick-cross-entropy-seed-1.json");
    let data = "--quick --data @data";
    assert!(run(data).stdout.contains("Epoch 1: "));
    let first = fs::read(&file).unwrap();

    let again = run(data);
    assert!(!again.stdout.contains("Epoch") && again.stdout.contains("95.09 %"), "{}", again.stdout);
    assert!(again.stderr.contains("cross-entropy, seed 1: done before"), "{}", again.stderr);
    let more = run(&format!("{data} --seeds 2"));
    assert_eq!(more.stdout.matches("Epoch 1: ").count(), 1);
    assert!(more.stdout.contains("mean of 2 seeds"));
    assert_eq!(fs::read(&file).unwrap(), first);

    // What was made otherwise, or is damaged, is made anew.
    let accuracies = |file: &Path| read_json(file)["curves"]["accuracy"].clone();
    let expected = serde_json::from_slice::<Value>(&first).unwrap()["curves"]["accuracy"].clone();
    let text = String::from_utf8(first).unwrap();
    for changed in [text.replace("\"eta\":0.5", "\"eta\":0.25"), text[..100].to_owned(), String::new()] {
        assert_ne!(changed, text);
        fs::write(&file, changed).unwrap();
        assert!(run(data).stdout.contains("Epoch 1: "));
        assert_eq!(accuracies(&file), expected);
    }
    // Other images are other data.
    assert!(run("--quick").stdout.contains("Epoch 1: "));
    assert_ne!(accuracies(&file), expected);
}

#[test]
fn threads_change_no_result() {
    let place = Place::new();
    for (name, file) in [("network3-dense", "network3-dense-seed-1"), ("svm", "svm-50000"), ("xor", "xor-seed-1")] {
        let curves = |threads: u32| {
            let out = format!("out-{threads}");
            place.succeed(&format!("experiment {name} --quick --data @data --threads {threads} --out {out}"));
            read_json(&place.path(&format!("{out}/results/quick-{file}.json")))["curves"].clone()
        };
        assert_eq!(curves(1), curves(2), "{name}");
    }
}

#[test]
fn xor_is_learned_without_digits() {
    let place = Place::new();
    let run = || place.run("experiment xor --data nowhere --out out");
    assert!(run().stdout.contains("[1, 1]"));
    let again = run();
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert!(again.stderr.contains("xor, seed 1: done before"), "{}", again.stderr);
}

#[test]
fn darkness_gets_the_book_s_figure_to_the_digit() {
    let text = Place::new().succeed("experiment darkness");
    assert!(text.contains("2225 of 10000 values correct.\n"), "{text}");
}

#[test]
fn all_goes_on_where_it_was_cut_short_and_reports_everything() {
    let place = Place::new();
    let line = format!("experiment all {QUICK}");
    let mut child = place.command(&line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(stderr.any(|line| line.starts_with("more-data-500, ")));
    child.kill().unwrap();
    child.wait().unwrap();

    let run = place.run(&line);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("more-data-200, seed 1: done before"), "{}", run.stderr);
    assert!(!run.stderr.contains("network3-relu, seed 1: done before"), "{}", run.stderr);

    let report = fs::read_to_string(place.path("out-quick.md")).unwrap();
    assert!(report.contains("QUICK RUN") && report.contains("Made by `host experiment all --quick"));
    for experiment in experiment::all() {
        assert!(report.contains(&format!("\n### {}\n", experiment.name)), "{}", experiment.name);
        for figure in &experiment.figures {
            let row = report.lines().find(|line| line.contains(&format!("| {} | ", figure.label)));
            assert!(row.is_some(), "{}: {}", experiment.name, figure.label);
        }
    }
    // Every number of the table is there, and every plot that the report shows.
    let rows = report.lines().filter(|line| line.starts_with("| ")).map(|row| row.split('|').nth(5).unwrap().trim());
    assert!(rows.clone().count() > 60 && rows.clone().all(|here| here != "–"));
    let plots = report.split("](out/").skip(1).map(|rest| rest.split(')').next().unwrap());
    assert!(plots.clone().count() > 40);
    for plot in plots {
        let svg = fs::read_to_string(place.path("out").join(plot)).unwrap();
        assert!(!svg.contains("no data"), "{plot}");
        assert!(place.path("out").join(plot.replace(".svg", ".png")).exists(), "{plot}");
    }
}
