//! The model file: what is written is read again, by the crate and by a reader made from `docs/model-format.md` alone,
//! and nothing else is taken for a model.

use minnet::model::{MAGIC, write};
use minnet::prelude::*;
use minnet::quant::Quantized;
use std::fmt::Display;

type Input = [f32; 4];
type Layers = seq![Dense<4, 3, Sigmoid>, Dense<3, 2, Softmax>];
type Tiny = Net<Input, Layers>;

const PARAMETERS: usize = 4 * 3 + 3 + 3 * 2 + 2;

/// Every parameter different, among them numbers that a careless copy would change.
fn tiny() -> Tiny {
    let mut net = Tiny::ZERO;
    let odd = [-0.0, f32::MIN_POSITIVE, f32::from_bits(1), 1e30, -1e31, 0.1];
    let mut values = odd.into_iter().chain((1..).map(|n| (n as f32 / 7.0) * if n % 2 == 0 { 1.0 } else { -1.0 }));
    net.visit_mut(|_, run| run.iter_mut().for_each(|value| *value = values.next().unwrap()));
    net
}

fn text<const N: usize>(text: &str) -> heapless::String<N> {
    text.try_into().unwrap()
}

fn metadata() -> Metadata {
    Metadata {
        architecture: text(Tiny::ARCHITECTURE.as_str()),
        pixel_divisor: 256,
        cost: text("log-likelihood"),
        seed: u64::MAX - 1,
        epochs: 300,
        training_images: 50_000,
        validation_accuracy: 0.987_6,
        test_accuracy: 0.123_4,
        command: text("host train --net 4-3-2 --η 0.5"),
    }
}

fn written<In: Tensor, L: Layer<In>>(net: &Net<In, L>, metadata: &Metadata) -> Vec<u8> {
    let mut bytes = Vec::new();
    let put = |piece: &[u8]| -> Result<(), std::convert::Infallible> {
        bytes.extend_from_slice(piece);
        Ok(())
    };
    let Ok(()) = write(net, metadata, Description::default(), put);
    bytes
}

fn file() -> Vec<u8> {
    written(&tiny(), &metadata())
}

/// Parses a copy of `bytes` that begins `offset` bytes after a multiple of 8 in memory, and looks at the model.
fn look<In: Tensor, L: Layer<In>, R>(
    offset: usize,
    bytes: &[u8],
    at: impl FnOnce(Model<'_, In, L>) -> R,
) -> Result<R, ModelError> {
    let mut room = vec![0; bytes.len() + 16];
    let start = room.as_ptr().align_offset(8) + offset;
    let copy = &mut room[start..start + bytes.len()];
    copy.copy_from_slice(bytes);
    Model::parse(copy).map(at)
}

/// The bits of the tiny network's weights, and the metadata.
fn parse_at(offset: usize, bytes: &[u8]) -> Result<(Vec<u32>, Metadata), ModelError> {
    look::<Input, Layers, _>(offset, bytes, |model| (bits(model.net), model.metadata))
}

fn parse(bytes: &[u8]) -> Result<(Vec<u32>, Metadata), ModelError> {
    parse_at(0, bytes)
}

fn bits<In: Tensor, L: Layer<In>>(net: &Net<In, L>) -> Vec<u32> {
    let mut bits = Vec::new();
    net.visit(|_, run| bits.extend(run.iter().map(|value| value.to_bits())));
    bits
}

/// CRC-32/ISO-HDLC, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// The tiny network's file with something changed, and a checksum that is right again.
fn forged(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    resealed(file(), change)
}

fn resealed(mut bytes: Vec<u8>, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    bytes.truncate(bytes.len() - 4);
    change(&mut bytes);
    let crc = crc32(&bytes);
    bytes.extend(crc.to_le_bytes());
    bytes
}

/// As [`forged`], with the number at `at` in the prelude replaced.
fn with_number(at: usize, number: u32) -> Vec<u8> {
    forged(|bytes| bytes[at..at + 4].copy_from_slice(&number.to_le_bytes()))
}

/// As [`forged`], with other metadata.
fn with_metadata(encoded: &[u8]) -> Vec<u8> {
    forged(|bytes| {
        let weights = bytes.split_off(u32_at(bytes, 24) as usize);
        bytes.truncate(32);
        bytes.extend(encoded);
        bytes.resize(bytes.len().next_multiple_of(16), 0);
        let place = bytes.len() as u32;
        bytes[20..24].copy_from_slice(&(encoded.len() as u32).to_le_bytes());
        bytes[24..28].copy_from_slice(&place.to_le_bytes());
        bytes.extend(weights);
    })
}

fn encoded_metadata() -> Vec<u8> {
    let bytes = file();
    bytes[32..32 + u32_at(&bytes, 20) as usize].to_vec()
}

#[track_caller]
fn assert_refused(bytes: &[u8], expected: ModelError, message: &str) {
    let error = parse(bytes).expect_err("it was taken for a model");
    assert_eq!(error, expected);
    assert_says(error, message);
}

#[track_caller]
fn assert_says(error: impl Display, message: &str) {
    let shown = error.to_string();
    assert!(shown.contains(message) && !shown.contains('\n'), "{shown:?} should contain {message:?}");
}

#[test]
fn what_is_written_is_read_again_bit_by_bit() {
    let (weights, read) = parse(&file()).unwrap();
    assert_eq!(weights, bits(&tiny()));
    assert_eq!(read, metadata());
}

#[test]
fn accuracies_that_were_not_measured_stay_nan() {
    let metadata = Metadata { validation_accuracy: f32::NAN, test_accuracy: f32::NAN, ..metadata() };
    let (_, read) = parse(&written(&tiny(), &metadata)).unwrap();
    assert!(read.validation_accuracy.is_nan() && read.test_accuracy.is_nan());
}

#[test]
fn the_network_itself_sets_its_architecture_and_divisor() {
    let wrong = Metadata { architecture: text("4: dense 2"), pixel_divisor: 3, ..metadata() };
    assert_eq!(written(&tiny(), &wrong), file());
}

#[test]
fn the_longest_metadata_fits() {
    let longest = Metadata {
        cost: text(&"c".repeat(16)),
        seed: u64::MAX,
        epochs: u32::MAX,
        training_images: u32::MAX,
        command: text(&"x".repeat(255)),
        ..metadata()
    };
    assert_eq!(parse(&written(&tiny(), &longest)).unwrap().1, longest);
}

/// Two classes, a pair for each of two channels, a checksum.
fn described() -> Vec<u8> {
    let numbers = [1.5f32, 2.0, -8.0, 0.5].map(f32::to_le_bytes).concat();
    [&b"\x02\x03cat\x05sn\xc3\xb3w\x02"[..], &numbers, b"\xac\x02"].concat()
}

#[test]
fn the_description_is_read_where_it_lies() {
    let encoded = described();
    let description = Description::parse(&encoded).unwrap();
    let mut bytes = Vec::new();
    write(&tiny(), &metadata(), description, |piece| {
        bytes.extend_from_slice(piece);
        Ok::<_, std::convert::Infallible>(())
    })
    .unwrap();
    let read = minnet::model::description(&bytes).unwrap();
    assert_eq!((read, read.data()), (description, 300));
    assert_eq!(read.classes().iter().collect::<Vec<_>>(), ["cat", "snów"]);
    // In an older reader it is what follows the last field.
    assert_eq!(parse(&bytes).unwrap(), (bits(&tiny()), metadata()));
    assert_eq!(minnet::model::description(&file()).unwrap(), Description::default());
}

#[test]
fn a_damaged_description_is_refused() {
    let whole = described();
    for length in 1..whole.len() {
        let encoded = [encoded_metadata(), whole[..length].to_vec()].concat();
        assert_refused(&with_metadata(&encoded), ModelError::Metadata, "cannot be decoded");
    }
    let mut zero = whole.clone();
    zero[16..20].fill(0);
    let encoded = [encoded_metadata(), zero].concat();
    assert_refused(&with_metadata(&encoded), ModelError::Normalization, "of no use");
}

#[test]
fn pixels_that_are_divided_by_another_number_are_refused() {
    let encoded = encoded_metadata();
    let place = encoded.windows(2).position(|two| two == [0x80, 0x02]).unwrap();
    let changed = [&encoded[..place], &[1], &encoded[place + 2..]].concat();
    assert_refused(&with_metadata(&changed), ModelError::PixelDivisor(1), "divided by another number than 256");
}

#[test]
fn metadata_have_room_for_many_classes() {
    let name = |class: usize| [&[2], format!("{:02}", class % 100).as_bytes()].concat();
    let of = |classes: usize| {
        let count = [classes as u8 | 0x80, (classes >> 7) as u8 | 0x80, (classes >> 14) as u8];
        let names: Vec<u8> = (0..classes).flat_map(name).collect();
        [encoded_metadata(), count.to_vec(), names, vec![0, 0]].concat()
    };
    let many = with_metadata(&of(20_000));
    assert_eq!(minnet::model::description(&many).unwrap().classes().iter().count(), 20_000);
    assert_eq!(parse(&many).unwrap().1, metadata());
    assert_refused(&with_metadata(&of(22_000)), ModelError::Layout, "contradict");
}

#[test]
fn a_network_without_parameters_is_a_model_too() {
    type Nothing = Net<[f32; 2], Dropout<50>>;
    let bytes = written(&Nothing::ZERO, &Metadata::default());
    let architecture = look::<[f32; 2], Dropout<50>, _>(0, &bytes, |model| model.metadata.architecture);
    assert_eq!(architecture.unwrap(), "2: dropout 50");
}

#[test]
fn writing_stops_at_the_first_failure() {
    let whole = file().len();
    for room in 0..whole {
        let mut taken = 0;
        let result = write(&tiny(), &metadata(), Description::default(), |piece: &[u8]| {
            taken += piece.len();
            if taken > room { Err(room) } else { Ok(()) }
        });
        assert_eq!(result, Err(room));
        assert!(taken - room <= 255, "went on for {} bytes", taken - room);
    }
}

#[test]
fn every_shorter_length_is_refused() {
    let bytes = file();
    for len in 0..bytes.len() {
        let expected = if len < 32 { 32 } else { bytes.len() };
        assert_eq!(parse(&bytes[..len]), Err(ModelError::Truncated { expected, found: len }), "length {len}");
    }
    assert_says(parse(&bytes[..50]).unwrap_err(), "cut short: copy it again, in binary mode (50 bytes instead of");
}

#[test]
fn every_flipped_bit_is_refused() {
    let original = file();
    for at in 0..original.len() {
        for bit in 0..8 {
            let mut bytes = original.clone();
            bytes[at] ^= 1 << bit;
            let error = parse(&bytes).expect_err("a flipped bit went unnoticed");
            let is_expected = match at {
                0..6 => error == ModelError::NotAModel,
                6..8 => error == ModelError::TextMode,
                8..12 => matches!(error, ModelError::Version(_)),
                // The length goes with the type.
                12 if bit == 2 => matches!(error, ModelError::TrailingBytes { .. }),
                12..16 => matches!(error, ModelError::Element(_)),
                20..24 => error == ModelError::Layout || error == ModelError::Checksum,
                24..32 => matches!(error, ModelError::Truncated { .. } | ModelError::TrailingBytes { .. }),
                _ => error == ModelError::Checksum,
            };
            assert!(is_expected, "byte {at}, bit {bit}: {error:?}");
        }
    }
}

#[test]
fn other_files_are_no_models() {
    for bytes in [&b"\x89PNG\r\n\x1a\n and more"[..], b"Once upon a time", b"\0", b"MINNER\r\n"] {
        assert_refused(bytes, ModelError::NotAModel, "not a minnet model: make one with `host train`");
    }
}

#[test]
fn what_a_transfer_as_text_did_is_said() {
    let original = file();
    let lines: Vec<&[u8]> = original.split(|&byte| byte == b'\n').collect();
    let unix = |line: &[u8]| line.strip_suffix(b"\r").unwrap_or(line).to_vec();
    for changed in [
        lines.iter().map(|line| unix(line)).collect::<Vec<_>>().join(&b'\n'),
        lines.join(&b"\r\n"[..]),
        lines.iter().map(|line| unix(line)).collect::<Vec<_>>().join(&b'\r'),
        original.iter().map(|byte| byte & 0x7f).collect(),
    ] {
        assert_ne!(changed, original);
        assert_refused(
            &changed,
            ModelError::TextMode,
            "moved in text mode, which changed its line ends or its high bits",
        );
    }
}

#[test]
fn another_version_is_refused() {
    assert_refused(&with_number(8, 2), ModelError::Version(2), "(the file has version 2, the program 1)");
    assert_refused(&with_number(8, 0), ModelError::Version(0), "train or export it again");
}

#[test]
fn another_type_of_weight_is_refused() {
    assert_refused(&with_number(12, 8), ModelError::Element(8), "of another type than the program's");
    assert_refused(&with_number(12, 1), ModelError::Element(1), "of an earlier version: quantize again");
    let integers = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/digits-small-int8.minnet");
    assert_refused(&std::fs::read(integers).unwrap(), ModelError::Element(3), "see `host quantize`");
}

#[test]
fn bytes_after_the_end_are_refused() {
    let mut bytes = file();
    let expected = bytes.len();
    for found in expected + 1..expected + 20 {
        bytes.push(0);
        assert_refused(&bytes, ModelError::TrailingBytes { expected, found }, "bytes after the model's end");
    }
}

#[test]
fn sizes_that_contradict_each_other_are_refused() {
    let bytes = file();
    let (length, place) = (u32_at(&bytes, 20), u32_at(&bytes, 24));
    let message = "sizes contradict each other";
    for length in [0, length - 16, length + 16, place, u32::MAX] {
        assert_refused(&with_number(20, length), ModelError::Layout, message);
    }
    // Four weights less, and begun one block later.
    let moved = forged(|bytes| {
        bytes[24..28].copy_from_slice(&(place + 16).to_le_bytes());
        bytes[28..32].copy_from_slice(&(PARAMETERS as u32 - 4).to_le_bytes());
    });
    assert_refused(&moved, ModelError::Layout, message);
    assert_refused(&with_metadata(&[0; 65_537]), ModelError::Layout, message);
}

#[test]
fn damage_is_told_by_the_checksum() {
    let mut bytes = file();
    let last = bytes.len() - 1;
    bytes[last] ^= 0x80;
    assert_refused(&bytes, ModelError::Checksum, "checksum is wrong: the file is damaged, copy it again");
}

#[test]
fn another_network_is_refused() {
    type Reluctant = Net<Input, seq![Dense<4, 3, Relu>, Dense<3, 2, Softmax>]>;
    let bytes = written(&Reluctant::ZERO, &metadata());
    let (expected, found) = (Tiny::FINGERPRINT, Reluctant::FINGERPRINT);
    assert_refused(&bytes, ModelError::Architecture { expected, found }, "belongs to another network");
    assert_says(parse(&bytes).unwrap_err(), &format!("(fingerprint {found:08x} instead of {expected:08x})"));
}

#[test]
fn another_number_of_weights_is_refused() {
    let bytes = forged(|bytes| {
        bytes[28..32].copy_from_slice(&(PARAMETERS as u32 + 1).to_le_bytes());
        bytes.extend([0; 4]);
    });
    let (expected, found) = (PARAMETERS, PARAMETERS + 1);
    assert_refused(&bytes, ModelError::Count { expected, found }, "is not that of its architecture");
    assert_says(parse(&bytes).unwrap_err(), &format!("({found} instead of {expected})"));
}

#[test]
fn padding_is_zero() {
    let bytes = file();
    let (end, place) = (32 + u32_at(&bytes, 20) as usize, u32_at(&bytes, 24) as usize);
    assert!(end < place, "this model has no padding to test with");
    for at in end..place {
        let bytes = forged(|bytes| bytes[at] = 1);
        assert_refused(&bytes, ModelError::Padding, "between the model's parts is not zero");
    }
}

#[test]
fn weights_are_finite() {
    let place = u32_at(&file(), 24) as usize;
    for index in 0..PARAMETERS {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::from_bits(0xff80_0001)] {
            let bytes = forged(|bytes| bytes[place + 4 * index..][..4].copy_from_slice(&value.to_le_bytes()));
            assert_refused(&bytes, ModelError::NotFinite { index }, &format!("smaller --eta (weight {index})"));
        }
    }
}

#[test]
fn sums_do_not_overflow() {
    let place = u32_at(&file(), 24) as usize;
    // A weight of the first layer, one of the last, and a bias.
    for (index, layer) in [(0, 1), (4 * 3 + 3, 2), (PARAMETERS - 1, 2)] {
        for value in [f32::MAX, f32::MIN] {
            let bytes = forged(|bytes| bytes[place + 4 * index..][..4].copy_from_slice(&value.to_le_bytes()));
            assert_refused(&bytes, ModelError::Overflow { layer }, &format!("--l2 (layer {layer})"));
        }
    }
}

#[test]
fn bytes_are_aligned_to_four() {
    for offset in 0..8 {
        let result = parse_at(offset, &file());
        if offset % 4 == 0 {
            assert!(result.is_ok());
        } else {
            assert_eq!(result, Err(ModelError::Misaligned));
        }
    }
    assert_says(ModelError::Misaligned, "not aligned to 4: embed them with `include_model!`");
}

#[test]
fn metadata_are_postcard() {
    let encoded = encoded_metadata();
    let cost = 1 + Tiny::ARCHITECTURE.as_str().len() + 2;
    let mut too_long = encoded.clone();
    too_long.splice(cost..=cost, [17, b'x', b'y', b'z']);
    let mut not_text = encoded.clone();
    not_text[1] = 0xff;
    let all = encoded.len();
    for broken in [&[][..], &[0xff; 40], &encoded[..all - 1], &encoded[..5], &too_long, &not_text] {
        assert_refused(&with_metadata(broken), ModelError::Metadata, "metadata cannot be decoded");
    }
}

#[test]
fn metadata_may_go_on_with_fields_of_later_versions() {
    let encoded = [encoded_metadata(), vec![0; 3], vec![7; 20]].concat();
    assert_eq!(parse(&with_metadata(&encoded)).unwrap().1, metadata());
}

#[test]
fn no_size_makes_it_panic() {
    let sizes = [0, 1, 4, 31, 32, 1024, 1 << 30, 1 << 31, u32::MAX - 3, u32::MAX];
    for metadata in sizes {
        for place in sizes {
            for parameters in sizes {
                let bytes = forged(|bytes| {
                    for (at, number) in [(20, metadata), (24, place), (28, parameters)] {
                        bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
                    }
                });
                assert!(parse(&bytes).is_err() && minnet::model::metadata(&bytes).is_err());
            }
        }
    }
}

#[test]
fn garbage_is_refused() {
    let mut state = 1_u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    for len in 0..300 {
        let garbage: Vec<u8> = (0..len).map(|_| random()).collect();
        assert!(parse(&garbage).is_err());
        assert!(parse(&[&MAGIC[..], &garbage].concat()).is_err());
        // A prelude that is right up to the sizes.
        assert!(parse(&[&file()[..20], &garbage].concat()).is_err());
    }
}

/// A reader that knows nothing but the specification.
mod by_hand {
    use super::{crc32, u32_at};

    #[derive(Debug, PartialEq)]
    pub struct Read {
        pub fingerprint: u32,
        pub architecture: String,
        pub pixel_divisor: u64,
        pub cost: String,
        pub seed: u64,
        pub epochs: u64,
        pub training_images: u64,
        pub validation_accuracy: u32,
        pub test_accuracy: u32,
        pub command: String,
        pub weights: Vec<u32>,
    }

    pub fn read(bytes: &[u8]) -> Read {
        assert_eq!(&bytes[..8], b"MINNET\r\n");
        assert_eq!([u32_at(bytes, 8), u32_at(bytes, 12)], [1, 0], "version and element type");
        let [fingerprint, length, place, count] = [16, 20, 24, 28].map(|at| u32_at(bytes, at));
        let (length, place, count) = (length as usize, place as usize, count as usize);
        assert_eq!(place, (32 + length).div_ceil(16) * 16);
        assert!(bytes[32 + length..place].iter().all(|&byte| byte == 0));
        let end = place + 4 * count;
        assert_eq!(bytes.len(), end + 4);
        assert_eq!(u32_at(bytes, end), crc32(&bytes[..end]));

        let mut fields = Fields(&bytes[32..32 + length]);
        let read = Read {
            fingerprint,
            architecture: fields.text(),
            pixel_divisor: fields.varint(),
            cost: fields.text(),
            seed: fields.varint(),
            epochs: fields.varint(),
            training_images: fields.varint(),
            validation_accuracy: u32_at(fields.take(4), 0),
            test_accuracy: u32_at(fields.take(4), 0),
            command: fields.text(),
            weights: (0..count).map(|index| u32_at(bytes, place + 4 * index)).collect(),
        };
        assert_eq!(fields.0, b"", "bytes after the last field");
        assert_eq!(read.fingerprint, crc32(read.architecture.as_bytes()));
        read
    }

    struct Fields<'a>(&'a [u8]);

    impl<'a> Fields<'a> {
        fn take(&mut self, count: usize) -> &'a [u8] {
            let (taken, rest) = self.0.split_at(count);
            self.0 = rest;
            taken
        }

        fn varint(&mut self) -> u64 {
            let mut value = 0;
            for shift in (0..64).step_by(7) {
                let byte = self.take(1)[0];
                value |= u64::from(byte & 0x7f) << shift;
                if byte < 0x80 {
                    break;
                }
            }
            value
        }

        fn text(&mut self) -> String {
            let length = self.varint() as usize;
            String::from_utf8(self.take(length).to_vec()).unwrap()
        }
    }
}

/// What the reader made by hand should find.
fn expected(architecture: &str, weights: Vec<u32>, metadata: &Metadata) -> by_hand::Read {
    by_hand::Read {
        fingerprint: minnet::model::fingerprint(architecture),
        architecture: architecture.to_string(),
        pixel_divisor: 256,
        cost: metadata.cost.to_string(),
        seed: metadata.seed,
        epochs: metadata.epochs.into(),
        training_images: metadata.training_images.into(),
        validation_accuracy: metadata.validation_accuracy.to_bits(),
        test_accuracy: metadata.test_accuracy.to_bits(),
        command: metadata.command.to_string(),
        weights,
    }
}

#[test]
fn a_reader_made_from_the_specification_reads_the_same() {
    assert_eq!(by_hand::read(&file()), expected(Tiny::ARCHITECTURE.as_str(), bits(&tiny()), &metadata()));
}

/// The output of the network in a file whose parameters are all 0, but for a 1 at `place`.
fn output_with_one_at<In: Tensor, L: Layer<In>>(place: usize, input: &In) -> L::Out {
    let bytes = resealed(written(&Net::<In, L>::ZERO, &metadata()), |bytes| {
        let at = u32_at(bytes, 24) as usize + 4 * place;
        bytes[at..at + 4].copy_from_slice(&1_f32.to_le_bytes());
    });
    let mut ram = vec![0.0; Net::<In, L>::RAM];
    look(0, &bytes, |model: Model<'_, In, L>| {
        *model.net.infer_with(|place| *place = *input, &mut ram, &Serial).unwrap()
    })
    .unwrap()
}

#[test]
fn dense_weights_lie_by_inputs_then_outputs() {
    for i in 0..2 {
        for j in 0..3 {
            let mut expected = [0.0; 3];
            expected[j] = [3.0, 5.0][i];
            assert_eq!(output_with_one_at::<_, Dense<2, 3>>(3 * i + j, &[3.0, 5.0]), expected);
            expected[j] = 1.0;
            assert_eq!(output_with_one_at::<_, Dense<2, 3>>(6 + j, &[3.0, 5.0]), expected);
        }
    }
}

#[test]
fn filters_lie_by_rows_then_columns_then_channels_then_outputs() {
    let mut image = <[[[f32; 2]; 5]; 5]>::ZERO;
    image.flat_mut().iter_mut().zip(2_u8..).for_each(|(pixel, number)| *pixel = f32::from(number));
    for place in 0..5 * 5 * 2 * 3 + 3 {
        let (o, c, kx, ky) = (place % 3, place / 3 % 2, place / 6 % 5, place / 30);
        let mut expected = [0.0; 3];
        expected[o] = if ky < 5 { image[ky][kx][c] } else { 1.0 };
        assert_eq!(output_with_one_at::<_, Conv5x5<2, 3>>(place, &image), [[expected]], "parameter {place}");
    }
}

#[test]
fn the_bundled_model_reads_the_same_by_hand() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/digits.minnet");
    let file = host::model::File::read(path.as_ref()).unwrap();
    let network = file.network().unwrap();
    let weights = network.parameters().iter().map(|value| value.to_bits()).collect();
    let expected = expected(&network.architecture().to_string(), weights, &file.metadata().unwrap());
    assert_eq!(by_hand::read(file.bytes()), expected);
}

#[test]
fn the_example_in_the_specification_is_what_the_code_writes() {
    const DOCUMENT: &str = include_str!("../../docs/model-format.md");

    let mut net = Net::<[f32; 2], Dense<2, 1, Sigmoid>>::ZERO;
    let mut values = [0.5, -2.0, 1.0].into_iter();
    net.visit_mut(|_, run| run.iter_mut().for_each(|value| *value = values.next().unwrap()));
    let metadata = Metadata {
        cost: text("quadratic"),
        seed: 1,
        epochs: 30,
        training_images: 50_000,
        validation_accuracy: 0.75,
        test_accuracy: f32::NAN,
        command: text("host train"),
        ..Metadata::default()
    };

    // Lines such as `0020 | 10 32 3a | what it is`.
    let mut example = Vec::new();
    for line in DOCUMENT.lines() {
        let columns: Vec<&str> = line.split(" | ").collect();
        if let [offset, bytes, _] = columns[..]
            && let Ok(offset) = usize::from_str_radix(offset, 16)
        {
            assert_eq!(offset, example.len(), "the offset of {line:?}");
            example.extend(bytes.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()));
        }
    }
    let bytes = written(&net, &metadata);
    assert!(example == bytes, "the document should show:\n{bytes:02x?}");
}

/// What `host/examples/11_own_data.rs` writes, embedded as firmware embeds it.
#[test]
fn a_sensor_s_network_is_embedded_with_its_description() {
    struct Signal;
    impl Flat<[[[f32; 8]; 1]; 16]> for Signal {
        type Vector = [f32; 128];
    }
    type Shaken = Net<
        [[[f32; 2]; 1]; 32],
        seq![Conv<5, 1, 2, 8, NoPool, Relu, Stride<2, Same>>, Flatten<Signal>, Dense<128, 3, Softmax>],
    >;
    static NET: Quantized<Shaken> =
        minnet::include_quantized!(Quantized<'static, Shaken>, "../data/shaken-int8.minnet");
    static DATA: Description = minnet::include_description!("../data/shaken-int8.minnet");
    assert_eq!(DATA.classes().iter().collect::<Vec<_>>(), ["still", "shaken", "turned"]);
    assert_ne!(NET.input(), minnet::quant::Input::PIXELS);
    // At rest, with gravity along the second axis.
    let raw: Vec<f32> = (0..64).map(|index| if index % 2 == 0 { 0.0 } else { 9.8 }).collect();
    let (mut bytes, mut ram) = ([0; 64], [0; Quantized::<Shaken>::RAM]);
    DATA.normalization().quantize(&raw, NET.input(), &mut bytes);
    let class = minnet::quant::argmax(NET.infer_pixels(&bytes, &mut ram));
    assert_eq!(DATA.classes().get(class), Some("still"));
}
