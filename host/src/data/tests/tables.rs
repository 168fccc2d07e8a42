//! CSV tables, and folders of CSV windows.

use super::*;

fn csv(text: &str) -> Result<Data> {
    read(&[("a.csv", text.as_bytes())], &Options::default())
}

fn csv_error(text: &str) -> String {
    error(&[("a.csv", text.as_bytes())], &Options::default())
}

/// The samples with their classes' names or their numbers, sorted.
fn rows(data: &Data) -> Vec<(Vec<f32>, String)> {
    let text = |target: Target<'_>| match target {
        Target::Class(class) => data.classes[usize::from(class)].clone(),
        Target::Numbers(numbers) => format!("{numbers:?}"),
    };
    let mut rows: Vec<_> =
        data.all().iter().map(|(sample, target)| (sample.floats().collect(), text(target))).collect();
    rows.sort_by(|a: &(Vec<f32>, String), b| a.0[0].total_cmp(&b.0[0]));
    rows
}

fn row(values: &[f32], target: &str) -> (Vec<f32>, String) {
    (values.to_vec(), target.into())
}

#[test]
fn tables_with_and_without_names() {
    let expected = [row(&[1.0, 2.5], "rose"), row(&[3.0, -4.0], "iris"), row(&[5e3, 6.0], "rose")];
    for text in [
        "1,2.5,rose\n3,-4,iris\n5e3,6,rose\n",
        "length,width,species\n1,2.5,rose\n3,-4,iris\n5e3,6,rose",
        "\u{feff}length;width;species\r\n1;2.5;rose\r\n\r\n3;-4;iris\r\n5e3;6;rose\r\n",
        "\u{feff}1,2.5,rose\n3,-4,iris\n5e3,6,rose\n",
        "1\t2.5\trose\n3\t-4\tiris\n5e3\t6\trose\n",
        "length, width, species\n1, 2.5, \"rose\"\n3, -4, iris\n5e3, 6, rose\n",
        "Class,length,width\nrose,1,2.5\niris,3,-4\nrose,5e3,6\n",
        ",length,width,species\n0,1,2.5,rose\n1,3,-4,iris\n2,5e3,6,rose\n",
    ] {
        let data = csv(text).unwrap();
        assert_eq!(rows(&data), expected, "{text}");
        assert_eq!((data.shape(), &data.classes[..]), (Shape::Vector(2), &["iris".to_owned(), "rose".to_owned()][..]));
        let names: &[&str] = if text.contains("length") { &["length", "width"] } else { &[] };
        assert_eq!(data.columns, names, "{text}");
    }
    let packed = gzip(b"1,2.5,rose\n3,-4,iris\n5e3,6,rose\n");
    assert_eq!(rows(&read(&[("a.csv.gz", &packed)], &Options::default()).unwrap()), expected);
}

#[test]
fn labels_are_classes_or_numbers() {
    let data = csv("1,2\n2,1\n3,3\n").unwrap();
    assert_eq!(rows(&data), [row(&[1.0], "2"), row(&[2.0], "1"), row(&[3.0], "3")]);
    assert!(data.notes.iter().any(|note| note.contains("labels start at 1")));
    let data = csv("1,0.5\n2,1.5\n").unwrap();
    assert_eq!(rows(&data), [row(&[1.0], "[0.5]"), row(&[2.0], "[1.5]")]);
    assert!(data.classes.is_empty());
    let numbers = Options { targets: Some(TargetKind::Numbers), ..Options::default() };
    let data = read(&[("a.csv", b"1,2\n2,1\n")], &numbers).unwrap();
    assert_eq!(rows(&data), [row(&[1.0], "[2.0]"), row(&[2.0], "[1.0]")]);
    let message = error(&[("a.csv", b"1,2\n2,x\n")], &numbers);
    assert!(message.starts_with("a.csv: the target \"x\" is not a number; name another column"), "{message}");
}

#[test]
fn the_label_is_named_or_numbered() {
    let text = b"a,b,c\n1,0,7\n2,1,8\n3,1,9\n";
    let label = |name: &str| Options { label: Some(name.into()), ..Options::default() };
    for name in ["b", "B", "2"] {
        let data = read(&[("a.csv", text)], &label(name)).unwrap();
        assert_eq!(rows(&data), [row(&[1.0, 7.0], "0"), row(&[2.0, 8.0], "1"), row(&[3.0, 9.0], "1")]);
        assert_eq!(data.columns, ["a", "c"]);
    }
    let message = error(&[("a.csv", text)], &label("d"));
    assert_eq!(message, "a.csv: there is no column \"d\"; there are: a, b, c; a number counts columns from 1");
    let message = error(&[("a.csv", b"1,2\n3,4\n")], &label("3"));
    assert!(message.contains("columns 1 to 2, without names"), "{message}");
    let wanted = Options { shape: Some(image(1, 2, 1)), ..Options::default() };
    assert_eq!(read(&[("a.csv", text)], &wanted).unwrap().shape(), image(1, 2, 1));
}

#[test]
fn parts_have_files_of_their_own_or_a_hash() {
    let data = read(
        &[("d/train.csv", b"a,b\n1,0\n2,1\n"), ("d/test.csv", b"a,b\n3,1\n"), ("d/readme.md", b"hello")],
        &Options::default(),
    );
    // The folder `d` holds tables, but the directory above does not.
    assert!(data.is_err());
    let files: [(&str, &[u8]); 4] = [
        ("train.csv", b"a,b\n1,0\n2,1\n"),
        ("test.csv", b"a,b\n3,1\n"),
        ("val.csv", b"a,b\n4,0\n"),
        ("sample.csv", b"x"),
    ];
    let data = read(&files, &Options::default()).unwrap();
    assert_eq!(data.train().values(), Sample::Floats(&[1.0, 2.0]));
    assert_eq!(data.validation().unwrap().values(), Sample::Floats(&[4.0]));
    assert_eq!(data.test().unwrap().values(), Sample::Floats(&[3.0]));
    let message = error(&[("train.csv", b"a,b\n1,0\n"), ("test.csv", b"a,c\n3,1\n")], &Options::default());
    assert!(message.starts_with("test.csv: its columns are not those of"), "{message}");
    let message = error(&[("val.csv", b"a,b\n1,0\n"), ("test.csv", b"a,b\n3,1\n")], &Options::default());
    assert!(message.contains("there is no train.csv beside it"), "{message}");

    // Without parts: a sample stays in its part whatever is added.
    let line = |number: usize| format!("{number},{},{}\n", number * number % 17, number % 2);
    let some: String = (0..200).map(line).collect();
    let more: String = (0..400).rev().map(line).collect();
    let [some, more] = [some, more].map(|text| csv(&text).unwrap());
    let firsts = |view: View<'_>| -> Vec<u32> {
        let mut firsts: Vec<u32> = view.iter().map(|(sample, _)| sample.get(0) as u32).filter(|&n| n < 200).collect();
        firsts.sort_unstable();
        firsts
    };
    assert_eq!(firsts(some.train()), firsts(more.train()));
    assert_eq!(firsts(some.test().unwrap()), firsts(more.test().unwrap()));
    assert!((100..180).contains(&some.train().len()) && some.validation().unwrap().len() > 10);
}

#[test]
fn wrong_cells_are_placed() {
    for (text, expected) in [
        ("a,b,c\n1,2,x\n3,oops,y\n", "a.csv: line 3, column 2 (b): \"oops\" is not a number"),
        ("1,2,x\n3,oops,y\n", "a.csv: line 2, column 2: \"oops\" is not a number"),
        ("a;b\n1,5;x\n", "a.csv: line 2, column 1 (a): \"1,5\" is not a number"),
        ("1,2,x\n3,,y\n", "a.csv: line 2, column 2: the value is missing (\"\")"),
        ("1,2,x\n3,NaN,y\n", "a.csv: line 2, column 2: the value is missing (\"NaN\")"),
        ("1,2,x\n3,4,\n", "a.csv: line 2, column 3: the value is missing"),
        ("1,2,x\n\n3,inf,y\n", "a.csv: line 3, column 2: the value is inf"),
        ("1,2,x\n3,1e99,y\n", "a.csv: line 2, column 2: the value is inf"),
        ("1,2,x\n3,4\n", "a.csv: line 2: 2 cells, but the rows before have 3"),
        ("1,2,x\n3,4,5,6\n", "a.csv: line 2: 4 cells, but the rows before have 3"),
        ("1,\"2\n\n\",x\n3,\"a\n", "a.csv: line 4: 2 cells"),
        ("1\n2\n", "a.csv: has one column only"),
        ("a,b\n", "a.csv: holds no samples"),
        ("\n\n", "a.csv: holds no samples"),
        ("<html></html>", "a.csv: holds no data that can be read: it begins with 3c 68 74 6d (a web page"),
        ("", "a.csv: holds no data that can be read: it begins with nothing, as it is empty"),
    ] {
        let message = csv_error(text);
        assert!(message.starts_with(expected), "{text:?}: {message}");
    }
    let message = error(&[("a.csv", b"1,2,r\xf6sli\n3,4,x\n")], &Options::default());
    assert!(message.starts_with("a.csv: line 1, column 3: is not text in UTF-8"), "{message}");
}

#[test]
fn every_truncation_of_a_table_is_read_or_refused() {
    let text = "length,width,species\n1,2.5,rose\n3,-4,iris\n5e3,\"6\",rose\n";
    for length in 0..text.len() {
        if let Err(error) = csv(&text[..length]) {
            assert!(error.to_string().contains("a.csv"), "{error}");
        }
    }
}

/// A window of four steps and these channels.
fn window(names: &str, row: impl Fn(usize) -> String) -> String {
    let rows: String = (0..4).map(|step| row(step) + "\n").collect();
    format!("{names}{rows}")
}

#[test]
fn windows_become_signals() {
    let plain = window("", |step| format!("{},{}", step as f32 - 2.0, 10 * step));
    let wobbly = window("", |step| format!("{},{}", [3, -1, 4, -1][step], step));
    for (first, second) in [
        (plain.clone(), wobbly.clone()),
        // With a time by name, in any column, also as text.
        (
            window("x,time,y\n", |step| format!("{},12:00:0{step},{}", step as f32 - 2.0, 10 * step)),
            window("x,time,y\n", |step| format!("{},12:00:0{step},{step}", [3, -1, 4, -1][step])),
        ),
        // With a time by its steps.
        (
            window("", |step| format!("{};{};{}", step * 20, step as f32 - 2.0, 10 * step)),
            window("", |step| format!("{};{};{}", 1000 + step * 20, [3, -1, 4, -1][step], step)),
        ),
    ] {
        let files = [("walk/1.csv", first.as_bytes()), ("rest/1.csv", second.as_bytes())];
        let data = read(&files, &Options::default()).unwrap();
        assert_eq!((data.shape(), data.all().len()), (image(4, 1, 2), 2));
        assert_eq!(data.classes, ["rest", "walk"]);
        let (sample, target) = data.all().iter().find(|(_, target)| *target == Target::Class(1)).unwrap();
        assert_eq!(sample, Sample::Floats(&[-2.0, 0.0, -1.0, 10.0, 0.0, 20.0, 1.0, 30.0]), "{first}");
        assert_eq!(target, Target::Class(1));
        let is_left_out = data.notes.iter().any(|note| note.contains("is the time, and was left out"));
        assert_eq!(is_left_out, first != plain, "{:?}", data.notes);
    }
    let files = [("walk/1.csv", plain.as_bytes()), ("rest/1.csv", wobbly.as_bytes())];
    let options = Options { shape: Some(image(1, 4, 2)), ..Options::default() };
    assert_eq!(read(&files, &options).unwrap().shape(), image(1, 4, 2));
}

#[test]
fn windows_that_do_not_fit() {
    let good = window("", |step| format!("{},{}", step % 2, step % 3));
    for (bad, expected) in [
        ("1,2\n3,4\n", "val/walk/2.csv: 2 rows by 2 channels, but "),
        ("1\n2\n3\n4\n", "val/walk/2.csv: 4 rows by 1 channels, but "),
        ("1,2\n3,x\n5,6\n7,8\n", "val/walk/2.csv: line 2, column 2: \"x\" is not a number"),
        ("", "val/walk/2.csv: holds no samples"),
        ("a,b\n1,2\n3,4\n5,6\n7,8\n", "val/walk/2.csv: its columns are not those of "),
    ] {
        let files = [("train/rest/1.csv", good.as_bytes()), ("val/walk/2.csv", bad.as_bytes())];
        let message = error(&files, &Options::default());
        assert!(message.starts_with(expected), "{message}");
    }
}
