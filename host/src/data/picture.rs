//! Pictures as pixels: PNG and JPEG, told apart by their contents, scaled by areas, in gray or in colour. They lie as they
//! do in the file: a note of a camera's that it was turned is not followed, nor is it by PyTorch's and Keras's readers.

use std::borrow::Cow;
use std::path::Path;

use super::problem::Problem;
use crate::error::{Error, Result};
use crate::file::{self, beginning};
use crate::pixels::{Pixels, Unreadable};

/// What the header of a picture says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) width: usize,
    pub(super) height: usize,
    /// 1 for gray, 3 for red, green and blue.
    pub(super) channels: usize,
}

impl Size {
    fn of(pixels: &Pixels<'_>) -> Self {
        let &Pixels { width, height, samples, .. } = pixels;
        Self { width, height, channels: if samples < 3 { 1 } else { 3 } }
    }
}

/// The size of a picture in a file.
pub(super) fn size(path: &Path) -> Result<Size> {
    let bytes = file::read(path)?;
    Pixels::open(path, &bytes).map(|pixels| Size::of(&pixels)).map_err(|cause| error(path, &bytes, cause))
}

/// A picture in a file, of this size and in gray (luma of Rec. 601) or colour, each pixel the mean of what it covers; and
/// whether it was of another size.
pub(super) fn load(path: &Path, size: Size) -> Result<(Vec<u8>, bool)> {
    let bytes = file::read(path)?;
    let fail = |cause| error(path, &bytes, cause);
    let pixels = Pixels::open(path, &bytes).map_err(fail)?;
    let (found, samples) = (Size::of(&pixels), pixels.samples);
    let mut scaled = Scaled::new(found, size);
    pixels.each_row(|row| scaled.add(row, samples)).map_err(fail)?;
    if scaled.pixels.len() != size.width * size.height * size.channels {
        return Err(Problem::Picture { cause: "it has fewer pixels than it says".into() }.of(path));
    }
    Ok((scaled.pixels, found != size))
}

fn error(path: &Path, bytes: &[u8], cause: Unreadable) -> Error {
    let problem = match cause {
        Unreadable::NoPicture => Problem::NotPicture { found: beginning(bytes) },
        Unreadable::Damaged(cause) => Problem::Picture { cause },
        Unreadable::TooLarge { width, height, limit } => Problem::PictureSize { width, height, limit },
        Unreadable::Memory(error) => return error,
    };
    problem.of(path)
}

/// A picture that is brought to a size while its rows come.
struct Scaled {
    from: Size,
    to: Size,
    across: Vec<Cover>,
    down: Vec<Cover>,
    /// Rows that have come.
    rows: usize,
    /// Of the row that is being made.
    sums: Vec<f32>,
    pixels: Vec<u8>,
}

impl Scaled {
    fn new(from: Size, to: Size) -> Self {
        let (across, down) = (shares(from.width, to.width), shares(from.height, to.height));
        let sums = vec![0.0; to.width * to.channels];
        Self { from, to, across, down, rows: 0, sums, pixels: Vec::with_capacity(to.height * to.width * to.channels) }
    }

    /// Takes the next row, of pixels of so many samples.
    fn add(&mut self, row: &[u8], samples: usize) {
        let row = with_channels(row, samples, self.to.channels);
        if (self.from.width, self.from.height) == (self.to.width, self.to.height) {
            self.pixels.extend_from_slice(&row);
            return;
        }
        let channels = self.to.channels;
        let at = |made: usize| made / (self.to.width * channels).max(1);
        while let Some(&Cover { start, ref shares }) = self.down.get(at(self.pixels.len())) {
            let Some(height) = self.rows.checked_sub(start).and_then(|place| shares.get(place)) else { break };
            for (columns, sums) in self.across.iter().zip(self.sums.chunks_exact_mut(channels)) {
                for (x, width) in columns.each() {
                    for (sum, &value) in sums.iter_mut().zip(&row[x * channels..]) {
                        *sum += height * width * f32::from(value);
                    }
                }
            }
            if self.rows + 1 < start + shares.len() {
                break;
            }
            self.pixels.extend(self.sums.iter().map(|sum| sum.round() as u8));
            self.sums.fill(0.0);
        }
        self.rows += 1;
    }
}

/// Pixels of so many samples in gray or colour. What is transparent lies on white.
fn with_channels(row: &[u8], samples: usize, channels: usize) -> Cow<'_, [u8]> {
    let over = |value: u8, alpha: u8| {
        let [value, alpha] = [value, alpha].map(u32::from);
        ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    let opaque: Cow<'_, [u8]> = match samples {
        2 => row.as_chunks().0.iter().map(|&[gray, alpha]| over(gray, alpha)).collect(),
        4 => {
            let pixels = row.as_chunks().0.iter();
            pixels.flat_map(|&[r, g, b, alpha]| [r, g, b].map(|value| over(value, alpha))).collect()
        }
        _ => row.into(),
    };
    match (samples, channels) {
        (3 | 4, 1) => {
            let luma = |&[r, g, b]: &[u8; 3]| {
                let [r, g, b] = [r, g, b].map(u32::from);
                ((299 * r + 587 * g + 114 * b + 500) / 1000) as u8
            };
            opaque.as_chunks().0.iter().map(luma).collect()
        }
        (1 | 2, 3) => opaque.iter().flat_map(|&gray| [gray; 3]).collect(),
        _ => opaque,
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

    fn size(width: usize, height: usize, channels: usize) -> Size {
        Size { width, height, channels }
    }

    fn scaled(from: Size, pixels: &[u8], to: Size) -> Vec<u8> {
        let mut scaled = Scaled::new(from, to);
        pixels.chunks(from.width * from.channels).for_each(|row| scaled.add(row, from.channels));
        scaled.pixels
    }

    #[test]
    fn pixels_are_means_of_what_they_cover() {
        let (of, pixels) = (size(4, 2, 1), [0, 100, 200, 40, 20, 80, 100, 60]);
        assert_eq!(scaled(of, &pixels, size(2, 1, 1)), [50, 100]);
        // A third of a pixel and more: 0, 100 | 200, 40 in three.
        assert_eq!(scaled(size(4, 1, 1), &[0, 120, 240, 60], size(3, 1, 1)), [30, 180, 105]);
        assert_eq!(scaled(size(1, 4, 1), &[0, 120, 240, 60], size(1, 3, 1)), [30, 180, 105]);
        assert_eq!(scaled(size(2, 1, 1), &[10, 30], size(4, 2, 1)), [10, 10, 30, 30, 10, 10, 30, 30]);
        assert_eq!(scaled(of, &pixels, of), pixels);
    }

    #[test]
    fn gray_and_colour_become_each_other() {
        let pixels = [255, 0, 0, 10, 10, 10];
        assert_eq!(scaled(size(2, 1, 3), &pixels, size(2, 1, 1)), [76, 10]);
        assert_eq!(scaled(size(1, 1, 1), &[7], size(1, 1, 3)), [7, 7, 7]);
        assert_eq!(scaled(size(2, 1, 3), &pixels, size(1, 1, 3)), [133, 5, 5]);
        // What is transparent lies on white.
        assert_eq!(*with_channels(&[100, 255, 100, 0], 2, 1), [100, 255]);
        assert_eq!(*with_channels(&[0, 0, 0, 0], 4, 3), [255, 255, 255]);
    }
}
