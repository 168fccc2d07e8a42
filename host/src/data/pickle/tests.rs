//! Tests of the book's pickle: as each Python writes it, and every way it can be wrong.

use std::fs;
use std::io::Read;
use std::path::PathBuf;

use flate2::read::GzDecoder;
use tempfile::TempDir;

use super::*;
use crate::data::{Dataset, Image, default_directory};

const PICKLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/pickles");
const FORMS: [&str; 5] =
    ["python2-protocol1", "python2-protocol2", "python3-protocol2", "python3-protocol3", "python3-protocol4"];

fn packed(form: &str) -> PathBuf {
    PathBuf::from(PICKLES).join(format!("{form}.pkl.gz"))
}

fn unpacked(form: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    GzDecoder::new(fs::File::open(packed(form)).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

/// What comes of these bytes in a file.
fn read(bytes: &[u8]) -> Result<Mnist> {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("mnist.pkl");
    fs::write(&path, bytes).unwrap();
    load(&path)
}

#[track_caller]
fn assert_refused(bytes: &[u8], words: &str) {
    let message = read(bytes).unwrap_err().to_string();
    assert!(message.contains("mnist.pkl: byte ") && message.contains(words), "{words:?} is not in {message:?}");
}

/// A pickle of Python 2 in which the first occurrence of some bytes is replaced.
fn with(old: &[u8], new: &[u8]) -> Vec<u8> {
    let bytes = unpacked("python2-protocol2");
    let place = bytes.windows(old.len()).position(|window| window == old).unwrap();
    [&bytes[..place], new, &bytes[place + old.len()..]].concat()
}

#[test]
fn every_python_s_pickle_is_read() {
    let all = Mnist::load(&default_directory().unwrap()).unwrap();
    let first =
        |set: &Dataset, count| Dataset { images: set.images[..count].to_vec(), labels: set.labels[..count].to_vec() };
    let expected = Mnist { train: first(&all.train, 6), test: first(&all.test, 2) };
    for form in FORMS {
        let mnist = Mnist::load(&packed(form)).unwrap();
        assert_eq!(mnist, expected, "{form}");
        assert_eq!(read(&unpacked(form)).unwrap(), expected, "{form}, not compressed");
        assert_eq!((mnist.split().0.len(), mnist.split().1.len()), (5, 1));
    }
}

#[test]
fn other_files_are_told_from_pickles() {
    assert_refused(b"\x1f\x00\x08\x03", "byte 0: not a pickle: it begins with 1f 00 08 03");
    assert_refused(b"<html>", "a web page");
    assert_refused(b"", "it is empty");
    assert!(matches!(load(&PathBuf::from(PICKLES).join("none.pkl.gz")), Err(Error::Read { .. })));
}

#[test]
fn what_could_run_something_is_refused_by_name() {
    let call = b"\x80\x02cos\nsystem\n(U\x04true\x85R.";
    assert_refused(
        call,
        "byte 2: the global \"os.system\", which the book's mnist.pkl.gz does without; nothing was executed",
    );
    for (bytes, words) in [
        (&b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93."[..], "byte 18: the global \"builtins.eval\""),
        (b"\x80\x04\x8c\x05numpy\x8c\x04load\x93.", "the global \"numpy.load\""),
        (b"\x80\x02c__builtin__\ne\x1bval\n.", "the global \"__builtin__.e\\u{1b}val\""),
        (b"\x80\x02(i", "byte 3: opcode 0x69 (INST)"),
        (b"\x80\x02}", "byte 2: opcode 0x7d (EMPTY_DICT)"),
        (b"(V0\n", "byte 1: opcode 0x56 (UNICODE)"),
        (b"\x80\x02\xff", "byte 2: opcode 0xff (unknown)"),
        (b"\x80\x05", "byte 0: protocol 5"),
    ] {
        assert_refused(bytes, words);
    }
}

#[test]
fn other_contents_are_refused() {
    for (bytes, words) in [
        (with(b"U\x02f4", b"U\x02f8"), "an array of \"f8\", neither f4 (images) nor i8 (labels)"),
        (with(b"U\x01<", b"U\x01>"), "numbers that are not little-endian"),
        (with(b"\x89", b"\x88"), "an array by columns"),
        (with(b"K\x05M\x10\x03", b"K\x04M\x10\x03"), "an array of 4 x 784, whose numbers are more, fewer, or others"),
        (with(b"M\x10\x03", b"M\x10\x04"), "an array of 5 x 1040"),
        (with(b"\x87.", b"\x86."), "2 sets, not 3"),
        (with(b"\x86\x87.", b"N\x87\x87."), "a set that is no pair"),
        (b"\x80\x02K\x01.".to_vec(), "byte 4: no tuple at the end"),
        (b"\x80\x02NN\x87.".to_vec(), "byte 4: a TUPLE of too little"),
        (b"\x80\x02t".to_vec(), "a TUPLE without its MARK"),
        (b"\x80\x02.".to_vec(), "nothing on the stack"),
        (b"\x80\x02h\x07".to_vec(), "memo 7, which was never put"),
        (b"\x80\x02X\x00\x00\x00\x80".to_vec(), "a text of 2147483648 bytes"),
        (b"(Ix\n".to_vec(), "\"x\" where a number should be"),
        (b"(I1\npx\n".to_vec(), "\"x\" where a number should be"),
        (b"(I1\na".to_vec(), "something added to what is no list"),
        (b"\x80\x02]Ne".to_vec(), "an APPENDS without its MARK"),
        (b"(S1\n".to_vec(), "a string without quotes"),
        (b"(S'\n".to_vec(), "a string that does not end on its line"),
        (b"(S'\\xg0'\n".to_vec(), "an escape that is no number"),
        (b"(S'\\q'\n".to_vec(), "an unknown escape"),
        (b"(S'a'b\n".to_vec(), "a string that goes on after its quote"),
        ([b"(S'".to_vec(), b"a".repeat(70)].concat(), "a text of more than 64 bytes"),
        ([b"\x80\x02".to_vec(), b"N".repeat(2000)].concat(), "more than 1015 steps for so few bytes"),
        ([b"\x80\x02c".to_vec(), b"a".repeat(2000)].concat(), "a line of more than 64 bytes"),
        // More bytes allow more steps, and neither a deeper nor a higher stack.
        ([b"\x80\x02".to_vec(), pair(200), b"N".repeat(5000)].concat(), "more than 4000 values on the stack"),
        ([b"\x80\x02N".to_vec(), b"\x85".repeat(9)].concat(), "tuples that lie more than 8 deep"),
    ] {
        assert_refused(&bytes, words);
    }
    let longer = [unpacked("python3-protocol4"), vec![0]].concat();
    assert!(matches!(read(&longer), Err(Error::TrailingBytes { .. })));
}

#[test]
fn pixels_are_whole_256ths_and_labels_digits() {
    // The first ink of MNIST's first image: 3/256 at pixel 152, whose last byte is told.
    let ink = 3.0f32 / 256.0;
    let place = unpacked("python2-protocol2").windows(4).position(|bytes| bytes == ink.to_le_bytes()).unwrap();
    for value in [3.0f32 / 255.0, -1.0 / 256.0, 1.0, -0.0, f32::NAN, f32::INFINITY] {
        let words = format!("byte {}: pixel value {value:?}, but each is k/256", place + 3);
        assert_refused(&with(&ink.to_le_bytes(), &value.to_le_bytes()), &words);
    }
    let labels = [5i64, 0, 4, 1, 9].map(i64::to_le_bytes).concat();
    for label in [10i64, -1, i64::MAX] {
        let wrong = [5, 0, 4, label, 9].map(i64::to_le_bytes).concat();
        assert_refused(&with(&labels, &wrong), &format!("label {label}, but labels are digits"));
    }
}

/// An array by hand, with nothing remembered: its shape, type and content as opcodes.
fn array(shape: &[u8], dtype: &[u8], content: &[u8]) -> Vec<u8> {
    let [blank, dtype_call, state] = [
        &b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01"[..],
        b"cnumpy\ndtype\nU\x02",
        b"K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T",
    ];
    let length = (content.len() as u32).to_le_bytes();
    [blank, shape, dtype_call, dtype, state, &length, content, b"tb"].concat()
}

/// A pair of so many blank images and labels 0.
fn pair(count: u8) -> Vec<u8> {
    let images = array(&[b'K', count, b'M', 0x10, 0x03, 0x86], b"f4", &vec![0; usize::from(count) * 784 * 4]);
    let labels = array(&[b'K', count, 0x85], b"i8", &vec![0; usize::from(count) * 8]);
    [images, labels, vec![0x86]].concat()
}

#[test]
fn a_sixth_of_the_images_must_validate() {
    let sets =
        |training, validating| [b"\x80\x02".to_vec(), pair(training), pair(validating), pair(1), b"\x87.".to_vec()];
    assert_eq!(read(&sets(10, 2).concat()).unwrap().train.len(), 12);
    let message = read(&sets(10, 5).concat()).unwrap_err().to_string();
    assert!(message.contains("10 images to train on and 5 to validate with; a sixth of both"), "{message}");
    assert_refused(&sets(0, 1).concat(), "a set of 0 images and 0 labels");
}

/// The opcodes of Python 2's protocol 0 for a part of the book's expanded file, everything remembered as there.
#[derive(Default)]
struct Protocol0 {
    text: String,
    remembered: usize,
}

impl Protocol0 {
    fn put(&mut self, opcodes: &str) -> usize {
        self.remembered += 1;
        self.text += &format!("{opcodes}p{}\n", self.remembered);
        self.remembered
    }

    /// Bytes as a string of Python's source.
    fn string(&mut self, bytes: &[u8]) {
        let escaped = bytes.iter().map(|&byte| match byte {
            b'\n' => "\\n".into(),
            b'\r' => "\\r".into(),
            b'\t' => "\\t".into(),
            b'\\' => "\\\\".into(),
            b' '..=b'~' => char::from(byte).to_string(),
            _ => format!("\\x{byte:02x}"),
        });
        let escaped: String = escaped.collect();
        let quote = if escaped.contains('\'') && !escaped.contains('"') { '"' } else { '\'' };
        let escaped = escaped.replace(quote, &format!("\\{quote}"));
        self.put(&format!("S{quote}{escaped}{quote}\n"));
    }

    fn dtype(&mut self, code: &str) {
        self.text += "cnumpy\ndtype\n(";
        self.string(code.as_bytes());
        self.text += "I0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb";
    }

    /// An array of this shape.
    fn array(&mut self, shape: &[usize], code: &str, bytes: &[u8]) {
        self.put("cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\nt");
        self.text += "R(I1\n(";
        shape.iter().for_each(|size| self.text += &format!("I{size}\n"));
        self.put("t");
        self.dtype(code);
        self.text += "I00\n";
        self.string(bytes);
        self.text += "tb";
    }

    /// A label on its own; gives where it is remembered.
    fn scalar(&mut self, label: u16) -> usize {
        self.text += "cnumpy.core.multiarray\nscalar\n(";
        self.dtype("i8");
        self.string(&i64::from(label).to_le_bytes());
        self.put("tR")
    }
}

/// The pixels of images as they are in a pickle.
fn pixels(images: &[Image]) -> Vec<u8> {
    images.as_flattened().iter().flat_map(|&pixel| (f32::from(pixel) / 256.0).to_le_bytes()).collect()
}

fn numbers(labels: &[u16]) -> Vec<u8> {
    labels.iter().flat_map(|&label| i64::from(label).to_le_bytes()).collect()
}

#[test]
fn the_book_s_expanded_data_are_read() {
    let all = Mnist::load(&default_directory().unwrap()).unwrap();
    let part = |range: std::ops::Range<usize>| Dataset {
        images: all.train.images[range.clone()].to_vec(),
        labels: all.train.labels[range].to_vec(),
    };
    let (training, validation, test) = (part(0..10), part(10..12), part(12..15));
    let mut train = training.clone();
    train.extend(validation.clone());
    let expected = Mnist { train, test: test.clone() };

    // As expand_mnist.py writes them: the program names no protocol, which was 0 then.
    let mut old = Protocol0 { text: "((l".into(), remembered: 0 };
    old.put("(l");
    for image in &training.images {
        old.array(&[784], "f4", &pixels(&[*image]));
        old.text += "a";
    }
    old.put("a(l");
    let mut places = [None; 10];
    for &label in &training.labels {
        // An image's copies share its label.
        match places[usize::from(label)] {
            Some(place) => old.text += &format!("g{place}\n"),
            None => places[usize::from(label)] = Some(old.scalar(label)),
        }
        old.text += "a";
    }
    old.text += "a";
    for set in [&validation, &test] {
        old.text += "(";
        old.array(&[set.images.len(), 784], "f4", &pixels(&set.images));
        old.array(&[set.labels.len()], "i8", &numbers(&set.labels));
        old.put("t");
    }
    old.text += "t.";
    assert_eq!(read(old.text.as_bytes()).unwrap(), expected);

    // As a program of today may: another protocol, and labels that are Python's own numbers.
    let mut new = b"\x80\x02](](".to_vec();
    for image in &training.images {
        new.extend(array(&[b'M', 0x10, 0x03, 0x85], b"f4", &pixels(&[*image])));
    }
    new.extend(b"e](");
    training.labels.iter().for_each(|&label| new.extend([b'K', label as u8]));
    new.extend(b"ee");
    for set in [&validation, &test] {
        let count = set.labels.len() as u8;
        new.extend(array(&[b'K', count, b'M', 0x10, 0x03, 0x86], b"f4", &pixels(&set.images)));
        new.extend(array(&[b'K', count, 0x85], b"i8", &numbers(&set.labels)));
        new.push(0x86);
    }
    new.extend(b"\x87.");
    assert_eq!(read(&new).unwrap(), expected);

    for bytes in [old.text.as_bytes(), &new] {
        for place in places_of(bytes).step_by(29) {
            let error = read(&bytes[..place]).unwrap_err().to_string();
            assert!(error.contains("mnist.pkl: byte "), "cut at {place}: {error}");
        }
    }
    let ten = old.text.replace("S'\\x05\\x00", "S'\\x0a\\x00");
    assert_refused(ten.as_bytes(), "label 10, but labels are digits");
}

/// The places of the beginning and the end, which are full of opcodes, and of a part of what is between.
fn places_of(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let length = bytes.len();
    (0..length).filter(move |&place| place < 300 || place + 300 > length || place % 97 == 0)
}

#[test]
fn every_cut_is_an_error_and_no_flipped_bit_a_panic() {
    for form in FORMS {
        let bytes = unpacked(form);
        for place in places_of(&bytes) {
            let error = read(&bytes[..place]).unwrap_err().to_string();
            assert!(error.contains("mnist.pkl: byte "), "{form} cut at {place}: {error}");
            let mut flipped = bytes.clone();
            flipped[place] ^= 1 << (place % 8);
            // Some give another pickle of the same form, as a digit for another.
            if let Err(error) = read(&flipped) {
                assert!(error.to_string().contains("mnist.pkl: "), "{form} flipped at {place}: {error}");
            }
        }
    }
}
