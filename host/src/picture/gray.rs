//! Gray pictures: scaled, smoothed, and closed, which is what takes the ink away from the paper.

/// Brightnesses row by row, from 0 to 255 (or amounts of ink, once the paper is taken away).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Gray {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Vec<f32>,
}

/// A picture in colour, row by row, from 0 to 255.
#[derive(Clone, Debug)]
pub(super) struct Colours {
    pub(super) width: usize,
    pub(super) height: usize,
    /// How many pixels of the file, along a side, were made into one.
    pub(super) factor: usize,
    pub(super) pixels: Vec<[f32; 3]>,
    /// From 0 for nothing to 1; none if all is opaque.
    pub(super) alpha: Option<Vec<f32>>,
}

impl Colours {
    /// With at most `side` pixels on its longer side, and without alpha.
    pub(super) fn shrunk(&self, side: usize) -> Self {
        let factor = self.width.max(self.height).div_ceil(side).max(1);
        let (width, height) = ((self.width / factor).max(1), (self.height / factor).max(1));
        let mut pixels = vec![[0.0; 3]; width * height];
        let share = 1.0 / (factor.min(self.width) * factor.min(self.height)) as f32;
        for (y, row) in self.pixels.chunks_exact(self.width).enumerate().take(height * factor) {
            let sums = &mut pixels[y / factor * width..][..width];
            for (sum, square) in sums.iter_mut().zip(row.chunks(factor)) {
                square.iter().for_each(|pixel| (0..3).for_each(|i| sum[i] += share * pixel[i]));
            }
        }
        Self { width, height, factor: self.factor * factor, pixels, alpha: None }
    }
}

/// What is taken to be beyond the picture's border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beyond {
    /// What is at the border, for ever: a dark strip along a side is not narrow.
    Same,
    /// Paper: a digit may lie along a side.
    Paper,
}

/// A rectangle of pixels, its far edges excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    /// The first column.
    pub left: usize,
    /// The first row.
    pub top: usize,
    /// The column after the last one.
    pub right: usize,
    /// The row after the last one.
    pub bottom: usize,
}

impl Rect {
    pub(super) fn width(self) -> usize {
        self.right - self.left
    }

    pub(super) fn height(self) -> usize {
        self.bottom - self.top
    }

    /// In a picture that is `factor` times as large.
    pub(super) fn times(self, factor: usize) -> Self {
        let Self { left, top, right, bottom } = self;
        Self { left: left * factor, top: top * factor, right: right * factor, bottom: bottom * factor }
    }

    /// The smallest rectangle around both.
    pub(super) fn with(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }
}

impl Gray {
    pub(super) fn at(&self, x: usize, y: usize) -> f32 {
        self.pixels[y * self.width + x]
    }

    pub(super) fn map(&self, change: impl FnMut(&f32) -> f32) -> Self {
        Self { pixels: self.pixels.iter().map(change).collect(), ..*self }
    }

    /// The part `area` in another size, each new pixel the mean over the old pixels which it covers, in part or in
    /// whole.
    pub(super) fn resized(&self, area: Rect, width: usize, height: usize) -> Self {
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
    pub(super) fn bounds(&self) -> Option<Rect> {
        let inked = |(i, _): (usize, &f32)| (i % self.width, i / self.width);
        let places = self.pixels.iter().enumerate().filter(|&(_, &ink)| ink > 0.0).map(inked);
        places.map(|(x, y)| Rect { left: x, top: y, right: x + 1, bottom: y + 1 }).reduce(Rect::with)
    }

    /// The centre of mass in pixels, the first pixel's middle being 0; the origin if all is 0.
    pub(super) fn centre(&self) -> (f32, f32) {
        let (mut sum, mut sum_x, mut sum_y) = (0.0, 0.0, 0.0);
        for (i, &ink) in self.pixels.iter().enumerate() {
            sum += ink;
            sum_x += ink * (i % self.width) as f32;
            sum_y += ink * (i / self.width) as f32;
        }
        if sum > 0.0 { (sum_x / sum, sum_y / sum) } else { (0.0, 0.0) }
    }

    /// Each pixel the mean of a square around it, twice, so that what is near counts more.
    pub(super) fn smoothed(&self, radius: usize) -> Self {
        if radius == 0 {
            return self.clone();
        }
        let once = |gray: &Self| gray.rows_averaged(radius).turned().rows_averaged(radius).turned();
        once(&once(self))
    }

    fn rows_averaged(&self, radius: usize) -> Self {
        let mut pixels = Vec::with_capacity(self.pixels.len());
        for row in self.pixels.chunks_exact(self.width) {
            let mut sum: f32 = row.iter().take(radius).sum();
            for x in 0..self.width {
                sum += row.get(x + radius).copied().unwrap_or(0.0);
                sum -= if x > radius { row[x - radius - 1] } else { 0.0 };
                let count = (x + radius + 1).min(self.width) - x.saturating_sub(radius);
                pixels.push(sum / count as f32);
            }
        }
        Self { pixels, ..*self }
    }

    /// Rows become columns.
    pub(super) fn turned(&self) -> Self {
        let mut pixels = vec![0.0; self.pixels.len()];
        // In squares that fit the cache.
        for top in (0..self.height).step_by(32) {
            for left in (0..self.width).step_by(32) {
                for y in top..(top + 32).min(self.height) {
                    for x in left..(left + 32).min(self.width) {
                        pixels[x * self.height + y] = self.pixels[y * self.width + x];
                    }
                }
            }
        }
        Self { width: self.height, height: self.width, pixels }
    }

    /// The picture without what is dark and narrower than `2 * radius + 1` pixels.
    pub(super) fn closed(&self, radius: usize, beyond: Beyond) -> Self {
        let wide = self.padded(radius, beyond).turned().padded(radius, beyond).turned();
        let greatest = |gray: &Self| gray.columns_extreme(radius, f32::max);
        let least = |gray: &Self| gray.columns_extreme(radius, f32::min);
        let across = least(&greatest(&greatest(&wide).turned()));
        least(&across.turned()).cropped(radius).turned().cropped(radius).turned()
    }

    /// With more pixels at both ends of each row.
    fn padded(&self, count: usize, beyond: Beyond) -> Self {
        let width = self.width + 2 * count;
        let mut pixels = Vec::with_capacity(width * self.height);
        for row in self.pixels.chunks_exact(self.width) {
            let more = |pixel: f32| std::iter::repeat_n(if beyond == Beyond::Same { pixel } else { 255.0 }, count);
            pixels.extend(more(row[0]));
            pixels.extend_from_slice(row);
            pixels.extend(more(row[row.len() - 1]));
        }
        Self { width, height: self.height, pixels }
    }

    fn cropped(&self, count: usize) -> Self {
        let rows = self.pixels.chunks_exact(self.width);
        let pixels = rows.flat_map(|row| row[count..row.len() - count].iter().copied()).collect();
        Self { width: self.width - 2 * count, height: self.height, pixels }
    }

    /// In each column, the greatest or least of the pixels within `radius`, by the algorithm of van Herk: blocks of the
    /// window's height, of which it meets two, are gone through from above and from below.
    fn columns_extreme(&self, radius: usize, pick: impl Fn(f32, f32) -> f32) -> Self {
        let (width, height, window) = (self.width, self.height, 2 * radius + 1);
        let row = |y: usize| y * width..(y + 1) * width;
        let mut from_above = self.pixels.clone();
        for y in (1..height).filter(|y| !y.is_multiple_of(window)) {
            let (before, rest) = from_above.split_at_mut(y * width);
            let last = &before[row(y - 1)];
            rest[..width].iter_mut().zip(last).for_each(|(pixel, last)| *pixel = pick(*pixel, *last));
        }
        let mut from_below = self.pixels.clone();
        for y in (0..height.saturating_sub(1)).rev().filter(|y| !(y + 1).is_multiple_of(window)) {
            let (before, rest) = from_below.split_at_mut((y + 1) * width);
            let next = &rest[..width];
            before[row(y)].iter_mut().zip(next).for_each(|(pixel, next)| *pixel = pick(*pixel, *next));
        }
        let mut pixels = Vec::with_capacity(self.pixels.len());
        for y in 0..height {
            let end = (y + radius).min(height - 1);
            let Some(start) = y.checked_sub(radius) else {
                // The window begins with the first block.
                pixels.extend_from_slice(&from_above[row(end)]);
                continue;
            };
            let is_last = y + radius > end && start / window == end / window;
            let pairs = from_below[row(start)].iter().zip(&from_above[row(end)]);
            pixels.extend(pairs.map(|(a, b)| if is_last { *a } else { pick(*a, *b) }));
        }
        Self { pixels, ..*self }
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
