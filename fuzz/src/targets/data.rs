//! Data sets, and pictures of digits.

use super::{place, read, two};
use host::architecture::Shape;
use host::data::{self, Data, Mnist, Options, Part, Target, TargetKind, open, open_unlabelled, write_idx_images};
use host::picture;
use std::path::Path;

pub const NPY: &[&str] = &[
    "\u{93}NUMPY",
    "'descr': ",
    "'fortran_order': ",
    "'shape': ",
    "True",
    "False",
    "(",
    ")",
    "{",
    "}",
    ", ",
    "'<f4'",
    "'|u1'",
    "'<i8'",
    "'>f8'",
    "'<U3'",
    "'|b1'",
    "'<f2'",
    "PK\u{3}\u{4}",
    "PK\u{1}\u{2}",
    "PK\u{5}\u{6}",
    "x.npy",
    "y.npy",
    "x_train.npy",
    "y_train.npy",
    "weight",
    "bias",
];
pub const CSV: &[&str] = &[
    ",",
    ";",
    "\t",
    "\n",
    "\r\n",
    "\"",
    "\"\"",
    "label",
    "class",
    "time",
    "a",
    "0.5",
    "-1e9",
    "2020-01-01",
    "\u{feff}",
];
pub const PICKLE: &[&str] = &[
    "(",
    "\u{80}\u{2}",
    "cnumpy\nndarray\n",
    "cnumpy.core.multiarray\n_reconstruct\n",
    "cnumpy\ndtype\n",
    "C",
    "U",
    "q",
    "h",
    "r",
    "t",
    "R",
    "b",
    "l",
    "a",
    "e",
    "K",
    "J",
    "M",
    "]",
    "}",
    ".",
    "X",
    "f4",
    "i8",
    "u1",
    "<",
];
pub const PICTURE: &[&str] =
    &["IHDR", "IDAT", "IEND", "PLTE", "tRNS", "eXIf", "gAMA", "Exif\0\0", "II*\0", "MM\0*", "acTL", "fcTL", "fdAT"];

/// Ways to read the same file.
fn ways() -> [Options; 4] {
    let plain = Options::default();
    [
        plain.clone(),
        Options { transpose: true, targets: Some(TargetKind::Classes), ..plain.clone() },
        Options { label: Some("1".into()), targets: Some(TargetKind::Numbers), ..plain.clone() },
        Options { shape: Some(Shape::Image { height: 4, width: 3, channels: 1 }), ..plain },
    ]
}

/// Reads a file or a folder in every way, and looks at all that is in it.
fn look(path: &Path) {
    let found = ways().map(|options| read(open(path, &options)).inspect(check));
    if let [Some(data), ..] = found {
        let again = read(open(path, &Options::default())).expect("the same file, read again");
        assert_eq!(again.checksum(), data.checksum());
    }
}

fn check(data: &Data) {
    let parts = [Part::Train, Part::Validation, Part::Test].map(|part| data.part(part).len());
    assert!(parts[0] > 0 && parts.iter().sum::<usize>() == data.all().len());
    for (sample, target) in data.all().iter().take(1000) {
        assert_eq!(sample.len(), data.shape().values());
        assert!(sample.floats().all(f32::is_finite));
        match target {
            Target::Class(class) => assert!(usize::from(class) < data.classes.len()),
            Target::Numbers(numbers) => assert!(numbers.iter().all(|number| number.is_finite())),
        }
    }
    let _ = (data.summary(), data.to_string());
}

/// IDX: a file of images and one of labels.
pub fn idx(bytes: &[u8]) {
    let folder = place().folder("idx");
    let (images, labels) = two(bytes);
    let path = place().write("idx/train-images-idx3-ubyte", images);
    place().write("idx/train-labels-idx1-ubyte", labels);
    look(&folder);
    look(&path);
    drop(read(Mnist::load(&folder)));
    let Some(found) = read(data::Dataset::load(&path, &folder.join("train-labels-idx1-ubyte"))) else { return };
    // What is written is what was read.
    let again = place().path("again-idx3-ubyte");
    write_idx_images(&again, &found.images).expect("room for a small file");
    assert!(images.starts_with(&[0x1f, 0x8b]) || std::fs::read(&again).expect("what was written") == images);
}

/// NumPy: an array of samples and one of targets.
pub fn npy(bytes: &[u8]) {
    let folder = place().folder("npy");
    let (samples, targets) = two(bytes);
    place().write("npy/x_train.npy", samples);
    place().write("npy/y_train.npy", targets);
    look(&folder);
}

pub fn npz(bytes: &[u8]) {
    look(&place().write("a.npz", bytes));
}

/// CIFAR-10: a batch, and the names of its classes.
pub fn cifar(bytes: &[u8]) {
    let folder = place().folder("cifar");
    let (names, batch) = two(bytes);
    place().write("cifar/data_batch_1.bin", batch);
    place().write("cifar/batches.meta.txt", names);
    look(&folder);
}

/// A table; and one whose rows are to be classified.
pub fn csv(bytes: &[u8]) {
    let path = place().write("a.csv", bytes);
    look(&path);
    for shape in [Shape::Vector(2), Shape::Image { height: 3, width: 1, channels: 2 }] {
        if let Some(values) = read(open_unlabelled(&path, shape)) {
            assert!(!values.is_empty() && values.len() % shape.values() == 0);
            assert!(values.as_slice().floats().all(f32::is_finite));
        }
    }
}

/// Windows of a signal, in a folder for each class.
pub fn windows(bytes: &[u8]) {
    let folder = place().folder("windows");
    let (one, other) = two(bytes);
    for (class, bytes) in [("rest", one), ("walk", other)] {
        place().folder(&format!("windows/{class}"));
        place().write(&format!("windows/{class}/1.csv"), bytes);
    }
    look(&folder);
}

pub fn pickle(bytes: &[u8]) {
    look(&place().write("a.pkl", bytes));
}

/// Pictures in a folder for each class, and one to be classified.
pub fn pictures(bytes: &[u8]) {
    let folder = place().folder("pictures");
    for class in ["cat", "dog"] {
        place().folder(&format!("pictures/{class}"));
        place().write(&format!("pictures/{class}/1.png"), bytes);
    }
    look(&folder);
    let shape = Shape::Image { height: 5, width: 7, channels: 3 };
    if let Some(values) = read(open_unlabelled(&place().path("pictures/cat/1.png"), shape)) {
        assert_eq!(values.len(), shape.values());
    }
}

/// A picture of digits.
pub fn digits(bytes: &[u8]) {
    for many in [false, true] {
        let Some(reading) = read(picture::read_bytes(Path::new("a.png"), bytes, many)) else { continue };
        for digit in &reading.digits {
            assert!(digit.area.left < digit.area.right && digit.area.top < digit.area.bottom);
            assert!(digit.image.iter().any(|&pixel| pixel > 0));
        }
        assert!(!reading.is_prepared() || reading.digits.len() == 1);
        let _ = read(reading.only());
    }
}

/// Makes the checksums of a PNG picture's chunks right.
pub fn seal_png(bytes: &mut [u8]) {
    if !bytes.starts_with(b"\x89PNG") {
        return;
    }
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    let mut at = 8;
    while let Some(length) = bytes.get(at..at + 4).and_then(|length| length.try_into().ok()).map(u32::from_be_bytes) {
        let end = (at + 8).saturating_add(length as usize);
        let Some(chunk) = bytes.get(at + 4..end) else { return };
        let sum = crc.checksum(chunk);
        let Some(place) = bytes.get_mut(end..end + 4) else { return };
        place.copy_from_slice(&sum.to_be_bytes());
        at = end + 4;
    }
}
