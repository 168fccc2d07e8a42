//! Images that are shifted, turned, scaled, sheared and bent at random: more to learn from than there is.
//!
//! Bytes in, bytes out, by integers only from the drawn numbers on, so the bytes are the same on every machine.

use rand_core::{Rng, SeedableRng};
use rand_xorshift::XorShiftRng;

/// How far each change may go. What is drawn lies evenly between the range and its negative; zero changes nothing.
///
/// ```
/// use minnet::augment::{Augment, random};
///
/// let ranges = Augment { shift: 1.0, rotate: 15.0, ..Augment::NONE };
/// let (image, mut copy) = ([0, 0, 255, 0, 255, 0, 255, 0, 0], [0; 9]);
/// ranges.apply(&image, [3, 3, 1], random(1, 0, 0), &mut copy);
/// assert_ne!(copy, image);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Augment {
    /// Pixels that the image moves by, down or up and right or left.
    pub shift: f32,
    /// Degrees that it turns by, about its centre.
    pub rotate: f32,
    /// Percent that it grows or shrinks by, in height and in width each.
    pub scale: f32,
    /// Degrees that its vertical lines lean by.
    pub shear: f32,
    /// Pixels that its places move by, each in another direction, as rubber does: three deviations of what is drawn
    /// (Simard, Steinkraus and Platt 2003, "Best practices for convolutional neural networks").
    pub elastic: f32,
    /// How smooth that is: the deviation, in pixels, of the bell by which random displacements are smoothed.
    pub sigma: f32,
}

impl Augment {
    /// Nothing is changed.
    pub const NONE: Self = Self { shift: 0.0, rotate: 0.0, scale: 0.0, shear: 0.0, elastic: 0.0, sigma: 4.0 };

    /// Writes what `random` makes of an image of `[height, width, channels]`, the channels of a pixel together, to `copy`.
    /// What comes from beyond the edge is the nearest pixel of the edge. Nothing is written if one of the two has not as
    /// many bytes as these sizes say, or a side is longer than a million pixels (2²⁰).
    pub fn apply(&self, image: &[u8], [height, width, channels]: [usize; 3], random: u64, copy: &mut [u8]) {
        let bytes = height.checked_mul(width).and_then(|pixels| pixels.checked_mul(channels));
        let is_long = height.max(width) > 1 << 20;
        if bytes != Some(image.len()) || bytes != Some(copy.len()) || image.is_empty() || is_long {
            return;
        }
        let mut rng = XorShiftRng::seed_from_u64(random);
        let map = Affine::draw(self, &mut rng);
        let elastic = Elastic::draw(self, &mut rng);
        // Where the number of channels is a constant, no loop over them is left.
        match channels {
            1 => warp(Source { image, height, width, channels: 1 }, map, elastic, copy),
            _ => warp(Source { image, height, width, channels }, map, elastic, copy),
        }
    }
}

/// What an image's changes are drawn from in an epoch: it depends on nothing but these three.
pub const fn random(seed: u64, epoch: u32, sample: u32) -> u64 {
    mix(mix(seed) ^ ((epoch as u64) << 32 | sample as u64))
}

/// SplitMix64 (Steele, Lea and Flood 2014): numbers that have nothing in common give numbers that look random.
const fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// Bits behind the point of coordinates.
const POINT: u32 = 16;
/// The greatest number with a point: 2²⁰ times it, with twice the point, is no overflow.
const GREATEST: f32 = 256.0;

/// A number with [`POINT`] bits behind the point; what is none is 0.
fn fixed(number: f32) -> i64 {
    libm::roundf(number.clamp(-GREATEST, GREATEST) * (1u32 << POINT) as f32) as i64
}

/// Where the pixels of the copy come from, from the image's centre: y and x by y and x. All with a point.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Affine {
    matrix: [[i64; 2]; 2],
    /// How far the copy's centre is from the image's.
    shift: [i64; 2],
}

impl Affine {
    fn draw(ranges: &Augment, rng: &mut impl Rng) -> Self {
        // A 24-bit number less its half: from -1 to 1.
        let mut within = |range: f32| range * (((rng.next_u32() >> 8) as f32 - 8_388_608.0) / 8_388_608.0);
        let shift = [within(ranges.shift), within(ranges.shift)];
        let turn = within(ranges.rotate);
        let scale = [within(ranges.scale), within(ranges.scale)].map(|percent| 1.0 + percent / 100.0);
        Self::new(shift, turn, scale, within(ranges.shear))
    }

    /// Scales, shears, turns, then shifts the image.
    fn new(shift: [f32; 2], turn: f32, scale: [f32; 2], shear: f32) -> Self {
        let (sin, cos) = (libm::sinf(turn.to_radians()), libm::cosf(turn.to_radians()));
        let lean = libm::tanf(shear.to_radians());
        let [down, right] = scale.map(|factor| 1.0 / factor);
        // Each row turns back; then its x is sheared back by its y; then both are scaled back.
        let (y, x) = ([cos, -sin], [sin, cos]);
        let x = [x[0] - lean * y[0], x[1] - lean * y[1]];
        let matrix = [y.map(|part| down * part), x.map(|part| right * part)];
        Self { matrix: matrix.map(|row| row.map(fixed)), shift: shift.map(fixed) }
    }
}

/// An image, whose sizes are those of its bytes.
#[derive(Clone, Copy)]
struct Source<'a> {
    image: &'a [u8],
    height: usize,
    width: usize,
    channels: usize,
}

/// Fills `copy` with what lies where the map and the displacements lead to.
#[inline(always)]
fn warp(source: Source, map: Affine, elastic: Option<Elastic>, copy: &mut [u8]) {
    let Affine { matrix, shift } = map;
    let centre = [source.height, source.width].map(|side| ((side as i64 - 1) << POINT) / 2);
    let [down, right] = [centre[0] + shift[0], centre[1] + shift[1]];
    let first = [0, 1].map(|axis| centre[axis] - ((matrix[axis][0] * down + matrix[axis][1] * right) >> POINT));
    for (row, mut line) in copy.chunks_exact_mut(source.width * source.channels).enumerate() {
        let start = |axis: usize| Curve::line(first[axis] + matrix[axis][0] * row as i64, matrix[axis][1]);
        let (mut y, mut x) = (start(0), start(1));
        let Some(elastic) = elastic else {
            source.draw(y, x, line);
            continue;
        };
        let mut pieces = elastic.row(row);
        while !line.is_empty() {
            let (len, [down, right]) = pieces.next();
            let (piece, rest) = line.split_at_mut(line.len().min(len * source.channels));
            source.draw(y.plus(down), x.plus(right), piece);
            (y, x, line) = (y.after(len), x.after(len), rest);
        }
    }
}

impl Source<'_> {
    /// Writes what lies along curves, between four pixels mostly.
    #[inline(always)]
    fn draw(self, down: Curve, right: Curve, pixels: &mut [u8]) {
        let Self { image, height, width, channels } = self;
        let ([mut y, mut y1, mut y2, y3], [mut x, mut x1, mut x2, x3]) = (down.0, right.0);
        let (beside, below) = (usize::from(width > 1) * channels, usize::from(height > 1) * width * channels);
        for pixel in pixels.chunks_exact_mut(channels) {
            let ((row, part), (column, share)) = (before(y, height), before(x, width));
            let corner = (row * width + column) * channels;
            for (channel, place) in pixel.iter_mut().enumerate() {
                let corner = corner + channel;
                let pair = |first: usize| image.get(first..first + beside + 1);
                let (Some(upper), Some(lower)) = (pair(corner), pair(corner + below)) else { return };
                let between = |a: i32, b: i32, part: i32| (a << 8) + (b - a) * part;
                let upper = between(upper[0].into(), upper[beside].into(), share);
                let lower = between(lower[0].into(), lower[beside].into(), share);
                *place = ((between(upper, lower, part) + (1 << 15)) >> 16) as u8;
            }
            (y, y1, y2) = (y + y1, y1 + y2, y2 + y3);
            (x, x1, x2) = (x + x1, x1 + x2, x2 + x3);
        }
    }
}

/// The pixel before a coordinate, and how far it is on the way to the one behind it, in 256ths.
#[inline(always)]
fn before(coordinate: i64, side: usize) -> (usize, i32) {
    let last = side as i64 - 1;
    let parts = ((coordinate + (1 << (2 * POINT - 9))) >> (2 * POINT - 8)).clamp(0, last << 8);
    let pixel = (parts >> 8).min((last - 1).max(0));
    (pixel as usize, (parts - (pixel << 8)) as i32)
}

/// Displacements y and x of every place: random ones on a grid, smoothed by a cubic B-spline, which is a bell made of four
/// box filters as wide as the grid's step. They are made where they are needed, so no field of them is kept.
#[derive(Clone, Copy, Debug)]
struct Elastic {
    random: u64,
    /// The greatest displacement on the grid, with a point, over 36: a spline's weights are whole numbers over 6.
    greatest: i64,
    /// Steps of the grid to a pixel, with a point; at most 1.
    rate: i64,
    /// Where on the grid the first pixel lies, with a point.
    start: [i64; 2],
}

/// The deviation of a B-spline is the grid's step over √3.
const STEP: f32 = 1.732_050_8;
/// The deviation of what a B-spline makes of numbers from -1 to 1 on a square grid: 151/315 · 1/√3.
const DEVIATION: f32 = 0.276_761_6;
/// What is behind the point.
const FRACTION: i64 = (1 << POINT) - 1;

impl Elastic {
    fn draw(ranges: &Augment, rng: &mut impl Rng) -> Option<Self> {
        // Curves are good for 64 pixels of displacement, and to go on for 256.
        let greatest = fixed(ranges.elastic.clamp(-64.0, 64.0) / (3.0 * 36.0 * DEVIATION));
        let rate = fixed(1.0 / (STEP * ranges.sigma)).clamp(1 << (POINT - 8), 1 << POINT);
        let [start, random] = [rng.next_u64(), rng.next_u64()];
        let start = [start as u16, (start >> 16) as u16].map(i64::from);
        (greatest != 0).then_some(Self { random, greatest, rate, start })
    }

    /// The displacements of a row's places.
    #[inline(always)]
    fn row(self, row: usize) -> Pieces {
        let y = self.start[0] + self.rate * row as i64;
        let (row, weights, x) = (y >> POINT, weights(y & FRACTION), self.start[1]);
        let mut pieces = Pieces { elastic: self, row, weights, columns: [[0; 4]; 2], next: 0, x };
        pieces.turn();
        pieces.turn();
        pieces.turn();
        pieces
    }

    /// The random displacement of a place of the grid.
    #[inline(always)]
    fn grid(self, row: i64, column: i64) -> [i64; 2] {
        let number = mix(self.random ^ (((row as u64) << 32) | column as u64));
        [number as i16, (number >> 16) as i16].map(|part| (i64::from(part) * self.greatest) >> 15)
    }
}

/// The displacements of a row's places in pieces, from one column of the grid to the next.
struct Pieces {
    elastic: Elastic,
    /// The row of the grid before this one, and the weights of four rows from there on.
    row: i64,
    weights: [i64; 4],
    /// What they come to in the last four columns, y and x.
    columns: [[i64; 4]; 2],
    next: i64,
    /// Where on the grid the next piece begins.
    x: i64,
}

impl Pieces {
    /// Takes the next column in.
    #[inline(always)]
    fn turn(&mut self) {
        let [mut y, mut x] = [0; 2];
        for (weight, row) in self.weights.iter().zip(self.row..) {
            let value = self.elastic.grid(row, self.next);
            (y, x) = (y + weight * value[0], x + weight * value[1]);
        }
        let [[_, a, b, c], [_, d, e, f]] = self.columns;
        self.columns = [[a, b, c, y], [d, e, f, x]];
        self.next += 1;
    }

    /// How many places the next piece has, and a curve for y and one for x.
    #[inline(always)]
    fn next(&mut self) -> (usize, [Curve; 2]) {
        self.turn();
        let (rate, t) = (self.elastic.rate, self.x & FRACTION);
        let len = (FRACTION - t) / rate + 1;
        self.x += len * rate;
        let [y, x] = self.columns;
        (len as usize, [Curve::new(y, t, rate), Curve::new(x, t, rate)])
    }
}

/// Six times the weights of four places of the grid, one after the other, at `t` on the way from the second to the third.
/// They have a point, as `t` has.
#[inline(always)]
fn weights(t: i64) -> [i64; 4] {
    let one = 1 << POINT;
    let square = (t * t) >> POINT;
    let cube = (square * t) >> POINT;
    let [first, second] = [one - 3 * t + 3 * square - cube, 4 * one - 6 * square + 3 * cube];
    [first, second, 6 * one - first - second - cube, cube]
}

/// A cubic curve in equal steps: its value, and the differences to the next, by which it goes on with additions alone. All
/// with twice the point.
#[derive(Clone, Copy)]
struct Curve([i64; 4]);

impl Curve {
    /// A straight line from a coordinate on, in steps, both with a point.
    #[inline(always)]
    fn line(start: i64, step: i64) -> Self {
        Self([start << POINT, step << POINT, 0, 0])
    }

    /// Six times the spline of four values, from `t` on in steps of `rate`, both with a point.
    #[inline(always)]
    fn new([a, b, c, d]: [i64; 4], t: i64, rate: i64) -> Self {
        let [cube, square, linear, constant] = [d - a + 3 * (b - c), 3 * (a - 2 * b + c), 3 * (c - a), a + 4 * b + c];
        let at = |t: i64| {
            let sum = square + ((cube * t) >> POINT);
            let sum = linear + ((sum * t) >> POINT);
            constant + ((sum * t) >> POINT)
        };
        let (a, b, c, d) = (at(t), at(t + rate), at(t + 2 * rate), at(t + 3 * rate));
        Self([a, b - a, c - 2 * b + a, d - 3 * (c - b) - a])
    }

    /// The sum of two curves.
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a + e, b + f, c + g, d + h])
    }

    /// A straight line so many steps on.
    #[inline(always)]
    fn after(self, steps: usize) -> Self {
        let [value, slope, bend, twist] = self.0;
        Self([value + slope * steps as i64, slope, bend, twist])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::CRC;

    /// All changes at once.
    const ALL: Augment = Augment { shift: 2.0, rotate: 10.0, scale: 10.0, shear: 10.0, elastic: 4.0, sigma: 4.0 };

    /// Noise of so many bytes.
    fn noise<const N: usize>() -> [u8; N] {
        core::array::from_fn(|index| mix(index as u64) as u8)
    }

    /// A bright disc that is not in the middle, on black.
    fn disc() -> [u8; 784] {
        core::array::from_fn(|place| {
            let (y, x) = ((place / 28) as i32 - 12, (place % 28) as i32 - 15);
            if y * y + x * x < 30 { 200 } else { 0 }
        })
    }

    /// The sum of all pixels, and of each times its row and its column.
    fn moments(image: &[u8; 784]) -> [f64; 3] {
        image.iter().enumerate().fold([0.0; 3], |sums, (place, &value)| {
            let [y, x] = [place / 28, place % 28].map(|place| f64::from(value) * place as f64);
            [sums[0] + f64::from(value), sums[1] + y, sums[2] + x]
        })
    }

    fn mapped<const N: usize>(image: &[u8; N], [height, width, channels]: [usize; 3], map: Affine) -> [u8; N] {
        let mut copy = [0; N];
        warp(Source { image, height, width, channels }, map, None, &mut copy);
        copy
    }

    #[test]
    fn ranges_of_zero_change_nothing() {
        let image = noise::<{ 9 * 8 * 3 }>();
        for sizes in [[9, 8, 3], [8, 9, 3], [216, 1, 1], [1, 216, 1], [1, 1, 216], [72, 3, 1], [2, 2, 54]] {
            for random in 0..10 {
                let mut copy = [0; 216];
                Augment::NONE.apply(&image, sizes, random, &mut copy);
                assert_eq!(copy, image, "{sizes:?}");
            }
        }
    }

    #[test]
    fn whole_pixels_move_exactly_and_the_edge_goes_on() {
        let image = noise::<{ 6 * 5 * 2 }>();
        for (down, right) in [(0, 0), (1, 0), (0, -1), (-2, 3), (9, -9)] {
            let copy = mapped(&image, [6, 5, 2], Affine::new([down as f32, right as f32], 0.0, [1.0; 2], 0.0));
            for (index, &value) in copy.iter().enumerate() {
                let (row, column) = ((index / 10) as i32 - down, (index / 2 % 5) as i32 - right);
                let from = row.clamp(0, 5) * 10 + column.clamp(0, 4) * 2 + index as i32 % 2;
                assert_eq!(value, image[from as usize], "{down} {right} {index}");
            }
        }
    }

    #[test]
    fn quarter_turns_are_exact() {
        let image = noise::<49>();
        let turned = mapped(&image, [7, 7, 1], Affine::new([0.0; 2], 90.0, [1.0; 2], 0.0));
        assert!((0..49).all(|place| turned[place] == image[place % 7 * 7 + 6 - place / 7]
            || turned[place] == image[(6 - place % 7) * 7 + place / 7]));
        let back = mapped(&turned, [7, 7, 1], Affine::new([0.0; 2], -90.0, [1.0; 2], 0.0));
        assert_eq!(back, image);
    }

    #[test]
    fn what_is_drawn_stays_about_as_large_and_where_it_should_be() {
        let image = disc();
        let [mass, y, x] = moments(&image);
        let centre = [y / mass - 13.5, x / mass - 13.5];
        for (turn, scale, lean) in [
            (30.0_f32, [1.0, 1.0], 0.0_f32),
            (-75.0, [1.0, 1.0], 0.0),
            (0.0, [1.2, 0.9], 0.0),
            (0.0, [1.0, 1.0], 20.0),
            (20.0, [0.9, 1.1], -10.0),
        ] {
            let shift = [2.0, -1.25];
            let copy = mapped(&image, [28, 28, 1], Affine::new(shift, turn, scale, lean));
            let [found, y, x] = moments(&copy);
            let expected = mass * f64::from(scale[0] * scale[1]);
            assert!((found / expected - 1.0).abs() < 0.02, "{turn} {scale:?} {lean}: {found}, not {expected}");
            // By the definition: scaled, sheared, turned.
            let scaled = [centre[0] * f64::from(scale[0]), centre[1] * f64::from(scale[1])];
            let sheared = [scaled[0], scaled[1] + f64::from(lean).to_radians().tan() * scaled[0]];
            let (sin, cos) = f64::from(turn).to_radians().sin_cos();
            let turned = [cos * sheared[0] + sin * sheared[1], cos * sheared[1] - sin * sheared[0]];
            for (found, expected) in [(y, turned[0] + 15.5), (x, turned[1] + 12.25)] {
                let found = found / moments(&copy)[0];
                assert!((found - expected).abs() < 0.1, "{turn} {scale:?} {lean}: {found}, not {expected}");
            }
        }
    }

    /// The values of two curves, in pixels.
    fn along(len: usize, curves: [Curve; 2]) -> impl Iterator<Item = [f64; 2]> {
        let values = curves.map(|curve| {
            core::iter::successors(Some(curve.0), |[a, b, c, d]| Some([a + b, b + c, c + d, *d]))
                .map(|curve| curve[0] as f64 / (1_u64 << (2 * POINT)) as f64)
        });
        let [y, x] = values;
        y.zip(x).map(|(y, x)| [y, x]).take(len)
    }

    #[test]
    fn elastic_displacements_are_as_large_and_as_smooth_as_asked_for() {
        let ranges = Augment { elastic: 6.0, ..Augment::NONE };
        let (mut squares, mut differences, mut products, mut count) = (0.0, 0.0, 0.0, 0.0);
        for random in 0..200 {
            let elastic = Elastic::draw(&ranges, &mut XorShiftRng::seed_from_u64(random)).unwrap();
            for row in 0..28 {
                let mut last = None;
                let mut pieces = elastic.row(row);
                let places = core::iter::repeat_with(|| pieces.next()).flat_map(|(len, curves)| along(len, curves));
                for [y, x] in places.take(28) {
                    squares += y * y;
                    products += y * x;
                    differences += last.map_or(0.0, |last: f64| (y - last).powi(2));
                    assert!(last.is_none_or(|last| (y - last).abs() < 2.5));
                    (last, count) = (Some(y), count + 1.0);
                }
            }
        }
        let deviation = f64::sqrt(squares / count);
        assert!((deviation - 2.0).abs() < 0.1, "{deviation}");
        assert!((products / count).abs() < 0.2, "{products} {count}");
        // A bell of deviation σ leaves steps of 1/(σ√2) of the deviation.
        let step = f64::sqrt(differences / count) / deviation;
        assert!((step * 4.0 * f64::sqrt(2.0) - 1.0).abs() < 0.2, "{step}");
    }

    #[test]
    fn the_bytes_are_the_same_everywhere() {
        let mut digest = CRC.digest();
        let affine = Augment { elastic: 0.0, ..ALL };
        for (ranges, sizes) in [(ALL, [28, 28, 1]), (affine, [28, 28, 1]), (ALL, [12, 20, 3]), (ALL, [5, 144, 1])] {
            let image = noise::<784>();
            let image = &image[..sizes.iter().product()];
            for sample in 0..20 {
                let mut copy = [0; 784];
                let copy = &mut copy[..image.len()];
                ranges.apply(image, sizes, random(7, 3, sample), copy);
                digest.update(copy);
            }
        }
        assert_eq!(digest.finalize(), 15_129_100_854_838_863_851);
    }

    #[test]
    fn each_image_and_each_epoch_differs() {
        let copy = |seed, epoch, sample| {
            let mut copy = [0; 784];
            ALL.apply(&disc(), [28, 28, 1], random(seed, epoch, sample), &mut copy);
            copy
        };
        let one = copy(1, 0, 0);
        assert_eq!(one, copy(1, 0, 0));
        assert!([copy(2, 0, 0), copy(1, 1, 0), copy(1, 0, 1)].iter().all(|other| *other != one));
    }

    #[test]
    fn hostile_sizes_and_ranges_do_no_harm() {
        let image = noise::<24>();
        for sizes in [[0, 0, 0], [usize::MAX, 2, 0], [usize::MAX, usize::MAX, 1], [5, 5, 1], [2, 3, 5], [24, 1, 0]] {
            let mut copy = [7; 24];
            ALL.apply(&image, sizes, 1, &mut copy);
            ALL.apply(&[], sizes, 1, &mut []);
            assert_eq!(copy, [7; 24], "{sizes:?}");
        }
        const LONG: usize = (1 << 20) + 1;
        let mut long = [7; LONG];
        ALL.apply(&[1; LONG], [LONG, 1, 1], 1, &mut long);
        assert_eq!(long[0], 7);
        let mut short = [7; 23];
        ALL.apply(&image, [24, 1, 1], 1, &mut short);
        assert_eq!(short, [7; 23]);
        for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN_POSITIVE, -1.0, 100.0] {
            let ranges = Augment { shift: odd, rotate: odd, scale: odd, shear: odd, elastic: odd, sigma: odd };
            let others = [
                Augment { sigma: odd, ..ALL },
                Augment { elastic: odd, ..ALL },
                Augment { scale: odd, ..ALL },
                Augment { elastic: odd, sigma: 0.1, ..ALL },
            ];
            for ranges in [ranges].into_iter().chain(others) {
                for sizes in [[24, 1, 1], [1, 24, 1], [1, 1, 24], [4, 3, 2]] {
                    (0..50).for_each(|random| ranges.apply(&image, sizes, random, &mut [0; 24]));
                }
            }
        }
    }
}
