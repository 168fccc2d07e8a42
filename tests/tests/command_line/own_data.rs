//! Data of each kind, from files to a class or a number from integers, as the user types it.

use super::program::Place;
use serde_json::Value;
use std::fs;
use std::io::Write;

/// Pseudo-random numbers from -1 to 1.
struct Noise(u32);

impl Noise {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / (1 << 23) as f32 - 1.0
    }
}

/// Writes a file, and the folders that it is in.
fn write(place: &Place, name: &str, bytes: impl AsRef<[u8]>) {
    let path = place.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn right(score: &Value) -> f64 {
    score["right"].as_f64().unwrap() / score["images"].as_f64().unwrap()
}

/// Trains `own.minnet`, tests it, and makes `own-int8.minnet` of it, which is tested, too. `data` is what each command needs
/// to read the data, `train` what training needs besides. At least `least` of the answers to the test part are right.
#[track_caller]
fn classify_in_integers(place: &Place, data: &str, train: &str, classes: &[&str], least: f64) {
    let trained = place.json(&format!("train --data {data} {train} --out own.minnet"));
    let float = place.json(&format!("eval own.minnet --data {data}"));
    assert_eq!(float["right"], trained["test"]["right"]);
    let quantized = place.json(&format!("quantize own.minnet --data {data}"));
    let integer = place.json(&format!("eval own-int8.minnet --data {data}"));
    assert_eq!(integer["right"], quantized["integer"]["test"]["right"]);
    for score in [&float, &integer] {
        assert!(right(score) >= least, "{score}");
        assert_eq!(score["classes"], serde_json::json!(classes));
    }
    let run = place.run(&format!("eval own-int8.minnet --data {data}"));
    assert!(classes.iter().all(|class| run.stdout.contains(class)), "{}", run.stdout);
    // These are the data that it was trained on.
    assert!(!run.stderr.contains("note:"), "{}", run.stderr);
    let inspected = place.succeed("inspect own-int8.minnet");
    let are_named = classes.iter().any(|class| class.parse::<usize>().is_err());
    assert_eq!(inspected.contains(&format!("\nclasses       {}\n", classes.join(", "))), are_named, "{inspected}");
}

/// What integers say of the samples in a file, one answer for each.
#[track_caller]
fn answers(place: &Place, file: &str) -> Vec<String> {
    let answers = place.json(&format!("classify own-int8.minnet {file}"));
    answers.as_array().unwrap().iter().map(|answer| answer["class"].as_str().unwrap().to_owned()).collect()
}

/// 8x8 pixels: a bar of this direction in noise, somewhere.
fn bar(noise: &mut Noise, is_upright: bool) -> Vec<u8> {
    let place = 2 + ((noise.next() + 1.0) * 1.9) as usize;
    let pixel = |index: usize| if is_upright { index % 8 == place } else { index / 8 == place };
    (0..64)
        .map(|index| if pixel(index) { 200_u8 } else { 30 }.wrapping_add_signed((noise.next() * 25.0) as i8))
        .collect()
}

fn idx(dimensions: &[u32], bytes: &[u8]) -> Vec<u8> {
    let header = [0, 0, 8, dimensions.len() as u8];
    [&header, dimensions.iter().flat_map(|size| size.to_be_bytes()).collect::<Vec<u8>>().as_slice(), bytes].concat()
}

#[test]
fn idx_of_other_shapes_and_classes() {
    let (place, noise) = (Place::new(), &mut Noise(1));
    // Transposed, with labels from 1 and the names that EMNIST has for them.
    for (part, count) in [("train", 120), ("test", 40)] {
        let images: Vec<u8> = (0..count).flat_map(|index| bar(noise, index % 2 == 1)).collect();
        let labels: Vec<u8> = (0..count).map(|index| 1 + index as u8 % 2).collect();
        write(&place, &format!("bars/emnist-bars-{part}-images-idx3-ubyte"), idx(&[count, 8, 8], &images));
        write(&place, &format!("bars/emnist-bars-{part}-labels-idx1-ubyte"), idx(&[count], &labels));
    }
    write(&place, "bars/emnist-bars-mapping.txt", "1 124\n2 45\n");
    classify_in_integers(&place, "bars --transpose", "--epochs 3", &["|", "-"], 0.9);
    // A picture of any size, as it is seen.
    let upright = bar(noise, true);
    let enlarged: Vec<u8> = (0..24 * 24).map(|index| upright[index / 24 / 3 * 8 + index % 24 / 3]).collect();
    place.write_png("upright.png", 24, &enlarged);
    assert_eq!(answers(&place, "upright.png"), ["|"]);
}

#[test]
fn arrays_of_numpy() {
    let (place, noise) = (Place::new(), &mut Noise(2));
    // What `numpy.savez` writes: 30 samples of five 32-bit floats, which are far from 0.
    let rows: Vec<(u8, [f32; 5])> = (0..90)
        .map(|index| {
            (
                index % 3,
                std::array::from_fn(|column| {
                    1e3 + f32::from(u8::from(column % 3 == index as usize % 3)) + 0.3 * noise.next()
                }),
            )
        })
        .collect();
    let npy = |descr: &str, shape: String, bytes: Vec<u8>| {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
        [b"\x93NUMPY\x01\0", (header.len() as u16).to_le_bytes().as_slice(), header.as_bytes(), &bytes].concat()
    };
    let mut archive = zip::ZipWriter::new(fs::File::create(place.path("five.npz")).unwrap());
    let x = rows.iter().flat_map(|(_, row)| row.iter().flat_map(|value| value.to_le_bytes())).collect();
    let y = rows.iter().map(|(label, _)| *label).collect();
    for (name, array) in [("x.npy", npy("<f4", "90, 5".into(), x)), ("y.npy", npy("|u1", "90,".into(), y))] {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(&array).unwrap();
    }
    archive.finish().unwrap();
    // Of classes that are numbers, the names say nothing; the table has the numbers.
    classify_in_integers(&place, "five.npz", "--epochs 15", &["0", "1", "2"], 0.9);
    write(&place, "new.csv", "1000,1001,1000,1000,1001\n1001,1000,1000,1001,1000\n");
    assert_eq!(answers(&place, "new.csv"), ["1", "0"]);
}

/// Rows of three columns whose second tells the class, on quite other scales.
fn table(noise: &mut Noise, count: usize, target: impl Fn([f32; 3]) -> String) -> String {
    let row = |_| {
        let row = [noise.next() * 5000.0, noise.next() * 0.01, noise.next() - 70.0];
        format!("{},{},{},{}\n", row[0], row[1], row[2], target(row))
    };
    "weight,size,cold,kind\n".to_owned() + &(0..count).map(row).collect::<String>()
}

#[test]
fn a_table_with_classes_in_words() {
    let (place, noise) = (Place::new(), &mut Noise(3));
    let text = table(noise, 200, |row| if row[1] > 0.0 { "large" } else { "small" }.into());
    write(&place, "things.csv", text);
    classify_in_integers(&place, "things.csv", "--epochs 20", &["large", "small"], 0.9);
    write(&place, "new.csv", "weight,size,cold\n-3000,0.006,-70.5\n2000,-0.004,-69.5\n");
    assert_eq!(answers(&place, "new.csv"), ["large", "small"]);
    let text = place.succeed("classify own-int8.minnet new.csv");
    assert!(text.starts_with("new.csv, row 1: large  (large: "), "{text}");

    // Other data are noticed, and those that do not fit are refused.
    write(&place, "other.csv", table(noise, 50, |row| if row[1] > 0.0 { "large" } else { "small" }.into()));
    let run = place.run("eval own-int8.minnet --data other.csv");
    let note = "note: the model was trained on other data (checksum ";
    assert!(run.code == Some(0) && run.stderr.contains(note), "{}", run.stderr);
    write(&place, "narrow.csv", "a,kind\n1,large\n2,small\n3,large\n");
    for line in ["eval own-int8.minnet --data narrow.csv", "quantize own.minnet --data narrow.csv", "eval own.minnet"] {
        let run = place.run(line);
        assert_eq!((run.code, &*run.stdout), (Some(1), ""), "{line}");
        assert!(run.stderr.contains("3 is wanted; give"), "{line}: {}", run.stderr);
    }
}

#[test]
fn a_folder_of_pictures() {
    let (place, noise) = (Place::new(), &mut Noise(4));
    // Red or blue at the top; other sizes each.
    let mut picture = |name: &str, is_red: bool| {
        let (width, height) = (12 + ((noise.next() + 1.0) * 4.0) as usize, 12);
        let pixels: Vec<u8> = (0..width * height)
            .flat_map(|pixel| {
                let colour = if is_red == (pixel < width * height / 2) { [220, 40, 40] } else { [40, 40, 220] };
                colour.map(|value: u8| value.wrapping_add_signed((noise.next() * 35.0) as i8))
            })
            .collect();
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
        write(&place, name, bytes);
    };
    for number in 0..60 {
        picture(&format!("tops/red/{number}.png"), true);
        picture(&format!("tops/blue/{number}.png"), false);
    }
    picture("new.png", true);
    let run = place.run("train --data tops --out own.minnet");
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("--shape"), "{}", run.stderr);
    classify_in_integers(&place, "tops", "--shape 8x8x3 --epochs 4", &["blue", "red"], 0.9);
    assert_eq!(answers(&place, "new.png"), ["red"]);
}

#[test]
fn windows_of_signals() {
    let (place, noise) = (Place::new(), &mut Noise(5));
    // Three channels with negative values; the first swings once or thrice. The first column counts milliseconds.
    let mut window = |name: &str, swings: f32| {
        let phase = noise.next() * 3.0;
        let row = |step: usize| {
            let swing = (step as f32 / 32.0 * swings * std::f32::consts::TAU + phase).sin();
            format!(
                "{},{},{},{}\n",
                step * 20,
                8.0 * swing + 0.5 * noise.next(),
                noise.next() - 9.81,
                20.0 * noise.next()
            )
        };
        write(&place, name, "time_ms,x,y,z\n".to_owned() + &(0..32).map(row).collect::<String>());
    };
    for number in 0..100 {
        window(&format!("swings/once/{number}.csv"), 1.0);
        window(&format!("swings/thrice/{number}.csv"), 3.0);
    }
    window("new.csv", 3.0);
    classify_in_integers(&place, "swings", "--epochs 15", &["once", "thrice"], 0.9);
    assert_eq!(answers(&place, "new.csv"), ["thrice"]);
}

#[test]
fn numbers_are_predicted() {
    let (place, noise) = (Place::new(), &mut Noise(6));
    let price = |row: [f32; 3]| (2000.0 + row[0] / 10.0 + 20_000.0 * row[1]).to_string();
    write(&place, "prices.csv", table(noise, 300, price));
    let trained = place.json("train --data prices.csv --label kind --epochs 40 --out own.minnet");
    let quantized = place.json("quantize own.minnet --data prices.csv");
    let error = |score: &Value| score["errors"]["root_mean_square"].as_f64().unwrap();
    let (float, integer) = (error(&quantized["float"]["test"]), error(&quantized["integer"]["test"]));
    // The deviation of the prices is about 310.
    assert!(float < 60.0 && error(&trained["test"]) == float, "{float}");
    assert!(integer < 1.1 * float + 3.0, "{integer}, {float} in floats");
    let text = place.succeed("eval own-int8.minnet --data prices.csv");
    assert!(text.contains("error"), "{text}");
    write(&place, "new.csv", "0,0,-70\n4000,0.009,-70\n");
    let json = place.json("classify own-int8.minnet new.csv");
    for (answer, price) in json.as_array().unwrap().iter().zip([2000.0, 2580.0]) {
        let found = answer["scores"][0].as_f64().unwrap();
        assert!((found - price).abs() < 120.0, "{answer}");
    }
}
