//! The device's kernels against plain loops in the documented order, bit for bit: layers of sizes that a network of
//! digits has not, so that every width of block, an odd image, and equal and negative maxima come up.

use minnet::prelude::*;
use static_cell::ConstStaticCell;

type Wide = Net<[f32; 37], Dense<37, 47>>;
type Pooled = Net<[[[f32; 1]; 10]; 8], Conv5x5<1, 8, MaxPool2>>;
type Whole = Net<[[[f32; 3]; 7]; 6], Conv5x5<3, 5>>;

static WIDE: ConstStaticCell<Wide> = ConstStaticCell::new(Wide::ZERO);
static POOLED: ConstStaticCell<Pooled> = ConstStaticCell::new(Pooled::ZERO);
static WHOLE: ConstStaticCell<Whole> = ConstStaticCell::new(Whole::ZERO);

/// Whether the layers gave the bits of plain loops. To be called once. Not inlined, so that its stack is not its
/// caller's.
#[inline(never)]
pub fn are_exact() -> bool {
    let mut random = Random(7);
    let mut exact = true;

    let (net, mut x) = (WIDE.take(), [0.0; 37]);
    net.visit_mut(|_, run| random.fill(run));
    random.fill(&mut x);
    let z = net.infer(&x, &mut [0.0; Wide::RAM]);
    for (j, z) in z.iter().enumerate() {
        let sum = x.iter().zip(&net.layers().weights).fold(0.0, |sum, (x, row)| sum + x * row[j]);
        exact &= (sum + net.layers().bias[j]).to_bits() == z.to_bits();
    }

    let (net, mut image) = (POOLED.take(), [[[0.0; 1]; 10]; 8]);
    net.visit_mut(|_, run| random.fill(run));
    random.fill(image.as_flattened_mut().as_flattened_mut());
    // A square of equal sums.
    image[2..].iter_mut().for_each(|row| row[4..].fill([0.5]));
    let map = net.infer(&image, &mut [0.0; Pooled::RAM]);
    let Conv5x5 { filters, bias, .. } = net.layers();
    for (y, row) in map.iter().enumerate() {
        for (x, values) in row.iter().enumerate() {
            for (o, value) in values.iter().enumerate() {
                let sums =
                    [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(dy, dx)| sum(&image, filters, 2 * y + dy, 2 * x + dx, o));
                let best = sums.into_iter().reduce(|best, sum| if sum > best { sum } else { best });
                exact &= best.is_some_and(|best| (best + bias[o]).to_bits() == value.to_bits());
            }
        }
    }

    let (net, mut image) = (WHOLE.take(), [[[0.0; 3]; 7]; 6]);
    net.visit_mut(|_, run| random.fill(run));
    random.fill(image.as_flattened_mut().as_flattened_mut());
    let map = net.infer(&image, &mut [0.0; Whole::RAM]);
    let Conv5x5 { filters, bias, .. } = net.layers();
    for (y, row) in map.iter().enumerate() {
        for (x, values) in row.iter().enumerate() {
            for (o, value) in values.iter().enumerate() {
                exact &= (sum(&image, filters, y, x, o) + bias[o]).to_bits() == value.to_bits();
            }
        }
    }
    exact
}

/// What filter `o` makes of the window at (y, x), without the bias.
fn sum<const H: usize, const W: usize, const C: usize, const O: usize>(
    image: &[[[f32; C]; W]; H],
    filters: &[[[[f32; O]; C]; 5]; 5],
    y: usize,
    x: usize,
    o: usize,
) -> f32 {
    let mut sum = 0.0;
    for (pixels, row) in image[y..].iter().zip(filters) {
        for (pixel, tap) in pixels[x..].iter().zip(row) {
            for (value, weights) in pixel.iter().zip(tap) {
                sum += value * weights[o];
            }
        }
    }
    sum
}

/// Numbers between -1 and 1; three of eight are zero.
struct Random(u32);

impl Random {
    fn fill(&mut self, values: &mut [f32]) {
        for value in values {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *value = if self.0 >> 29 < 3 { 0.0 } else { (self.0 << 8) as i32 as f32 / 2_147_483_648.0 };
        }
    }
}
