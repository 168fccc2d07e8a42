//! A page with many digits: a Sudoku, photographed aslant.

use super::Part;
use super::sketch::{Place, Sketch, mnist};
use std::f32::consts::PI;

/// A page with many digits.
pub struct Page {
    /// A JPEG file.
    pub bytes: Vec<u8>,
    /// Line by line: the digit of each cell, if it has one, and where the middle of the cell is, in pixels.
    pub cells: Vec<(Option<u16>, [f32; 2])>,
}

/// A Sudoku of 81 cells on a desk, photographed aslant and from one side.
pub fn sudoku(index: usize, part: Part) -> Page {
    const CELL: f32 = 90.0;
    const SHEET: f32 = 11.0 * CELL;
    let mut sheet = Sketch::new(index, part, "sudoku");
    sheet.size(SHEET as usize, SHEET as usize, [240.0, 240.0, 235.0]);
    let ink = sheet.ink();
    for i in 0..=9 {
        let (at, pen) = (CELL * (1 + i) as f32, if i % 3 == 0 { 4.0 } else { 1.5 });
        sheet.line([CELL, at], [10.0 * CELL, at], pen, [50.0; 3]);
        sheet.line([at, CELL], [at, 10.0 * CELL], pen, [50.0; 3]);
    }
    let mut digits = [None; 81];
    for (cell, digit) in digits.iter_mut().enumerate() {
        if sheet.chance.uniform() < 0.45 {
            // No cell of a Sudoku holds a 0.
            let mut number = 131 * index + cell;
            while mnist(part, number).1 == 0 {
                number += 81;
            }
            let (image, label) = mnist(part, number);
            *digit = Some(label);
            let middle = |place: usize| CELL * (1.5 + place as f32);
            let [x, y] = [cell % 9, cell / 9].map(|place| middle(place) + sheet.chance.between(-6.0, 6.0));
            let side = CELL * sheet.chance.between(0.5, 0.64);
            sheet.draw_image(image, Place { x, y, side, turn: 0.0 }, ink);
        }
    }

    let (width, height) = (1600, 1300);
    let turn = sheet.chance.between(-9.0, 9.0) * PI / 180.0;
    let corners = [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]].map(|[x, y]: [f32; 2]| {
        let [x, y] = [x, y].map(|place| place * sheet.chance.between(470.0, 540.0));
        [800.0 + x * turn.cos() - y * turn.sin(), 650.0 + x * turn.sin() + y * turn.cos()]
    });
    let to_picture = Perspective::onto(corners);
    let to_sheet = to_picture.inverse();
    let mut photograph = Sketch::new(index, part, "photograph");
    photograph.size(width, height, [70.0, 60.0, 50.0]);
    for y in 0..height {
        for x in 0..width {
            let [u, v] = to_sheet.of([x as f32 + 0.5, y as f32 + 0.5]).map(|place| place * SHEET - 0.5);
            if u >= 0.0 && v >= 0.0 && u < SHEET - 1.0 && v < SHEET - 1.0 {
                photograph.pixels[y * width + x] = sheet.between(u, v);
            }
        }
    }
    photograph.each(|x, y, pixel, _| pixel.map(|value| value * (1.0 - 0.25 * x - 0.15 * y)));
    photograph.noise(4.0);
    photograph.quality = Some(80);
    let middle = |cell: usize| to_picture.of([cell % 9, cell / 9].map(|place| CELL * (1.5 + place as f32) / SHEET));
    let cells = digits.into_iter().enumerate().map(|(cell, digit)| (digit, middle(cell))).collect();
    Page { bytes: photograph.file(), cells }
}

/// A map of the plane as a camera makes it.
struct Perspective([[f32; 3]; 3]);

impl Perspective {
    /// The unit square onto four corners.
    fn onto([a, b, c, d]: [[f32; 2]; 4]) -> Self {
        let sum = |i: usize| a[i] - b[i] + c[i] - d[i];
        let (dx1, dx2, dy1, dy2) = (b[0] - c[0], d[0] - c[0], b[1] - c[1], d[1] - c[1]);
        let all = dx1 * dy2 - dx2 * dy1;
        let (g, h) = ((sum(0) * dy2 - dx2 * sum(1)) / all, (dx1 * sum(1) - sum(0) * dy1) / all);
        let row = |i: usize| [b[i] - a[i] + g * b[i], d[i] - a[i] + h * d[i], a[i]];
        Self([row(0), row(1), [g, h, 1.0]])
    }

    /// The map back.
    fn inverse(&self) -> Self {
        let m = self.0;
        // Divided by nothing: a map times a number is the same map.
        let minor = |r: usize, c: usize| {
            let (r1, r2, c1, c2) = ((r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3);
            m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
        };
        Self([0, 1, 2].map(|r| [0, 1, 2].map(|c| minor(c, r))))
    }

    fn of(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let [u, v, w] = self.0.map(|[a, b, c]| a * x + b * y + c);
        [u / w, v / w]
    }
}
