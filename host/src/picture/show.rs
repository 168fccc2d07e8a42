//! What was seen in pictures, step by step, as a picture for people: so that a wrong answer can be understood.

use std::path::Path;

use super::Reading;
use crate::drawing::{Anchor, Drawing, Raster, Rgb, Style, fitting};
use crate::error::Result;
use crate::file::write_atomically;

const MARGIN: usize = 20;
const HEAD: usize = 70;

/// The height of a step's picture, and its greatest width.
const HEIGHT: usize = 336;
const WIDTH: usize = 480;

/// Sides of a digit as the network sees it: of a single one, and of one of many.
const LARGE: usize = 336;
const SMALL: usize = 56;

/// The most digits that are shown.
const MOST: usize = 150;

const TITLE: Style = Style { size: 22.0, bold: true, colour: [0x1a; 3] };
const CAPTION: Style = Style { size: 16.0, bold: false, colour: [0x66; 3] };
const FRAME: Rgb = [0xd0; 3];
const FOUND: Rgb = [0xd6, 0x27, 0x28];

/// A picture to be shown.
pub struct Shown {
    /// What was read.
    pub reading: Reading,
    /// What stands above it: the file's name, and the answer.
    pub title: String,
    /// The answer to each digit.
    pub answers: Vec<String>,
}

/// A step: what it is, and its picture.
struct Panel {
    caption: &'static str,
    width: usize,
    height: usize,
    pixels: Vec<Rgb>,
    /// Digits have their answers below them.
    labels: Vec<((usize, usize), String)>,
}

/// Writes a PNG picture of what was seen: a row for each picture.
///
/// # Errors
///
/// Those of [`write_atomically`].
pub fn show(pictures: &[Shown], path: &Path) -> Result<()> {
    write_atomically(path, |file| file.write_all(&draw(pictures)?.png()?))
}

fn draw(pictures: &[Shown]) -> std::io::Result<Raster> {
    let rows: Vec<Vec<Panel>> = pictures.iter().map(panels).collect();
    let row_width = |row: &Vec<Panel>| row.iter().map(|panel| panel.width + MARGIN).sum::<usize>();
    let row_height = |row: &Vec<Panel>| HEAD + MARGIN + row.iter().map(|panel| panel.height).max().unwrap_or(0);
    let width = MARGIN + rows.iter().map(row_width).max().unwrap_or(0);
    let height = rows.iter().map(row_height).sum::<usize>().max(1);
    let mut drawing = Drawing::new(width as f64, height as f64);
    let mut top = 0;
    for (row, picture) in rows.iter().zip(pictures) {
        let style = fitting(&picture.title, TITLE, (width - 2 * MARGIN) as f64);
        drawing.text((MARGIN as f64, (top + 32) as f64), Anchor::Start, &picture.title, style);
        let mut left = MARGIN;
        for panel in row {
            drawing.text((left as f64, (top + 58) as f64), Anchor::Start, panel.caption, CAPTION);
            for ((x, y), label) in &panel.labels {
                let place = ((left + x) as f64, (top + HEAD + y) as f64);
                drawing.text(place, Anchor::Middle, label, CAPTION);
            }
            left += panel.width + MARGIN;
        }
        top += row_height(row);
    }
    let mut raster = drawing.raster(1.0)?;
    let mut top = 0;
    for row in &rows {
        let mut left = MARGIN;
        for panel in row {
            // What is white is left as it is, with the text on it.
            for (i, colour) in panel.pixels.iter().enumerate().filter(|(_, colour)| **colour != [255; 3]) {
                raster.pixels[(top + HEAD + i / panel.width) * width + left + i % panel.width] = *colour;
            }
            left += panel.width + MARGIN;
        }
        top += row_height(row);
    }
    Ok(raster)
}

fn panels(shown: &Shown) -> Vec<Panel> {
    let Reading { digits, colours, steps, .. } = &shown.reading;
    let size = (colours.width, colours.height);
    let mut picture = panel("the picture, upright", size, |i| {
        let alpha = colours.alpha.as_ref().map_or(1.0, |alpha| alpha[i]);
        // What is transparent is shown on a middle gray: the ink may be white.
        colours.pixels[i].map(|value| (alpha * value + (1.0 - alpha) * 160.0).round() as u8)
    });
    let factor = colours.factor;
    let scale = |place: usize| place * picture.width / (factor * colours.width).max(1);
    let boxes: Vec<_> = digits.iter().map(|digit| digit.area).collect();
    for area in boxes {
        let [left, top, right, bottom] = [area.left, area.top, area.right, area.bottom].map(scale);
        let (right, bottom) = (right.min(picture.width - 1), bottom.min(picture.height - 1));
        for x in left..=right {
            (picture.pixels[top.min(bottom) * picture.width + x], picture.pixels[bottom * picture.width + x]) =
                (FOUND, FOUND);
        }
        for y in top..=bottom {
            (picture.pixels[y * picture.width + left.min(right)], picture.pixels[y * picture.width + right]) =
                (FOUND, FOUND);
        }
    }
    let mut panels = vec![picture];
    if let Some(amounts) = steps.as_ref().and_then(|steps| steps.amounts.as_ref()) {
        panels.push(panel("the ink", size, |i| [255 - amounts.pixels[i].clamp(0.0, 255.0) as u8; 3]));
    }
    if let Some(strokes) = steps.as_ref().and_then(|steps| steps.strokes.as_ref()) {
        panels.push(panel("without lines and specks", size, |i| [if strokes.pixels[i] { 0 } else { 255 }; 3]));
    }
    if !digits.is_empty() {
        panels.push(seen(shown));
    }
    panels
}

/// A picture scaled to a panel.
fn panel(caption: &'static str, (from_width, from_height): (usize, usize), pixel: impl Fn(usize) -> Rgb) -> Panel {
    let scale = (HEIGHT as f32 / from_height as f32).min(WIDTH as f32 / from_width as f32);
    let scaled = |side: usize| ((side as f32 * scale) as usize).max(1);
    let (width, height) = (scaled(from_width), scaled(from_height));
    let mut pixels = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            let is_frame = x == 0 || y == 0 || x + 1 == width || y + 1 == height;
            let from = y * from_height / height * from_width + x * from_width / width;
            pixels.push(if is_frame { FRAME } else { pixel(from) });
        }
    }
    Panel { caption, width, height, pixels, labels: Vec::new() }
}

/// The digits as the network sees them.
fn seen(shown: &Shown) -> Panel {
    let digits = &shown.reading.digits[..shown.reading.digits.len().min(MOST)];
    let side = if digits.len() == 1 { LARGE } else { SMALL };
    let (cell, columns) = (side + 24, digits.len().min(9));
    let rows = digits.len().div_ceil(columns.max(1));
    let (width, height) = ((cell * columns).max(190), rows * (side + 32));
    let mut pixels = vec![[255; 3]; width * height];
    let mut labels = Vec::new();
    for (index, digit) in digits.iter().enumerate() {
        let (left, top) = (index % columns * cell, index / columns * (side + 32));
        for y in 0..side {
            for x in 0..side {
                let ink = digit.image[y * 28 / side * 28 + x * 28 / side];
                // Not quite white, so that its frame is seen.
                pixels[(top + y) * width + left + x] = [254 - ink.min(254); 3];
            }
        }
        if let Some(answer) = shown.answers.get(index) {
            labels.push(((left + side / 2, top + side + 20), answer.clone()));
        }
    }
    Panel { caption: "as the network sees it", width, height, pixels, labels }
}
