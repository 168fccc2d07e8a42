//! `host data`: what is in data, and data that are refused.

use super::program::{Place, TEST_IMAGES, TRAINING_IMAGES, png_size};
use std::fs;

/// A table of two classes, 20 samples each.
fn write_table(place: &Place) {
    let row = |row: usize| format!("{},{},{}\n", row, row * row % 7, ["low", "high"][row / 20]);
    let rows: String = (0..40).map(row).collect();
    fs::write(place.path("table.csv"), format!("number,rest,size\n{rows}")).unwrap();
}

#[test]
fn digits_are_counted_and_shown() {
    let place = Place::new();
    let text = place.succeed("data @data");
    for words in ["IDX files of bytes", "28x28x1 bytes", "250 to train on, 50 to validate, 100 to test", "samples.png"]
    {
        assert!(text.contains(words), "{words:?} is not in\n{text}");
    }
    assert_eq!(place.names(), ["samples.png"]);
    assert!(png_size(&place.path("samples.png")).0 > 1000);
    let json = place.json("data @data --sheet other.png");
    assert_eq!(json["samples"], TRAINING_IMAGES + TEST_IMAGES);
    assert_eq!(json["parts"]["test"], TEST_IMAGES);
    assert_eq!(json["classes"].as_array().unwrap().len(), 10);
    assert_eq!(json["pictures"][0], "other.png");
}

#[test]
fn a_table_is_counted_and_plotted() {
    let place = Place::new();
    write_table(&place);
    let json = place.json("data table.csv --sheet plot.png");
    assert_eq!((&json["shape"], &json["values"]), (&"2".into(), &"floats".into()));
    assert_eq!((&json["classes"][0]["name"], &json["classes"][1]["name"]), (&"high".into(), &"low".into()));
    assert_eq!(json["ranges"][1]["name"], "rest");
    assert_eq!(place.names(), ["plot.png", "plot.svg", "table.csv"]);
    // Classes or numbers, as the label is.
    fs::write(place.path("numbers.csv"), "a,b\n0,0.5\n1,1\n2,4\n").unwrap();
    let json = place.json("data numbers.csv --label 1");
    assert_eq!(json["classes"].as_array().unwrap().len(), 3);
    let json = place.json("data numbers.csv");
    assert_eq!((&json["classes"], &json["targets"][0]["greatest"]), (&serde_json::json!([]), &4.0.into()));
}

#[test]
fn what_is_no_data_is_refused() {
    let place = Place::new();
    write_table(&place);
    fs::write(place.path("wrong.csv"), "a,b,c\n1,2,x\n3,oops,y\n").unwrap();
    fs::write(place.path("noise"), [1, 2, 3, 4]).unwrap();
    let before = place.names();
    for (line, words) in [
        ("data wrong.csv", "error: wrong.csv: line 3, column 2 (b): \"oops\" is not a number; mend it"),
        ("data noise", "error: noise: holds no data that can be read: it begins with 01 02 03 04; give IDX"),
        ("data nowhere", "error: nowhere: no such file or directory; name the file"),
        (
            "data table.csv --label weight",
            "error: table.csv: there is no column \"weight\"; there are: number, rest, size",
        ),
        ("data table.csv --shape 2x2x1", "error: table.csv: its samples are of 2, and 2x2x1 is wanted; give"),
    ] {
        let run = place.run(line);
        assert_eq!((run.code, &*run.stdout), (Some(1), ""), "{line}");
        assert!(run.stderr.starts_with(words) && run.stderr.lines().count() == 1, "{line}: {}", run.stderr);
    }
    for line in ["data table.csv --shape 2x2", "data table.csv --sheet table.csv"] {
        assert_eq!(place.run(line).code, Some(2), "{line}");
    }
    assert_eq!(place.names(), before);
}
