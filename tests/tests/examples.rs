//! The examples that take no time print what the chapters say of them. (All of them are built by `cargo test --workspace`.)

use std::env::consts::EXE_SUFFIX;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

const TEMPORARY: &str = env!("CARGO_TARGET_TMPDIR");
const QUICK: [&str; 4] = ["01_neuron", "02_xor", "03_bumps", "11_own_data"];

/// The directory of the examples, built as this test was.
static EXAMPLES: LazyLock<PathBuf> = LazyLock::new(|| {
    let targets = QUICK.map(|name| ["--example", name]);
    tests::build::programs(targets.as_flattened(), TEMPORARY).join("examples")
});

/// Runs an example in a directory of its own; gives its lines, each as words.
#[track_caller]
fn run(name: &str, files: &[&str]) -> Vec<Vec<String>> {
    let place = tempfile::tempdir_in(TEMPORARY).unwrap();
    let program = EXAMPLES.join(format!("{name}{EXE_SUFFIX}"));
    let output = Command::new(program).current_dir(place.path()).output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    for file in files {
        assert!(place.path().join(file).metadata().unwrap().len() > 1_000, "{file}");
    }
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

/// The numbers of the line that begins with this word.
#[track_caller]
fn numbers(lines: &[Vec<String>], first: &str) -> Vec<f32> {
    let line = lines.iter().find(|line| line.first().is_some_and(|word| word == first)).unwrap();
    line.iter().skip(1).filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn the_neuron_ends_where_the_book_s_does() {
    // The book's animations of the quadratic cost end at 0.09 and, from the bad start, at 0.20.
    let lines = run("01_neuron", &[]);
    assert_eq!(numbers(&lines, "0"), [0.82, 0.82, 0.98, 0.98]);
    assert_eq!(numbers(&lines, "300"), [0.09, 0.01, 0.20, 0.01]);
}

#[test]
fn backpropagation_agrees_with_the_differences_and_learns_xor() {
    let lines = run("02_xor", &[]);
    for parameter in 0..9 {
        let values = numbers(&lines, &parameter.to_string());
        assert!((values[0] - values[1]).abs() < 2e-4, "parameter {parameter}: {values:?}");
    }
    let outputs = lines[lines.len() - 4..].iter().map(|line| line[2].parse().unwrap());
    assert_eq!(outputs.map(|output: f32| output > 0.5).collect::<Vec<_>>(), [false, true, true, false]);
}

#[test]
fn bumps_are_where_they_should_be_and_more_of_them_are_better() {
    let lines = run("03_bumps", &["bumps.svg", "bumps.png"]);
    assert_eq!([numbers(&lines, "0.35"), numbers(&lines, "0.50")], [[0.0], [0.8]]);
    let errors = ["5", "20", "80"].map(|bumps| numbers(&lines, bumps)[0]);
    assert!(errors[0] > 3.0 * errors[1] && errors[1] > 3.0 * errors[2], "{errors:?}");
}

#[test]
fn windows_of_a_signal_are_told_apart_in_integers() {
    let lines = run("11_own_data", &[]);
    let line = lines[0].join(" ");
    let counts: Vec<u32> = lines[0].iter().filter_map(|word| word.trim_end_matches(',').parse().ok()).collect();
    assert_eq!(counts[0], 150);
    assert!(counts[1] > 140 && counts[2] > 140, "{line}");
    for (class, line) in ["still", "shaken", "turned"].iter().zip(&lines[1..]) {
        assert_eq!(line.join(" "), format!("{class} is taken for {class}"));
    }
}
