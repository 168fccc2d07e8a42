//! What is said and shown of data.

use super::*;
use minnet::augment::Augment;

fn summary(files: &[(&str, &[u8])]) -> Summary {
    read(files, &Options::default()).unwrap().summary()
}

/// Whether something like this is said to look wrong.
fn warns(summary: &Summary, text: &str) -> bool {
    summary.warnings.iter().any(|warning| warning.contains(text))
}

#[test]
fn counts_and_ranges() {
    let summary = summary(&[("train.csv", b"x,y,label\n1,5,a\n3,5,b\n2,8,a\n"), ("val.csv", b"x,y,label\n9,9,b\n")]);
    assert_eq!((&*summary.shape, summary.values, summary.samples, summary.parts), ("2", "floats", 4, [3, 1, 0]));
    let class = |name: &str, parts| Class { name: name.into(), parts };
    assert_eq!(summary.classes, [class("a", [2, 0, 0]), class("b", [1, 1, 0])]);
    let x = &summary.ranges[0];
    assert_eq!((&*x.name, x.least, x.greatest, x.mean), ("x", 1.0, 3.0, 2.0));
    assert!((x.deviation - (2.0_f64 / 3.0).sqrt()).abs() < 1e-12);
    assert_eq!((summary.range.least, summary.range.greatest, summary.range.mean), (1.0, 8.0, 4.0));
    // Of all values: 1, 5, 3, 5, 2, 8.
    assert!((summary.range.deviation - (32.0_f64 / 6.0).sqrt()).abs() < 1e-12);
    let json = serde_json::to_value(&summary).unwrap();
    assert_eq!(json["classes"][1]["parts"], serde_json::json!({"train": 1, "validation": 1, "test": 0}));
    assert!(warns(&summary, "there are few samples: 3 to train on, of 2 classes"));
}

#[test]
fn what_looks_wrong() {
    let line = |number: usize| {
        format!("{},{},0,{}\n", number % 50, number, ["a", "b"][usize::from(number.is_multiple_of(40))])
    };
    let train: String = (0..400).map(line).chain(["7,99999,0,c\n".into()]).collect();
    let test = format!("{}{}0,1000,1,d\n", line(3), line(4));
    let head = "w,x,constant,label\n";
    let files = [
        ("train.csv", head.to_owned() + &train),
        ("val.csv", head.to_owned() + "0,1001,1,a\n"),
        ("test.csv", head.to_owned() + &test),
    ];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_bytes()));
    let summary = summary(&files);
    for expected in [
        "c, d are classes with one sample each",
        "d is a class with no sample to train on",
        "constant is the same in all samples",
        "the classes are very unequal: a has",
        "2 of the test samples are among the training samples, too",
        "x has a value far from the others, such as 99999: half of all lie from",
    ] {
        assert!(warns(&summary, expected), "{expected}: {:?}", summary.warnings);
    }
    assert!(!warns(&summary, "w has"));
}

#[test]
fn a_class_between_others_may_have_no_samples() {
    let summary = summary(&[("a.csv", b"1,0\n2,1\n3,3\n4,3\n")]);
    assert!(warns(&summary, "2 is a class without a sample"), "{:?}", summary.warnings);
}

#[test]
fn each_kind_of_data_has_its_picture() {
    let pictures: Vec<(String, Vec<u8>)> =
        (0..3).map(|index| (format!("{index}/x.png"), folders::gray(3, 2, &[index; 6]))).collect();
    let pictures: Vec<(&str, &[u8])> = pictures.iter().map(|(name, bytes)| (&**name, &**bytes)).collect();
    let signal: &[u8] = b"1,2\n3,1\n2,2\n";
    for (files, expected) in [
        (&pictures[..], &["a.b.png"][..]),
        (&[("walk/1.csv", signal), ("rest/1.csv", signal)], &["a.b.svg", "a.b.png"]),
        (&[("a.csv", b"1,2,a\n3,1,b\n2,2,a\n")], &["a.b.svg", "a.b.png"]),
        (&[("a.csv", b"1,2,0.5\n3,1,1.5\n2,2,3\n")], &["a.b.svg", "a.b.png"]),
    ] {
        let out = TempDir::new().unwrap();
        let data = read(files, &Options::default()).unwrap();
        let names: Vec<_> = expected.iter().map(|name| out.path().join(name)).collect();
        assert_eq!(data.draw("Some", None, &out.path().join("a.b.png")).unwrap(), names);
        for name in names {
            let is_png = name.extension().is_some_and(|end| end == "png");
            let start = fs::read(name).unwrap();
            assert!(start.starts_with(if is_png { b"\x89PNG" } else { b"<svg" }), "{:?}", &start[..20]);
        }
    }
}

#[test]
fn only_pictures_are_drawn_with_changed_copies() {
    let pictures: Vec<(String, Vec<u8>)> =
        (0..3).map(|index| (format!("{index}/x.png"), folders::gray(3, 2, &[index; 6]))).collect();
    let pictures: Vec<(&str, &[u8])> = pictures.iter().map(|(name, bytes)| (&**name, &**bytes)).collect();
    let out = TempDir::new().unwrap();
    let path = out.path().join("a.png");
    let data = read(&pictures, &Options::default()).unwrap();
    let height = |augment| {
        data.draw("Some", augment, &path).unwrap();
        let file = std::io::BufReader::new(fs::File::open(&path).unwrap());
        png::Decoder::new(file).read_info().unwrap().info().height
    };
    // A row for all, or one for each of three classes.
    assert!(height(Some(&Augment::NONE)) > height(None));
    let table = read(&[("a.csv", b"1,2,a\n3,1,b\n2,2,a\n")], &Options::default()).unwrap();
    let error = table.draw("Some", Some(&Augment::NONE), &path).unwrap_err().to_string();
    assert!(
        error.starts_with("only images of bytes can be augmented, and the data are 2 floats with classes"),
        "{error}"
    );
}
