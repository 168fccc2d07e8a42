//! PNG and JPEG pictures, read upright, as EXIF says, and scaled down while they are read, so that a large photograph
//! needs little memory.

use std::path::Path;

use super::gray::Colours;
use crate::pixels::{Pixels, Unreadable};

/// The picture in a file, whose name `path` is in errors, with at most `side` pixels on its longer side.
pub(super) fn decode(path: &Path, bytes: &[u8], side: usize) -> Result<Colours, Unreadable> {
    let pixels = Pixels::open(path, bytes)?;
    let mut means = Means::new(pixels.width, pixels.height, pixels.samples, side);
    let orientation = pixels.each_row(|row| means.add(row))?;
    Ok(upright(means.colours(), orientation))
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
