//! What goes well.

use super::program::{
    BUNDLED_MODEL, DATA, DIGITS, Place, REPOSITORY, TEST_IMAGES, TRAINING_IMAGES, enlarged, png_size,
};
use host::data::{Mnist, default_directory, write_idx_images, write_idx_labels};
use host::executor::{Threads, Vectors};
use host::model::File;
use minnet::prelude::argmax;
use serde_json::Value;
use std::fs;
use std::path::Path;

const TRAIN: &str = "train --data @data --net 784-30-10 --images 200 --epochs 2";

#[test]
fn training_writes_a_model_and_its_curve() {
    let place = Place::new();
    let run = place.run(&format!("{TRAIN} --out digits.minnet"));
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(place.names(), ["digits.minnet", "digits.png", "digits.svg"]);
    for words in
        ["validation: ", " of 50 (", "test: ", " of 100 (", "hash ", "digits.minnet", "digits.svg and digits.png"]
    {
        assert!(run.stdout.contains(words), "{words:?} is not in\n{}", run.stdout);
    }
    for words in ["784: dense 30 sigmoid, dense 10 sigmoid", "200 training images", "epoch 1/2: ", "epoch 2/2: "] {
        assert!(run.stderr.contains(words), "{words:?} is not in\n{}", run.stderr);
    }
    let svg = fs::read_to_string(place.path("digits.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    assert_eq!(png_size(&place.path("digits.png")), (1800, 1840));
}

#[test]
fn json_tells_the_whole_run() {
    let place = Place::new();
    let run = place.json(&format!("{TRAIN} --out digits.minnet"));
    assert_eq!(run["net"]["name"], "784-30-10");
    assert_eq!(run["history"]["stopped"], false);
    let epochs = run["history"]["epochs"].as_array().unwrap();
    assert_eq!(epochs.len(), 2);
    for (index, epoch) in epochs.iter().enumerate() {
        assert_eq!(epoch["epoch"], index + 1);
        assert_eq!(epoch["training"]["images"], 200);
        assert_eq!(epoch["validation"]["images"], TRAINING_IMAGES / 6);
    }
    assert_eq!(run["test"]["images"], TEST_IMAGES);

    let model = place.json("inspect digits.minnet");
    assert_eq!(model["weight_hash"], run["weight_hash"]);
    let metadata = &model["metadata"];
    assert_eq!(metadata["cost"], "cross-entropy");
    assert_eq!(metadata["seed"], 1);
    assert_eq!(metadata["epochs"], run["history"]["chosen"]);
    assert_eq!(metadata["training_images"], 200);
    let share = run["test"]["right"].as_f64().unwrap() / TEST_IMAGES as f64;
    assert!((metadata["test_accuracy"].as_f64().unwrap() - share).abs() < 1e-6);
    assert!(metadata["command"].as_str().unwrap().starts_with("host train --data "));
}

#[test]
fn a_last_training_takes_the_validation_images_and_keeps_the_last_epoch() {
    let place = Place::new();
    let train = "train --data @data --net 784-10 --epochs 3";
    let run = place.json(&format!("{train} --no-validation --no-test --out all.minnet"));
    assert_eq!((&run["validation"], &run["test"]), (&Value::Null, &Value::Null));
    assert_eq!(run["history"]["chosen"], 3);
    let metadata = &place.json("inspect all.minnet")["metadata"];
    assert_eq!(metadata["training_images"], TRAINING_IMAGES);
    assert_eq!((&metadata["validation_accuracy"], &metadata["test_accuracy"]), (&Value::Null, &Value::Null));
    // Nor does it validate the integers; and who asks for it is told.
    let quantized = place.json("quantize all.minnet --data @data --finetune 1 --bits 4");
    assert_eq!(quantized["integer"]["validation"], Value::Null);
    assert_eq!(quantized["integer"]["test"]["images"], TEST_IMAGES);
    let run = place.run("eval all.minnet --data @data --set validation");
    assert!(run.stderr.contains("note: the model was trained on the validation images, too"), "{}", run.stderr);
}

#[test]
fn several_models_are_tested_together() {
    let place = Place::new();
    for seed in [1, 2] {
        place.succeed(&format!("{TRAIN} --seed {seed} --out {seed}.minnet"));
    }
    let eval = |models: &str| place.json(&format!("eval {models} --data @data"));
    assert_eq!(eval("1.minnet 1.minnet")["right"], eval("1.minnet")["right"]);
    let both = eval("1.minnet 2.minnet");
    assert_eq!(both["images"], TEST_IMAGES);
    assert!(both["net"].as_str().unwrap().ends_with(" and 1 more, together"), "{both}");
    assert_ne!(both["cost"], eval("1.minnet")["cost"]);
}

#[test]
fn the_same_seed_gives_the_same_bits_with_any_number_of_threads() {
    let place = Place::new();
    let hash = |flags: &str| place.json(&format!("{TRAIN} {flags}"))["weight_hash"].clone();
    let first = hash("--seed 5");
    for flags in ["--seed 5", "--seed 5 --threads 1", "--seed 5 --threads 2", "--seed 5 --threads 3"] {
        assert_eq!(hash(flags), first, "{flags}");
    }
    assert_ne!(hash("--seed 6"), first);
}

#[test]
fn convolutions_give_the_same_bits_too() {
    let place = Place::new();
    let train = "train --data @data --net conv4-conv12-10-relu --images 30 --epochs 1";
    let hash = |threads: u32| place.json(&format!("{train} --threads {threads}"))["weight_hash"].clone();
    assert_eq!(hash(1), hash(2));
}

#[test]
fn a_directory_that_holds_other_data_does_not_shadow_the_bundled_digits() {
    let place = Place::new();
    fs::create_dir_all(place.path("data/mnist/train/5")).unwrap();
    place.write_png("data/mnist/train/5/a.png", 28, &DIGITS.images[0]);
    let run = place.run("train --net 784-10 --images 50 --epochs 1 --no-test");
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let bundled = format!("data: {}; --data names others\n", default_directory().unwrap().display());
    assert!(run.stderr.starts_with(&bundled), "{}", run.stderr);
    assert!(run.stderr.contains("50 training images, 10,000 validation images"), "{}", run.stderr);
    // What was named is known.
    assert!(!place.run(TRAIN).stderr.contains("data: "));
}

#[test]
fn commands_that_are_printed_and_recorded_can_be_typed() {
    let place = Place::new();
    let data = place.path("my data");
    fs::create_dir(&data).unwrap();
    for entry in fs::read_dir(&*DATA).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, data.join(path.file_name().unwrap())).unwrap();
    }
    let run = |line: &str, words: &[&str]| {
        let output = place.command(line).args(words).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let words = ["--data", "my data", "--net", "784: dense 10 softmax", "--out", "it's $1.minnet"];
    let text = run("train --images 50 --epochs 1", &words);
    let model = r"'it'\''s $1.minnet'";
    for line in [
        format!(" eval {model} --data \"my data\"\n"),
        format!(" quantize {model} --data \"my data\"\n"),
        format!(" classify {model} FILE…\n"),
    ] {
        assert!(text.contains(&line), "{line:?} is not in\n{text}");
    }
    let command =
        format!("host train --images 50 --epochs 1 --data \"my data\" --net \"784: dense 10 softmax\" --out {model}");
    let inspected: Value = serde_json::from_str(&run("inspect --json", &["it's $1.minnet"])).unwrap();
    assert_eq!(inspected["metadata"]["command"], command.as_str());
    let text = run("quantize", &["it's $1.minnet", "--data", "my data", "--out", "small $.minnet"]);
    assert!(text.ends_with(" eval 'small $.minnet' --data \"my data\"\n"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_unicode_keeps_it() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.minnet");
    let mut command = place.command("train --data @data --net 784-10 --images 50 --epochs 1 --out");
    let output = command.arg(name).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(place.path("").join(name).is_file());
}

#[test]
fn what_was_written_before_is_replaced() {
    let place = Place::new();
    fs::write(place.path("digits.minnet"), "old").unwrap();
    fs::write(place.path("digits.svg"), "old, but made by Minnet").unwrap();
    place.succeed(TRAIN);
    place.succeed("inspect digits.minnet");
    assert_eq!(place.names(), ["digits.minnet", "digits.png", "digits.svg"]);
}

#[test]
fn a_name_with_a_number_keeps_it() {
    let place = Place::new();
    place.succeed("train --data @data --net 784-10 --images 50 --epochs 1 --out rate-0.5.minnet");
    assert_eq!(place.names(), ["rate-0.5.minnet", "rate-0.5.png", "rate-0.5.svg"]);
}

#[test]
fn training_stops_when_it_gets_no_better() {
    let run = Place::new().json("train --data @data --net 784-10 --images 50 --epochs 1000 --early-stopping 3");
    let epochs = run["history"]["epochs"].as_array().unwrap();
    let chosen = run["history"]["chosen"].as_u64().unwrap();
    assert!(epochs.len() < 1000);
    assert_eq!(epochs.len() as u64, chosen + 3);
    assert!(epochs[epochs.len() - 3..].iter().all(|epoch| epoch["best"] == false));
    let right = |epoch: &Value| epoch["validation"]["right"].as_u64().unwrap();
    assert_eq!(right(&epochs[chosen as usize - 1]), epochs.iter().map(right).max().unwrap());
}

#[test]
fn every_cost_and_way_to_start_trains() {
    let place = Place::new();
    for flags in [
        "--cost quadratic --init large",
        "--cost cross-entropy --init he --lambda 0.1 --l2 per-batch",
        "--cost log-likelihood --init network3 --no-shuffle --final-eta 0.1 --monitor-training",
    ] {
        let run = place.json(&format!("{TRAIN} {flags}"));
        assert!(flags.contains(run["net"]["cost"].as_str().unwrap()));
    }
}

#[test]
fn every_optimizer_and_schedule_trains() {
    let place = Place::new();
    for (flags, optimizer, eta) in [
        ("--optimizer momentum --l1 0.1 --clip 1", "momentum", 0.05),
        ("--optimizer nesterov --momentum 0.5 --lambda 0.1", "nesterov", 0.05),
        ("--optimizer adam --schedule cosine --warmup 0.5 --label-smoothing 0.1", "adam", 0.001),
        ("--optimizer adamw --weight-decay 0.1 --average 0.9 --schedule constant", "adam", 0.001),
    ] {
        let settings = place.json(&format!("{TRAIN} {flags}"))["settings"].clone();
        assert!(settings["optimizer"][optimizer].is_object(), "{settings}");
        assert!((settings["eta"].as_f64().unwrap() - eta).abs() < 1e-6, "{settings}");
    }
    // Halved again and again, until 1/128 is reached.
    let halving = "train --data @data --net 784-10 --images 50 --epochs 1000 --schedule halving --early-stopping 2";
    let epochs = place.json(halving)["history"]["epochs"].as_array().unwrap().clone();
    assert!((15..1000).contains(&epochs.len()));
    let eta = |epoch: &Value| epoch["eta"].as_f64().unwrap();
    assert_eq!(eta(epochs.last().unwrap()), eta(&epochs[0]) / 64.0);
}

#[test]
fn models_teach_with_the_same_bits_on_any_number_of_threads() {
    let place = Place::new();
    place.succeed(&format!("{TRAIN} --cost log-likelihood --out teacher-1.minnet"));
    place.succeed("train --data @data --net conv4-conv12-10-relu --images 60 --epochs 1 --out teacher-2.minnet");
    let train = "train --data @data --net conv4-conv12-10-relu --images 60 --epochs 1 --optimizer adam --average 0.9 \
                 --schedule cosine --label-smoothing 0.1 --teacher teacher-1.minnet teacher-2.minnet";
    let run = |flags: &str| place.json(&format!("{train} {flags}"));
    let first = run("--threads 1");
    let taught = &first["settings"]["distillation"];
    assert_eq!((taught["teachers"].as_array().unwrap().len(), &taught["temperature"]), (2, &Value::from(2.0)));
    for flags in ["--threads 2", "--threads 3"] {
        assert_eq!(run(flags)["weight_hash"], first["weight_hash"], "{flags}");
    }
    assert_ne!(run("--temperature 4")["weight_hash"], first["weight_hash"]);
}

#[test]
fn the_book_s_pickle_trains_as_the_same_images_do() {
    let place = Place::new();
    let pickle = format!("{REPOSITORY}/tests/data/pickles/python2-protocol2.pkl.gz");
    let mnist = Mnist::load(Path::new(&pickle)).unwrap();
    fs::create_dir(place.path("idx")).unwrap();
    for (name, set) in [("train", &mnist.train), ("t10k", &mnist.test)] {
        write_idx_images(&place.path(&format!("idx/{name}-images-idx3-ubyte")), &set.images).unwrap();
        write_idx_labels(&place.path(&format!("idx/{name}-labels-idx1-ubyte")), &set.labels).unwrap();
    }
    let train = |data: &str| place.json(&format!("train --data {data} --net 784-30-10 --epochs 2"));
    let (a, b) = (train(&pickle), train("idx"));
    assert_eq!(a["weight_hash"], b["weight_hash"]);
    assert_eq!(a["history"]["epochs"][0]["training"]["images"], 5);
    assert_eq!(a["test"], b["test"]);
}

#[test]
fn mnist_expands_to_250_000_images() {
    let place = Place::new();
    let report = place.json("expand --out more");
    assert_eq!(
        (&report["training"], &report["validation"], &report["test"]),
        (&250_000.into(), &10_000.into(), &10_000.into())
    );
    let names: Vec<_> = fs::read_dir(place.path("more")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 4);

    let mnist = Mnist::load(&default_directory().unwrap()).unwrap();
    let more = Mnist::load(&place.path("more")).unwrap();
    assert_eq!(more.split().1, mnist.split().1);
    let (training, more_training) = (&mnist.train, &more.train);
    assert_eq!(more.test, mnist.test);
    for index in [0, 1, 31_415, 49_999] {
        let (one, five) = (training.images[index], &more_training.images[5 * index..5 * index + 5]);
        assert_eq!(five[0], one);
        // Down and up by a row, right and left by a column.
        assert_eq!((&five[1][28..], &five[2][..756]), (&one[..756], &one[28..]));
        assert_eq!((five[3][401], five[4][399]), (one[400], one[400]));
        assert_eq!(more_training.labels[5 * index..5 * index + 5], [training.labels[index]; 5]);
    }
}

/// The confusion matrix in the text of `host eval`: its rows without their labels.
fn confusion(text: &str) -> Vec<Vec<u64>> {
    let rows = text.lines().skip_while(|line| !line.trim_start().starts_with("label")).skip(1).take(10);
    let number = |cell: &str| if cell == "." { 0 } else { cell.parse().unwrap() };
    rows.map(|row| row.split_whitespace().skip(1).map(number).collect()).collect()
}

#[test]
fn evaluation_counts_every_image_once() {
    let place = Place::new();
    let trained = place.json(TRAIN);
    let text = place.succeed("eval digits.minnet --data @data --sheet wrong.png");
    let report = place.json("eval digits.minnet --data @data --sheet wrong.png");
    let matrix = confusion(&text);
    assert_eq!(serde_json::json!(matrix), report["confusion"]);

    let (_, test) = DIGITS.samples().split_at(TRAINING_IMAGES);
    let (test, _) = test.split_at(TEST_IMAGES);
    for (label, row) in matrix.iter().enumerate() {
        let count = test.digits().filter(|&(_, other)| usize::from(other) == label).count();
        assert_eq!((row.len(), row.iter().sum::<u64>()), (10, count as u64), "label {label}");
    }
    let right: u64 = (0..10).map(|digit| matrix[digit][digit]).sum();
    assert_eq!(report["right"], right);
    assert_eq!(trained["test"]["right"], right);
    assert!(text.starts_with(&format!("784-30-10: {right} of 100 right ({right}.00 %)\n")), "{text}");
    let (width, height) = png_size(&place.path("wrong.png"));
    assert!(width > 100 && height > 100);
}

#[test]
fn evaluation_takes_each_set() {
    let place = Place::new();
    place.succeed(TRAIN);
    for (set, images) in [("test", TEST_IMAGES), ("validation", 50), ("training", 250)] {
        let report = place.json(&format!("eval digits.minnet --data @data --set {set}"));
        assert_eq!(report["images"], images);
    }
    assert!(place.names().contains(&"misclassified.png".into()));
}

#[test]
fn digits_are_classified_as_they_are_inverted_and_enlarged() {
    let place = Place::new();
    for (image, label) in DIGITS.samples().split_at(6).0.digits() {
        let inverted: Vec<u8> = image.iter().map(|pixel| 255 - pixel).collect();
        let large: Vec<u8> = enlarged(image, 10).iter().map(|pixel| 255 - pixel).collect();
        place.write_png("plain.png", 28, image);
        place.write_png("inverted.png", 28, &inverted);
        place.write_png("large.png", 280, &large);
        let answers = place.json(&format!("classify {BUNDLED_MODEL} plain.png inverted.png large.png"));
        for answer in answers.as_array().unwrap() {
            assert_eq!(answer["digit"], label, "{answer}");
            assert_eq!(answer["scores"].as_array().unwrap().len(), 10);
        }
        assert_eq!(answers[0]["scores"], answers[1]["scores"]);
    }
}

#[test]
fn mnist_s_images_as_pictures_are_classified_as_they_are_evaluated() {
    const COUNT: usize = 300;
    let place = Place::new();
    let names: Vec<String> = (0..COUNT).map(|index| format!("{index:03}.png")).collect();
    for (name, image) in names.iter().zip(&DIGITS.images) {
        place.write_png(name, 28, image);
    }
    let (set, _) = DIGITS.samples().split_at(COUNT);
    let executor = Threads::new(0, Vectors::detect()).unwrap();
    for (file, line) in [
        (File::read(Path::new(BUNDLED_MODEL)).unwrap(), format!("classify --model {BUNDLED_MODEL}")),
        (File::bundled(), "classify".into()),
    ] {
        let expected = file.contents().unwrap().outputs(set, &executor).unwrap();
        let answers = place.json(&format!("{line} {}", names.join(" ")));
        let answers = answers.as_array().unwrap();
        assert_eq!(answers.len(), COUNT);
        for ((answer, expected), name) in answers.iter().zip(expected.iter()).zip(&names) {
            assert_eq!(answer["picture"], name.as_str());
            assert_eq!(answer["digit"], argmax(expected), "{answer}");
            let scores: Vec<f32> = serde_json::from_value(answer["scores"].clone()).unwrap();
            assert_eq!(scores, expected, "{name}");
        }
    }
}

#[test]
fn classification_says_digit_and_scores_and_shows_the_picture() {
    let place = Place::new();
    place.write_png("seven.png", 28, &DIGITS.images[0]);
    // The bundled model needs no name.
    for line in ["classify seven.png --show seen.png", "classify --model {} seven.png", "classify {} seven.png"] {
        let text = place.succeed(&line.replace("{}", BUNDLED_MODEL));
        assert!(text.starts_with("seven.png: 7  (7: ") && text.lines().count() == 1, "{text}");
    }
    let (width, height) = png_size(&place.path("seen.png"));
    assert!(width > 300 && height > 300, "{width} x {height}");
}

#[test]
fn networks_are_listed() {
    let place = Place::new();
    let text = place.succeed("nets");
    let nets = place.json("nets");
    for net in nets.as_array().unwrap() {
        assert!(text.contains(net["name"].as_str().unwrap()) && text.contains(net["architecture"].as_str().unwrap()));
    }
    assert_eq!(text.matches("(default)").count(), 1);
    assert!(text.contains("1,633,000"));
}

#[test]
fn a_network_is_described_by_its_name_or_its_text() {
    let place = Place::new();
    let text = "28x28x1: conv5x5 8 maxpool2 relu, flatten, dense 10 softmax";
    let described = String::from_utf8(place.command("nets").arg(text).output().unwrap().stdout).unwrap();
    for words in [
        &format!("architecture  {text}\n")[..],
        "cost          log-likelihood (it goes with: log-likelihood, quadratic)",
        "parameters    11,738",
        "conv5x5 8 maxpool2 relu       12x12x8           208         115,200",
        "type Network = Net<[[[f32; 1]; 28]; 28], seq![\n    Conv5x5<1, 8, MaxPool2, Relu>,\n    Flatten,\n",
    ] {
        assert!(described.contains(words), "{words:?} is not in\n{described}");
    }
    let softmax = place.json("nets 784-30-10 --cost log-likelihood");
    assert_eq!((&softmax["parameters"], &softmax["layers"][1]["layer"]), (&23_860.into(), &"dense 10 softmax".into()));
}

#[test]
fn the_bundled_model_is_the_default_network() {
    let place = Place::new();
    let model = place.json(&format!("inspect {BUNDLED_MODEL}"));
    assert_eq!(model["net"]["name"], host::nets::DEFAULT);
    assert_eq!(model["file_bytes"], fs::metadata(BUNDLED_MODEL).unwrap().len());
    let text = place.succeed(&format!("inspect {BUNDLED_MODEL}"));
    for words in ["architecture  28x28x1: conv5x5 20", "weight hash", model["fingerprint"].as_str().unwrap()] {
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn every_command_has_help() {
    let place = Place::new();
    let help = place.succeed("--help");
    for (command, flags) in [
        (
            "train",
            "--net --cost --init --epochs --batch --eta --lambda --early-stopping --augment --batch-norm --freeze-norm --seed --out --checkpoint --every --resume --force --json --data \
             --threads",
        ),
        ("search", "--out --flash --ram --instructions --processor --trials --epochs --pending --trial --json --data"),
        ("import", "--net --cost --layout --order --epsilon --scale --mean --std --out --json"),
        ("export", "--to --out"),
        ("expand", "--out --json --data"),
        ("eval", "--set --sheet --json --data --threads"),
        ("classify", "--model --many --show --json"),
        ("data", "--transpose --label --shape --augment --sheet --json"),
        ("nets", "--json"),
        ("inspect", "--json"),
    ] {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
        let help = place.succeed(&format!("{command} --help"));
        assert!(help.contains(&format!("Usage: host {command}")), "{help}");
        for flag in flags.split_whitespace() {
            assert!(help.contains(flag), "{flag} is not in\n{help}");
        }
    }
    assert!(place.succeed("--version").starts_with("host "));
    let bare = place.run("");
    assert_eq!((bare.code, bare.stderr), (Some(2), place.succeed("-h")));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Place::new().command("nets").stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[cfg(target_os = "linux")]
#[test]
fn the_whole_of_mnist_takes_at_most_200_megabytes() {
    let place = Place::new();
    let mut child = place
        .command("train --net 784-30-10 --images 2000 --epochs 1")
        .current_dir(super::program::REPOSITORY)
        .arg("--out")
        .arg(place.path("digits.minnet"))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // The most memory that it had in use so far, in KiB.
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        if let Some(line) = status.lines().find_map(|line| line.strip_prefix("VmHWM:")) {
            peak = line.trim().trim_end_matches(" kB").parse::<u64>().unwrap();
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert!(child.wait().unwrap().success());
    // Less than the images themselves would show that nothing was measured.
    assert!((45_000..200_000).contains(&peak), "{peak} KiB");
}
