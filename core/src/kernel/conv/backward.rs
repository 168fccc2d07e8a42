//! The way back through a convolution: only the δ that are not zero, each with the pixels under its filter.

use super::single;
use crate::kernel::run::{Body, Part, Span, Tile, dispatch, has_body, parts};
use crate::kernel::turn::{columns, turn};
use crate::kernel::vector::{Aligned, Kernel, Vector, compiled_once};
use crate::op::Conv;
use crate::sgd::Sgd;
use zerocopy::IntoBytes;

/// A mini-batch's images as they lie in memory, `stride` values each.
#[derive(Clone, Copy)]
pub(crate) struct Samples<'a> {
    pub(crate) memory: &'a [f32],
    pub(crate) stride: usize,
    /// Where an image's pixels begin, its δ, and the positions that its values came from, four to a value.
    pub(crate) input: usize,
    pub(crate) delta: usize,
    pub(crate) origins: usize,
}

/// One image of [`Samples`].
pub(super) struct Sample<'a> {
    pub(super) input: &'a [f32],
    pub(super) delta: &'a [f32],
    pub(super) origins: &'a [u8],
}

impl<'a> Samples<'a> {
    #[inline(always)]
    pub(super) fn iter(&self, op: Conv) -> impl Iterator<Item = Sample<'a>> + use<'a> {
        let Self { memory, stride, input, delta, origins } = *self;
        memory.chunks_exact(stride.max(1)).map(move |image| Sample {
            input: image.get(input..input + op.inputs()).unwrap_or(&[]),
            delta: image.get(delta..delta + op.outputs()).unwrap_or(&[]),
            origins: image.get(origins..).and_then(|image| image.as_bytes().get(..op.outputs())).unwrap_or(&[]),
        })
    }
}

/// A δ that is not zero, and where the pixel under its filter's corner begins.
#[derive(Clone, Copy)]
struct Hit {
    delta: f32,
    pixel: u32,
}

/// The hits of one filter, as many as are kept at a time.
struct Hits {
    list: [Hit; HITS],
    count: usize,
}

/// The bytes of images that filter after filter meets, so that they stay in the cache.
const CACHED: usize = 36 * 1024;

/// As many hits as are kept.
const HITS: usize = if cfg!(target_os = "none") { 64 } else { 256 };

impl Hits {
    const NONE: Self = Self { list: [Hit { delta: 0.0, pixel: 0 }; HITS], count: 0 };

    #[inline(always)]
    fn all(&self) -> &[Hit] {
        self.list.get(..self.count).unwrap_or(&[])
    }

    /// Appends an image's hits of filter `o`, from a pooled position on. `first` is where the image's pixels begin. Gives
    /// the position that found no more room, if any.
    #[inline(always)]
    fn fill(&mut self, op: Conv, o: usize, first: usize, delta: &[f32], origins: &[u8], from: usize) -> Option<usize> {
        let (width, pool_height, pool_width) = (op.out_width(), op.pool_height(), op.pool_width());
        let all = width * op.out_height();
        let pooled = op.pooled();
        let room = (HITS - self.count.min(HITS)) / op.averaged();
        let end = all.min(from + room);
        let (down, right) = (op.stride * op.width * op.channels, op.stride * op.channels);
        let (mut y, mut x) = (from / width.max(1), from % width.max(1));
        let mut count = self.count;
        let values = delta.iter().skip(from * op.filters + o).step_by(op.filters);
        let origins = origins.iter().skip(from * op.filters + o).step_by(op.filters);
        for (delta, origin) in values.zip(origins).take(end - from) {
            let corner = first + y * pool_height * down + x * pool_width * right;
            let (begin, end, share) = op.pooling.backward(*origin, pooled);
            for at in begin..end {
                // The row and the column in a square of one or two columns: no division for each δ.
                let (y, x) = (at >> (pool_width - 1), at & (pool_width - 1));
                let pixel = corner + y * down + x * right;
                // No branch, as in `list_nonzero`.
                if let Some(place) = self.list.get_mut(count) {
                    *place = Hit { delta: share.map_or(*delta, |share| share * delta), pixel: pixel as u32 };
                }
                count += usize::from(*delta != 0.0);
            }
            x += 1;
            if x == width {
                (x, y) = (0, y + 1);
            }
        }
        self.count = count;
        (end < all).then_some(end)
    }
}

/// Filters whose gradients are held at the same time.
pub(crate) const FILTERS: usize = if cfg!(target_os = "none") { 1 } else { 40 };

/// Puts down the gradients of the filters from `first` on: for each filter a weight for each of its taps.
pub(crate) struct Gradient<'a> {
    pub(crate) op: Conv,
    pub(crate) gradients: &'a mut [f32],
    pub(crate) first: usize,
    pub(crate) samples: Samples<'a>,
    /// [`gradient_scratch`] values.
    pub(crate) scratch: &'a mut [f32],
}

/// Values of scratch that [`Gradient`] works in for so many filters.
pub(crate) const fn gradient_scratch(op: Conv, filters: usize) -> usize {
    if single::fits(op) { single::gradient_scratch(op, filters) } else { 0 }
}

impl Kernel for Gradient<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { op, gradients, first, samples, scratch } = self;
        if single::fits(op) && scratch.len() >= gradient_scratch(op, gradients.len() / op.taps().max(1)) {
            return single::gradient::<V>(op, gradients, first, &samples, scratch);
        }
        gradients.fill(0.0);
        let mut hits = Hits::NONE;
        let cached = (CACHED / (4 * op.inputs().max(1))).max(1);
        for memory in samples.memory.chunks(cached * samples.stride.max(1)) {
            let samples = Samples { memory, ..samples };
            for (gradient, o) in gradients.chunks_exact_mut(op.taps().max(1)).zip(first..op.filters) {
                hits.count = 0;
                for (sample, number) in samples.iter(op).zip(0..) {
                    let mut rest = Some(0);
                    while let Some(from) = rest {
                        let pixels = number * samples.stride + samples.input;
                        rest = hits.fill(op, o, pixels, sample.delta, sample.origins, from);
                        if hits.count == HITS || rest.is_some() {
                            add_hits::<V>(op, gradient, hits.all(), memory);
                            hits.count = 0;
                        }
                    }
                }
                add_hits::<V>(op, gradient, hits.all(), memory);
            }
        }
    }
}

/// [`add_hits`] in a function of its own.
struct AddAllHits<'a> {
    op: Conv,
    gradient: &'a mut [f32],
    hits: &'a [Hit],
    memory: &'a [f32],
}

impl Kernel for AddAllHits<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        add_hits::<V>(self.op, self.gradient, self.hits, self.memory);
    }
}

/// Adds the windows of the hits to a filter's gradient.
#[inline(always)]
fn add_hits<V: Vector>(op: Conv, gradient: &mut [f32], hits: &[Hit], memory: &[f32]) {
    let row = op.filter_width * op.channels;
    if V::LANES > 1 && row < V::LANES {
        return V::Half::outline(AddAllHits { op, gradient, hits, memory });
    }
    let vectors = row.div_ceil(V::LANES);
    let (mut gradient, mut ky) = (gradient, 0);
    macro_rules! rows {
        ($($together:literal),*) => {$(
            // As many as the registers hold.
            while gradient.len() >= $together * row && ($together == 1 || $together * vectors <= V::SUMS) {
                let (these, rest) = gradient.split_at_mut($together * row);
                for part in parts::<V>(row, $together) {
                    let body = AddHits::<$together> { op, gradient: &mut *these, ky, hits, memory, part };
                    dispatch::<V, _>(part.vectors, body);
                }
                gradient = rest;
                ky += $together;
            }
        )*};
    }
    rows!(3, 2, 1);
}

/// Adds the windows of the hits to `R` rows of a filter's gradient, from the row `ky` on.
struct AddHits<'a, const R: usize> {
    op: Conv,
    gradient: &'a mut [f32],
    ky: usize,
    hits: &'a [Hit],
    memory: &'a [f32],
    part: Part,
}

impl<const R: usize> Body for AddHits<'_, R> {
    const SHARE: usize = R;

    #[inline(always)]
    fn run<V: Vector, const N: usize>(self) {
        let Self { op, gradient, ky, hits, memory, part } = self;
        let Some(span) = Span::<V, N>::new(part.len) else { return };
        let (row, below) = (op.filter_width * op.channels, op.width * op.channels);
        let Some(memory) = span.source(memory) else { return };
        let mut tiles = [Tile::<V, N>::zero(); R];
        for (tile, gradient) in tiles.iter_mut().zip(gradient.chunks_exact_mut(row)) {
            if let Some(run) = span.run_mut(gradient, part.start) {
                *tile = Tile::begun(&run);
            }
        }
        let first = ky * below + part.start;
        for hit in hits {
            let delta = V::splat(hit.delta);
            let pixels = hit.pixel as usize + first;
            for (r, tile) in tiles.iter_mut().enumerate() {
                if let Some(run) = memory.at(pixels + r * below) {
                    tile.add_product(run, delta);
                }
            }
        }
        for (tile, gradient) in tiles.iter().zip(gradient.chunks_exact_mut(row)) {
            if let Some(mut run) = span.run_mut(gradient, part.start) {
                tile.store(&mut run);
            }
        }
    }
}

/// Taps whose steps are taken together.
const TAPS: usize = 32;

/// The step of the filters from `first` on, at most [`FILTERS`], whose gradients these are; for the taps from `tap` on. A
/// tap is one weight of each filter.
pub(crate) struct Step<'a> {
    pub(crate) op: Conv,
    pub(crate) taps: &'a mut [f32],
    pub(crate) tap: usize,
    pub(crate) gradients: &'a [f32],
    pub(crate) first: usize,
    pub(crate) sgd: &'a Sgd,
}

impl Kernel for Step<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { op, taps, tap, gradients, first, sgd } = self;
        let mut turned = Aligned([[0.0; FILTERS]; TAPS]);
        let count = gradients.len() / op.taps().max(1);
        for (taps, start) in taps.chunks_mut((TAPS * op.filters).max(1)).zip((tap..).step_by(TAPS)) {
            let end = start + taps.len() / op.filters;
            let mut runs = [[].as_slice(); FILTERS];
            for (run, gradient) in runs.iter_mut().zip(gradients.chunks_exact(op.taps().max(1))) {
                *run = gradient.get(start..end).unwrap_or(&[]);
            }
            turn::<V, _, _, _>(runs.get(..count).unwrap_or(&[]), 0, &mut turned.0);
            for (weights, gradients) in taps.chunks_exact_mut(op.filters).zip(&turned.0) {
                for (weight, gradient) in weights.iter_mut().skip(first).zip(gradients).take(count) {
                    *weight = sgd.weight(*weight, *gradient);
                }
            }
        }
    }
}

/// Filters that are taken out of the weights together; a microcontroller has little stack.
const GROUP: usize = if cfg!(target_os = "none") { 1 } else { 40 };

/// Where the gradient of an image goes: from its δ, and the positions that its values came from.
pub(crate) struct Backward<'a> {
    pub(crate) delta: &'a [f32],
    pub(crate) origins: &'a [u8],
    pub(crate) gradient: &'a mut [f32],
}

/// ∂C/∂(image): each δ that is not zero adds its filter to the pixels under it.
pub(crate) struct InputGradient<'a, 'b> {
    pub(crate) op: Conv,
    pub(crate) weights: &'a [f32],
    pub(crate) images: &'a mut [Backward<'b>],
    /// [`input_gradient_scratch`] values; with fewer, down to those of one filter, it takes longer.
    pub(crate) scratch: &'a mut [f32],
}

/// The values of a row of a filter, with zeros for a pixel before it and for two after it.
const fn wide(op: Conv) -> usize {
    (op.filter_width + 3) * op.channels
}

/// Values beyond an image's end that a vector may reach.
const BEYOND: usize = 64;

/// Values of scratch that [`InputGradient`] works in: some filters, each in one piece, and an image's gradient that
/// begins at a cache line.
pub(crate) const fn input_gradient_scratch(op: Conv) -> usize {
    let filters = if op.filters < GROUP { op.filters } else { GROUP };
    filters * op.filter_height * wide(op) + image_scratch(op)
}

/// Values of scratch for an image's gradient.
const fn image_scratch(op: Conv) -> usize {
    if cfg!(target_os = "none") { 0 } else { op.inputs() + 2 * BEYOND }
}

impl Kernel for InputGradient<'_, '_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { op, weights, images, scratch } = self;
        let row = op.filter_width * op.channels;
        if V::LANES > 1 && row < V::LANES {
            return V::Half::outline(InputGradient { op, weights, images, scratch });
        }
        let size = op.filter_height * wide(op);
        // As many filters as there is scratch for, beside an image or without.
        let fit = |room: usize| GROUP.min(op.filters).min(room / size.max(1));
        let group = match fit(scratch.len().saturating_sub(image_scratch(op))) {
            0 => fit(scratch.len()).max(1),
            group => group,
        };
        let Some((filters, scratch)) = scratch.split_at_mut_checked(group * size) else { return };
        // Where the vectors of an image begin, a cache line begins.
        let ahead = scratch.as_ptr().align_offset(64).min(BEYOND);
        let scratch = scratch.get_mut(ahead..).unwrap_or_default();
        let grid = Grid::of::<V>(op);
        let mut hits = Hits::NONE;
        for first in (0..op.filters).step_by(group) {
            turn_filters(op, weights, first, filters);
            for image in images.iter_mut() {
                let Backward { delta, origins, gradient } = image;
                let place = scratch.get_mut(..op.inputs() + BEYOND).filter(|_| grid.is_some());
                let in_scratch = place.is_some();
                let (pixels, rest) = match place {
                    Some(place) => {
                        if first > 0 {
                            place.iter_mut().zip(gradient.iter()).for_each(|(place, value)| *place = *value);
                        }
                        (place, Some(&mut **gradient))
                    }
                    None => (&mut **gradient, None),
                };
                if first == 0 {
                    pixels.fill(0.0);
                }
                for (filter, o) in filters.chunks_exact(size).zip(first..op.filters) {
                    let mut rest = Some(0);
                    while let Some(from) = rest {
                        hits.count = 0;
                        rest = hits.fill(op, o, 0, delta, origins, from);
                        match (&grid, in_scratch) {
                            (Some(grid), true) => {
                                let body = AddAligned { op, filter, hits: hits.all(), pixels: &mut *pixels };
                                dispatch::<V, _>(grid.vectors, body);
                            }
                            _ => add_filter::<V>(op, filter, hits.all(), pixels),
                        }
                    }
                }
                if let Some(gradient) = rest {
                    gradient.iter_mut().zip(pixels.iter()).for_each(|(place, value)| *place = *value);
                }
            }
        }
    }
}

/// The vectors of an image that a row of a filter may touch.
struct Grid {
    vectors: usize,
}

impl Grid {
    /// `None` where a row would need more zeros before it than it has, or where vectors are short.
    #[inline(always)]
    fn of<V: Vector>(op: Conv) -> Option<Self> {
        let step = (1 << op.channels.trailing_zeros()).min(V::LANES);
        let vectors = (op.filter_width * op.channels + V::LANES - step).div_ceil(V::LANES);
        let fits = V::LANES > 4 && V::LANES - step <= op.channels && has_body::<V>(vectors);
        // The last vector must not reach beyond the zeros behind a row.
        (fits && vectors * V::LANES <= (op.filter_width + 2) * op.channels).then_some(Self { vectors })
    }
}

/// Adds a filter, times its δ, to the pixels under each hit.
///
/// The vectors begin where a vector of the image begins, and take zeros of the row with them: to store across the end of
/// a cache line would take twice as long.
struct AddAligned<'a> {
    op: Conv,
    /// Its rows, each with a pixel of zeros before it and two after it.
    filter: &'a [f32],
    hits: &'a [Hit],
    /// The image's gradient, with room behind it.
    pixels: &'a mut [f32],
}

impl Body for AddAligned<'_> {
    const SHARE: usize = 1;

    #[inline(always)]
    fn run<V: Vector, const N: usize>(self) {
        let Self { op, filter, hits, pixels } = self;
        let Some(span) = Span::<V, N>::new(N * V::LANES) else { return };
        let below = op.width * op.channels;
        for hit in hits {
            let (start, delta) = (hit.pixel as usize, V::splat(hit.delta));
            for (row, start) in filter.chunks_exact(wide(op)).zip((start..).step_by(below)) {
                let before = start % V::LANES;
                let weights = span.run(row, op.channels.wrapping_sub(before));
                if let (Some(weights), Some(mut sums)) = (weights, span.run_mut(pixels, start - before)) {
                    let mut tile = Tile::begun(&sums);
                    tile.add_product(weights, delta);
                    tile.store(&mut sums);
                }
            }
        }
    }
}

/// As [`AddAligned`], with vectors that begin anywhere, and for a row of any length.
#[inline(always)]
fn add_filter<V: Vector>(op: Conv, filter: &[f32], hits: &[Hit], pixels: &mut [f32]) {
    let (row, below) = (op.filter_width * op.channels, op.width * op.channels);
    for hit in hits {
        let (start, delta) = (hit.pixel as usize, V::splat(hit.delta));
        for (weights, start) in filter.chunks_exact(wide(op)).zip((start..).step_by(below)) {
            let weights = weights.get(op.channels..op.channels + row).unwrap_or(&[]);
            let sums = pixels.get_mut(start..start + row).unwrap_or_default();
            let whole = row / V::LANES * V::LANES;
            for (sums, weights) in sums.chunks_exact_mut(V::LANES).zip(weights.chunks_exact(V::LANES)) {
                V::load(sums).add_product(V::load(weights), delta).store(sums);
            }
            for (sum, weight) in sums.iter_mut().zip(weights).skip(whole) {
                *sum += weight * hit.delta;
            }
        }
    }
}

/// Writes the filters from `first` on, as many as there is room for, each in one piece.
#[inline(always)]
fn turn_filters(op: Conv, weights: &[f32], first: usize, filters: &mut [f32]) {
    let (row, size) = (op.filter_width * op.channels, op.filter_height * wide(op));
    let last = op.filters.min(first + filters.len() / size.max(1));
    for filter_row in filters.chunks_exact_mut(wide(op)) {
        let (before, rest) = filter_row.split_at_mut(op.channels);
        before.fill(0.0);
        rest.iter_mut().skip(row).for_each(|value| *value = 0.0);
    }
    for (weights, ky) in weights.chunks_exact(row * op.filters).zip(0..) {
        let first_place = ky * wide(op) + op.channels;
        for (fours, tap) in weights.chunks(4 * op.filters).zip((0..).step_by(4)) {
            let mut taps = fours.chunks_exact(op.filters).map(|tap| tap.get(first..last).unwrap_or(&[]));
            if let [Some(a), Some(b), Some(c), Some(d)] = [taps.next(), taps.next(), taps.next(), taps.next()] {
                columns([a, b, c, d], |filter, weights| {
                    let place = filters.get_mut(filter * size + first_place + tap..).and_then(<[f32]>::first_chunk_mut);
                    if let Some(place) = place {
                        *place = weights;
                    }
                });
                continue;
            }
            for (weights, tap) in fours.chunks_exact(op.filters).zip(tap..) {
                let places = filters.iter_mut().skip(first_place + tap).step_by(size);
                places.zip(weights.get(first..last).unwrap_or(&[])).for_each(|(place, weight)| *place = *weight);
            }
        }
    }
}

/// b_o - rate·Σδ_o over the images and positions.
#[inline(always)]
pub(crate) fn update_bias(op: Conv, bias: &mut [f32], samples: &Samples, sgd: &Sgd) {
    for (bias, first) in bias.chunks_mut(BIASES).zip((0..).step_by(BIASES)) {
        let mut gradient = [0.0; BIASES];
        for sample in samples.iter(op) {
            for delta in sample.delta.chunks_exact(op.filters) {
                let delta = delta.get(first..).unwrap_or(&[]);
                gradient.iter_mut().zip(delta).for_each(|(gradient, delta)| *gradient += delta);
            }
        }
        bias.iter_mut().zip(gradient).for_each(|(bias, gradient)| *bias = sgd.bias(*bias, gradient));
    }
}

/// Biases whose gradients are summed side by side.
const BIASES: usize = 20;

compiled_once!(Gradient<'_>, Step<'_>, InputGradient<'_, '_>);
