//! Tests of reading and writing data sets: MNIST itself, and every way a file can be wrong.

mod arrays;
mod description;
mod folders;
mod tables;

use std::fs;

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use tempfile::TempDir;

use super::*;
use crate::architecture::Shape;

fn header(magic: u32, dimensions: &[u32]) -> Vec<u8> {
    [&[magic], dimensions].concat().iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A directory with files of these contents; folders are made as needed.
fn directory(files: &[(&str, &[u8])]) -> TempDir {
    let directory = TempDir::new().unwrap();
    for (name, bytes) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    directory
}

/// What is read from a directory of these files, or from its only file.
fn read(files: &[(&str, &[u8])], options: &Options) -> Result<Data> {
    let directory = directory(files);
    let path = match files {
        [(name, _)] if !name.contains('/') => directory.path().join(name),
        _ => directory.path().to_path_buf(),
    };
    open(&path, options)
}

/// The error of reading these files, without the directory's name.
fn error(files: &[(&str, &[u8])], options: &Options) -> String {
    let directory = directory(files);
    let path = match files {
        [(name, _)] if !name.contains('/') => directory.path().join(name),
        _ => directory.path().to_path_buf(),
    };
    let message = open(&path, options).unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    message.replace(&format!("{}/", directory.path().display()), "")
}

fn floats(data: &Data) -> Vec<f32> {
    data.all().values().floats().collect()
}

fn image(height: usize, width: usize, channels: usize) -> Shape {
    Shape::Image { height, width, channels }
}

fn two_images() -> Vec<u8> {
    [header(0x803, &[2, 28, 28]), (0..2 * 784).map(|i| (i % 251) as u8).collect()].concat()
}

/// The error of reading these bytes as images.
fn images_error(bytes: &[u8]) -> Error {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("images");
    fs::write(&path, bytes).unwrap();
    idx::read_images(&path).unwrap_err()
}

/// The error of reading these bytes as labels.
fn labels_error(bytes: &[u8]) -> Error {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("labels");
    fs::write(&path, bytes).unwrap();
    idx::read_labels(&path).unwrap_err()
}

#[test]
fn mnist_itself() {
    let mnist = Mnist::load(&default_directory().unwrap()).unwrap();
    assert_eq!((mnist.train.len(), mnist.test.len()), (60_000, 10_000));
    assert_eq!(mnist.train.labels[..8], [5, 0, 4, 1, 9, 2, 1, 3]);
    assert_eq!(mnist.test.labels[..8], [7, 2, 1, 0, 4, 1, 4, 9]);
    // The mean ink of the training pixels is known to be 0.1307.
    let sum: u64 = mnist.train.images.iter().flatten().map(|&pixel| u64::from(pixel)).sum();
    assert_eq!(sum * 10_000 / (60_000 * 784 * 255), 1306);

    let (train, validation) = mnist.split();
    assert_eq!((train.len(), validation.len()), (50_000, 10_000));
    assert_eq!(train.view().labels(), Some(&mnist.train.labels[..50_000]));
    assert_eq!(validation.view().values(), Sample::Bytes(mnist.train.images[50_000..].as_flattened()));
    assert_eq!(mnist.train.images.capacity(), 60_000);
}

#[test]
fn small_sets_give_their_last_sixth_and_no_cut_is_too_long() {
    let train = Dataset { images: vec![[0; 784]; 13], labels: vec![3; 13] };
    let mnist = Mnist { test: train.clone(), train };
    let (train, validation) = mnist.split();
    assert_eq!((train.len(), validation.len()), (11, 2));
    let (all, none) = train.split_at(99);
    assert_eq!((all.len(), none.is_empty()), (11, true));
    assert_eq!(all.digits().next(), Some((&[0; 784], 3)));
}

#[test]
fn what_is_written_is_read() {
    let directory = TempDir::new().unwrap();
    let images: Vec<Image> = (0..7_u8).map(|i| [i * 30; 784]).collect();
    let labels = [3, 1, 4, 1, 5, 9, 2];
    for (set, end) in [("train", ".gz"), ("t10k", "")] {
        write_idx_images(&directory.path().join(format!("{set}-images-idx3-ubyte{end}")), &images).unwrap();
        write_idx_labels(&directory.path().join(format!("{set}-labels-idx1-ubyte{end}")), &labels).unwrap();
    }
    let mnist = Mnist::load(directory.path()).unwrap();
    assert_eq!(mnist.train, Dataset { images, labels: labels.to_vec() });
    assert_eq!(mnist.train, mnist.test);
    let [packed, plain] = ["train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte"]
        .map(|name| fs::metadata(directory.path().join(name)).unwrap().len());
    assert_eq!(plain, 16 + 7 * 784);
    assert!(packed < plain / 10);
}

#[test]
fn missing_things_are_named() {
    let directory = TempDir::new().unwrap();
    let nowhere = directory.path().join("nowhere");
    assert!(matches!(Mnist::load(&nowhere), Err(Error::NoDirectory { directory }) if directory == nowhere));
    let error = Mnist::load(directory.path()).unwrap_err();
    assert!(matches!(error, Error::NoDataFile { name: "train-images-idx3-ubyte", .. }));
    assert!(matches!(Dataset::load(&nowhere, &nowhere), Err(Error::Read { path, .. }) if path == nowhere));
    assert!(matches!(Dataset::load(directory.path(), directory.path()), Err(Error::Read { .. })));
}

/// MNIST's four files, of two images each, in a directory.
fn write_small(directory: &std::path::Path) {
    fs::create_dir_all(directory).unwrap();
    for set in ["train", "t10k"] {
        write_idx_images(&directory.join(format!("{set}-images-idx3-ubyte.gz")), &[[0; 784], [1; 784]]).unwrap();
        write_idx_labels(&directory.join(format!("{set}-labels-idx1-ubyte.gz")), &[3, 4]).unwrap();
    }
}

#[test]
fn a_directory_that_lacks_files_shadows_none() {
    let top = TempDir::new().unwrap();
    let [project, parent, far] = ["far/parent/project", "far/parent", "far"].map(|name| top.path().join(name));
    // Pictures by class, as another program has them; nothing at all; three files of the four.
    fs::create_dir_all(project.join("data/mnist/train/5")).unwrap();
    write_small(&parent.join("data/mnist"));
    fs::remove_file(parent.join("data/mnist/t10k-labels-idx1-ubyte.gz")).unwrap();
    let found = || first_with_digits(project.ancestors().take(3));
    let message = found().unwrap_err().to_string();
    for words in ["train-images-idx3-ubyte.gz", "data/mnist", "--data"] {
        assert!(message.contains(words), "{message}");
    }
    write_small(&far.join("data/mnist"));
    assert_eq!(found().unwrap(), far.join("data/mnist"));
    write_small(&project.join("data/mnist"));
    assert_eq!(found().unwrap(), project.join("data/mnist"));
}

#[test]
fn a_folder_named_like_a_file_shadows_nothing_and_may_hold_the_file() {
    let directory = TempDir::new().unwrap();
    let place = |name: &str| directory.path().join(name);
    write_small(directory.path());
    let read = || {
        let data = open(directory.path(), &Options::default()).unwrap();
        assert_eq!(data.found, "IDX files of bytes");
        (Mnist::load(directory.path()).unwrap(), data.all().values().len())
    };
    let expected = read();
    for name in ["train-images-idx3-ubyte", "t10k-labels.idx1-ubyte"] {
        fs::create_dir(place(name)).unwrap();
    }
    assert_eq!(read(), expected, "empty folders");
    // As unpackers leave them.
    let [archive, inside] =
        ["train-images-idx3-ubyte.gz", "train-images-idx3-ubyte/train-images.idx3-ubyte"].map(place);
    let mut images = Vec::new();
    std::io::copy(&mut flate2::read::GzDecoder::new(fs::File::open(&archive).unwrap()), &mut images).unwrap();
    fs::write(&inside, &images).unwrap();
    assert_eq!(read(), expected, "both");
    fs::remove_file(archive).unwrap();
    assert_eq!(read(), expected, "a file in a folder");
    fs::rename(place("t10k-labels-idx1-ubyte.gz"), place("t10k-labels.idx1-ubyte/t10k-labels-idx1-ubyte.gz")).unwrap();
    assert_eq!(read(), expected, "two files in folders");
}

#[cfg(unix)]
#[test]
fn what_can_be_read_but_once_is_refused() {
    let device = Path::new("/dev/zero");
    for error in [open(device, &Options::default()).unwrap_err(), Mnist::load(device).unwrap_err()] {
        let message = error.to_string();
        assert!(message.starts_with("/dev/zero: is a pipe or a device"), "{message}");
        assert!(message.contains("write them into a file, and name that"), "{message}");
    }
}

#[test]
fn zeros_behind_gzip_are_skipped() {
    let images = two_images();
    let read = |bytes: &[u8]| {
        let directory = directory(&[("images", bytes)]);
        idx::read_images(&directory.path().join("images"))
    };
    let (first, second) = images.split_at(1000);
    for members in
        [gzip(&images), [gzip(first), gzip(second)].concat(), [gzip(first), vec![0; 9], gzip(second)].concat()]
    {
        for zeros in [0, 1, 512, 100_000] {
            assert_eq!(read(&[&members[..], &vec![0; zeros]].concat()).unwrap().len(), 2, "{zeros}");
        }
        assert!(matches!(read(&[&members[..], b"0123456789"].concat()), Err(Error::GzipCorrupt { offset: 1584, .. })));
    }
}

#[test]
fn other_formats_are_recognised() {
    for (bytes, name) in [
        (&b"\x89PNG\r\n\x1a\n"[..], "PNG"),
        (b"<!DOCTYPE html>", "web page"),
        (b"\x80\x03cnumpy", "pickle"),
        (&gzip(&gzip(&two_images())), "gzip"),
    ] {
        let error = images_error(bytes);
        assert!(matches!(&error, Error::NotIdx { found, .. } if found.contains(name)), "{error}");
        assert!(error.to_string().contains("images: byte 0: not an IDX file"), "{error}");
    }
    // Little-endian by mistake.
    assert!(matches!(images_error(&[3, 8, 0, 0, 1, 0, 0, 0]), Error::NotIdx { .. }));
}

#[test]
fn wrong_kinds_of_idx_are_told_apart() {
    assert!(matches!(
        images_error(&[header(0x801, &[2]), vec![1, 2]].concat()),
        Error::IdxRank { found: 1, expected: 3, .. }
    ));
    assert!(matches!(labels_error(&two_images()), Error::IdxRank { found: 3, expected: 1, .. }));
    assert!(matches!(images_error(&header(0xd03, &[2, 28, 28])), Error::IdxElement { found: 0x0d, .. }));
    assert!(matches!(images_error(&header(0x803, &[2, 32, 28])), Error::ImageSize { rows: 32, columns: 28, .. }));
    assert!(matches!(images_error(&header(0x803, &[0, 28, 28])), Error::EmptyData { .. }));
    assert!(matches!(labels_error(&header(0x801, &[0])), Error::EmptyData { .. }));
}

#[test]
fn cut_off_and_overlong_data_are_placed() {
    let whole = two_images();
    for (length, needed) in [(0, 16), (2, 16), (6, 16), (16, 16 + 2 * 784), (1000, 16 + 2 * 784)] {
        for bytes in [whole[..length].to_vec(), gzip(&whole[..length])] {
            let error = images_error(&bytes);
            assert!(
                matches!(error, Error::Truncated { offset, needed: n, .. } if (offset, n) == (length as u64, needed)),
                "{error}"
            );
        }
    }
    let longer = [whole, vec![0]].concat();
    for bytes in [gzip(&longer), longer] {
        assert!(matches!(images_error(&bytes), Error::TrailingBytes { offset: 1584, .. }));
    }
}

#[test]
fn damaged_gzip_is_told_from_cut_off_gzip() {
    let packed = gzip(&two_images());
    assert!(matches!(images_error(&packed[..packed.len() / 2]), Error::GzipTruncated { .. }));
    assert!(matches!(images_error(&packed[..packed.len() - 3]), Error::GzipTruncated { offset: 1584, .. }));
    assert!(matches!(images_error(&packed[..5]), Error::GzipTruncated { offset: 0, .. }));
    let mut checksum = packed.clone();
    let place = checksum.len() - 8;
    checksum[place] ^= 1;
    assert!(matches!(images_error(&checksum), Error::GzipCorrupt { offset: 1584, .. }));
    let mut body = packed;
    body[10] = 0xff;
    assert!(matches!(images_error(&body), Error::GzipCorrupt { offset: 0, .. }));
}

#[test]
fn a_false_count_ends_with_the_data() {
    let bytes = [header(0x803, &[u32::MAX, 28, 28]), vec![0; 784]].concat();
    assert!(matches!(images_error(&bytes), Error::Truncated { offset: 800, needed, .. } if needed > 1 << 41));
    let error = images_error(&gzip(&bytes)).to_string();
    assert!(error.contains("its header: promises 3367254359296 bytes, but no more than"), "{error}");
    let labels = [header(0x801, &[u32::MAX]), vec![0; 5]].concat();
    assert!(matches!(labels_error(&labels), Error::Truncated { offset: 13, needed: 4_294_967_303, .. }));
}

#[test]
fn labels_must_be_digits_and_as_many_as_images() {
    let labels = [header(0x801, &[3]), vec![9, 0, 10]].concat();
    let error = labels_error(&labels);
    assert!(error.to_string().contains("labels: byte 10: label 10, but labels are digits"), "{error}");

    let directory = TempDir::new().unwrap();
    let [images, labels] = ["images", "labels"].map(|name| directory.path().join(name));
    write_idx_images(&images, &[[0; 784]; 3]).unwrap();
    write_idx_labels(&labels, &[1, 2]).unwrap();
    assert!(matches!(Dataset::load(&images, &labels), Err(Error::CountMismatch { images: 3, labels: 2, .. })));
}
