//! A dense layer's inner loops. The weight of input i and output j is number i·outputs + j: a row for each input.

use super::device;
use super::run::{BITS, Bits, Body, Part, Span, Tile, dispatch, parts, share_well};
use super::turn::{block, turn};
use super::vector::{Aligned, Kernel, Vector, compiled_once};
use crate::activation::Function;
use crate::op::Dense;
use crate::sgd::Sgd;
use core::ops::Range;

/// Inputs whose weights are used by all images before the next: their rows stay in the cache, and one register says
/// which of an image's values are zero.
const ROWS: usize = BITS;
/// Images that use a block of rows before the next block, and so share the reading of its weights. A microcontroller has
/// one, and little stack.
pub(crate) const IMAGES: usize = if cfg!(target_os = "none") { 1 } else { 128 };
/// Outputs that are summed side by side where there are very many: [`ROWS`] rows of this many weights fit in the cache
/// nearest to the processor.
pub(crate) const PANEL: usize = 128;
/// Weights that stay in the cache, beside other data, between one use and the next.
const BLOCK: usize = 64 * 1024;

/// An image's x, and where its sums go: all of them, or some columns.
pub(crate) type Image<'a> = (&'a [f32], &'a mut [f32]);

/// Which values of a block, of at most [`ROWS`], are not zero: a bit for each, from the lowest on. To go through the bits
/// takes less time than to write down the indices, and to read them again.
#[derive(Clone, Copy)]
struct Mask(Bits);

impl Mask {
    const NONE: Self = Self(0);

    #[inline(always)]
    fn nonzero<V: Vector>(values: &[f32]) -> Self {
        let mut bits = 0;
        let (whole, rest) = values.split_at(values.len() / V::LANES * V::LANES);
        for (values, first) in whole.chunks_exact(V::LANES).zip((0..).step_by(V::LANES)) {
            bits |= Bits::from(V::load(values).nonzero()) << first;
        }
        for (&value, index) in rest.iter().zip(whole.len()..) {
            bits |= Bits::from(value != 0.0) << index;
        }
        Self(bits)
    }

    #[inline(always)]
    fn count(self) -> usize {
        self.0.count_ones() as usize
    }
}

/// Values that are read so many times are worth a copy in which each vector lies in one cache line.
pub(crate) const READS: usize = 16;

/// Values of scratch that the kernels work in which pack weights: room for a block of rows. A microcontroller packs
/// nothing.
pub(crate) const ROOM: usize = if cfg!(target_os = "none") { 0 } else { 8 * 1024 };

/// Copies the columns from `start` on of some rows, `len` of each, so that their vectors lie side by side: the last may
/// repeat some values of the one before.
#[inline(always)]
fn pack<'a, V: Vector>(packed: &mut [f32], rows: impl Iterator<Item = &'a [f32]>, start: usize, len: usize) {
    for (place, row) in packed.chunks_exact_mut(len.next_multiple_of(V::LANES)).zip(rows) {
        let Some(run) = row.get(start..start + len) else { return };
        let last = run.get(len - V::LANES..).unwrap_or(&[]);
        for (place, values) in place.chunks_exact_mut(V::LANES).zip(run.chunks_exact(V::LANES).chain([last])) {
            V::load(values).store(place);
        }
    }
}

/// Images that are gone through side by side where none has a zero, or inputs where none is zero: what is read of the
/// weights, or of δ, is read once for all.
const ABREAST: usize = 3;

/// How many images a thread takes a step further while others wait for them: a few groups, of which the last may be
/// smaller, for that is what most threads wait for at the end.
pub(crate) fn group(images: usize) -> usize {
    images.div_ceil(GROUPS).next_multiple_of(ABREAST)
}

/// Groups of images at most.
const GROUPS: usize = 8;

/// Whether these masks, of blocks of so many values, leave nothing out.
#[inline(always)]
fn go_abreast(masks: &[Mask], len: usize) -> bool {
    IMAGES >= ABREAST && masks.iter().all(|mask| mask.count() == len)
}

/// Some rows of weights, `stride` values apart, of which the columns from `start` on are used.
#[derive(Clone, Copy)]
struct Rows<'a> {
    values: &'a [f32],
    stride: usize,
    start: usize,
    /// How many of a row's values a run of it has: those of the part, or of whole vectors where it is packed.
    len: usize,
}

/// Adds to a part of each image's sums the products of some inputs and their rows: sums_j += x_i·w_ij.
struct AddRows<'a, 'b> {
    rows: Rows<'a>,
    images: &'a mut [Image<'b>],
    /// The inputs that the rows belong to.
    inputs: Range<usize>,
    /// Which of these are not zero: for each image as many masks as for any other.
    masks: &'a [Mask],
    /// The part of the images' sums.
    part: Part,
    /// What is used next: a row of it is asked for with each image. It lies in many rows, which no processor sees coming.
    ahead: Option<Rows<'a>>,
}

impl Body for AddRows<'_, '_> {
    const SHARE: usize = 1;

    #[inline(always)]
    fn run<V: Vector, const N: usize>(self) {
        let Rows { values, stride, start, len } = self.rows;
        let (Some(sums), Some(span)) = (Span::<V, N>::new(self.part.len), Span::<V, N>::new(len)) else { return };
        let Some(rows) = values.get(start..).and_then(|values| span.source(values)) else { return };
        let mut ahead =
            self.ahead.map(|rows| rows.values.chunks(rows.stride).map(move |row| block_of(row, rows.start, rows.len)));
        let rows = rows.strided(stride, self.inputs.len());
        let masks = self.masks.chunks((self.masks.len() / self.images.len().max(1)).max(1));
        for ((x, z), masks) in self.images.iter_mut().zip(masks) {
            for row in ahead.iter_mut().flatten().take(ROWS.div_ceil(IMAGES)) {
                V::prefetch(row);
            }
            let Some(mut run) = sums.run_mut(z, self.part.start) else { continue };
            let mut tile = Tile::begun(&run);
            let x = block_of(x, self.inputs.start, self.inputs.len());
            for (mask, first) in masks.iter().zip((0..).step_by(ROWS)) {
                for (row, x) in rows.terms(first, mask.0, block_of(x, first, ROWS)) {
                    tile.add_product(row, V::splat(x));
                }
            }
            tile.store(&mut run);
        }
    }
}

/// As [`AddRows`], with all rows, for images in threes: each row is read once for three.
struct AddAllRows<'a, 'b> {
    rows: Rows<'a>,
    images: &'a mut [Image<'b>],
    inputs: Range<usize>,
    part: Part,
}

impl Body for AddAllRows<'_, '_> {
    const SHARE: usize = ABREAST;

    #[inline(always)]
    fn run<V: Vector, const N: usize>(self) {
        let Rows { values, stride, start, len } = self.rows;
        let (Some(sums), Some(span)) = (Span::<V, N>::new(self.part.len), Span::<V, N>::new(len)) else { return };
        let Some(rows) = values.get(start..).and_then(|values| span.source(values)) else { return };
        for images in self.images.as_chunks_mut::<ABREAST>().0 {
            let [(xa, za), (xb, zb), (xc, zc)] = images;
            let at = self.part.start;
            let (Some(mut za), Some(mut zb), Some(mut zc)) =
                (sums.run_mut(za, at), sums.run_mut(zb, at), sums.run_mut(zc, at))
            else {
                continue;
            };
            let (mut a, mut b, mut c) = (Tile::begun(&za), Tile::begun(&zb), Tile::begun(&zc));
            let (first, count) = (self.inputs.start, self.inputs.len());
            let [xa, xb, xc] = [block_of(xa, first, count), block_of(xb, first, count), block_of(xc, first, count)];
            for (((xa, xb), xc), row) in xa.iter().zip(xb).zip(xc).zip(rows.strided(stride, count).iter()) {
                let factors = [V::broadcast(xa), V::broadcast(xb), V::broadcast(xc)];
                Tile::add_products([&mut a, &mut b, &mut c], row, factors);
            }
            a.store(&mut za);
            b.store(&mut zb);
            c.store(&mut zc);
        }
    }
}

/// Some rows of weights for a block of inputs, and what is done with them.
struct Block<'a> {
    rows: Rows<'a>,
    /// The inputs that the rows belong to: more than [`ROWS`] only for a single image.
    inputs: Range<usize>,
    /// Which of these are not zero, image by image.
    masks: &'a [Mask],
    /// Where the sums begin in an image's place; there are `rows.len` of them.
    place: usize,
    ahead: Option<Rows<'a>>,
}

/// [`add_block`] in a function of its own.
struct AddBlock<'a, 'b, 'c> {
    block: Block<'a>,
    images: &'a mut [Image<'b>],
    packed: Option<&'c mut [f32]>,
}

impl Kernel for AddBlock<'_, '_, '_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        add_block::<V>(self.block, self.images, self.packed);
    }
}

/// Adds to the sums of each image what a block of inputs gives.
#[inline(always)]
fn add_block<V: Vector>(block: Block, images: &mut [Image], packed: Option<&mut [f32]>) {
    let Block { rows, inputs, masks, place, ahead } = block;
    if V::LANES > 1 && rows.len < V::LANES {
        let block = Block { rows, inputs, masks, place, ahead };
        return V::Half::outline(AddBlock { block, images, packed });
    }
    let abreast = share_well::<V>(rows.len, ABREAST) && go_abreast(masks, inputs.len());
    let (threes, images) = images.split_at_mut(if abreast { images.len() / ABREAST * ABREAST } else { 0 });
    let masks = masks.get(threes.len()..).unwrap_or(&[]);
    if !threes.is_empty() {
        for part in parts::<V>(rows.len, ABREAST) {
            let rows = Rows { start: rows.start + part.start, len: part.len, ..rows };
            let part = Part { start: place + part.start, ..part };
            dispatch::<V, _>(part.vectors, AddAllRows { rows, images: &mut *threes, inputs: inputs.clone(), part });
        }
    }
    let reads: usize = masks.iter().map(|mask| mask.count()).sum();
    let packed = packed.filter(|_| !abreast && reads >= READS * inputs.len());
    let packed_stride = rows.len.next_multiple_of(V::LANES);
    // Not by a closure: those are compiled for the baseline's vectors.
    let packed = match packed {
        Some(packed) if packed.len() >= inputs.len() * packed_stride => {
            pack::<V>(packed, rows.values.chunks(rows.stride), rows.start, rows.len);
            Some(&*packed)
        }
        _ => None,
    };
    for part in parts::<V>(rows.len, 1) {
        let rows = match packed {
            Some(values) => Rows { values, stride: packed_stride, start: part.start, len: part.vectors * V::LANES },
            None => Rows { start: rows.start + part.start, len: part.len, ..rows },
        };
        let ahead = ahead.filter(|_| part.start == 0 && packed.is_some());
        let part = Part { start: place + part.start, ..part };
        dispatch::<V, _>(
            part.vectors,
            AddRows { rows, images: &mut *images, inputs: inputs.clone(), masks, part, ahead },
        );
    }
}

/// z_j += Σ_i x_i·w_ij over the inputs `inputs`, for the outputs from `first` on: as many as each image has room for, at
/// most [`IMAGES`] images. `panel` outputs are summed side by side.
pub(crate) struct AddInputs<'a, 'b> {
    pub(crate) op: Dense,
    pub(crate) weights: &'a [f32],
    pub(crate) inputs: Range<usize>,
    pub(crate) first: usize,
    pub(crate) panel: usize,
    pub(crate) images: &'a mut [Image<'b>],
    /// [`ROOM`] values, or none.
    pub(crate) scratch: &'a mut [f32],
}

impl Kernel for AddInputs<'_, '_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { op: Dense { inputs: all, outputs, .. }, weights, inputs, first, panel, images, scratch } = self;
        let count = images.first().map_or(0, |(_, z)| z.len()).min(outputs.saturating_sub(first));
        if count == 0 || inputs.end > all || images.len() > IMAGES {
            return;
        }
        let mut masks = [Mask::NONE; IMAGES];
        let is_worth_it = images.len() >= READS;
        // Nobody else waits for the rows of a single image: its sums stay in registers, for all the masks there are.
        let (height, panel) = if images.len() == 1 { (IMAGES * ROWS, count) } else { (ROWS, panel) };
        let weights = weights.get(inputs.start * outputs..inputs.end * outputs).unwrap_or(&[]);
        for (number, rows) in weights.chunks(height * outputs).enumerate() {
            let start = inputs.start + number * height;
            let block = start..start + rows.len() / outputs;
            let blocks = images.iter().flat_map(|(x, _)| x.get(block.clone()).unwrap_or(&[]).chunks(ROWS));
            let mut known = 0;
            for (mask, values) in masks.iter_mut().zip(blocks) {
                *mask = Mask::nonzero::<V>(values);
                known += 1;
            }
            let masks = masks.get(..known).unwrap_or(&[]);
            for place in (0..count).step_by(panel) {
                let width = panel.min(count - place);
                let rows_of = |values, start| Rows { values, stride: outputs, start: first + start, len: width };
                let following = weights.get((number + 1) * height * outputs..).unwrap_or(&[]);
                let ahead = match place + width {
                    next if next < count => rows_of(rows, next),
                    _ => rows_of(following, 0),
                };
                let ahead = (count > panel).then_some(ahead);
                let block = Block { rows: rows_of(rows, place), inputs: block.clone(), masks, place, ahead };
                add_block::<V>(block, images, is_worth_it.then_some(&mut *scratch));
            }
        }
    }
}

/// The values from `first` on, at most `len`.
#[inline(always)]
fn block_of(values: &[f32], first: usize, len: usize) -> &[f32] {
    values.get(first..values.len().min(first + len)).unwrap_or(&[])
}

/// z_j = Σ_i x_i·w_ij + b_j, then the activation, for each image, over the inputs `inputs`: the first begins the sums,
/// and after the last come bias and activation.
pub(crate) struct Forward<'a, 'b> {
    pub(crate) op: Dense,
    pub(crate) weights: &'a [f32],
    pub(crate) bias: &'a [f32],
    pub(crate) inputs: Range<usize>,
    pub(crate) images: &'a mut [Image<'b>],
    /// [`ROOM`] values, or none.
    pub(crate) scratch: &'a mut [f32],
}

impl Kernel for Forward<'_, '_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { op, weights, bias, inputs, images, scratch } = self;
        if cfg!(target_os = "none") {
            // A device has one thread, which takes all inputs.
            for (x, z) in images.iter_mut() {
                device::dense(weights, bias, x, z);
            }
        } else {
            if inputs.start == 0 {
                images.iter_mut().for_each(|(_, z)| z.fill(0.0));
            }
            let is_last = inputs.end == op.inputs;
            let (first, panel, images) = (0, op.outputs.max(1), &mut *images);
            V::outline(AddInputs { op, weights, inputs, first, panel, images, scratch });
            if !is_last {
                return;
            }
            images.iter_mut().for_each(|(_, z)| add_bias(z, bias));
        }
        for (_, z) in images {
            op.activation.forward(z);
        }
    }
}

/// Bias and activation.
pub(crate) struct Finish<'a, 'b> {
    pub(crate) bias: &'a [f32],
    pub(crate) activation: Function,
    pub(crate) images: &'a mut [Image<'b>],
}

impl Kernel for Finish<'_, '_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        for (_, z) in self.images {
            add_bias(z, self.bias);
            self.activation.forward(z);
        }
    }
}

/// z_j += b_j.
#[inline(always)]
pub(crate) fn add_bias(z: &mut [f32], bias: &[f32]) {
    for (z, bias) in z.iter_mut().zip(bias) {
        *z += bias;
    }
}

/// Inputs whose gradients are summed side by side, and images that an update turns; as many as a [`Mask`] has bits, or
/// fewer.
pub(crate) const ACROSS: usize = if cfg!(target_os = "none") { 8 } else { 64 };

/// ∂C/∂x_i = Σ_j δ_j·w_ij for each image, at most [`IMAGES`], and the inputs that `rows` has rows of; `images` holds δ
/// and where these inputs' gradients go.
///
/// The sums run along the rows, so tiles of the weights are turned, once for the whole batch, and vectors run across the
/// inputs.
pub(crate) struct InputGradient<'a, 'b> {
    pub(crate) rows: &'a [f32],
    pub(crate) outputs: usize,
    pub(crate) images: &'a mut [Image<'b>],
}

impl Kernel for InputGradient<'_, '_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { rows: weights, outputs, images } = self;
        if images.len() > IMAGES {
            return;
        }
        for (_, gradient) in images.iter_mut() {
            gradient.fill(0.0);
        }
        if outputs == 0 {
            return;
        }
        let (mut turned, mut masks) = (Aligned([[0.0; ACROSS]; ROWS]), [Mask::NONE; IMAGES]);
        for first in (0..outputs).step_by(ROWS) {
            let taken = first..outputs.min(first + ROWS);
            for ((delta, _), mask) in images.iter().zip(&mut masks) {
                *mask = Mask::nonzero::<V>(delta.get(taken.clone()).unwrap_or(&[]));
            }
            let masks = masks.get(..images.len()).unwrap_or(&[]);
            for (number, rows) in weights.chunks(ACROSS * outputs).enumerate() {
                let count = rows.len() / outputs;
                let mut table = [[].as_slice(); ACROSS];
                table.iter_mut().zip(rows.chunks_exact(outputs)).for_each(|(place, row)| *place = row);
                turn::<V, _, _, _>(table.get(..count).unwrap_or(&[]), first, &mut turned.0);
                // What is turned next lies in many rows, which no processor sees coming.
                let next = match weights.get((number + 1) * ACROSS * outputs..) {
                    Some(rows) if !rows.is_empty() => (rows, first),
                    _ => (weights, first + ROWS),
                };
                for row in next.0.chunks_exact(outputs).take(ACROSS) {
                    V::prefetch(block::<ROWS>(row, next.1));
                }
                let rows = Rows { values: turned.0.as_flattened(), stride: ACROSS, start: 0, len: count };
                let place = number * ACROSS;
                let block = Block { rows, inputs: taken.clone(), masks, place, ahead: None };
                add_block::<V>(block, images, None);
            }
        }
    }
}

/// [`InputGradient`], then [`Update`], for the inputs from `first` on. The weights are taken in blocks that stay in the
/// cache from the one to the other.
pub(crate) struct InputGradientAndUpdate<'a, 'b> {
    pub(crate) rows: &'a mut [f32],
    pub(crate) outputs: usize,
    pub(crate) first: usize,
    /// The whole inputs of the images, at most [`ACROSS`].
    pub(crate) inputs: &'a [&'b [f32]],
    /// δ, and where these inputs' gradients go.
    pub(crate) images: &'a mut [Image<'b>],
    pub(crate) sgd: &'a Sgd,
    /// As for [`Update`].
    pub(crate) scratch: &'a mut [f32],
}

impl Kernel for InputGradientAndUpdate<'_, '_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { rows, outputs, first, inputs, images, sgd, scratch } = self;
        let mut deltas = [[].as_slice(); ACROSS];
        deltas.iter_mut().zip(&*images).for_each(|(place, (delta, _))| *place = *delta);
        let deltas = deltas.get(..images.len()).unwrap_or(&[]);
        if outputs == 0 {
            images.iter_mut().for_each(|(_, gradient)| gradient.fill(0.0));
        }
        let block = (BLOCK / outputs.max(1)).max(1).next_multiple_of(ACROSS);
        // The last first: in the next forward pass the first are the first to be used.
        for (number, rows) in rows.chunks_mut((block * outputs).max(1)).enumerate().rev() {
            let start = number * block;
            let count = rows.len() / outputs.max(1);
            let mut pieces = heapless::Vec::<Image, ACROSS>::new();
            for (delta, gradient) in images.iter_mut() {
                // There is room for as many as there are.
                let _ = pieces.push((*delta, gradient.get_mut(start..start + count).unwrap_or_default()));
            }
            V::outline(InputGradient { rows, outputs, images: &mut pieces });
            let scratch = &mut *scratch;
            V::outline(Update { rows, outputs, first: first + start, inputs, deltas, sgd, scratch });
        }
    }
}

/// Whether an update turns a mini-batch's inputs. A microcontroller has little stack, and no branches that are guessed
/// wrong.
pub(crate) const TURNED: bool = !cfg!(target_os = "none");

/// Inputs whose weights are updated before the next.
const HEIGHT: usize = 32;

/// Gradient and step in one pass over the weights of the inputs from `first` on, for at most [`ACROSS`] images.
pub(crate) struct Update<'a, 'b> {
    pub(crate) rows: &'a mut [f32],
    pub(crate) outputs: usize,
    pub(crate) first: usize,
    /// The whole inputs.
    pub(crate) inputs: &'a [&'b [f32]],
    pub(crate) deltas: &'a [&'b [f32]],
    pub(crate) sgd: &'a Sgd,
    /// [`update_scratch`] values; with fewer, down to [`LEAST`], it takes longer.
    pub(crate) scratch: &'a mut [f32],
}

/// The most lanes of a vector.
const LANES: usize = 16;
/// Values of scratch that [`Update`] cannot do without.
pub(crate) const LEAST: usize = 2 * ACROSS * LANES;

/// Values of scratch that [`Update`] works in: the δ of all images.
pub(crate) const fn update_scratch(outputs: usize, images: usize) -> usize {
    let values = images * outputs.next_multiple_of(LANES);
    if values < LEAST { LEAST } else { values }
}

impl Kernel for Update<'_, '_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { rows, outputs, first, inputs, deltas, sgd, scratch } = self;
        if outputs == 0 || inputs.len() > ACROSS {
            return;
        }
        if outputs < V::LANES && V::LANES > 1 {
            return V::Half::outline(Update { rows, outputs, first, inputs, deltas, sgd, scratch });
        }
        // All outputs at a time, or as many as there is scratch for.
        let most = (scratch.len() / inputs.len().max(1)) / LANES * LANES;
        let width = if outputs <= most { outputs } else { most.max(2 * LANES) };
        let mut start = 0;
        while start < outputs {
            // The rest may be shorter than a vector: then it reaches back. A second step would be wrong, so it is the one
            // before that ends earlier.
            let rest = outputs - start;
            let len = if rest <= width {
                rest
            } else if rest - width < V::LANES {
                width - V::LANES
            } else {
                width
            };
            let columns = Columns { start, len };
            V::outline(UpdateColumns { rows, outputs, columns, first, inputs, deltas, sgd, scratch });
            start += len;
        }
    }
}

/// Some of a layer's outputs.
#[derive(Clone, Copy)]
struct Columns {
    start: usize,
    len: usize,
}

/// [`Update`] of some columns of the weights.
struct UpdateColumns<'a, 'b> {
    rows: &'a mut [f32],
    outputs: usize,
    columns: Columns,
    first: usize,
    inputs: &'a [&'b [f32]],
    deltas: &'a [&'b [f32]],
    sgd: &'a Sgd,
    scratch: &'a mut [f32],
}

impl Kernel for UpdateColumns<'_, '_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { rows: weights, outputs, columns, first, inputs: batch, deltas, sgd, scratch } = self;
        // δ lie side by side, and so that none of a cache line's length lies across the end of one.
        pack::<V>(scratch, deltas.iter().copied(), columns.start, columns.len);
        let (deltas, stride) = (&*scratch, columns.len.next_multiple_of(V::LANES));
        let mut turned = Aligned([[0.0; ACROSS]; HEIGHT]);
        let mut masks = [Mask::NONE; HEIGHT];
        // Images are turned in sixteens; those that are missing are zeros, which masks leave out.
        let zeros = [0.0; HEIGHT];
        let mut runs = [zeros.as_slice(); ACROSS];
        let runs = runs.get_mut(..batch.len().next_multiple_of(16)).unwrap_or_default();
        // The last first: the input gradient has just been there.
        for (number, rows) in weights.chunks_mut(HEIGHT * outputs).enumerate().rev() {
            let (first, count) = (first + number * HEIGHT, rows.len() / outputs);
            for (number, run) in runs.iter_mut().enumerate() {
                let known = batch.get(number).and_then(|image| image.get(first..first + count));
                *run = known.unwrap_or(zeros.get(..count).unwrap_or(&[]));
            }
            turn::<V, _, _, _>(runs, 0, &mut turned.0);
            for (mask, inputs) in masks.iter_mut().zip(&turned.0).take(count) {
                *mask = Mask::nonzero::<V>(inputs.get(..batch.len().next_multiple_of(V::LANES)).unwrap_or(&[]));
            }
            let masks = masks.get(..count).unwrap_or(&[]);
            let images = batch.len();
            let may_share = share_well::<V>(columns.len, ABREAST);
            let is_abreast = |masks: &[Mask]| may_share && masks.len() == ABREAST && go_abreast(masks, images);
            let (all, any) = (masks.chunks(ABREAST).all(is_abreast), masks.chunks(ABREAST).any(is_abreast));
            let block = |part: Part| {
                let place = columns.start + part.start;
                UpdateBlock { outputs, masks, inputs: &turned.0, images, deltas, stride, place, part, sgd }
            };
            if !all {
                for part in parts::<V>(columns.len, 1) {
                    let (block, rows) = (block(part), &mut *rows);
                    dispatch::<V, _>(part.vectors, UpdateSparse { block, rows, skip: any });
                }
            }
            if any {
                for part in parts::<V>(columns.len, ABREAST) {
                    dispatch::<V, _>(part.vectors, UpdateAbreast { block: block(part), rows: &mut *rows });
                }
            }
        }
    }
}

/// Gradient and step of a part of some rows.
struct UpdateBlock<'a> {
    outputs: usize,
    masks: &'a [Mask],
    inputs: &'a [[f32; ACROSS]; HEIGHT],
    images: usize,
    /// Packed, `stride` values an image.
    deltas: &'a [f32],
    stride: usize,
    /// Where the part begins in a row of the weights.
    place: usize,
    /// The part of the packed δ.
    part: Part,
    sgd: &'a Sgd,
}

/// Those rows of a block that are not for [`UpdateAbreast`].
struct UpdateSparse<'a> {
    block: UpdateBlock<'a>,
    rows: &'a mut [f32],
    /// Whether there are such.
    skip: bool,
}

impl Body for UpdateSparse<'_> {
    const SHARE: usize = 1;

    #[inline(always)]
    fn run<V: Vector, const N: usize>(self) {
        let UpdateBlock { outputs, masks, inputs, images, deltas, stride, place, part, sgd } = self.block;
        let (Some(weights), Some(span)) = (Span::<V, N>::new(part.len), Span::<V, N>::new(N * V::LANES)) else {
            return;
        };
        let Some(deltas) = deltas.get(part.start..).and_then(|deltas| span.source(deltas)) else { return };
        let deltas = deltas.strided(stride, images);
        let groups = self.rows.chunks_mut(ABREAST * outputs).zip(masks.chunks(ABREAST)).zip(inputs.chunks(ABREAST));
        for ((rows, masks), inputs) in groups {
            if self.skip && masks.len() == ABREAST && go_abreast(masks, images) {
                continue;
            }
            for ((row, mask), inputs) in rows.chunks_exact_mut(outputs).zip(masks).zip(inputs) {
                if mask.count() == 0 && sgd.decay == 1.0 {
                    // A row that no image reaches has the gradient 0, and stays as it is where nothing decays.
                    continue;
                }
                let Some(mut run) = weights.run_mut(row, place) else { continue };
                let mut gradient = Tile::<V, N>::zero();
                for (delta, x) in deltas.terms(0, mask.0, inputs.get(..images).unwrap_or(&[])) {
                    gradient.add_product(delta, V::splat(x));
                }
                gradient.step(&mut run, sgd);
            }
        }
    }
}

/// Those rows of a block that go in threes, for no image has a zero there: δ is read once for three.
struct UpdateAbreast<'a> {
    block: UpdateBlock<'a>,
    rows: &'a mut [f32],
}

impl Body for UpdateAbreast<'_> {
    const SHARE: usize = ABREAST;

    #[inline(always)]
    fn run<V: Vector, const N: usize>(self) {
        let UpdateBlock { outputs, masks, inputs, images, deltas, stride, place, part, sgd } = self.block;
        // Of the packed δ, the last vector of the last part lies behind the others; that of the weights overlaps.
        let (Some(weights), Some(span)) = (Span::<V, N>::new(part.len), Span::<V, N>::new(N * V::LANES)) else {
            return;
        };
        let Some(deltas) = deltas.get(part.start..).and_then(|deltas| span.source(deltas)) else { return };
        let deltas = deltas.strided(stride, images);
        let groups =
            self.rows.chunks_exact_mut(ABREAST * outputs).zip(masks.chunks(ABREAST)).zip(inputs.chunks(ABREAST));
        for ((rows, masks), inputs) in groups {
            let (Ok([xa, xb, xc]), true) = (<&[_; ABREAST]>::try_from(inputs), go_abreast(masks, images)) else {
                continue;
            };
            let (mut a, mut b, mut c) = (Tile::<V, N>::zero(), Tile::<V, N>::zero(), Tile::<V, N>::zero());
            for (((delta, xa), xb), xc) in deltas.iter().zip(xa).zip(xb).zip(xc) {
                let factors = [V::broadcast(xa), V::broadcast(xb), V::broadcast(xc)];
                Tile::add_products([&mut a, &mut b, &mut c], delta, factors);
            }
            for (row, gradient) in rows.chunks_exact_mut(outputs).zip([a, b, c]) {
                if let Some(mut run) = weights.run_mut(row, place) {
                    gradient.step(&mut run, sgd);
                }
            }
        }
    }
}

/// [`Update`] without masks, for any number of images, whose inputs and δ lie in memory as in a mini-batch.
pub(crate) struct UpdateRows<'a> {
    pub(crate) rows: &'a mut [f32],
    pub(crate) outputs: usize,
    pub(crate) first: usize,
    /// The images' memory, `stride` values each.
    pub(crate) memory: &'a [f32],
    pub(crate) stride: usize,
    /// Where an image's inputs begin, and its δ.
    pub(crate) input: usize,
    pub(crate) delta: usize,
    pub(crate) sgd: &'a Sgd,
}

impl Kernel for UpdateRows<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { rows, outputs, first, memory, stride, input, delta, sgd } = self;
        if outputs == 0 {
            return;
        }
        if outputs < V::LANES && V::LANES > 1 {
            return V::Half::outline(UpdateRows { rows, outputs, first, memory, stride, input, delta, sgd });
        }
        for part in parts::<V>(outputs, UpdateRowsPart::SHARE) {
            let rows = &mut *rows;
            let body =
                UpdateRowsPart { rest: UpdateRows { rows, outputs, first, memory, stride, input, delta, sgd }, part };
            dispatch::<V, _>(part.vectors, body);
        }
    }
}

struct UpdateRowsPart<'a> {
    rest: UpdateRows<'a>,
    part: Part,
}

impl Body for UpdateRowsPart<'_> {
    // On a PC it is for large batches alone, and less code will do.
    const SHARE: usize = if cfg!(target_os = "none") { 1 } else { 4 };

    #[inline(always)]
    fn run<V: Vector, const N: usize>(self) {
        let UpdateRows { rows, outputs, first, memory, stride, input, delta, sgd } = self.rest;
        let Some(span) = Span::<V, N>::new(self.part.len) else { return };
        for (row, i) in rows.chunks_exact_mut(outputs).zip(first..) {
            let x = |image: &[f32]| image.get(input + i).copied().unwrap_or(0.0);
            // A row that no image reaches: as above.
            if sgd.decay == 1.0 && memory.chunks_exact(stride).all(|image| x(image) == 0.0) {
                continue;
            }
            let Some(mut run) = span.run_mut(row, self.part.start) else { continue };
            let mut gradient = Tile::<V, N>::zero();
            for image in memory.chunks_exact(stride) {
                let x = x(image);
                if x != 0.0
                    && let Some(delta) = span.run(image, delta + self.part.start)
                {
                    gradient.add_product(delta, V::splat(x));
                }
            }
            gradient.step(&mut run, sgd);
        }
    }
}

/// Biases whose gradients are summed side by side.
const BIASES: usize = 16;

/// b_j - rate·Σδ_j over the images.
#[inline(always)]
pub(crate) fn update_bias<'a>(bias: &mut [f32], deltas: impl Iterator<Item = &'a [f32]> + Clone, sgd: &Sgd) {
    for (bias, first) in bias.chunks_mut(BIASES).zip((0..).step_by(BIASES)) {
        let mut gradient = [0.0; BIASES];
        for delta in deltas.clone() {
            let delta = delta.get(first..).unwrap_or(&[]);
            gradient.iter_mut().zip(delta).for_each(|(gradient, delta)| *gradient += delta);
        }
        bias.iter_mut().zip(gradient).for_each(|(bias, gradient)| *bias = sgd.bias(*bias, gradient));
    }
}

compiled_once!(
    AddInputs<'_, '_>,
    InputGradient<'_, '_>,
    InputGradientAndUpdate<'_, '_>,
    Update<'_, '_>,
    UpdateRows<'_>;
    device inline Forward<'_, '_>, Finish<'_, '_>
);
