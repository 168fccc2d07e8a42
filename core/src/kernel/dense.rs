//! A dense layer's inner loops. `weights[i][j]` leads from input i to output j.

use super::device;
use super::turn::{block, turn};
use super::vector::{Aligned, Tile, Vector, add_products, add_rows};
use crate::sgd::Sgd;
use crate::tensor::Tensor;
use core::iter;
use core::marker::PhantomData;
use core::ops::Range;

/// As many bits as a register has.
#[cfg(target_os = "none")]
type Bits = u32;
/// As many bits as a register has.
#[cfg(not(target_os = "none"))]
type Bits = u64;

/// Inputs whose weights are used by all images before the next: their rows stay in the cache, and one register says
/// which of an image's values are zero.
const ROWS: usize = Bits::BITS as usize;
/// Images that use a block of rows before the next: so many share what is read of the weights. A microcontroller has
/// one, and little stack.
pub(crate) const IMAGES: usize = if cfg!(target_os = "none") { 1 } else { 128 };
/// Outputs that are summed side by side where there are very many: so many rows of so many weights fit in the cache
/// next to the processor.
pub(crate) const PANEL: usize = 128;
/// From so many outputs on, a layer may be gone through in panels.
pub(crate) const WIDE: usize = if cfg!(target_os = "none") { usize::MAX } else { 4 * PANEL };
/// So many weights do not fit in a core's cache, with other things.
pub(crate) const LARGE: usize = 256 * 1024;
/// So many weights take longer to change cores than threads take to wait for each other.
pub(crate) const OWNED: usize = if cfg!(target_os = "none") { usize::MAX } else { 32 * 1024 };
/// So many weights stay in the cache between one use and the next, with other things.
const BLOCK: usize = 64 * 1024;

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

    /// The terms for [`add_rows`]: the indices of the values that are not zero, ascending, and these values.
    #[inline(always)]
    fn terms(self, values: &[f32]) -> impl Iterator<Item = (usize, f32)> + Clone {
        let mut bits = self.0;
        iter::from_fn(move || {
            if bits == 0 {
                return None;
            }
            let index = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            Some((index, *values.get(index)?))
        })
    }
}

/// Values that are read so many times are worth a copy in which each vector lies in one cache line.
const READS: usize = 16;

/// As many values as are packed at a time; a microcontroller packs nothing.
const ROOM: usize = if cfg!(target_os = "none") { 0 } else { 8 * 1024 };

/// Runs of values shaped as `T`, packed ([`Tile::pack`]).
struct Packed<V, T> {
    values: Aligned<[f32; ROOM]>,
    shape: PhantomData<(V, T)>,
}

impl<V: Vector, T: Tensor> Packed<V, T> {
    const STRIDE: usize = Tile::<V, T, 1>::PACKED;

    /// Room for some runs, if they fit, and being read so many times they are worth it.
    #[inline(always)]
    fn room(runs: usize, reads: usize) -> Option<Self> {
        let fits = (1..=ROOM).contains(&(runs * Self::STRIDE));
        (fits && reads >= READS).then_some(Self { values: Aligned([0.0; ROOM]), shape: PhantomData })
    }

    #[inline(always)]
    fn pack<'a>(&mut self, runs: impl Iterator<Item = &'a [f32]>) {
        for (packed, run) in self.values.0.chunks_exact_mut(Self::STRIDE).zip(runs) {
            Tile::<V, T, 1>::pack(run, packed);
        }
    }

    #[inline(always)]
    fn run(&self, index: usize) -> Option<&[f32]> {
        self.values.0.get(index * Self::STRIDE..(index + 1) * Self::STRIDE)
    }

    /// As [`add_rows`].
    #[inline(always)]
    fn add_rows(&self, sums: &mut [f32], terms: impl Iterator<Item = (usize, f32)> + Clone) {
        for pass in 0..Tile::<V, T, 1>::PASSES {
            let mut tile = Tile::<V, T, 1>::load(sums, pass);
            for (index, value) in terms.clone() {
                if let Some(run) = self.run(index) {
                    tile.add_packed(run, pass, value);
                }
            }
            tile.store(sums, pass);
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

/// Whether these masks, of blocks of so many values, leave nothing out; and whether the registers hold [`ABREAST`] runs
/// shaped as `T` without more vectors than a single one.
#[inline(always)]
fn go_abreast<V: Vector, T: Tensor>(masks: &[Mask], len: usize) -> bool {
    IMAGES >= ABREAST
        && Tile::<V, T, ABREAST>::PACKED == Tile::<V, T, 1>::PACKED
        && masks.iter().all(|mask| mask.count() == len)
}

/// As [`add_rows`] for several images, with all rows: `images` holds x of these rows, and the sums.
#[inline(always)]
fn add_all_rows<V: Vector, T: Tensor>(mut images: [(&[f32], &mut [f32]); ABREAST], rows: &[T]) {
    for pass in 0..Tile::<V, T, ABREAST>::PASSES {
        let mut tiles = [Tile::<V, T, ABREAST>::zero(); ABREAST];
        for (tile, (_, sums)) in tiles.iter_mut().zip(&images) {
            *tile = Tile::load(sums, pass);
        }
        for (row, i) in rows.iter().zip(0..) {
            let values = images.each_ref().map(|(x, _)| x.get(i).unwrap_or(&0.0));
            Tile::add_product_to_each(&mut tiles, row.flat(), pass, values);
        }
        for (tile, (_, sums)) in tiles.iter().zip(&mut images) {
            tile.store(sums, pass);
        }
    }
}

/// z_j = Σ_i x_i·w_ij + b_j for each image of `batch`, over the inputs `inputs`: the first begins the sums, and after the
/// last comes the bias. `view` shows an image's x and z.
#[inline(always)]
pub(crate) fn forward<V: Vector, S, const IN: usize, const OUT: usize>(
    weights: &[[f32; OUT]; IN],
    bias: &[f32; OUT],
    inputs: Range<usize>,
    batch: &mut [S],
    view: impl Fn(&mut S) -> (&[f32; IN], &mut [f32; OUT]),
) {
    if OUT < V::LANES && V::LANES > 1 {
        return forward::<V::Half, S, IN, OUT>(weights, bias, inputs, batch, view);
    }
    if cfg!(minnet_m4f) {
        // A device has one thread, which takes all inputs.
        for image in batch {
            let (x, z) = view(image);
            device::dense(weights, bias, x, z);
        }
        return;
    }
    let mut masks = [Mask::NONE; IMAGES];
    for images in batch.chunks_mut(IMAGES) {
        if inputs.start == 0 {
            images.iter_mut().for_each(|image| view(image).1.fill(0.0));
        }
        let mut packed = Packed::<V, [f32; OUT]>::room(ROWS, images.len());
        let weights = weights.get(inputs.clone()).unwrap_or(&[]);
        for (rows, first) in weights.chunks(ROWS).zip(inputs.clone().step_by(ROWS)) {
            let inputs = first..first + rows.len();
            for (image, mask) in images.iter_mut().zip(&mut masks) {
                *mask = Mask::nonzero::<V>(view(image).0.get(inputs.clone()).unwrap_or(&[]));
            }
            let reads: usize = masks.iter().take(images.len()).map(|mask| mask.count()).sum();
            let abreast = go_abreast::<V, [f32; OUT]>(masks.get(..images.len()).unwrap_or(&[]), rows.len());
            let mut packed = packed.as_mut().filter(|_| reads >= READS * rows.len() && !abreast);
            if let Some(packed) = &mut packed {
                packed.pack(rows.iter().map(|row| row.as_slice()));
            }
            for (images, masks) in images.chunks_mut(ABREAST).zip(masks.chunks(ABREAST)) {
                if let (true, Ok(images)) = (abreast, <&mut [S; ABREAST]>::try_from(&mut *images)) {
                    let images = images.each_mut().map(|image| {
                        let (x, z) = view(image);
                        (x.get(inputs.clone()).unwrap_or(&[]), z.as_mut_slice())
                    });
                    add_all_rows::<V, [f32; OUT]>(images, rows);
                    continue;
                }
                for (image, mask) in images.iter_mut().zip(masks) {
                    let (x, z) = view(image);
                    let terms = mask.terms(x.get(inputs.clone()).unwrap_or(&[]));
                    match &packed {
                        Some(packed) => packed.add_rows(z, terms),
                        None => add_rows::<V, [f32; OUT]>(z, rows, terms),
                    }
                }
            }
        }
        if inputs.end == IN {
            images.iter_mut().for_each(|image| add_bias(view(image).1, bias));
        }
    }
}

/// z_j += b_j.
#[inline(always)]
pub(crate) fn add_bias<const OUT: usize>(z: &mut [f32; OUT], bias: &[f32; OUT]) {
    for (z, bias) in z.iter_mut().zip(bias) {
        *z += bias;
    }
}

/// z_j += Σ_i x_i·w_ij over the inputs `inputs`, for the outputs from `first` on: as many as each image has room for,
/// at most [`IMAGES`] images.
#[inline(always)]
pub(crate) fn add_panels<V: Vector, const IN: usize, const OUT: usize>(
    weights: &[[f32; OUT]; IN],
    inputs: Range<usize>,
    first: usize,
    images: &mut [(&[f32; IN], &mut [f32])],
) {
    let count = images.first().map_or(0, |(_, z)| z.len());
    let mut masks = [Mask::NONE; IMAGES];
    let mut packed = Packed::<V, [f32; PANEL]>::room(ROWS, images.len());
    let weights = weights.get(inputs.clone()).unwrap_or(&[]);
    for ((rows, start), number) in weights.chunks(ROWS).zip(inputs.step_by(ROWS)).zip(1..) {
        let following = weights.chunks(ROWS).nth(number).unwrap_or(&[]);
        let inputs = start..start + rows.len();
        for ((x, _), mask) in images.iter().zip(&mut masks) {
            *mask = Mask::nonzero::<V>(x.get(inputs.clone()).unwrap_or(&[]));
        }
        let reads: usize = masks.iter().take(images.len()).map(|mask| mask.count()).sum();
        let mut packed = packed.as_mut().filter(|_| reads >= READS * rows.len());
        for start in (0..count).step_by(PANEL) {
            // The last panel reaches back over columns that the one before has summed.
            let from = (first + start).min(OUT - PANEL);
            let known = first + start - from;
            let mut next = [].iter();
            let next_from = if start + PANEL < count { (first + start + PANEL).min(OUT - PANEL) } else { first };
            if let Some(packed) = &mut packed {
                packed.pack(rows.iter().filter_map(|row| row.get(from..from + PANEL)));
                next = if start + PANEL < count { rows } else { following }.iter();
            }
            for ((x, z), mask) in images.iter_mut().zip(&masks) {
                // What is packed next lies in many rows, which no processor sees coming.
                for row in next.by_ref().take(ROWS.div_ceil(IMAGES)) {
                    V::prefetch(row.get(next_from..).and_then(|row| row.get(..PANEL)).unwrap_or(&[]));
                }
                let Some(z) = z.get_mut(start..count.min(start + PANEL)) else { continue };
                let terms = mask.terms(x.get(inputs.clone()).unwrap_or(&[]));
                if let (0, Ok(sums)) = (known, <&mut [f32; PANEL]>::try_from(&mut *z)) {
                    add_columns::<V, OUT>(sums, rows, from, &packed, terms);
                } else {
                    let mut sums = [0.0; PANEL];
                    sums.iter_mut().skip(known).zip(z.iter()).for_each(|(sum, z)| *sum = *z);
                    add_columns::<V, OUT>(&mut sums, rows, from, &packed, terms);
                    z.iter_mut().zip(sums.iter().skip(known)).for_each(|(z, sum)| *z = *sum);
                }
            }
        }
    }
}

/// As [`add_rows`], for the columns of the weights from `from` on, which may be packed.
#[inline(always)]
fn add_columns<V: Vector, const OUT: usize>(
    sums: &mut [f32; PANEL],
    rows: &[[f32; OUT]],
    from: usize,
    packed: &Option<&mut Packed<V, [f32; PANEL]>>,
    terms: impl Iterator<Item = (usize, f32)> + Clone,
) {
    if let Some(packed) = packed {
        return packed.add_rows(sums, terms);
    }
    let terms = terms.filter_map(|(index, x)| Some((rows.get(index)?.get(from..from + PANEL)?, x)));
    add_products::<V, [f32; PANEL]>(sums, terms);
}

/// Inputs whose gradients are summed side by side, and images that an update turns; as many as a [`Mask`] has bits, or
/// fewer.
pub(crate) const ACROSS: usize = if cfg!(target_os = "none") { 16 } else { 64 };

/// ∂C/∂x_i = Σ_j δ_j·w_ij for each image of `batch` and the inputs that `weights` has rows of; `view` shows an image's
/// δ and where these inputs' gradients go.
///
/// The sums run along the rows of `weights`, so tiles of it are turned, once for the whole batch, and vectors run
/// across the inputs.
#[inline(always)]
pub(crate) fn input_gradient<V: Vector, S, const OUT: usize>(
    weights: &[[f32; OUT]],
    batch: &mut [S],
    view: impl Fn(&mut S) -> (&[f32; OUT], &mut [f32]),
) {
    let (mut turned, mut masks) = (Aligned([[0.0; ACROSS]; ROWS]), [Mask::NONE; IMAGES]);
    for images in batch.chunks_mut(IMAGES) {
        for image in images.iter_mut() {
            view(image).1.fill(0.0);
        }
        for first in (0..OUT).step_by(ROWS) {
            for (image, mask) in images.iter_mut().zip(&mut masks) {
                *mask = Mask::nonzero::<V>(block::<ROWS>(view(image).0, first));
            }
            let outputs = (OUT - first).min(ROWS);
            for (number, rows) in weights.chunks(ACROSS).enumerate() {
                turn::<V, _, _, _>(rows, first, &mut turned.0);
                // What is turned next lies in many rows, which no processor sees coming.
                let next = match weights.chunks(ACROSS).nth(number + 1) {
                    Some(rows) => (rows, first),
                    None => (weights, first + ROWS),
                };
                for row in next.0.iter().take(ACROSS) {
                    V::prefetch(block::<ROWS>(row, next.1));
                }
                for (images, masks) in images.chunks_mut(ABREAST).zip(masks.chunks(ABREAST)) {
                    if rows.len() == ACROSS
                        && go_abreast::<V, [f32; ACROSS]>(masks, outputs)
                        && let Ok(images) = <&mut [S; ABREAST]>::try_from(&mut *images)
                    {
                        let images = images.each_mut().map(|image| {
                            let (delta, gradient) = view(image);
                            let gradient = gradient.get_mut(number * ACROSS..(number + 1) * ACROSS);
                            (block::<ROWS>(delta, first), gradient.unwrap_or_default())
                        });
                        add_all_rows::<V, [f32; ACROSS]>(images, turned.0.get(..outputs).unwrap_or(&[]));
                        continue;
                    }
                    for (image, mask) in images.iter_mut().zip(masks) {
                        let (delta, gradient) = view(image);
                        let terms = mask.terms(block::<ROWS>(delta, first));
                        let (whole, rest) = gradient.as_chunks_mut::<ACROSS>();
                        if let Some(sums) = whole.get_mut(number) {
                            add_rows::<V, [f32; ACROSS]>(sums, &turned.0, terms);
                        } else {
                            let mut sums = [0.0; ACROSS];
                            sums.iter_mut().zip(rest.iter()).for_each(|(sum, gradient)| *sum = *gradient);
                            add_rows::<V, [f32; ACROSS]>(&mut sums, &turned.0, terms);
                            rest.iter_mut().zip(sums).for_each(|(gradient, sum)| *gradient = sum);
                        }
                    }
                }
            }
        }
    }
}

/// [`input_gradient`], then [`update`], for the inputs from `first` on; `images` holds x, δ, and where these inputs'
/// gradients go. The weights are taken in blocks that stay in the cache from the one to the other.
#[inline(always)]
pub(crate) fn input_gradient_and_update<V: Vector, const IN: usize, const OUT: usize>(
    weights: &mut [[f32; OUT]],
    first: usize,
    images: &mut [(&[f32; IN], &[f32; OUT], &mut [f32])],
    sgd: &Sgd,
) {
    let block = (BLOCK / OUT.max(1)).max(1).next_multiple_of(ACROSS);
    // The last first: in the next forward pass the first are the first to be used.
    for (number, rows) in weights.chunks_mut(block).enumerate().rev() {
        let start = number * block;
        input_gradient::<V, _, OUT>(rows, images, |(_, delta, gradient)| {
            (*delta, gradient.get_mut(start..start + rows.len()).unwrap_or_default())
        });
        update::<V, _, IN, OUT>(rows, first + start, images, |(x, delta, _)| (*x, *delta), sgd);
    }
}

/// Whether an update turns a mini-batch's inputs. A microcontroller has little stack, and no branches that are guessed
/// wrong.
pub(crate) const TURNED: bool = !cfg!(target_os = "none");

/// Inputs whose weights are updated before the next.
const HEIGHT: usize = 32;

/// The δ of a mini-batch's images, packed if that is worth it.
struct Deltas<'a, V, S, View, const OUT: usize> {
    batch: &'a [S],
    view: View,
    packed: Option<Packed<V, [f32; OUT]>>,
}

impl<'a, V: Vector, S, View: Fn(&S) -> &[f32; OUT], const OUT: usize> Deltas<'a, V, S, View, OUT> {
    /// For the update of so many rows: their number in blocks says how often the δ are read afresh.
    #[inline(always)]
    fn new(batch: &'a [S], view: View, rows: usize) -> Self {
        let mut packed = Packed::room(batch.len(), rows / HEIGHT);
        if let Some(packed) = &mut packed {
            packed.pack(batch.iter().map(|image| view(image).as_slice()));
        }
        Self { batch, view, packed }
    }

    /// Adds an image's δ times `x`.
    #[inline(always)]
    fn add_product(&self, sums: &mut Tile<V, [f32; OUT], 1>, pass: usize, image: usize, x: f32) {
        if let Some(packed) = &self.packed {
            sums.add_packed(packed.run(image).unwrap_or(&[]), pass, x);
        } else if let Some(image) = self.batch.get(image) {
            sums.add_product((self.view)(image), pass, x);
        }
    }
}

/// Gradient and step in one pass over the weights of the inputs from `first` on; `view` shows an image's whole input
/// and its δ.
#[inline(always)]
pub(crate) fn update<V: Vector, S, const IN: usize, const OUT: usize>(
    weights: &mut [[f32; OUT]],
    first: usize,
    batch: &[S],
    view: impl Fn(&S) -> (&[f32; IN], &[f32; OUT]),
    sgd: &Sgd,
) {
    if OUT < V::LANES && V::LANES > 1 {
        return update::<V::Half, S, IN, OUT>(weights, first, batch, view, sgd);
    }
    if !TURNED || batch.len() > ACROSS {
        return update_rows::<V, S, IN, OUT>(weights, first, batch, view, sgd);
    }
    let deltas = Deltas::<V, S, _, OUT>::new(batch, |image| view(image).1, weights.len());
    let mut turned = Aligned([[0.0; ACROSS]; HEIGHT]);
    let mut masks = [Mask::NONE; HEIGHT];
    // Images are turned in sixteens; those that are missing are zeros, which masks leave out.
    let zeros = [0.0; HEIGHT];
    let mut runs = [zeros.as_slice(); ACROSS];
    let runs = runs.get_mut(..batch.len().next_multiple_of(16)).unwrap_or_default();
    // The last first: the input gradient has just been there.
    for (number, rows) in weights.chunks_mut(HEIGHT).enumerate().rev() {
        let first = first + number * HEIGHT;
        for (number, run) in runs.iter_mut().enumerate() {
            let known = batch.get(number).and_then(|image| view(image).0.get(first..first + rows.len()));
            *run = known.unwrap_or(zeros.get(..rows.len()).unwrap_or(&[]));
        }
        turn::<V, _, _, _>(runs, 0, &mut turned.0);
        for ((mask, inputs), _) in masks.iter_mut().zip(&turned.0).zip(&*rows) {
            *mask = Mask::nonzero::<V>(inputs.get(..batch.len().next_multiple_of(V::LANES)).unwrap_or(&[]));
        }
        let inputs = turned.0.chunks(ABREAST);
        for ((rows, masks), inputs) in rows.chunks_mut(ABREAST).zip(masks.chunks(ABREAST)).zip(inputs) {
            if go_abreast::<V, [f32; OUT]>(masks, batch.len())
                && let Ok(rows) = <&mut [_; ABREAST]>::try_from(&mut *rows)
                && let Ok(inputs) = <&[_; ABREAST]>::try_from(inputs)
            {
                update_abreast::<V, S, OUT>(rows, inputs, batch, |image| view(image).1, sgd);
                continue;
            }
            for pass in 0..Tile::<V, [f32; OUT], 1>::PASSES {
                for ((row, mask), inputs) in rows.iter_mut().zip(masks).zip(inputs) {
                    let mut gradient = Tile::<V, [f32; OUT], 1>::zero();
                    if mask.count() == 0 && sgd.decay == 1.0 {
                        // A row that no image reaches has the gradient 0, and stays as it is where nothing decays.
                        continue;
                    }
                    for (image, x) in mask.terms(inputs) {
                        deltas.add_product(&mut gradient, pass, image, x);
                    }
                    gradient.step(row, pass, sgd);
                }
            }
        }
    }
}

/// Gradient and step of the weights of some inputs that are zero in no image; `inputs` holds them, image by image, and
/// `view` shows an image's δ.
#[inline(always)]
fn update_abreast<V: Vector, S, const OUT: usize>(
    rows: &mut [[f32; OUT]; ABREAST],
    inputs: &[[f32; ACROSS]; ABREAST],
    batch: &[S],
    view: impl Fn(&S) -> &[f32; OUT],
    sgd: &Sgd,
) {
    for pass in 0..Tile::<V, [f32; OUT], ABREAST>::PASSES {
        let mut gradients = [Tile::<V, [f32; OUT], ABREAST>::zero(); ABREAST];
        for (image, number) in batch.iter().zip(0..ACROSS) {
            Tile::add_product_to_each(&mut gradients, view(image), pass, inputs.each_ref().map(|x| &x[number]));
        }
        for (gradient, row) in gradients.iter().zip(rows.iter_mut()) {
            gradient.step(row, pass, sgd);
        }
    }
}

/// [`update`] without masks, for any number of images.
#[inline(always)]
pub(crate) fn update_rows<V: Vector, S, const IN: usize, const OUT: usize>(
    rows: &mut [[f32; OUT]],
    first: usize,
    batch: &[S],
    view: impl Fn(&S) -> (&[f32; IN], &[f32; OUT]),
    sgd: &Sgd,
) {
    if OUT < V::LANES && V::LANES > 1 {
        return update_rows::<V::Half, S, IN, OUT>(rows, first, batch, view, sgd);
    }
    for (row, i) in rows.iter_mut().zip(first..) {
        // A row that no image reaches: as above.
        if sgd.decay == 1.0 && batch.iter().all(|image| view(image).0[i] == 0.0) {
            continue;
        }
        for pass in 0..Tile::<V, [f32; OUT], 1>::PASSES {
            let mut gradient = Tile::<V, [f32; OUT], 1>::zero();
            for image in batch {
                let (x, delta) = view(image);
                if x[i] != 0.0 {
                    gradient.add_product(delta, pass, x[i]);
                }
            }
            gradient.step(row, pass, sgd);
        }
    }
}

/// Biases whose gradients are summed side by side.
const BIASES: usize = 16;

/// b_j - rate·Σδ_j over the images; `view` shows an image's δ.
#[inline(always)]
pub(crate) fn update_bias<S, const OUT: usize>(
    bias: &mut [f32; OUT],
    batch: &[S],
    view: impl Fn(&S) -> &[f32; OUT],
    sgd: &Sgd,
) {
    for (bias, first) in bias.chunks_mut(BIASES).zip((0..).step_by(BIASES)) {
        let mut gradient = [0.0; BIASES];
        for sample in batch {
            let delta = view(sample).get(first..).unwrap_or(&[]);
            gradient.iter_mut().zip(delta).for_each(|(gradient, delta)| *gradient += delta);
        }
        bias.iter_mut().zip(gradient).for_each(|(bias, gradient)| *bias = sgd.bias(*bias, gradient));
    }
}
