//! A sheet of digits in a grid, each with what it is and what it was taken for: to look through a network's mistakes.

use std::path::Path;

use resvg::tiny_skia::{Pixmap, PremultipliedColorU8};

use crate::data::Image;
use crate::error::Result;
use crate::file::write_atomically;
use crate::plot::svg::{self, Anchor, Style, fitting, text};

/// The most digits on one sheet.
pub const MOST: usize = 200;

const MARGIN: usize = 24;
const HEAD: usize = 56;

/// Pixels of the sheet to a pixel of a digit.
const SCALE: usize = 4;
const DIGIT: usize = 28 * SCALE;
const CELL_WIDTH: usize = DIGIT + 20;
const CELL_HEIGHT: usize = DIGIT + 44;

const TITLE: Style = Style { size: 24.0, bold: true, colour: "#1a1a1a" };
const CAPTION: Style = Style { size: 18.0, bold: false, colour: "#1a1a1a" };
const SCORE: Style = Style { size: 15.0, bold: false, colour: "#666666" };

/// A digit of a sheet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Digit<'a> {
    /// Its image.
    pub image: &'a Image,
    /// What it is, 0 to 9.
    pub label: u8,
    /// What it was taken for, 0 to 9.
    pub predicted: u8,
    /// How sure the network was, to be shown beside the caption with two decimals.
    pub score: Option<f32>,
}

/// Writes a PNG sheet of digits in the given order, ink dark on white, each with a caption such as `7 → 1`: what it is,
/// and what it was taken for. Only the first [`MOST`] are shown; the title then says so.
///
/// # Errors
///
/// Those of [`write_atomically`].
pub fn save(title: &str, digits: &[Digit<'_>], path: &Path) -> Result<()> {
    write_atomically(path, |file| file.write_all(&svg::png(&draw(title, digits)?)?))
}

fn draw(title: &str, digits: &[Digit<'_>]) -> std::io::Result<Pixmap> {
    let title = match digits.len() {
        0 => format!("{title} (none)"),
        MOST.. if digits.len() > MOST => format!("{title} (the first {MOST} of {})", digits.len()),
        _ => title.to_string(),
    };
    let shown = &digits[..digits.len().min(MOST)];
    // Wider than high, as screens are, and wide enough for the title.
    let columns = ((shown.len() as f64 * 1.7).sqrt().ceil() as usize).clamp(5, 20);
    let rows = shown.len().div_ceil(columns);
    let width = 2 * MARGIN + columns * CELL_WIDTH;
    let height = HEAD + rows * CELL_HEIGHT + MARGIN;
    let corner = |index: usize| {
        let (column, row) = (index % columns, index / columns);
        (MARGIN + column * CELL_WIDTH + (CELL_WIDTH - DIGIT) / 2, HEAD + row * CELL_HEIGHT)
    };

    let mut body = String::new();
    let room = (width - 2 * MARGIN) as f64;
    text(&mut body, (width as f64 / 2.0, 36.0), Anchor::Middle, &title, fitting(&title, TITLE, room));
    for (index, digit) in shown.iter().enumerate() {
        let (left, top) = corner(index);
        let (left, baseline) = (left as f64, (top + DIGIT + 23) as f64);
        let caption = format!("{} → {}", digit.label, digit.predicted);
        match digit.score {
            None => text(&mut body, (left + DIGIT as f64 / 2.0, baseline), Anchor::Middle, &caption, CAPTION),
            Some(score) => {
                text(&mut body, (left, baseline), Anchor::Start, &caption, CAPTION);
                text(&mut body, (left + DIGIT as f64, baseline), Anchor::End, &format!("{score:.2}"), SCORE);
            }
        }
    }
    let mut sheet = svg::render(&svg::document(width as f64, height as f64, &body), 1.0)?;
    for (index, digit) in shown.iter().enumerate() {
        paint(&mut sheet, digit.image, corner(index));
    }
    Ok(sheet)
}

/// Paints a digit and its frame, with the digit's upper left corner at (`left`, `top`).
fn paint(sheet: &mut Pixmap, image: &Image, (left, top): (usize, usize)) {
    let width = sheet.width() as usize;
    let frame = PremultipliedColorU8::from_rgba(208, 208, 208, 255);
    let pixels = sheet.pixels_mut();
    for y in 0..DIGIT + 2 {
        for x in 0..DIGIT + 2 {
            let is_frame = [x, y].iter().any(|&place| place == 0 || place == DIGIT + 1);
            let colour = if is_frame {
                frame
            } else {
                let gray = 255 - image[(y - 1) / SCALE * 28 + (x - 1) / SCALE];
                PremultipliedColorU8::from_rgba(gray, gray, gray, 255)
            };
            if let Some(colour) = colour {
                pixels[(top + y - 1) * width + left + x - 1] = colour;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits<'a>(image: &'a Image, count: usize) -> Vec<Digit<'a>> {
        vec![Digit { image, label: 7, predicted: 1, score: Some(0.98) }; count]
    }

    #[test]
    fn digits_stand_dark_on_white_in_their_cells() {
        let mut image = [0; 784];
        image[28 + 2] = 255;
        let sheet = draw("Mistakes", &digits(&image, 7)).unwrap();
        let gray = |x, y| sheet.pixel(x as u32, y as u32).unwrap().red();
        for cell in [0, 1, 5] {
            let (x, y) = (MARGIN + 10 + cell % 5 * CELL_WIDTH, HEAD + cell / 5 * CELL_HEIGHT);
            assert_eq!(gray(x + 2 * SCALE, y + SCALE), 0);
            assert_eq!(gray(x + 3 * SCALE - 1, y + 2 * SCALE - 1), 0);
            assert_eq!(gray(x + 3 * SCALE, y + SCALE), 255);
            assert_eq!(gray(x - 1, y + 3), 208);
            let caption = (0..DIGIT).flat_map(|dx| (5..30).map(move |dy| (x + dx, y + DIGIT + dy)));
            assert!(caption.filter(|&(x, y)| gray(x, y) < 128).count() > 50);
        }
    }

    #[test]
    fn sheets_of_any_length_are_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sheet.png");
        let mut heights = Vec::new();
        for count in [0, 1, MOST, MOST + 1] {
            save("Digits", &digits(&[9; 784], count), &path).unwrap();
            let file = std::io::BufReader::new(std::fs::File::open(&path).unwrap());
            heights.push(png::Decoder::new(file).read_info().unwrap().info().height as usize);
        }
        let with_rows = |rows| HEAD + rows * CELL_HEIGHT + MARGIN;
        assert_eq!(heights, [with_rows(0), with_rows(1), with_rows(11), with_rows(11)]);
    }
}
