//! A search, begun, interrupted, shared among machines, and ended.

use super::program::Place;
use std::fs;

const SEARCH: &str = "search --out found --data @data --flash 2000 --ram 4500 --trials 4 --epochs 2";

#[test]
fn a_search_goes_on_to_its_end() {
    let place = Place::new();
    // What is left of the first round; nothing is trained.
    let pending = |line: &str| place.succeed(line).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(pending(&format!("{SEARCH} --pending")), ["0", "1", "2", "3"]);
    // A machine among several; what it needs to know is in the folder.
    let rows = place.json("search --out found --trial 2");
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert_eq!(pending("search --out found --pending"), ["0", "1", "3"]);
    let run = place.run("search --out found --trial 2");
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("trial 2 is none of the 3 that are left"), "{}", run.stderr);

    // The command of the beginning goes on: four for two epochs, two for six, one for eighteen.
    let rows = place.json(SEARCH);
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["epochs"].as_u64().unwrap()).collect::<Vec<_>>(), [18, 6, 2, 2]);
    for row in rows {
        let needs = &row["candidate"]["needs"];
        assert!(needs["flash"].as_u64().unwrap() <= 2000 && needs["ram"].as_u64().unwrap() <= 4500, "{needs}");
    }
    assert!(pending("search --out found --pending").is_empty());
    let table = fs::read_to_string(place.path("found/search.md")).unwrap();
    assert!(table.contains("\nThe best, again: host train --net \"28x28x1: "), "{table}");
    for name in ["search.png", "search.svg"] {
        assert!(place.path("found").join(name).is_file());
    }
    // It judged by the validation images, and read no test image.
    let best = &rows[0];
    let (trial, accuracy) = (best["trial"].as_u64().unwrap(), best["judgement"]["score"].as_f64().unwrap());
    let found = fs::read(place.path(&format!("found/{trial:03}-018.json"))).unwrap();
    let outcome = &serde_json::from_slice::<serde_json::Value>(&found).unwrap()["outcome"];
    assert_eq!(outcome["test"], serde_json::Value::Null);
    let validation = &outcome["validation"];
    let share = validation["right"].as_f64().unwrap() / validation["images"].as_f64().unwrap();
    assert!((share - accuracy).abs() < 1e-9);
    // The model stays, and takes the flash that was promised.
    let model = format!("found/{trial:03}-018.minnet");
    let quantized = place.json(&format!("quantize {model} --data @data"));
    assert_eq!(quantized["flash_bytes"], best["candidate"]["needs"]["flash"]);
}

#[test]
fn a_search_that_cannot_be_is_refused() {
    let place = Place::new();
    let refused = |line: &str, words: &[&str]| {
        let run = place.run(line);
        assert_eq!((run.code, &*run.stdout), (Some(1), ""), "{line}");
        assert!(words.iter().all(|words| run.stderr.contains(words)), "{line}: {}", run.stderr);
    };
    refused("search --out nothing", &["nothing: has no search.json", "--flash"]);
    refused("search --out found --data @data --flash 20", &["no network for 28x28x1", "allow more with --flash"]);
    assert!(place.names().is_empty());
    place.succeed(&format!("{SEARCH} --pending"));
    refused("search --out found --flash 3000", &["begun with another --flash", "--out"]);
    refused("search --out found --seed 2", &["begun with another --seed"]);
    fs::write(place.path("found/search.json"), "{").unwrap();
    refused("search --out found", &["found/search.json: is no plan of a search", "delete it"]);
}
