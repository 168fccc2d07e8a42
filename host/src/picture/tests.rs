//! Tests of preparing pictures: real MNIST digits, made into pictures as people send them, must come out as they were.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use png::{BitDepth, ColorType};
use tempfile::TempDir;

use super::gray::Gray;
use super::*;
use crate::data::{Dataset, default_directory};

const SIDE: usize = 28;

static DIGITS: LazyLock<Vec<Image>> = LazyLock::new(|| {
    let directory = default_directory().unwrap();
    let [images, labels] = ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"].map(|name| directory.join(name));
    Dataset::load(&images, &labels).unwrap().images.into_iter().take(20).collect()
});

/// Normal noise, the same in every run.
struct Noise(u64);

impl Noise {
    fn uniform(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1_u64 << 24) as f32
    }

    fn normal(&mut self) -> f32 {
        ((0..6).map(|_| self.uniform()).sum::<f32>() - 3.0) * std::f32::consts::SQRT_2
    }
}

/// A picture of a digit magnified `scale` times on a page of `width` x `height` with its corner at `place`, of
/// brightness `paper` (at relative coordinates) less the ink times `contrast`.
fn page(
    digit: &Image,
    scale: usize,
    size: (usize, usize),
    place: (usize, usize),
    contrast: f32,
    mut paper: impl FnMut(f32, f32) -> f32,
) -> Gray {
    let (width, height) = size;
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let (column, row) = (x.wrapping_sub(place.0) / scale, y.wrapping_sub(place.1) / scale);
            let ink = if column < SIDE && row < SIDE { f32::from(digit[row * SIDE + column]) } else { 0.0 };
            let paper = paper(x as f32 / width as f32, y as f32 / height as f32);
            pixels.push((paper - contrast * ink).round().clamp(0.0, 255.0));
        }
    }
    Gray { width, height, pixels }
}

/// The image of the only digit in a picture.
fn prepare(picture: &Gray) -> Option<Image> {
    let (Gray { width, height, pixels }, alpha) = (picture, None);
    let pixels = pixels.iter().map(|&gray| [gray; 3]).collect();
    let colours = Colours { width: *width, height: *height, factor: 1, pixels, alpha }.shrunk(SIDE_OF_ONE);
    Reading::of(PathBuf::new(), colours, false).only().ok().map(|digit| digit.image)
}

fn difference(a: &Image, b: &Image) -> f32 {
    a.iter().zip(b).map(|(&a, &b)| f32::from(a.abs_diff(b))).sum::<f32>() / a.len() as f32
}

/// The mean absolute differences, of 255, of all digits from what comes of their pictures: their mean, and the share
/// of those that are over 8 (a shift by one pixel makes about 20).
fn differences(mut picture: impl FnMut(&Image) -> Gray) -> (f32, f32) {
    let all: Vec<f32> = DIGITS.iter().map(|digit| difference(digit, &prepare(&picture(digit)).unwrap())).collect();
    let count = all.len() as f32;
    (all.iter().sum::<f32>() / count, all.iter().filter(|&&difference| difference > 8.0).count() as f32 / count)
}

#[track_caller]
fn assert_close(found: (f32, f32), mean: f32, far: f32) {
    assert!(found.0 <= mean && found.1 <= far, "{found:?}");
}

#[test]
fn mnist_digits_come_out_as_they_are() {
    let zero = (0.0, 0.0);
    assert_eq!(differences(|digit| page(digit, 1, (28, 28), (0, 0), -1.0, |_, _| 0.0)), zero);
    assert_eq!(differences(|digit| page(digit, 1, (28, 28), (0, 0), 1.0, |_, _| 255.0)), zero);
}

#[test]
fn clean_magnified_digits_come_out_nearly_as_they_were() {
    assert_close(differences(|digit| page(digit, 10, (280, 280), (0, 0), 1.0, |_, _| 255.0)), 2.0, 0.03);
    assert_close(differences(|digit| page(digit, 10, (400, 330), (77, 21), -1.0, |_, _| 0.0)), 2.0, 0.03);
}

#[test]
fn paper_that_is_uneven_and_noisy_is_taken_away() {
    let mut noise = Noise(7);
    let paper = |x: f32, y: f32| 190.0 + 40.0 * x - 30.0 * y * y;
    let found =
        differences(|digit| page(digit, 10, (420, 380), (95, 40), 0.6, |x, y| paper(x, y) + 4.0 * noise.normal()));
    assert_close(found, 3.5, 0.1);
}

#[test]
fn faint_pencil_is_stretched() {
    let mut noise = Noise(9);
    let found =
        differences(|digit| page(digit, 10, (300, 300), (5, 15), 0.15, |x, _| 225.0 + 20.0 * x + 1.0 * noise.normal()));
    assert_close(found, 3.5, 0.1);
}

#[test]
fn large_photographs_are_scaled_down_first() {
    let mut noise = Noise(11);
    let found: Vec<f32> = DIGITS[..3]
        .iter()
        .map(|digit| {
            let picture =
                page(digit, 47, (2000, 1600), (300, 200), 0.5, |_, y| 160.0 + 60.0 * y + 10.0 * noise.normal());
            difference(digit, &prepare(&picture).unwrap())
        })
        .collect();
    // The palest edges are less than the noise.
    assert!(found.iter().all(|&difference| difference < 15.0), "{found:?}");
}

#[test]
fn digits_may_touch_the_border() {
    let found = DIGITS.iter().filter_map(|digit| {
        let digit_alone = page(digit, 1, (28, 28), (0, 0), -1.0, |_, _| 0.0);
        let bounds = digit_alone.bounds().unwrap();
        let (width, height) = (10 * (bounds.right - bounds.left), 10 * (bounds.bottom - bounds.top));
        let place = ((10 * bounds.left).wrapping_neg(), (10 * bounds.top).wrapping_neg());
        prepare(&page(digit, 10, (width, height), place, 0.9, |_, _| 240.0)).map(|image| difference(digit, &image))
    });
    // A stroke along a side may be taken for the edge of a desk, and its palest edge is then not seen.
    let near = found.filter(|&difference| difference < 8.0).count();
    assert!(near * 10 >= DIGITS.len() * 7, "{near} of {}", DIGITS.len());
}

#[test]
fn specks_of_dust_do_not_move_the_digit() {
    let mut picture = page(&DIGITS[0], 10, (400, 400), (50, 50), 0.8, |_, _| 230.0);
    let clean = prepare(&picture).unwrap();
    for i in [401, 402, 801, 802, 400 * 395 + 390] {
        picture.pixels[i] = 20.0;
    }
    assert_eq!(difference(&clean, &prepare(&picture).unwrap()), 0.0);
}

#[test]
fn drawings_without_margins_or_of_odd_shapes_are_centred() {
    // A bar as high as the picture: 20 high, in the middle, and with a pen as thick as MNIST's.
    let bar = Gray {
        width: 9,
        height: 90,
        pixels: (0..810).map(|i| if (3..6).contains(&(i % 9)) { 0.0 } else { 255.0 }).collect(),
    };
    let image = prepare(&bar).unwrap();
    let inked: Vec<usize> = (0..784).filter(|&i| image[i] > 0).collect();
    assert_eq!((inked.len(), inked[0], inked[59]), (60, 5 * 28 + 13, 24 * 28 + 15));
    // A small drawing of 28 x 28 is no MNIST image, whatever its size: it is scaled up.
    let is_inked = |i: usize| (11..17).contains(&(i % 28)) && (3..9).contains(&(i / 28));
    let pixels = (0..784).map(|i| if is_inked(i) { 0.0 } else { 255.0 }).collect();
    let small = Gray { width: 28, height: 28, pixels };
    assert_eq!(prepare(&small).unwrap().iter().filter(|&&ink| ink == 255).count(), 400);
}

#[test]
fn blank_pages_have_no_ink() {
    let mut noise = Noise(3);
    for size in [(1, 1), (2, 1), (28, 28), (300, 200), (700, 500)] {
        assert_eq!(prepare(&page(&[0; 784], 1, size, (0, 0), 1.0, |_, _| 255.0)), None);
        for _ in 0..2 {
            let blank = page(&[0; 784], 1, size, (0, 0), 1.0, |x, y| 200.0 + 30.0 * x * y + 3.0 * noise.normal());
            assert_eq!(prepare(&blank), None, "{size:?}");
        }
    }
}

fn png(directory: &TempDir, size: (u32, u32), color: ColorType, depth: BitDepth, data: &[u8]) -> PathBuf {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size.0, size.1);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if color == ColorType::Indexed {
        encoder.set_palette([255, 255, 255, 0, 0, 80].as_slice());
    }
    encoder.write_header().unwrap().write_image_data(data).unwrap();
    let path = directory.path().join("digit.png");
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn every_colour_type_is_read() {
    let directory = TempDir::new().unwrap();
    let digit = DIGITS[3].map(|ink| if ink > 127 { 255 } else { 0 });
    let expected = prepare(&page(&digit, 1, (28, 28), (0, 0), 1.0, |_, _| 255.0)).unwrap();
    let per_pixel = |to: fn(u8) -> Vec<u8>| digit.iter().flat_map(|&ink| to(ink)).collect::<Vec<u8>>();
    for (color, depth, data) in [
        (ColorType::Grayscale, BitDepth::Eight, per_pixel(|ink| vec![255 - ink])),
        (ColorType::Grayscale, BitDepth::Sixteen, per_pixel(|ink| vec![255 - ink; 2])),
        (ColorType::GrayscaleAlpha, BitDepth::Eight, per_pixel(|ink| vec![0, ink])),
        (ColorType::GrayscaleAlpha, BitDepth::Eight, per_pixel(|ink| vec![255, ink])),
        (ColorType::Rgb, BitDepth::Eight, per_pixel(|ink| vec![255 - ink; 3])),
        (ColorType::Rgba, BitDepth::Eight, per_pixel(|ink| vec![0, 0, 0, ink])),
        (ColorType::Rgba, BitDepth::Sixteen, per_pixel(|ink| vec![0, 0, 0, 0, 0, 0, ink, ink])),
        (ColorType::Indexed, BitDepth::Eight, per_pixel(|ink| vec![ink / 255])),
    ] {
        let image = load(&png(&directory, (28, 28), color, depth, &data)).unwrap();
        assert_eq!(difference(&image, &expected), 0.0, "{color:?} {depth:?}");
    }
}

#[test]
fn files_which_are_no_pictures_are_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("digit.png");
    assert!(matches!(load(&path), Err(Error::Read { .. })));
    for (bytes, kind) in [(&b""[..], "empty"), (b"GIF89a", "GIF"), (b"<html>", "web page")] {
        fs::write(&path, bytes).unwrap();
        let error = load(&path).unwrap_err();
        assert!(matches!(&error, Error::NotPicture { found, .. } if found.contains(kind)), "{error}");
        assert!(error.to_string().contains("digit.png: byte 0: neither a PNG nor a JPEG"), "{error}");
    }
    fs::write(&path, [0xff, 0xd8, 0xff, 0xe0]).unwrap();
    assert!(matches!(load(&path), Err(Error::PictureCorrupt { .. })));

    let whole = fs::read(png(&directory, (28, 28), ColorType::Grayscale, BitDepth::Eight, &DIGITS[0])).unwrap();
    for length in [4, 8, 20, 50, whole.len() / 2] {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(matches!(load(&path), Err(Error::PictureCorrupt { .. })), "{length}");
    }
    let blank = png(&directory, (28, 28), ColorType::Grayscale, BitDepth::Eight, &[9; 784]);
    assert!(matches!(load(&blank), Err(Error::NoInk { path }) if path == blank));
}

#[test]
fn huge_pictures_are_refused_before_they_are_decoded() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("huge.png");
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 40_000, 30_000);
    encoder.set_color(ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_chunk(png::chunk::IDAT, &[]).unwrap();
    drop(writer);
    fs::write(&path, bytes).unwrap();
    assert!(matches!(load(&path), Err(Error::PictureTooLarge { width: 40_000, height: 30_000, .. })));
}

#[test]
fn pictures_are_turned_as_exif_says() {
    // Upright, 3 x 2: the first pixel, and the others.
    let upright = [0, 1, 2, 3, 4, 5];
    let stored: [(u8, u32, [u8; 6]); 8] = [
        (1, 3, upright),
        (2, 3, [2, 1, 0, 5, 4, 3]),
        (3, 3, [5, 4, 3, 2, 1, 0]),
        (4, 3, [3, 4, 5, 0, 1, 2]),
        (5, 2, [0, 3, 1, 4, 2, 5]),
        (6, 2, [2, 5, 1, 4, 0, 3]),
        (7, 2, [5, 2, 4, 1, 3, 0]),
        (8, 2, [3, 0, 4, 1, 5, 2]),
    ];
    for (orientation, width, pixels) in stored {
        for exif in [
            [b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".as_slice(), &[orientation, 0, 0, 0]].concat(),
            [b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(), &[orientation, 0, 0]].concat(),
        ] {
            let mut bytes = Vec::new();
            let mut encoder = png::Encoder::new(&mut bytes, width, 6 / width);
            encoder.set_color(ColorType::Grayscale);
            let mut writer = encoder.write_header().unwrap();
            writer.write_chunk(png::chunk::ChunkType(*b"eXIf"), &exif).unwrap();
            writer.write_image_data(&pixels).unwrap();
            writer.finish().unwrap();
            let colours = decode(Path::new(""), &bytes, 10).unwrap();
            let found: Vec<u8> = colours.pixels.iter().map(|pixel| pixel[0] as u8).collect();
            assert_eq!((colours.width, &found[..]), (3, &upright[..]), "{orientation}");
        }
    }
}

#[test]
fn two_digits_are_not_one_and_many_are_read_in_order() {
    let alone: Vec<Gray> =
        DIGITS[..4].iter().map(|digit| page(digit, 6, (200, 200), (16, 16), 0.9, |_, _| 250.0)).collect();
    let at = |x: usize, y: usize| alone[y / 200 * 2 + x / 200].at(x % 200, y % 200);
    let pixels = (0..160_000).map(|i| [at(i % 400, i / 400); 3]).collect();
    let colours = Colours { width: 400, height: 400, factor: 3, pixels, alpha: None };
    let one = Reading::of(PathBuf::new(), colours.clone(), false);
    assert!(matches!(one.only(), Err(Error::SeveralDigits { count: 4, .. })));
    let many = Reading::of(PathBuf::new(), colours, true);
    let places: Vec<_> =
        many.digits.iter().map(|digit| (digit.line, digit.area.left / 600, digit.area.top / 600)).collect();
    assert_eq!(places, [(0, 0, 0), (0, 1, 0), (1, 0, 1), (1, 1, 1)]);
    for (digit, expected) in many.digits.iter().zip(&*DIGITS) {
        assert!(difference(&digit.image, expected) < 2.0);
    }
}

#[test]
fn what_was_seen_is_shown() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("seen.png");
    let digit =
        png(&directory, (28, 28), ColorType::Grayscale, BitDepth::Eight, &[[9; 14], [250; 14]].concat().repeat(28));
    let shown =
        || Shown { reading: read(&digit, false).unwrap(), title: "digit.png: 1".into(), answers: vec!["1".into()] };
    show(&[shown(), shown()], &path).unwrap();
    let colours = decode(&path, &fs::read(&path).unwrap(), 4000).unwrap();
    assert!(colours.width > 336 && colours.height > 2 * 336, "{} x {}", colours.width, colours.height);
}
