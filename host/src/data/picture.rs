//! Pictures as pixels: PNG and JPEG, told apart by their contents, scaled by areas, in gray or in colour. They lie as they
//! do in the file: a note of a camera's that it was turned is not followed, nor is it by PyTorch's and Keras's readers.

use std::io::Cursor;
use std::path::Path;

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::problem::Problem;
use crate::error::{Error, Result};
use crate::file::{self, beginning};

/// The most pixels a picture may have.
const MOST_PIXELS: usize = 64_000_000;

pub(super) const PNG: &[u8] = b"\x89PNG";
pub(super) const JPEG: &[u8] = b"\xff\xd8\xff";

/// What the header of a picture says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) width: usize,
    pub(super) height: usize,
    /// 1 for gray, 3 for red, green and blue.
    pub(super) channels: usize,
}

/// A picture, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Picture {
    pub(super) size: Size,
    pub(super) pixels: Vec<u8>,
}

/// The size of a picture in a file.
pub(super) fn size(path: &Path) -> Result<Size> {
    let bytes = read(path)?;
    let size = if bytes.starts_with(PNG) { png_info(path, &bytes)?.1 } else { jpeg(path, &bytes)?.1 };
    Ok(size)
}

/// A picture in a file.
pub(super) fn load(path: &Path) -> Result<Picture> {
    let bytes = read(path)?;
    if bytes.starts_with(PNG) {
        return load_png(path, &bytes);
    }
    let (mut decoder, size) = jpeg(path, &bytes)?;
    // The decoder would fill in gray what is missing. Its end must stand after its last pixels, not in a thumbnail.
    let last = |marker: u8| bytes.windows(2).rposition(|pair| pair == [0xff, marker]);
    if last(0xd9) < last(0xda) {
        return Err(damaged(path, "it is cut off"));
    }
    let pixels = decoder.decode().map_err(|cause| damaged(path, cause))?;
    if pixels.len() != size.width * size.height * size.channels {
        return Err(damaged(path, "it has fewer pixels than it says"));
    }
    Ok(Picture { size, pixels })
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let bytes = file::read(path)?;
    if bytes.starts_with(PNG) || bytes.starts_with(JPEG) {
        Ok(bytes)
    } else {
        Err(Problem::NotPicture { found: beginning(&bytes) }.of(path))
    }
}

fn damaged(path: &Path, cause: impl std::fmt::Display) -> Error {
    Problem::Picture { cause: cause.to_string() }.of(path)
}

fn check(path: &Path, size: Size) -> Result<Size> {
    let Size { width, height, .. } = size;
    match width.checked_mul(height) {
        Some(0) => Err(damaged(path, "it has no pixels")),
        Some(pixels) if pixels <= MOST_PIXELS => Ok(size),
        _ => Err(Problem::PictureSize { width, height, limit: MOST_PIXELS }.of(path)),
    }
}

/// A JPEG picture up to its pixels.
fn jpeg<'a>(path: &Path, bytes: &'a [u8]) -> Result<(JpegDecoder<Cursor<&'a [u8]>>, Size)> {
    let options = DecoderOptions::new_safe().set_strict_mode(true);
    let mut decoder = JpegDecoder::new_with_options(Cursor::new(bytes), options);
    decoder.decode_headers().map_err(|cause| damaged(path, cause))?;
    let Some(info) = decoder.info() else { return Err(damaged(path, "it has no header")) };
    let channels = if info.components == 1 { 1 } else { 3 };
    let size = check(path, Size { width: info.width.into(), height: info.height.into(), channels })?;
    let space = if channels == 1 { ColorSpace::Luma } else { ColorSpace::RGB };
    decoder.set_options(options.jpeg_set_out_colorspace(space));
    Ok((decoder, size))
}

type PngReader<'a> = png::Reader<Cursor<&'a [u8]>>;

/// A PNG picture up to its pixels.
fn png_info<'a>(path: &Path, bytes: &'a [u8]) -> Result<(PngReader<'a>, Size)> {
    // The guard is `MOST_PIXELS`: at 4 bytes a pixel this limit is not reached.
    let limits = png::Limits { bytes: 8 * MOST_PIXELS };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let reader = decoder.read_info().map_err(|cause| damaged(path, cause))?;
    let info = reader.info();
    let is_gray = matches!(info.color_type, png::ColorType::Grayscale | png::ColorType::GrayscaleAlpha);
    let channels = if is_gray { 1 } else { 3 };
    let size = check(path, Size { width: info.width as usize, height: info.height as usize, channels })?;
    Ok((reader, size))
}

fn load_png(path: &Path, bytes: &[u8]) -> Result<Picture> {
    let (mut reader, size) = png_info(path, bytes)?;
    let mut pixels = vec![0; reader.output_buffer_size().unwrap_or(0)];
    let frame = reader.next_frame(&mut pixels).map_err(|cause| damaged(path, cause))?;
    reader.finish().map_err(|cause| damaged(path, cause))?;
    pixels.truncate(frame.buffer_size());
    // What is transparent lies on white.
    let over = |value: u8, alpha: u8| {
        let [value, alpha] = [value, alpha].map(u32::from);
        ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    let pixels = match frame.color_type.samples() {
        2 => pixels.as_chunks().0.iter().map(|&[gray, alpha]| over(gray, alpha)).collect(),
        4 => {
            let pixels = pixels.as_chunks().0.iter();
            pixels.flat_map(|&[r, g, b, alpha]| [r, g, b].map(|value| over(value, alpha))).collect()
        }
        _ => pixels,
    };
    if pixels.len() != size.width * size.height * size.channels {
        return Err(damaged(path, "it has fewer pixels than it says"));
    }
    Ok(Picture { size, pixels })
}

impl Picture {
    /// The picture in another size and in gray (luma of Rec. 601) or colour, each pixel the mean of what it covers.
    pub(super) fn scaled(self, size: Size) -> Vec<u8> {
        let picture = self.with_channels(size.channels);
        if picture.size == size {
            return picture.pixels;
        }
        let (from, channels) = (picture.size, size.channels);
        let across = shares(from.width, size.width);
        let down = shares(from.height, size.height);
        let mut pixels = Vec::with_capacity(size.height * size.width * channels);
        let mut row = vec![0.0; size.width * channels];
        for rows in &down {
            row.fill(0.0);
            for (y, height) in rows.each() {
                let line = &picture.pixels[y * from.width * channels..][..from.width * channels];
                for (columns, sums) in across.iter().zip(row.chunks_exact_mut(channels)) {
                    for (x, width) in columns.each() {
                        for (sum, &value) in sums.iter_mut().zip(&line[x * channels..]) {
                            *sum += height * width * f32::from(value);
                        }
                    }
                }
            }
            pixels.extend(row.iter().map(|sum| sum.round() as u8));
        }
        pixels
    }

    fn with_channels(self, channels: usize) -> Self {
        let pixels = match (self.size.channels, channels) {
            (3, 1) => {
                let luma = |&[r, g, b]: &[u8; 3]| {
                    let [r, g, b] = [r, g, b].map(u32::from);
                    ((299 * r + 587 * g + 114 * b + 500) / 1000) as u8
                };
                self.pixels.as_chunks().0.iter().map(luma).collect()
            }
            (1, 3) => self.pixels.iter().flat_map(|&gray| [gray; 3]).collect(),
            _ => self.pixels,
        };
        Self { size: Size { channels, ..self.size }, pixels }
    }
}

/// The old pixels which a new one covers, along a line: from `start` on, and the share that each has in it.
struct Cover {
    start: usize,
    shares: Vec<f32>,
}

impl Cover {
    fn each(&self) -> impl Iterator<Item = (usize, f32)> {
        (self.start..).zip(self.shares.iter().copied())
    }
}

/// What each of `to` new pixels covers of `from` old ones, along a line.
fn shares(from: usize, to: usize) -> Vec<Cover> {
    // In units of 1 / to of an old pixel, so that all edges are whole numbers.
    let cover = |new: usize| {
        let (left, right) = (new * from, (new + 1) * from);
        let old = left / to..right.div_ceil(to);
        let share = |x: usize| (right.min((x + 1) * to) - left.max(x * to)) as f32 / from as f32;
        Cover { start: old.start, shares: old.map(share).collect() }
    };
    (0..to).map(cover).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gray(width: usize, height: usize, pixels: &[u8]) -> Picture {
        Picture { size: Size { width, height, channels: 1 }, pixels: pixels.to_vec() }
    }

    #[test]
    fn pixels_are_means_of_what_they_cover() {
        let picture = gray(4, 2, &[0, 100, 200, 40, 20, 80, 100, 60]);
        assert_eq!(picture.clone().scaled(Size { width: 2, height: 1, channels: 1 }), [50, 100]);
        // A third of a pixel and more: 0, 100 | 200, 40 in three.
        let thirds = gray(4, 1, &[0, 120, 240, 60]).scaled(Size { width: 3, height: 1, channels: 1 });
        assert_eq!(thirds, [30, 180, 105]);
        assert_eq!(
            gray(2, 1, &[10, 30]).scaled(Size { width: 4, height: 2, channels: 1 }),
            [10, 10, 30, 30, 10, 10, 30, 30]
        );
        assert_eq!(picture.clone().scaled(picture.size), picture.pixels);
    }

    #[test]
    fn gray_and_colour_become_each_other() {
        let size = Size { width: 2, height: 1, channels: 3 };
        let picture = Picture { size, pixels: vec![255, 0, 0, 10, 10, 10] };
        assert_eq!(picture.clone().scaled(Size { channels: 1, ..size }), [76, 10]);
        assert_eq!(gray(1, 1, &[7]).scaled(Size { width: 1, height: 1, channels: 3 }), [7, 7, 7]);
        let mean = picture.scaled(Size { width: 1, height: 1, channels: 3 });
        assert_eq!(mean, [133, 5, 5]);
    }
}
