//! Pictures of a digit from anywhere, a scan or a photograph or a drawing, made into images as MNIST's: the paper taken
//! away, the ink scaled to a box of 20 x 20 and centred by its mass in 28 x 28.

mod ink;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::data::Image;
use crate::error::{Error, Result};
use crate::file::beginning;
use ink::ink;

const SIDE: usize = 28;

/// The side of the box which MNIST scales its digits to.
const BOX: usize = 20;

/// Larger pictures are scaled down to this first: strokes stay sharp enough for a box of 20, and the noise of the paper
/// averages out.
const WORKING_SIDE: usize = 640;

const MAX_PIXELS: u64 = 64_000_000;

/// Brightnesses row by row, from 0 to 255 (or amounts of ink, once the paper is taken away).
#[derive(Clone, Debug)]
struct Gray {
    width: usize,
    height: usize,
    pixels: Vec<f32>,
}

/// A rectangle of pixels, its far edges excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rect {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl Gray {
    fn whole(&self) -> Rect {
        Rect { left: 0, top: 0, right: self.width, bottom: self.height }
    }

    fn at(&self, x: usize, y: usize) -> f32 {
        self.pixels[y * self.width + x]
    }

    /// The part `area` in another size, each new pixel the mean over the old pixels which it covers, in part or in
    /// whole.
    fn resized(&self, area: Rect, width: usize, height: usize) -> Self {
        let across = shares(area.left, area.right, width);
        let down = shares(area.top, area.bottom, height);
        let mut pixels = Vec::with_capacity(width * height);
        for rows in &down {
            for columns in &across {
                let row_mean = |y| columns.iter().map(|&(x, share)| share * self.at(x, y)).sum::<f32>();
                pixels.push(rows.iter().map(|&(y, share)| share * row_mean(y)).sum());
            }
        }
        Self { width, height, pixels }
    }

    /// The bounding box of what is not 0.
    fn bounds(&self) -> Option<Rect> {
        let inked = |(i, _): (usize, &f32)| (i % self.width, i / self.width);
        let mut places = self.pixels.iter().enumerate().filter(|&(_, &ink)| ink > 0.0).map(inked);
        let (x, y) = places.next()?;
        let first = Rect { left: x, top: y, right: x + 1, bottom: y + 1 };
        Some(places.fold(first, |bounds, (x, y)| Rect {
            left: bounds.left.min(x),
            top: bounds.top.min(y),
            right: bounds.right.max(x + 1),
            bottom: bounds.bottom.max(y + 1),
        }))
    }

    /// The centre of mass in pixels, the first pixel's middle being 0; the origin if all is 0.
    fn centre(&self) -> (f32, f32) {
        let (mut sum, mut sum_x, mut sum_y) = (0.0, 0.0, 0.0);
        for (i, &ink) in self.pixels.iter().enumerate() {
            sum += ink;
            sum_x += ink * (i % self.width) as f32;
            sum_y += ink * (i / self.width) as f32;
        }
        if sum > 0.0 { (sum_x / sum, sum_y / sum) } else { (0.0, 0.0) }
    }
}

/// For each of `count` equal parts of `start..end`, the pixels it covers and the share each has in it.
fn shares(start: usize, end: usize, count: usize) -> Vec<Vec<(usize, f32)>> {
    let step = (end - start) as f32 / count as f32;
    let part = |i: usize| {
        let (from, to) = (i as f32 * step, (i + 1) as f32 * step);
        let covered = (from as usize)..(to.ceil() as usize).min(end - start);
        let share = |x: usize| (to.min((x + 1) as f32) - from.max(x as f32)).max(0.0) / step;
        covered.map(|x| (start + x, share(x))).collect()
    };
    (0..count).map(part).collect()
}

/// Loads a PNG picture of one digit, of any size and colour type, dark on light or light on dark, and prepares it as
/// MNIST's images are prepared. A picture of 28 x 28 which already is so comes out as it is, or inverted.
///
/// # Errors
///
/// [`Error::Read`], [`Error::NotPng`], [`Error::PngCorrupt`], [`Error::PictureTooLarge`] beyond 64 million pixels, and
/// [`Error::NoInk`] for a blank picture.
pub fn load(path: &Path) -> Result<Image> {
    prepare(&decode(path)?).ok_or_else(|| Error::NoInk { path: path.to_path_buf() })
}

fn decode(path: &Path) -> Result<Gray> {
    let fail = |cause| Error::Read { path: path.to_path_buf(), cause };
    let corrupt = |cause| Error::PngCorrupt { path: path.to_path_buf(), cause };
    let mut file = BufReader::new(File::open(path).map_err(fail)?);
    let start = file.fill_buf().map_err(fail)?;
    if !start.starts_with(b"\x89PNG") {
        return Err(Error::NotPng { path: path.to_path_buf(), found: beginning(start) });
    }

    // The guard is MAX_PIXELS, below, before anything is allocated: at 4 bytes a pixel this limit is not reached.
    let limits = png::Limits { bytes: 8 * MAX_PIXELS as usize };
    let mut decoder = png::Decoder::new_with_limits(file, limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(corrupt)?;
    let (width, height) = (reader.info().width, reader.info().height);
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(Error::PictureTooLarge { path: path.to_path_buf(), width, height, limit: MAX_PIXELS });
    }
    let mut bytes = vec![0; reader.output_buffer_size().unwrap_or(0)];
    let frame = reader.next_frame(&mut bytes).map_err(corrupt)?;
    let samples = frame.color_type.samples();
    let (width, height) = (width as usize, height as usize);

    let over = |paper: f32| {
        let pixels = bytes.chunks_exact(samples).take(width * height).map(|pixel| brightness(pixel, paper)).collect();
        Gray { width, height, pixels }
    };
    // What is transparent is taken for white paper, unless the picture vanishes on it: white ink on nothing.
    let on_white = over(255.0);
    let is_blank = on_white.pixels.iter().all(|&pixel| pixel == on_white.pixels[0]);
    Ok(if is_blank { over(0.0) } else { on_white })
}

/// The brightness of a pixel (gray, gray and alpha, RGB, or RGB and alpha) that lies on paper of brightness `paper`.
fn brightness(pixel: &[u8], paper: f32) -> f32 {
    let luma = |r: u8, g: u8, b: u8| 0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b);
    let (own, alpha) = match *pixel {
        [gray] => (f32::from(gray), 255),
        [gray, alpha] => (f32::from(gray), alpha),
        [r, g, b] => (luma(r, g, b), 255),
        [r, g, b, alpha] => (luma(r, g, b), alpha),
        _ => (paper, 0),
    };
    paper + (own - paper) * f32::from(alpha) / 255.0
}

/// Makes an image as MNIST's of a picture, or nothing of a picture without ink.
fn prepare(picture: &Gray) -> Option<Image> {
    if let Some(image) = already_prepared(picture) {
        return Some(image);
    }
    let longest = picture.width.max(picture.height);
    let ink = if longest > WORKING_SIDE {
        let scaled = |side: usize| (side * WORKING_SIDE / longest).max(1);
        ink(&picture.resized(picture.whole(), scaled(picture.width), scaled(picture.height)))?
    } else {
        ink(picture)?
    };

    let bounds = ink.bounds()?;
    let (width, height) = (bounds.right - bounds.left, bounds.bottom - bounds.top);
    let fitted = |side: usize| ((side * BOX) as f32 / width.max(height) as f32).round().max(1.0) as usize;
    let digit = ink.resized(bounds, fitted(width), fitted(height));

    let (x, y) = digit.centre();
    let left = ((SIDE / 2) as f32 - x).round().clamp(0.0, (SIDE - digit.width) as f32) as usize;
    let top = ((SIDE / 2) as f32 - y).round().clamp(0.0, (SIDE - digit.height) as f32) as usize;
    let mut image = [0; SIDE * SIDE];
    for (y, row) in digit.pixels.chunks_exact(digit.width).enumerate() {
        let start = (top + y) * SIDE + left;
        for (pixel, ink) in image[start..].iter_mut().zip(row) {
            *pixel = ink.round() as u8;
        }
    }
    Some(image)
}

/// The picture itself, or inverted, if it is an image as MNIST's. All of MNIST's have this in common: 28 x 28 pixels,
/// paper at 0, ink at 250 or more somewhere, a bounding box of 19 or 20 on its longer side, and the centre of mass
/// within half a pixel of the middle.
fn already_prepared(picture: &Gray) -> Option<Image> {
    if (picture.width, picture.height) != (SIDE, SIDE) {
        return None;
    }
    let inverted = Gray { pixels: picture.pixels.iter().map(|pixel| 255.0 - pixel).collect(), ..*picture };
    [picture, &inverted].into_iter().find(|candidate| is_as_mnist(candidate)).map(|prepared| {
        let mut image = [0; SIDE * SIDE];
        image.iter_mut().zip(&prepared.pixels).for_each(|(pixel, ink)| *pixel = ink.round() as u8);
        image
    })
}

fn is_as_mnist(picture: &Gray) -> bool {
    let Some(bounds) = picture.bounds() else { return false };
    let longest = (bounds.right - bounds.left).max(bounds.bottom - bounds.top);
    let (x, y) = picture.centre();
    let is_central = |place: f32| (place - (SIDE / 2) as f32).abs() < 0.6;
    let darkest = picture.pixels.iter().copied().fold(0.0, f32::max);
    (BOX - 1..=BOX).contains(&longest) && is_central(x) && is_central(y) && darkest >= 250.0
}

/// Draws an image for a terminal: 28 lines, two characters a pixel since characters are twice as high as wide.
pub fn ascii_art(image: &Image) -> String {
    const RAMP: &[u8; 10] = b" .:-=+*#%@";
    let mut art = String::new();
    for row in image.chunks_exact(SIDE) {
        let line: String = row.iter().flat_map(|&ink| [char::from(RAMP[usize::from(ink) * 10 / 256]); 2]).collect();
        art.push_str(line.trim_end());
        art.push('\n');
    }
    art
}

#[cfg(test)]
mod tests;
