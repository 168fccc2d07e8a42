//! Ink told from paper. Paper is never even, and either may be the darker one: so a smooth surface is laid through the
//! border of the picture, and ink is what departs from it strongly, all in one direction.

use super::{Gray, Rect};

/// How many standard deviations of the paper's noise a pixel must depart from the paper to count as ink.
const SIGNIFICANT: f32 = 5.0;

/// The least departure which counts as ink, of 255: less is neither seen nor meant.
const LEAST: f32 = 6.0;

/// A speck is dropped if its ink is less than this part of the largest piece's.
const SPECK: f32 = 1.0 / 32.0;

/// The amount of ink in each pixel, from 0 on paper to 255 in the core of a stroke; nothing if there is only paper.
pub(super) fn ink(picture: &Gray) -> Option<Gray> {
    let (mut pixels, noise) = departures(picture);

    // Ink is rare but departs far from the paper, so cubes tell its direction whatever the rest does.
    if pixels.iter().map(|&departure| f64::from(departure).powi(3)).sum::<f64>() < 0.0 {
        pixels.iter_mut().for_each(|departure| *departure = -*departure);
    }
    let floor = (SIGNIFICANT * noise).max(LEAST);
    let clear: Vec<f32> = pixels.iter().copied().filter(|&ink| ink >= floor).collect();
    let strong = otsu(&clear)?;
    let core = median(clear.into_iter().filter(|&ink| ink >= strong).collect())?;

    // Pale edges belong to the stroke they touch; pale spots elsewhere are paper.
    let edge = floor.max(0.06 * core);
    let mut ink = Gray { width: picture.width, height: picture.height, pixels };
    keep_pieces(&mut ink, edge, strong)?;
    ink.pixels.iter_mut().for_each(|ink| *ink = (*ink * 255.0 / core).min(255.0));
    Some(ink)
}

/// How far each pixel departs from the paper, and the standard deviation of the paper's noise.
fn departures(picture: &Gray) -> (Vec<f32>, f32) {
    let frame = (picture.width.min(picture.height) / 24).max(1);
    let far = |place: usize, side: usize| place < frame || place + frame >= side;
    let places = (0..picture.height).flat_map(|y| (0..picture.width).map(move |x| (x, y)));
    let mut paper: Vec<(usize, usize)> =
        places.clone().filter(|&(x, y)| far(x, picture.width) || far(y, picture.height)).collect();

    // Ink which reaches the border would bend the surface, so it is laid again without what departs from it most.
    let mut surface = Surface { coefficients: [0.0; TERMS], area: picture.whole() };
    let mut noise = 0.0;
    for _ in 0..5 {
        let departure = |&(x, y): &(usize, usize)| picture.at(x, y) - surface.at(x, y);
        let (low, high) = shortest_half(paper.iter().map(departure).collect());
        // The middle half of normal noise is within 0.6745 standard deviations.
        noise = (high - low) / 2.0 / 0.6745;
        let limit = (3.0 * noise).max(LEAST);
        let is_smooth = |place: &(usize, usize)| (departure(place) - (low + high) / 2.0).abs() <= limit;
        let smooth: Vec<_> = paper.iter().copied().filter(is_smooth).collect();
        match Surface::through(picture, &smooth) {
            Some(better) => surface = better,
            None => surface.coefficients[0] += f64::from(low + high) / 2.0,
        }
        if smooth.len() > paper.len() / 2 {
            paper = smooth;
        }
    }
    (places.map(|(x, y)| picture.at(x, y) - surface.at(x, y)).collect(), noise)
}

/// A brightness that varies over the picture as a polynomial of degree 2 in x and y.
struct Surface {
    coefficients: [f64; TERMS],
    area: Rect,
}

const TERMS: usize = 6;

impl Surface {
    /// The surface nearest to the picture at some places, by least squares; none if they leave it undetermined.
    fn through(picture: &Gray, places: &[(usize, usize)]) -> Option<Self> {
        let area = picture.whole();
        let mut equations = [[0.0; TERMS + 1]; TERMS];
        for &(x, y) in places {
            let terms = terms(x, y, area);
            let brightness = f64::from(picture.at(x, y));
            for (row, term) in equations.iter_mut().zip(terms) {
                row.iter_mut().zip(terms.into_iter().chain([brightness])).for_each(|(sum, other)| *sum += term * other);
            }
        }
        Some(Self { coefficients: solve(equations)?, area })
    }

    fn at(&self, x: usize, y: usize) -> f32 {
        terms(x, y, self.area).iter().zip(self.coefficients).map(|(term, factor)| term * factor).sum::<f64>() as f32
    }
}

/// The polynomial's terms at a pixel, with coordinates from -1 to 1.
fn terms(x: usize, y: usize, area: Rect) -> [f64; TERMS] {
    let x = (2 * x + 1) as f64 / area.right as f64 - 1.0;
    let y = (2 * y + 1) as f64 / area.bottom as f64 - 1.0;
    [1.0, x, y, x * x, x * y, y * y]
}

/// Solves linear equations, each row ending in its right side, by Gaussian elimination.
fn solve(mut rows: [[f64; TERMS + 1]; TERMS]) -> Option<[f64; TERMS]> {
    for column in 0..TERMS {
        let pivot = (column..TERMS).max_by(|&a, &b| rows[a][column].abs().total_cmp(&rows[b][column].abs()))?;
        rows.swap(column, pivot);
        let pivot = rows[column];
        if pivot[column].abs() < 1e-6 {
            return None;
        }
        for (index, row) in rows.iter_mut().enumerate() {
            if index != column {
                let factor = row[column] / pivot[column];
                row.iter_mut().zip(pivot).for_each(|(value, above)| *value -= factor * above);
            }
        }
    }
    Some(std::array::from_fn(|i| rows[i][TERMS] / rows[i][i]))
}

/// The shortest range which holds half of the values: with up to half of them astray it still tells of the others.
fn shortest_half(mut values: Vec<f32>) -> (f32, f32) {
    values.sort_unstable_by(f32::total_cmp);
    let half = values.len().div_ceil(2).max(1);
    let ranges = values.windows(half).map(|range| (range[0], range[half - 1]));
    ranges.min_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0))).unwrap_or((0.0, 0.0))
}

fn median(mut values: Vec<f32>) -> Option<f32> {
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable_by(middle, f32::total_cmp).1)
}

/// Otsu's threshold: the level that parts the values into two classes of the least variance within.
fn otsu(values: &[f32]) -> Option<f32> {
    let mut histogram = [0_u32; 256];
    values.iter().for_each(|&value| histogram[value.clamp(0.0, 255.0) as usize] += 1);
    let lowest = histogram.iter().position(|&count| count > 0)?;
    let total: f64 = values.len() as f64;
    let moments = |from: usize, to: usize| {
        let part = || (from..to).map(|level| (level as f64, f64::from(histogram[level])));
        (part().map(|(_, count)| count).sum::<f64>(), part().map(|(level, count)| level * count).sum::<f64>())
    };
    let separation = |level: usize| {
        let ((below, below_sum), (above, above_sum)) = (moments(0, level), moments(level, 256));
        let apart = if below > 0.0 && above > 0.0 { below_sum / below - above_sum / above } else { 0.0 };
        below * above / (total * total) * apart * apart
    };
    let best = (lowest + 1..256).max_by(|&a, &b| separation(a).total_cmp(&separation(b)));
    // With a single level there is nothing to part: all of it is strong.
    Some(best.filter(|&level| separation(level) > 0.0).unwrap_or(lowest) as f32)
}

/// Keeps the connected pieces of pixels of at least `edge` which have a strong pixel and are no specks, and sets the
/// rest to 0. Nothing if no piece is left.
fn keep_pieces(ink: &mut Gray, edge: f32, strong: f32) -> Option<()> {
    let mut is_new: Vec<bool> = ink.pixels.iter().map(|&ink| ink >= edge).collect();
    let mut pieces: Vec<(f32, Vec<usize>)> = Vec::new();
    let least_pixels = 3.max(ink.pixels.len() / 20_000);
    for start in 0..ink.pixels.len() {
        if !is_new[start] {
            continue;
        }
        is_new[start] = false;
        let mut piece = vec![start];
        let mut next = 0;
        while next < piece.len() {
            let (x, y) = (piece[next] % ink.width, piece[next] / ink.width);
            for y in y.saturating_sub(1)..(y + 2).min(ink.height) {
                for x in x.saturating_sub(1)..(x + 2).min(ink.width) {
                    let neighbour = y * ink.width + x;
                    if std::mem::take(&mut is_new[neighbour]) {
                        piece.push(neighbour);
                    }
                }
            }
            next += 1;
        }
        if piece.len() >= least_pixels && piece.iter().any(|&i| ink.pixels[i] >= strong) {
            pieces.push((piece.iter().map(|&i| ink.pixels[i]).sum(), piece));
        }
    }
    let largest = pieces.iter().map(|(mass, _)| *mass).max_by(f32::total_cmp)?;
    let mut kept = vec![0.0; ink.pixels.len()];
    for i in pieces.iter().filter(|(mass, _)| *mass >= SPECK * largest).flat_map(|(_, piece)| piece) {
        kept[*i] = ink.pixels[*i];
    }
    ink.pixels = kept;
    Some(())
}
