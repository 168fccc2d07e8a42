//! Which pixels are ink: connected pieces, their thickness, and pens made thicker.

use super::gray::{Gray, Rect};

/// Yes or no for each pixel, row by row.
#[derive(Clone)]
pub(super) struct Mask {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Vec<bool>,
}

/// Pixels that are connected.
pub(super) struct Piece {
    pub(super) area: Rect,
    pub(super) pixels: Vec<usize>,
}

impl Mask {
    pub(super) fn of(gray: &Gray, least: f32) -> Self {
        let pixels = gray.pixels.iter().map(|&value| value >= least).collect();
        Self { width: gray.width, height: gray.height, pixels }
    }

    pub(super) fn at(&self, x: usize, y: usize) -> bool {
        self.pixels[y * self.width + x]
    }

    pub(super) fn count(&self) -> usize {
        self.pixels.iter().filter(|&&is_ink| is_ink).count()
    }

    /// Its connected pieces, corners touching.
    pub(super) fn pieces(&self) -> Vec<Piece> {
        let mut is_new = self.pixels.clone();
        let mut pieces = Vec::new();
        for start in 0..self.pixels.len() {
            if !std::mem::take(&mut is_new[start]) {
                continue;
            }
            let mut pixels = vec![start];
            let mut next = 0;
            while next < pixels.len() {
                let (x, y) = (pixels[next] % self.width, pixels[next] / self.width);
                for y in y.saturating_sub(1)..(y + 2).min(self.height) {
                    for x in x.saturating_sub(1)..(x + 2).min(self.width) {
                        let neighbour = y * self.width + x;
                        if std::mem::take(&mut is_new[neighbour]) {
                            pixels.push(neighbour);
                        }
                    }
                }
                next += 1;
            }
            let place = |&i: &usize| (i % self.width, i / self.width);
            let of_pixel = |(x, y)| Rect { left: x, top: y, right: x + 1, bottom: y + 1 };
            if let Some(area) = pixels.iter().map(place).map(of_pixel).reduce(Rect::with) {
                pieces.push(Piece { area, pixels });
            }
        }
        pieces
    }

    /// Its pieces, with those together that are at most `2 * distance` apart.
    pub(super) fn pieces_within(&self, distance: f32) -> Vec<Piece> {
        if distance <= 0.0 {
            return self.pieces();
        }
        let distances = self.distances();
        let pixels = distances.pixels.iter().map(|&away| away <= distance).collect();
        let mut pieces = Self { pixels, ..*self }.pieces();
        for piece in &mut pieces {
            piece.pixels.retain(|&i| self.pixels[i]);
            let of_pixel = |&i: &usize| {
                let (x, y) = (i % self.width, i / self.width);
                Rect { left: x, top: y, right: x + 1, bottom: y + 1 }
            };
            piece.area = piece.pixels.iter().map(of_pixel).reduce(Rect::with).unwrap_or(piece.area);
        }
        pieces
    }

    /// How thick its strokes are: a long stroke has its area, and two edges as long as it is.
    pub(super) fn thickness(&self) -> f32 {
        let is_inside = |x: usize, y: usize| {
            x > 0
                && y > 0
                && x + 1 < self.width
                && y + 1 < self.height
                && self.at(x - 1, y)
                && self.at(x + 1, y)
                && self.at(x, y - 1)
                && self.at(x, y + 1)
        };
        let places = (0..self.height).flat_map(|y| (0..self.width).map(move |x| (x, y)));
        let edge = places.filter(|&(x, y)| self.at(x, y) && !is_inside(x, y)).count();
        // A line of one pixel is all edge, and one of two.
        let (count, edge) = (self.count() as f32, edge.max(1) as f32);
        if count < 1.5 * edge { count / edge } else { 2.0 * count / edge }
    }

    /// How many holes of at least so many pixels it has.
    pub(super) fn holes(&self, least: usize) -> usize {
        let paper = Self { pixels: self.pixels.iter().map(|&is_ink| !is_ink).collect(), ..*self };
        let is_hole = |piece: &Piece| {
            let Rect { left, top, right, bottom } = piece.area;
            left > 0 && top > 0 && right < self.width && bottom < self.height && piece.pixels.len() >= least
        };
        paper.pieces().iter().filter(|piece| is_hole(piece)).count()
    }

    /// Rows become columns.
    pub(super) fn turned(&self) -> Self {
        let pixels = (0..self.width).flat_map(|x| (0..self.height).map(move |y| self.at(x, y))).collect();
        Self { width: self.height, height: self.width, pixels }
    }

    /// How far each pixel is from the mask, to within some per cent.
    pub(super) fn distances(&self) -> Gray {
        let far = (self.width + self.height) as f32;
        let pixels = self.pixels.iter().map(|&is_ink| if is_ink { 0.0 } else { far }).collect();
        let mut gray = Gray { width: self.width, height: self.height, pixels };
        let (width, height) = (self.width as isize, self.height as isize);
        let mut pass = |places: &mut dyn Iterator<Item = (isize, isize)>, back: isize| {
            for (x, y) in places {
                let mut best = gray.pixels[(y * width + x) as usize];
                for (dx, dy, step) in [(-1, 0, 1.0), (-1, -1, 1.4), (0, -1, 1.0), (1, -1, 1.4)] {
                    let (x, y) = (x + back * dx, y + back * dy);
                    if (0..width).contains(&x) && (0..height).contains(&y) {
                        best = best.min(gray.pixels[(y * width + x) as usize] + step);
                    }
                }
                gray.pixels[(y * width + x) as usize] = best;
            }
        };
        pass(&mut (0..height).flat_map(|y| (0..width).map(move |x| (x, y))), 1);
        pass(&mut (0..height).rev().flat_map(|y| (0..width).rev().map(move |x| (x, y))), -1);
        gray
    }
}
