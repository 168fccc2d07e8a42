//! What goes wrong: the exit code tells it, the message names the file and the remedy, and nothing is left half done.

use super::program::{BUNDLED_MODEL, DATA, DIGITS, Place};
use host::data::{write_idx_images, write_idx_labels};
use minnet::activation::{Custom, Function};
use minnet::prelude::*;
use std::fs;
use std::path::Path;

const TRAIN: &str = "train --data @data --net 784-10 --images 50 --epochs 1";

/// Asserts that a run fails with a message that contains all of `words`, prints nothing else, and changes no file.
#[track_caller]
fn assert_refused(place: &Place, line: &str, words: &[&str]) {
    let before = place.names();
    let run = place.run(line);
    assert!(run.code.is_some_and(|code| code == 1 || code == 2), "{line}: exit code {:?}: {}", run.code, run.stderr);
    assert_eq!(run.stdout, "", "{line}");
    let errors: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{line}: {}", run.stderr);
    for words in words {
        assert!(errors[0].contains(words), "{line}: {words:?} is not in {:?}", errors[0]);
    }
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    assert_eq!(place.names(), before, "{line}");
}

/// A copy of the small data set in which one file is changed.
fn with_data(change: impl FnOnce(&Path)) -> Place {
    let place = Place::new();
    let directory = place.path("data");
    fs::create_dir(&directory).unwrap();
    for entry in fs::read_dir(&*DATA).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, directory.join(path.file_name().unwrap())).unwrap();
    }
    change(&directory);
    place
}

#[track_caller]
fn assert_data_refused(change: impl FnOnce(&Path), words: &[&str]) {
    let place = with_data(change);
    assert_refused(&place, "train --data data --net 784-10 --epochs 1", words);
    fs::copy(BUNDLED_MODEL, place.path("digits.minnet")).unwrap();
    assert_refused(&place, "eval digits.minnet --data data", words);
}

fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[test]
fn no_such_data() {
    let words = ["nowhere: no such file or directory", "name the file or the directory that holds the data (--data)"];
    assert_refused(&Place::new(), "train --data nowhere", &words);
}

#[cfg(unix)]
#[test]
fn data_that_come_through_a_pipe() {
    let words = ["/dev/stdin: is a pipe or a device", "write them into a file, and name that (--data)"];
    for line in
        ["train --data /dev/stdin", &format!("eval {BUNDLED_MODEL} --data /dev/stdin"), "expand --data /dev/stdin"]
    {
        assert_refused(&Place::new(), line, &words);
    }
}

/// Five training images, of which a sixth are none.
#[test]
fn nothing_validates() {
    let place = Place::new();
    fs::create_dir(place.path("five")).unwrap();
    for (set, count) in [("train", 5), ("t10k", 2)] {
        write_idx_images(&place.path(&format!("five/{set}-images-idx3-ubyte")), &DIGITS.images[..count]).unwrap();
        write_idx_labels(&place.path(&format!("five/{set}-labels-idx1-ubyte")), &DIGITS.labels[..count]).unwrap();
    }
    let train = "train --data five --net 784-10 --epochs 1 --out five.minnet";
    let words = ["--early-stopping needs validation samples, and there are none", "give more samples with --data"];
    assert_refused(&place, &format!("{train} --early-stopping 2"), &words);
    let run = place.run(train);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(
        run.stderr.contains("note: no images validate, so that the weights of the last epoch are kept"),
        "{}",
        run.stderr
    );
    let words = ["five: has no validation samples; choose others with --set"];
    assert_refused(&place, "eval five.minnet --data five --set validation", &words);
    let run = place.run("quantize five.minnet --data five --finetune 1 --out integers.minnet");
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("epoch 1/1\n") && !run.stderr.contains("0 / 0"), "{}", run.stderr);
}

#[test]
fn an_integer_model_in_the_place_of_its_float_model() {
    let place = Place::new();
    place.succeed(TRAIN);
    let before = fs::read(place.path("digits.minnet")).unwrap();
    let words = ["./digits.minnet: this is what it is made of, and would be replaced", "--out"];
    assert_refused(&place, "quantize digits.minnet --data @data --out ./digits.minnet", &words);
    assert_eq!(fs::read(place.path("digits.minnet")).unwrap(), before);
}

#[test]
fn a_file_of_the_data_is_missing() {
    for name in ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"] {
        let words = [&format!("there is no {name}")[..], "beside it; put it there, under this name"];
        assert_data_refused(|data| fs::remove_file(data.join(name)).unwrap(), &words);
    }
}

#[test]
fn data_that_are_something_else() {
    let words = [
        "train-images-idx3-ubyte: byte 0: not an IDX file: it begins with 3c 21 64 6f (a web page",
        "get the file anew",
    ];
    assert_data_refused(|data| fs::write(data.join("train-images-idx3-ubyte"), "<!doctype html>").unwrap(), &words);
}

#[test]
fn labels_in_the_place_of_images() {
    let words = ["its samples are of 28x28, those of", "train-images-idx3-ubyte of 1; all parts must have one shape"];
    let exchange = |data: &Path| write_idx_labels(&data.join("train-images-idx3-ubyte"), &[1; 300]).unwrap();
    assert_data_refused(exchange, &words);
}

#[test]
fn labels_and_images_of_different_number() {
    let words =
        ["t10k-images-idx3-ubyte.gz: holds 100 samples", "t10k-labels-idx1-ubyte holds 99 targets", "the same set"];
    let fewer = |data: &Path| write_idx_labels(&data.join("t10k-labels-idx1-ubyte"), &[1; 99]).unwrap();
    assert_data_refused(fewer, &words);
}

#[test]
fn more_classes_than_outputs() {
    let words = ["gives 10; the data have 784 values a sample and 11 classes", "end it with an output for each class"];
    assert_data_refused(|data| edit(&data.join("t10k-labels-idx1-ubyte"), |bytes| bytes[18] = 10), &words);
}

#[test]
fn data_that_are_cut_off() {
    let plain = |data: &Path| edit(&data.join("train-images-idx3-ubyte"), |bytes| bytes.truncate(100_000));
    assert_data_refused(plain, &["train-images-idx3-ubyte: byte 100000: the data end here, 235216 bytes are needed"]);
    let zipped = |data: &Path| edit(&data.join("t10k-images-idx3-ubyte.gz"), |bytes| bytes.truncate(bytes.len() / 2));
    assert_data_refused(zipped, &["t10k-images-idx3-ubyte.gz: the gzip file is cut off, ", "get it anew"]);
}

#[test]
fn data_that_are_damaged() {
    let flip = |bytes: &mut Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle..middle + 40].fill(0xff);
    };
    let zipped = |data: &Path| edit(&data.join("t10k-images-idx3-ubyte.gz"), flip);
    assert_data_refused(zipped, &["t10k-images-idx3-ubyte.gz: the gzip file is ", "get it anew"]);
    let longer = |data: &Path| edit(&data.join("t10k-labels-idx1-ubyte"), |bytes| bytes.push(0));
    assert_data_refused(longer, &["t10k-labels-idx1-ubyte: byte 108: the data go on after the end", "get it anew"]);
}

#[test]
fn a_file_that_is_not_the_book_s_pickle() {
    let place = Place::new();
    fs::write(place.path("text.pkl.gz"), "images").unwrap();
    fs::write(place.path("evil.pkl"), b"\x80\x02cos\nsystem\nU\x07reached\x85R.").unwrap();
    for (file, words) in [
        ("text.pkl.gz", ["text.pkl.gz: has one column only", "separate columns by commas, semicolons or tabs"]),
        ("evil.pkl", ["evil.pkl: byte 2: the global \"os.system\"", "nothing was executed; get it anew"]),
    ] {
        assert_refused(&place, &format!("train --data {file}"), &words);
    }
}

#[test]
fn expansions_that_would_do_harm() {
    let place = Place::new();
    fs::write(place.path("file"), "").unwrap();
    for (line, words) in [
        (
            "expand --data @data --out @data",
            "the images come from here, and would be replaced; choose another directory",
        ),
        ("expand --data @data --out more", "50 images validate, and only a set of 10,000 keeps its place"),
        ("expand --data nowhere --out more", "nowhere: no such directory or file"),
        ("expand --out no/more", "no/more: cannot be written: there is no directory no; create it first"),
        ("expand --out file", "file/probe: cannot be written: there is no directory file"),
    ] {
        assert_refused(&place, line, &[words]);
    }
}

#[test]
fn images_of_another_size() {
    let small = |data: &Path| edit(&data.join("train-images-idx3-ubyte"), |bytes| bytes[11] = 27);
    let words =
        ["its samples are of 28x28, those of", "train-images-idx3-ubyte of 27x28; all parts must have one shape"];
    assert_data_refused(small, &words);
    let none = |data: &Path| write_idx_images(&data.join("train-images-idx3-ubyte"), &[]).unwrap();
    assert_data_refused(none, &["train-images-idx3-ubyte: holds no samples", "at least one"]);
}

#[test]
fn unknown_networks_and_costs() {
    let place = Place::new();
    for (line, words) in [
        ("train --net 784-30-1O", "there is no network 784-30-1O; did you mean 784-30-10? `host nets` lists them all"),
        ("train --net conv20-100-1", "did you mean conv20-100-10?"),
        ("train --net 784-10 --cost log-likelihood", "it goes with: cross-entropy, quadratic"),
        ("train --net 784-30-1O", "a text can be any network, such as \"784: dense 30 sigmoid, dense 10 softmax\""),
        ("train --cost cross-entropy", "the cost cross-entropy; it goes with: log-likelihood, quadratic"),
        ("train --cost cheap", "does not go with the cost cheap"),
    ] {
        assert_refused(&place, line, &[words]);
    }
}

#[test]
fn texts_that_are_no_networks() {
    let place = Place::new();
    for (text, words) in [
        (
            "28x28x1: conv5x5 8, dense 10",
            "layer 2 (`dense 10`): a dense layer takes a vector, and gets an image of 24x24x8",
        ),
        ("784: dense 10 sotfmax", "did you mean `softmax`?\n    784: dense 10 sotfmax\n                  ^^^^^^^\n"),
    ] {
        for line in ["nets", "train --net"] {
            let output = place.command(line).arg(text).output().unwrap();
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{stderr}");
            assert!(stderr.starts_with("error: layer ") && stderr.contains(words), "{stderr}");
        }
    }
    assert!(place.names().is_empty());
}

#[test]
fn a_sheet_that_would_replace_the_model() {
    let place = Place::new();
    fs::copy(BUNDLED_MODEL, place.path("digits.minnet")).unwrap();
    assert_refused(&place, "eval digits.minnet --sheet digits.minnet", &["give a name that ends in .png"]);
}

#[test]
fn flags_with_senseless_values() {
    let place = Place::new();
    for (flag, words) in [
        ("--eta -1", "give a number above 0"),
        ("--eta 0", "give a number above 0"),
        ("--eta nan", "give a number above 0"),
        ("--eta inf", "give a number above 0"),
        ("--final-eta -0.1", "give a number above 0"),
        ("--lambda -1", "give 0 or a number above it"),
        ("--batch 0", "give a number from 1 to 10,000"),
        ("--batch -3", "give a number from 1 to 10,000"),
        ("--epochs 0", "0 is not in 1..=100000"),
        ("--epochs x", "invalid digit"),
        ("--images 0", "0 is not in 1.."),
        ("--early-stopping 0", "0 is not in 1.."),
        ("--seed -1", "invalid digit"),
        ("--threads many", "invalid digit"),
        ("--init zero", "invalid value 'zero'"),
    ] {
        let name = flag.split_whitespace().next().unwrap();
        assert_refused(&place, &format!("train --data @data {flag}"), &[name, words]);
    }
}

#[test]
fn unknown_flags_and_commands() {
    let place = Place::new();
    for line in ["train --epoch 3", "nets --all", "eval", "classify", "classify digits.minnet", "inspect", "tarin"] {
        assert_refused(&place, line, &[]);
    }
    assert!(place.run("train --epoch 3").stderr.contains("--epochs"));
    assert!(place.run("tarin").stderr.contains("train"));
}

#[test]
fn augmentation_of_what_is_no_image() {
    let place = Place::new();
    for (changes, words) in [
        ("turn_10", "shift (pixels), rotate (degrees), scale (percent), shear (degrees), elastic (pixels)"),
        ("shift", "such as \"shift 2, rotate 10\""),
    ] {
        assert_refused(&place, &format!("train --data @data --augment {changes}"), &["--augment", words]);
    }
    assert_refused(&place, "train --data @data --freeze-norm 2", &["required"]);
}

/// Asserts that an output is refused before anything is trained or measured.
#[track_caller]
fn assert_output_refused(place: &Place, line: &str, words: &[&str]) {
    assert_refused(place, line, words);
    let stderr = place.run(line).stderr;
    assert!(!stderr.contains("training images"), "{line}: {stderr}");
}

#[test]
fn outputs_that_cannot_be_written() {
    let place = Place::new();
    fs::create_dir(place.path("taken")).unwrap();
    fs::create_dir(place.path("curve.png")).unwrap();
    fs::create_dir(place.path("rate-0.5.svg")).unwrap();
    for (out, words) in [
        (
            "no/digits.minnet",
            [
                "no/digits.minnet: cannot be written: there is no directory no",
                "create it first, or mend the path (--out)",
            ],
        ),
        ("taken", ["taken: cannot be written: this is the name of a directory", "choose another name"]),
        ("curve.minnet", ["curve.png: cannot be written: this is the name of a directory", "choose another name"]),
        (
            "rate-0.5.minnet",
            ["rate-0.5.svg: cannot be written: this is the name of a directory", "choose another name"],
        ),
        ("models/", ["models/: cannot be written: there is no directory models/", "mend the path (--out)"]),
        ("digits.png", ["digits.png: the training curve will have this name", "with .minnet"]),
        (
            "/dev/null",
            ["/dev/null: cannot be written: this is the name of a directory or a device", "choose another name"],
        ),
    ] {
        assert_output_refused(&place, &format!("{TRAIN} --out {out}"), &words);
    }
    let words = ["no/wrong.png: cannot be written: there is no directory no", "(--sheet)"];
    assert_output_refused(&place, &format!("eval {BUNDLED_MODEL} --data @data --sheet no/wrong.png"), &words);
}

#[cfg(target_os = "linux")]
#[test]
fn directories_that_take_no_files() {
    use std::os::unix::fs::PermissionsExt;
    // Nobody creates files in /proc. In a read-only directory root does: then there is nothing to refuse.
    let place = Place::new();
    let words =
        ["/proc/digits.minnet: cannot be written: ", "check that there is room on the disk and that you may write"];
    assert_output_refused(&place, &format!("{TRAIN} --out /proc/digits.minnet"), &words);

    let closed = place.path("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(closed.join("probe"), "").is_err() {
        let words = ["closed/digits.minnet: cannot be written: Permission denied"];
        assert_output_refused(&place, &format!("{TRAIN} --out closed/digits.minnet"), &words);
    }
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Writes that fail halfway, as on a full disk: files may not grow beyond some blocks.
#[cfg(unix)]
#[test]
fn a_file_that_finds_no_room() {
    let place = Place::new();
    fs::write(place.path("digits.minnet"), "old").unwrap();
    let train = place.command(TRAIN);
    let output = std::process::Command::new("sh")
        .args(["-c", "ulimit -f 16; trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(train.get_program())
        .args(train.get_args())
        .current_dir(place.path(""))
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("error: digits.minnet: cannot be written: File too large"), "{stderr}");
    assert_eq!(place.names(), ["digits.minnet"]);
    assert_eq!(fs::read(place.path("digits.minnet")).unwrap(), b"old");
}

#[cfg(target_os = "linux")]
#[test]
fn results_that_cannot_be_printed() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = Place::new().command("nets").stdout(full).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.starts_with("error: the results cannot be written to the standard output: No space"), "{stderr}");
}

/// An activation of a program's own, which no text can name.
#[derive(Clone, Copy)]
struct Cube;

impl Activation for Cube {
    const FUNCTION: Function = Function::Custom(&Custom {
        name: "cube",
        forward: |z| z.iter_mut().for_each(|z| *z = *z * *z * *z),
        backward: |_, _| {},
    });
}

#[test]
fn models_that_are_none() {
    let place = Place::new();
    let model = fs::read(BUNDLED_MODEL).unwrap();
    let mut flipped = model.clone();
    flipped[1000] ^= 1;
    place.write_png("picture.png", 28, &DIGITS.images[0]);
    fs::write(place.path("empty.minnet"), "").unwrap();
    fs::write(place.path("short.minnet"), &model[..model.len() / 2]).unwrap();
    fs::write(place.path("long.minnet"), [&model[..], b"\n"].concat()).unwrap();
    fs::write(place.path("flipped.minnet"), flipped).unwrap();
    fs::write(place.path("unix.minnet"), [&model[..6], &model[7..]].concat()).unwrap();
    fs::write(place.path("windows.minnet"), [&model[..6], b"\r", &model[6..]].concat()).unwrap();
    fs::write(place.path("mail.minnet"), model.iter().map(|byte| byte & 0x7f).collect::<Vec<u8>>()).unwrap();
    let net = Net::<[f32; 784], Dense<784, 10, Cube>>::ZERO;
    host::model::save(&place.path("other.minnet"), &net, &Metadata::default()).unwrap();
    for (name, words) in [
        ("missing.minnet", ["cannot be read: No such file", "check that it exists"]),
        ("empty.minnet", ["the model is cut short", "copy it again"]),
        ("short.minnet", ["the model is cut short", "copy it again"]),
        ("long.minnet", ["there are bytes after the model's end", "copy it again"]),
        ("flipped.minnet", ["the model's checksum is wrong", "copy it again"]),
        ("unix.minnet", ["the model was moved in text mode", "copy it again, in binary mode"]),
        ("windows.minnet", ["the model was moved in text mode", "copy it again, in binary mode"]),
        ("mail.minnet", ["the model was moved in text mode", "copy it again, in binary mode"]),
        ("picture.png", ["this is not a minnet model", "make one with `host train`"]),
        (
            "other.minnet",
            ["layer 1 (`dense 10 cube`): `cube` is neither an activation nor a width", "sigmoid, tanh, relu"],
        ),
    ] {
        let words = [name, words[0], words[1]];
        assert_refused(&place, &format!("inspect {name}"), &words);
        assert_refused(&place, &format!("eval {name} --data @data"), &words);
        assert_refused(&place, &format!("classify --model {name} picture.png"), &words);
    }
    // A network of other classes is one, but not for digits.
    let net = Net::<[f32; 784], Dense<784, 5, Softmax>>::ZERO;
    host::model::save(&place.path("five.minnet"), &net, &Metadata::default()).unwrap();
    assert!(place.succeed("inspect five.minnet").contains("784: dense 5 softmax"));
    assert_refused(
        &place,
        "eval five.minnet --data @data",
        &["the network takes 784 values and gives 5", "10 classes"],
    );
}

#[test]
fn a_model_whose_words_belie_its_weights() {
    // The right words, the weights of another network, and a checksum that is right.
    let place = Place::new();
    let net = Net::<[f32; 784], Dense<784, 10, Softmax>>::ZERO;
    host::model::save(&place.path("a.minnet"), &net, &Metadata::default()).unwrap();
    edit(&place.path("a.minnet"), |bytes| {
        let words = b"784: dense 10 softmax";
        assert_eq!(bytes[33..33 + words.len()], *words);
        bytes[33 + 14..33 + 21].copy_from_slice(b"sigmoid");
        bytes.truncate(bytes.len() - 4);
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let crc = crc.sum();
        bytes.extend(crc.to_le_bytes());
    });
    assert_refused(&place, "inspect a.minnet", &["a.minnet: the model belongs to another network than the program's"]);
}

#[test]
fn networks_that_are_not_the_book_s() {
    let place = Place::new();
    let write = |name: &str, text: &str| fs::write(place.path(name), text).unwrap();
    let network = |sizes: &str, weights: &str, biases: &str, cost: &str| {
        format!(r#"{{"sizes": {sizes}, "weights": {weights}, "biases": {biases}, "cost": "{cost}"}}"#)
    };
    let row = "[[[0.5]]]";
    let ten = format!("[[{}]]", ["[0.5]"; 10].join(", "));
    let of_784 = |number: &str| format!("[[{}]]", vec![format!("[{}]", [number; 784].join(",")); 10].join(", "));
    write("text.json", "sizes");
    write("open.json", "{sizes");
    write("cut.json", "{\"sizes\": [784, 10], \"wei");
    write("no-biases.json", "{\"sizes\": [784, 10], \"weights\": []}");
    write("other.json", "{\"sizes\": [784, 10], \"activation\": \"tanh\"}");
    write("nan.json", &network("[784, 10]", "[[[NaN]]]", row, "CrossEntropyCost"));
    write("layers.json", &network("[784, 30, 10]", row, "[]", "CrossEntropyCost"));
    write("rows.json", &network("[784, 10]", row, &ten, "CrossEntropyCost"));
    write("columns.json", &network("[784, 10]", &ten, &ten, "CrossEntropyCost"));
    write("large.json", &network("[784, 10]", &of_784("1e39"), &ten, "CrossEntropyCost"));
    write("cost.json", &network("[784, 10]", &of_784("1"), &ten, "LogLikelihoodCost"));
    for (name, words) in [
        ("missing.json", ["cannot be read: No such file", "check that it exists"]),
        ("text.json", ["byte 0: not a network that can be read: it begins with 73 69 7a 65", "give ONNX, safetensors"]),
        ("open.json", ["not a network of the book's network2.py: key must be a string", "Network.save"]),
        ("cut.json", ["EOF while parsing a string at line 1 column 25", "Network.save"]),
        ("no-biases.json", ["missing field `biases` at line 1", "Network.save"]),
        ("other.json", ["unknown field `activation`", "Network.save"]),
        ("nan.json", ["weights[0][0][0] is NaN", "the training there diverged; train it again"]),
        ("layers.json", ["weights has 1 entries instead of 2 (one for each layer after the input)", "Network.save"]),
        ("rows.json", ["weights[0] has 1 entries instead of 10 (one for each neuron)", "Network.save"]),
        ("columns.json", ["weights[0][0] has 1 entries instead of 784 (one for each neuron before)", "Network.save"]),
        ("large.json", ["weights[0][0][0] is 1e39, which is no number of 32 bits", "train it again"]),
        ("cost.json", ["its cost \"LogLikelihoodCost\" is unknown here", "put CrossEntropyCost or QuadraticCost"]),
    ] {
        assert_refused(&place, &format!("import {name}"), &[name, words[0], words[1]]);
    }
    assert_refused(&place, "import cost.json --out no/a.minnet", &["there is no directory no; create it first"]);
    let words = ["digits.minnet: holds a network that network2.py cannot have (28x28x1: conv5x5", "784-30-10"];
    assert_refused(&place, &format!("export {BUNDLED_MODEL}"), &words);
    assert_refused(&place, "export text.json", &["text.json: this is not a minnet model"]);
}

#[test]
fn pictures_that_are_none() {
    let place = Place::new();
    fs::write(place.path("text.png"), "seven").unwrap();
    fs::write(place.path("empty.png"), "").unwrap();
    place.write_png("blank.png", 50, &[255; 2500]);
    place.write_png("whole.png", 28, &DIGITS.images[0]);
    let whole = fs::read(place.path("whole.png")).unwrap();
    fs::write(place.path("cut.png"), &whole[..whole.len() / 2]).unwrap();
    for (name, words) in [
        ("missing.png", ["cannot be read: No such file", "check that it exists"]),
        (
            "text.png",
            ["byte 0: neither a PNG nor a JPEG picture: it begins with 73 65 76 65", "save the picture as PNG"],
        ),
        ("empty.png", ["it begins with nothing, as it is empty", "save the picture as PNG"]),
        ("blank.png", ["no digit found", "write darker, or crop to the digit"]),
        ("cut.png", ["the picture cannot be decoded", "save it anew"]),
    ] {
        let run = place.run(&format!("classify {BUNDLED_MODEL} whole.png {name} whole.png"));
        assert_eq!((run.code, run.stdout.lines().count()), (Some(1), 2), "{}", run.stdout);
        for words in [name, words[0], words[1]] {
            assert!(run.stderr.contains(words), "{words} is not in\n{}", run.stderr);
        }
    }
}

#[test]
fn training_that_diverges() {
    let place = Place::new();
    fs::write(place.path("digits.minnet"), "old").unwrap();
    let train = "train --data @data --net conv4-conv12-10-relu --images 30 --epochs 3 --eta 1e30";
    assert_refused(
        &place,
        train,
        &["diverged in epoch 1 at learning rate 1e30; nothing was written: try a smaller --eta"],
    );
    let words = ["where each step takes", "times each weight from it; nothing was written: try a smaller --lambda"];
    assert_refused(&place, &format!("{TRAIN} --lambda 1e10"), &words);
    assert_eq!(fs::read(place.path("digits.minnet")).unwrap(), b"old");
}

#[test]
fn settings_of_training_that_do_not_go_together() {
    let place = Place::new();
    place.succeed(&format!("{TRAIN} --out sigmoid.minnet"));
    for (flags, words) in [
        ("--momentum 0.5", "--momentum is for --optimizer momentum and nesterov"),
        ("--optimizer adam --weight-decay 0.1", "the others have --lambda"),
        ("--optimizer adamw --lambda 0.1", "adamw has --weight-decay in the place of --lambda"),
        ("--schedule geometric", "--schedule geometric needs --final-eta"),
        ("--schedule constant --final-eta 0.1", "--schedule constant has no --final-eta"),
        ("--schedule halving", "--schedule halving needs --early-stopping"),
        ("--schedule halving --early-stopping 2 --final-eta 0.1", "leave out --final-eta"),
        ("--warmup 1", "--warmup takes all epochs"),
        ("--average 1", "give 0 or a number above it that is less than 1"),
        ("--temperature 3", "--teacher <MODEL>"),
        ("--teacher missing.minnet", "missing.minnet: cannot be read"),
        ("--teacher sigmoid.minnet", "sigmoid.minnet: cannot teach this network: it does not end in a softmax"),
    ] {
        let run = place.run(&format!("{TRAIN} {flags} --out new.minnet"));
        assert!(run.code.is_some_and(|code| code == 1 || code == 2), "{flags}: {:?}", run.code);
        assert!(run.stderr.contains(words), "{flags}: {words:?} is not in {}", run.stderr);
        assert!(!place.path("new.minnet").exists(), "{flags}");
    }
    let teacher =
        format!("train --data @data --net conv4-conv12-10-relu --teacher {BUNDLED_MODEL} --epochs 1 --images 20");
    place.succeed(&teacher);
}

#[test]
fn an_unknown_experiment() {
    let words = ["there is no experiment network3-droput", "did you mean network3-dropout?", "`host experiment` lists"];
    assert_refused(&Place::new(), "experiment network3-droput --data @data --quick", &words);
}

#[test]
fn experiments_without_data() {
    assert_refused(&Place::new(), "experiment all --data nowhere", &["nowhere: no such directory"]);
}

#[test]
fn results_that_could_not_be_written() {
    let place = Place::new();
    fs::write(place.path("file"), "").unwrap();
    for (out, words) in [("no/such", "there is no directory no"), ("file", "file")] {
        for name in ["network-30", "all"] {
            let line = format!("experiment {name} --data @data --quick --out {out}");
            assert_refused(&place, &line, &["cannot be written", words]);
        }
    }
}

#[test]
fn what_would_replace_what_it_is_made_of() {
    let place = Place::new();
    fs::copy(BUNDLED_MODEL, place.path("m.minnet")).unwrap();
    place.succeed("export m.minnet --to onnx");
    for line in ["quantize m.minnet --out ./m.minnet", "import m.onnx --out m.onnx", "export m.minnet --out m.minnet"] {
        assert_refused(&place, line, &["this is what it is made of, and would be replaced", "--out"]);
    }
}

#[test]
fn pictures_of_somebody_else_s() {
    for (name, line) in [
        ("digits.svg", TRAIN.to_owned()),
        ("misclassified.png", format!("eval {BUNDLED_MODEL} --data @data")),
        ("samples.png", "data @data".to_owned()),
        ("show.png", "classify 7.png --show show.png".to_owned()),
    ] {
        let place = Place::new();
        place.write_png("7.png", 28, &DIGITS.images[0]);
        fs::write(place.path(name), "a holiday").unwrap();
        assert_refused(&place, &line, &[name, "a file of this name that Minnet did not make", "--force"]);
        assert_eq!(fs::read(place.path(name)).unwrap(), b"a holiday");
        place.succeed(&format!("{line} --force"));
        // Now they are ours.
        place.succeed(&line);
    }
    let place = Place::new();
    for eta in ["0.1", "0.5"] {
        place.succeed(&format!("{TRAIN} --eta {eta} --out eta-{eta}"));
    }
    let names = ["eta-0.1", "eta-0.1.png", "eta-0.1.svg", "eta-0.5", "eta-0.5.png", "eta-0.5.svg"];
    assert_eq!(place.names(), names);
}

#[test]
fn a_directory_that_is_not_there() {
    let place = Place::new();
    assert_refused(&place, &format!("{TRAIN} --out models/"), &["there is no directory models/"]);
}
