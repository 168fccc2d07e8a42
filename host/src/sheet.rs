//! Sheets of pictures in a grid, each with a caption: to look through data, or through a network's mistakes.

use std::path::Path;

use crate::drawing::{Anchor, Drawing, Raster, Rgb, Style, fitting};
use crate::error::Result;
use crate::file::write_atomically;

/// The most pictures on one sheet.
pub const MOST: usize = 200;

const MARGIN: usize = 24;
const HEAD: usize = 56;

/// The side of the square that a picture is shown in.
const SQUARE: usize = 112;
const CELL_WIDTH: usize = SQUARE + 20;
const CELL_HEIGHT: usize = SQUARE + 44;

const TITLE: Style = Style { size: 24.0, bold: true, colour: [0x1a; 3] };
const CAPTION: Style = Style { size: 18.0, bold: false, colour: [0x1a; 3] };
const SCORE: Style = Style { size: 15.0, bold: false, colour: [0x66; 3] };
const FRAME: Rgb = [0xd0; 3];

/// A digit of a sheet.
#[derive(Clone, Debug, PartialEq)]
pub struct Digit<'a> {
    /// Its pixels row by row, from 0 for paper to 255 for ink.
    pub image: &'a [u8],
    /// How many of them make a row.
    pub width: usize,
    /// What it is.
    pub label: String,
    /// What it was taken for.
    pub predicted: String,
    /// How sure the network was, to be shown beside the caption with two decimals.
    pub score: Option<f32>,
}

/// A picture of a sheet.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Its pixels row by row, the channels of each together, from 0 for dark to 255 for bright.
    pub pixels: Vec<u8>,
    /// How many of them make a row.
    pub width: usize,
    /// 1 for gray, 3 for red, green and blue.
    pub channels: usize,
    /// What stands below it.
    pub caption: String,
}

/// A picture with what stands below it, at the left and at the right.
struct Cell<'a> {
    picture: &'a Picture,
    score: Option<f32>,
}

/// Writes a PNG sheet of digits in the given order, ink dark on white, each with a caption such as `7 → 1`: what it is,
/// and what it was taken for. Only the first [`MOST`] are shown; the title then says so.
///
/// # Errors
///
/// Those of [`write_atomically`].
pub fn save(title: &str, digits: &[Digit<'_>], path: &Path) -> Result<()> {
    write_atomically(path, |file| file.write_all(&draw_digits(title, digits)?.png()?))
}

/// Writes a PNG sheet of pictures in the given order, so many in a row or as many as look well. Only the first [`MOST`]
/// are shown; the title then says so.
///
/// # Errors
///
/// Those of [`write_atomically`].
pub fn save_pictures(title: &str, pictures: &[Picture], columns: Option<usize>, path: &Path) -> Result<()> {
    let cells: Vec<_> = pictures.iter().take(MOST).map(|picture| Cell { picture, score: None }).collect();
    write_atomically(path, |file| file.write_all(&draw(title, &cells, pictures.len(), columns)?.png()?))
}

fn draw_digits(title: &str, digits: &[Digit<'_>]) -> std::io::Result<Raster> {
    let picture = |digit: &Digit<'_>| Picture {
        pixels: digit.image.iter().map(|ink| 255 - ink).collect(),
        width: digit.width,
        channels: 1,
        caption: format!("{} → {}", digit.label, digit.predicted),
    };
    let pictures: Vec<_> = digits.iter().take(MOST).map(picture).collect();
    let cells = pictures.iter().zip(digits).map(|(picture, digit)| Cell { picture, score: digit.score });
    draw(title, &cells.collect::<Vec<_>>(), digits.len(), None)
}

/// Draws the first of `count` pictures.
fn draw(title: &str, shown: &[Cell<'_>], count: usize, columns: Option<usize>) -> std::io::Result<Raster> {
    let title = match count {
        0 => format!("{title} (none)"),
        _ if count > shown.len() => format!("{title} (the first {} of {count})", shown.len()),
        _ => title.to_string(),
    };
    // Wider than high, as screens are, and wide enough for the title.
    let columns = columns.unwrap_or((shown.len() as f64 * 1.7).sqrt().ceil() as usize).clamp(5, 20);
    let rows = shown.len().div_ceil(columns);
    let width = 2 * MARGIN + columns * CELL_WIDTH;
    let height = HEAD + rows * CELL_HEIGHT + MARGIN;
    let corner = |index: usize| {
        let (column, row) = (index % columns, index / columns);
        (MARGIN + column * CELL_WIDTH + (CELL_WIDTH - SQUARE) / 2, HEAD + row * CELL_HEIGHT)
    };

    let mut drawing = Drawing::new(width as f64, height as f64);
    let room = (width - 2 * MARGIN) as f64;
    drawing.text((width as f64 / 2.0, 36.0), Anchor::Middle, &title, fitting(&title, TITLE, room));
    for (index, Cell { picture, score }) in shown.iter().enumerate() {
        let (left, top) = corner(index);
        let (left, baseline) = (left as f64, (top + SQUARE + 23) as f64);
        let caption = &picture.caption;
        match score {
            None => {
                let style = fitting(caption, CAPTION, CELL_WIDTH as f64 - 4.0);
                drawing.text((left + SQUARE as f64 / 2.0, baseline), Anchor::Middle, caption, style);
            }
            Some(score) => {
                drawing.text((left, baseline), Anchor::Start, caption, CAPTION);
                drawing.text((left + SQUARE as f64, baseline), Anchor::End, &format!("{score:.2}"), SCORE);
            }
        }
    }
    let mut sheet = drawing.raster(1.0)?;
    for (index, cell) in shown.iter().enumerate() {
        paint(&mut sheet, cell.picture, corner(index));
    }
    Ok(sheet)
}

/// Paints a picture and its frame in the middle of the square with its upper left corner at (`left`, `top`).
fn paint(sheet: &mut Raster, picture: &Picture, (left, top): (usize, usize)) {
    let channels = picture.channels.max(1);
    let pixels = picture.pixels.len() / channels;
    let columns = picture.width.clamp(1, pixels.max(1));
    let rows = pixels / columns;
    // Enlarged by a whole factor, so that all pixels become squares of one size.
    let side = columns.max(rows);
    let scaled = |length: usize| if side <= SQUARE { SQUARE / side * length } else { (SQUARE * length).div_ceil(side) };
    let (width, height) = (scaled(columns), scaled(rows));
    let (left, top) = (left + (SQUARE - width) / 2, top + (SQUARE - height) / 2);
    for y in 0..height + 2 {
        for x in 0..width + 2 {
            let is_frame = x == 0 || x == width + 1 || y == 0 || y == height + 1;
            let colour = if is_frame {
                FRAME
            } else {
                let pixel = (y - 1) * rows / height * columns + (x - 1) * columns / width;
                let pixel = &picture.pixels[pixel * channels..][..channels];
                std::array::from_fn(|colour| pixel[colour % channels])
            };
            sheet.pixels[(top + y - 1) * sheet.width + left + x - 1] = colour;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sheet pixels to one of a digit of 28 x 28.
    const SCALE: usize = 4;

    fn digits(image: &[u8], count: usize) -> Vec<Digit<'_>> {
        vec![Digit { image, width: 28, label: "7".into(), predicted: "1".into(), score: Some(0.98) }; count]
    }

    #[test]
    fn digits_stand_dark_on_white_in_their_cells() {
        let mut image = [0; 784];
        image[28 + 2] = 255;
        let sheet = draw_digits("Mistakes", &digits(&image, 7)).unwrap();
        let gray = |x: usize, y: usize| sheet.pixels[y * sheet.width + x][0];
        for cell in [0, 1, 5] {
            let (x, y) = (MARGIN + 10 + cell % 5 * CELL_WIDTH, HEAD + cell / 5 * CELL_HEIGHT);
            assert_eq!(gray(x + 2 * SCALE, y + SCALE), 0);
            assert_eq!(gray(x + 3 * SCALE - 1, y + 2 * SCALE - 1), 0);
            assert_eq!(gray(x + 3 * SCALE, y + SCALE), 255);
            assert_eq!(gray(x - 1, y + 3), 208);
            let caption = (0..SQUARE).flat_map(|dx| (5..30).map(move |dy| (x + dx, y + SQUARE + dy)));
            assert!(caption.filter(|&(x, y)| gray(x, y) < 128).count() > 50);
        }
    }

    #[test]
    fn images_of_any_size_are_shown_whole() {
        // An image with ink in its last pixel only, and where that ends on the sheet.
        for (width, height, right, bottom) in
            [(28, 28, 112, 112), (32, 32, 104, 104), (1, 3, 74, 111), (500, 224, 112, 81)]
        {
            let mut image = vec![0; width * height];
            image[width * height - 1] = 255;
            let digit = Digit { image: &image, width, label: "7".into(), predicted: "1".into(), score: None };
            let sheet = draw_digits("One", &[digit]).unwrap();
            let gray = |x: usize, y: usize| sheet.pixels[(HEAD + y) * sheet.width + MARGIN + 10 + x][0];
            assert_eq!(gray(right, bottom), 208, "{width} x {height}");
            assert_ne!(gray(right - 1, bottom - 1), 208, "{width} x {height}");
            if width <= SQUARE {
                assert_eq!(gray(right - 1, bottom - 1), 0, "{width} x {height}");
            }
        }
        for (image, width) in [(&[][..], 0), (&[], 28), (&[1, 2, 3], 0), (&[1, 2, 3], 2), (&[1, 2, 3], usize::MAX)] {
            draw_digits("Odd", &[Digit { image, width, label: "0".into(), predicted: "0".into(), score: None }])
                .unwrap();
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
