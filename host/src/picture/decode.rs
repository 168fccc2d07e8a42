//! PNG and JPEG pictures, read upright, as EXIF says, and scaled down while they are read, so that a large photograph
//! needs little memory.

use std::io::Cursor;

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::gray::Colours;

const MAX_PIXELS: u64 = 64_000_000;

/// Why a file is not read.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// It begins as neither a PNG nor a JPEG picture.
    NoPicture,
    Damaged(String),
    TooLarge {
        width: u32,
        height: u32,
        limit: u64,
    },
}

fn damaged(cause: impl ToString) -> Unreadable {
    Unreadable::Damaged(cause.to_string())
}

fn check(width: u32, height: u32) -> Result<(), Unreadable> {
    match u64::from(width) * u64::from(height) {
        0 => Err(damaged("it has no pixels")),
        pixels if pixels > MAX_PIXELS => Err(Unreadable::TooLarge { width, height, limit: MAX_PIXELS }),
        _ => Ok(()),
    }
}

/// The picture in a file, with at most `side` pixels on its longer side.
pub(super) fn decode(bytes: &[u8], side: usize) -> Result<Colours, Unreadable> {
    let (colours, orientation) = if bytes.starts_with(b"\x89PNG") {
        png(bytes, side)?
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        jpeg(bytes, side)?
    } else {
        return Err(Unreadable::NoPicture);
    };
    Ok(upright(colours, orientation))
}

fn png(bytes: &[u8], side: usize) -> Result<(Colours, u16), Unreadable> {
    // The guard is MAX_PIXELS, before anything is allocated: at 4 bytes a pixel this limit is not reached.
    let limits = png::Limits { bytes: 8 * MAX_PIXELS as usize };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(damaged)?;
    let info = reader.info();
    let (width, height, is_interlaced) = (info.width, info.height, info.interlaced);
    check(width, height)?;
    let samples = reader.output_color_type().0.samples();
    let mut means = Means::new(width as usize, height as usize, samples, side);
    if is_interlaced {
        let mut pixels = vec![0; reader.output_buffer_size().unwrap_or(0)];
        reader.next_frame(&mut pixels).map_err(damaged)?;
        pixels.chunks_exact(width as usize * samples).for_each(|row| means.add(row));
    } else {
        while let Some(row) = reader.next_row().map_err(damaged)? {
            means.add(row.data());
        }
    }
    reader.finish().map_err(damaged)?;
    let orientation = reader.info().exif_metadata.as_ref().and_then(|exif| orientation(exif));
    Ok((means.colours(), orientation.unwrap_or(1)))
}

fn jpeg(bytes: &[u8], side: usize) -> Result<(Colours, u16), Unreadable> {
    let options = DecoderOptions::new_safe().set_strict_mode(true);
    let options = options.jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(Cursor::new(bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let Some(info) = decoder.info() else { return Err(damaged("it has no header")) };
    let (width, height) = (usize::from(info.width), usize::from(info.height));
    check(info.width.into(), info.height.into())?;
    // The decoder would fill in gray what is missing. Its end must stand after its last pixels, not in a thumbnail.
    let last = |marker: u8| bytes.windows(2).rposition(|pair| pair == [0xff, marker]);
    if last(0xd9) < last(0xda) {
        return Err(damaged("it is cut off"));
    }
    let pixels = decoder.decode().map_err(damaged)?;
    if pixels.len() != width * height * 3 {
        return Err(damaged("it has fewer pixels than it says"));
    }
    let mut means = Means::new(width, height, 3, side);
    pixels.chunks_exact(3 * width).for_each(|row| means.add(row));
    let orientation = decoder.exif().and_then(|exif| orientation(exif));
    Ok((means.colours(), orientation.unwrap_or(1)))
}

/// The means of squares of pixels, taken row by row.
struct Means {
    /// The side of a square.
    factor: usize,
    width: usize,
    samples: usize,
    /// Red, green and blue times alpha, and alpha, of the squares that are being filled.
    sums: Vec<[f32; 4]>,
    rows: usize,
    colours: Colours,
    alphas: Vec<f32>,
}

impl Means {
    fn new(width: usize, height: usize, samples: usize, side: usize) -> Self {
        let factor = width.max(height).div_ceil(side).max(1);
        // What is left over at the right and below is less than a square: it is dropped, unless it is all.
        let (columns, rows) = ((width / factor).max(1), (height / factor).max(1));
        let pixels = Vec::with_capacity(columns * rows);
        let colours = Colours { width: columns, height: 0, factor, pixels, alpha: None };
        Self { factor, width, samples, sums: vec![[0.0; 4]; columns], rows: 0, colours, alphas: Vec::new() }
    }

    fn add(&mut self, row: &[u8]) {
        let squares = row.chunks(self.factor * self.samples);
        for (sum, square) in self.sums.iter_mut().zip(squares) {
            match self.samples {
                1 => {
                    let gray = square.iter().map(|&gray| u32::from(gray)).sum::<u32>() as f32;
                    (0..3).for_each(|i| sum[i] += gray);
                    sum[3] += square.len() as f32;
                }
                3 => {
                    let mut whole = [0_u32; 3];
                    for pixel in square.as_chunks::<3>().0 {
                        (0..3).for_each(|i| whole[i] += u32::from(pixel[i]));
                    }
                    (0..3).for_each(|i| sum[i] += whole[i] as f32);
                    sum[3] += (square.len() / 3) as f32;
                }
                _ => {
                    for pixel in square.chunks_exact(self.samples) {
                        let alpha = f32::from(pixel[self.samples - 1]) / 255.0;
                        (0..3).for_each(|i| sum[i] += alpha * f32::from(pixel[i.min(self.samples - 2)]));
                        sum[3] += alpha;
                    }
                }
            }
        }
        self.rows += 1;
        if self.rows == self.factor {
            self.finish_row();
        }
    }

    fn finish_row(&mut self) {
        let across = self.factor.min(self.width) as f32;
        for sum in &mut self.sums {
            let [colour @ .., weight] = std::mem::take(sum);
            self.colours.pixels.push(colour.map(|value| if weight > 0.0 { value / weight } else { 0.0 }));
            if self.samples.is_multiple_of(2) {
                self.alphas.push(weight / (across * self.rows as f32));
            }
        }
        self.colours.height += 1;
        self.rows = 0;
    }

    fn colours(mut self) -> Colours {
        if self.colours.height == 0 {
            self.finish_row();
        }
        let is_transparent = self.alphas.iter().any(|&alpha| alpha < 1.0);
        Colours { alpha: is_transparent.then_some(self.alphas), ..self.colours }
    }
}

/// The orientation in EXIF metadata: from 1 for upright to 8.
fn orientation(exif: &[u8]) -> Option<u16> {
    const ORIENTATION: u16 = 0x0112;
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    let is_little = match tiff.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let number = |at: usize, length: usize| {
        let bytes = tiff.get(at..at.checked_add(length)?)?;
        let joined = |sum: u32, &byte: &u8| sum << 8 | u32::from(byte);
        Some(if is_little { bytes.iter().rev().fold(0, joined) } else { bytes.iter().fold(0, joined) })
    };
    let directory = number(4, 4)? as usize;
    let entries = number(directory, 2)? as usize;
    let entry = (0..entries).map(|i| directory + 2 + 12 * i).find(|&at| number(at, 2) == Some(ORIENTATION.into()))?;
    number(entry + 8, 2).map(|value| value as u16)
}

/// The picture turned, and mirrored, as its orientation says.
fn upright(colours: Colours, orientation: u16) -> Colours {
    let (width, height) = (colours.width, colours.height);
    // Where in the stored picture a pixel of the upright one lies.
    let from = |x: usize, y: usize| match orientation {
        2 => (width - 1 - x, y),
        3 => (width - 1 - x, height - 1 - y),
        4 => (x, height - 1 - y),
        5 => (y, x),
        6 => (y, height - 1 - x),
        7 => (width - 1 - y, height - 1 - x),
        8 => (width - 1 - y, x),
        _ => (x, y),
    };
    if !(2..=8).contains(&orientation) {
        return colours;
    }
    let (new_width, new_height) = if orientation >= 5 { (height, width) } else { (width, height) };
    let places = (0..new_height).flat_map(|y| (0..new_width).map(move |x| (x, y)));
    let order: Vec<usize> = places.map(|(x, y)| from(x, y)).map(|(x, y)| y * width + x).collect();
    Colours {
        width: new_width,
        height: new_height,
        factor: colours.factor,
        pixels: order.iter().map(|&i| colours.pixels[i]).collect(),
        alpha: colours.alpha.map(|alpha| order.iter().map(|&i| alpha[i]).collect()),
    }
}
