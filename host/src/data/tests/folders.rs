//! Folders of pictures.

use super::*;

/// A PNG picture.
fn png(width: u32, height: u32, colour: png::ColorType, pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(colour);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(pixels).unwrap();
    writer.finish().unwrap();
    bytes
}

pub(super) fn gray(width: u32, height: u32, pixels: &[u8]) -> Vec<u8> {
    png(width, height, png::ColorType::Grayscale, pixels)
}

/// A gray JPEG picture of 8 x 8 pixels, all as bright as `128 + 2 * step`: written by hand, with a table of one code.
fn jpeg(step: i8) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xd8];
    // Quantization: all 16, so that the mean alone counts, in steps of 2.
    bytes.extend([0xff, 0xdb, 0, 67, 0]);
    bytes.extend([16; 64]);
    bytes.extend([0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0]);
    // Codes of two bits: a difference of 0, of 3 bits or of 5 bits; and one for the end of a block.
    bytes.extend([0xff, 0xc4, 0, 19 + 3, 0x00, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 5]);
    bytes.extend([0xff, 0xc4, 0, 19 + 1, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]);
    // 10: five bits follow; a negative number is written as itself less 1.
    let number = if step < 0 { i16::from(step) - 1 + 32 } else { i16::from(step) };
    let bits = 0b10 << 6 | number << 1;
    bytes.extend([bits as u8, 0xff, 0xd9]);
    bytes
}

#[test]
fn classes_are_folders() {
    let (dark, bright) = (gray(2, 1, &[0, 10]), gray(2, 1, &[200, 255]));
    let files = [
        ("night/a.png", &dark[..]),
        ("day/b.png", &bright),
        ("day/c.png", &bright),
        (".git/config", b"hidden"),
        ("day/.DS_Store", b"hidden"),
        ("night/Thumbs.db", b"hidden"),
        ("readme.txt", b"hello"),
        ("about.csv", b"file,size\nb.png,2\n"),
    ];
    let data = read(&files, &Options::default()).unwrap();
    assert_eq!((data.shape(), data.all().len()), (image(1, 2, 1), 3));
    assert_eq!(data.classes, ["day", "night"]);
    for (sample, target) in data.all().iter() {
        let expected: &[u8] = if target == Target::Class(0) { &[200, 255] } else { &[0, 10] };
        assert_eq!(sample, Sample::Bytes(expected));
    }
}

#[test]
fn parts_are_folders_above() {
    let picture = gray(1, 1, &[1]);
    let mut names = vec!["train/a/1.png", "train/b/2.png", "test/a/3.png"];
    for validation in ["val/b/4.png", "valid/b/4.png", "Validation/b/4.png"] {
        names.push(validation);
        let files: Vec<_> = names.iter().map(|&name| (name, &picture[..])).collect();
        let data = read(&files, &Options::default()).unwrap();
        let labels = [data.train(), data.validation().unwrap(), data.test().unwrap()]
            .map(|part| part.labels().unwrap().to_vec());
        assert_eq!(labels, [vec![0, 1], vec![1], vec![0]]);
        names.pop();
    }
    // Without `val`, some of `train` validate, the same whatever is added.
    let name = |number: usize| format!("train/{}/{number}.png", ["a", "b"][number % 2]);
    let labels = |count: usize| {
        let names: Vec<_> = (0..count).map(name).chain(["test/a/x.png".into()]).collect();
        let files: Vec<_> = names.iter().map(|name| (&**name, &picture[..])).collect();
        let data = read(&files, &Options::default()).unwrap();
        [data.train().len(), data.validation().unwrap().len(), data.test().unwrap().len()]
    };
    let [train, validation, test] = labels(100);
    assert_eq!((train + validation, test), (100, 1));
    assert!((5..30).contains(&validation), "{validation}");
    assert!(labels(101)[1] >= validation);
}

#[test]
fn pictures_of_all_kinds_are_scaled() {
    let colour = png(2, 1, png::ColorType::Rgb, &[255, 0, 0, 0, 0, 255]);
    let clear = png(2, 1, png::ColorType::Rgba, &[255, 0, 0, 255, 9, 9, 9, 0]);
    let one = |bytes: &[u8], shape: Option<&str>| {
        let options = Options { shape: shape.map(|shape| shape.parse().unwrap()), ..Options::default() };
        let data = read(&[("a/x.png", bytes)], &options).unwrap();
        let Sample::Bytes(values) = data.all().values() else { panic!("no bytes") };
        (data.shape().to_string(), values.to_vec())
    };
    assert_eq!(one(&colour, None), ("1x2x3".into(), vec![255, 0, 0, 0, 0, 255]));
    assert_eq!(one(&colour, Some("1x2x1")), ("1x2x1".into(), vec![76, 29]));
    assert_eq!(one(&colour, Some("1x1x3")), ("1x1x3".into(), vec![128, 0, 128]));
    assert_eq!(one(&colour, Some("6")), ("6".into(), vec![255, 0, 0, 0, 0, 255]));
    assert_eq!(one(&colour, Some("2")), ("2".into(), vec![76, 29]));
    assert_eq!(one(&colour, Some("4")).1, [76, 29, 76, 29]);
    assert_eq!(one(&clear, None).1, [255, 0, 0, 255, 255, 255]);
    assert_eq!(one(&gray(2, 1, &[3, 5]), Some("1x2x3")).1, [3, 3, 3, 5, 5, 5]);
    for step in [20, 31, -18] {
        let (shape, pixels) = one(&jpeg(step), None);
        assert_eq!((&*shape, pixels), ("8x8x1", vec![(128 + 2 * i16::from(step)) as u8; 64]));
    }
    let options = Options { transpose: true, shape: Some(image(2, 1, 1)), ..Options::default() };
    let data = read(&[("a/x.png", &gray(4, 2, &[1, 3, 5, 7, 1, 3, 5, 7]))], &options).unwrap();
    assert_eq!((data.shape(), data.all().values()), (image(2, 1, 1), Sample::Bytes(&[2, 6])));
    // One coloured picture makes all coloured.
    let files = [("a/1.png", &gray(2, 1, &[3, 5])[..]), ("b/2.png", &colour)];
    assert_eq!(read(&files, &Options::default()).unwrap().shape(), image(1, 2, 3));
}

#[test]
fn pictures_that_do_not_fit() {
    let good = gray(2, 1, &[1, 2]);
    let default = Options::default();
    let shape = |text: &str| Options { shape: Some(text.parse().unwrap()), ..Options::default() };
    let large = {
        let mut header = gray(1, 1, &[1]);
        header[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        let sum = flate2_crc(&header[12..29]);
        header[29..33].copy_from_slice(&sum.to_be_bytes());
        header
    };
    for (bad, options, expected) in [
        (&gray(2, 2, &[1, 2, 3, 4])[..], &default, "val/a/2.png: is of 2 x 2 pixels, and "),
        (
            b"hello",
            &shape("1x2x1"),
            "val/a/2.png: is neither a PNG nor a JPEG picture: it begins with 68 65 6c 6c; save",
        ),
        (b"", &default, "val/a/2.png: is neither a PNG nor a JPEG picture: it begins with nothing"),
        (&large, &default, "val/a/2.png: 65535 x 65535 pixels are more than 64000000"),
        (&good, &shape("1x2x2"), "train/a/1.png: its samples are of 1x2x1, and 1x2x2 is wanted"),
        (&good, &shape("7"), "train/a/1.png: pictures make no vectors of 7"),
    ] {
        let message = error(&[("train/a/1.png", &good), ("val/a/2.png", bad)], options);
        assert!(message.starts_with(expected), "{message}");
    }
    let message = error(&[("a/b/c/1.png", &good)], &default);
    assert!(message.starts_with("a/b: is a folder inside the folder of a class"), "{message}");
    let message = error(&[("val/a/1.png", &good), ("test/a/1.png", &good)], &default);
    assert!(message.contains("there is no folder train"), "{message}");
    let message = error(&[("1.png", &good)], &default);
    assert!(message.starts_with("1.png: is one picture; name the directory"), "{message}");
    let message = error(&[("a/readme", b"\x01\x02"), ("b/readme", b"\x01\x02")], &default);
    assert!(message.contains("readme: is neither a PNG nor a JPEG"), "{message}");
}

/// The checksum of a PNG chunk.
fn flate2_crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[test]
fn cut_off_pictures() {
    for whole in [gray(5, 4, &(0..20).collect::<Vec<_>>()), jpeg(20)] {
        let directory = directory(&[("a/x", &whole)]);
        open(directory.path(), &Options::default()).unwrap();
        for length in 0..whole.len() {
            fs::write(directory.path().join("a/x"), &whole[..length]).unwrap();
            let error = open(directory.path(), &Options::default()).expect_err(&format!("{length} bytes"));
            assert!(error.to_string().contains("a/x: "), "{error}");
        }
    }
}

#[test]
fn damaged_pictures_are_errors_or_pictures() {
    for whole in [gray(5, 4, &(0..20).collect::<Vec<_>>()), jpeg(20)] {
        let directory = directory(&[("a/x", &whole)]);
        for place in 4..whole.len() {
            for bit in [0, 3, 7] {
                let mut damaged = whole.clone();
                damaged[place] ^= 1 << bit;
                fs::write(directory.path().join("a/x"), &damaged).unwrap();
                if let Err(error) = open(directory.path(), &Options::default()) {
                    assert!(error.to_string().contains("a/x: "), "{error}");
                }
            }
        }
    }
}
