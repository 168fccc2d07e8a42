//! A fully connected layer in integers.

#[cfg(not(any(minnet_dsp, minnet_thumb1)))]
use super::kernel::Four;
#[cfg(minnet_dsp)]
use super::kernel::dsp;
#[cfg(minnet_thumb1)]
use super::kernel::thumb1;
use super::kernel::{GROUP, halves_mut, place, ram};
use super::ops::{Next, weight_words};
use super::requantize::Numbers;
use super::weights::{Width, Word, unpack_row};
use crate::op::{Dense, Op};
use core::hint::black_box;
use zerocopy::IntoBytes;

/// Outputs that are computed side by side, from one reading of the inputs.
const OUTPUTS: usize = 4;
/// Weights of an output that are unpacked at a time: whole words, and whole bytes in every width.
const UNPACKED: usize = 40;

/// Computes the layer from its words; what is too short is left as it is.
#[inline(always)]
pub(super) fn run(op: Dense, width: Width, words: &[Word], front: &mut [u32], back: &mut [u32], next: Next) {
    let Some((weights, numbers)) = words.split_at_checked(weight_words(Op::Dense(op), width)) else { return };
    let Some(numbers) = numbers.get(..op.outputs) else { return };
    let Some(inputs) = front.get(..ram(op.inputs)) else { return };
    let (groups, _) = inputs.as_chunks::<GROUP>();
    let values = halves_mut(back).as_flattened_mut();
    let hidden = op.activation.hidden();
    // The compiler would unroll a loop of few outputs whose end it knows, for some numbers of inputs and not for others.
    for (first, numbers) in (0..black_box(op.outputs)).step_by(OUTPUTS).zip(numbers.chunks(OUTPUTS)) {
        let sums = match width {
            Width::Eight => {
                let row = op.inputs.div_ceil(4);
                some_rows(op, weights.get(first * row..).unwrap_or_default(), row, groups, first)
            }
            // With what follows the weights: so that bytes can be read some at a time to the end.
            packed => some_packed_rows(op, packed, words.as_flattened(), groups, first),
        };
        for (o, (sum, number)) in sums.into_iter().zip(numbers).enumerate() {
            let Numbers { bias, scale } = Numbers::unpack(*number);
            let value = next.value(hidden, sum.wrapping_add(bias), scale);
            if let Some(output) = values.get_mut(place(first + o, matches!(next, Next::Vector))) {
                *output = value;
            }
        }
    }
}

/// The products of the inputs with the packed weights of four outputs, or those that are left from `output` on, some weights
/// after the others.
#[inline(always)]
fn some_packed_rows(op: Dense, width: Width, weights: &[u8], inputs: &[[u32; GROUP]], output: usize) -> [i32; OUTPUTS] {
    let own = width.bytes(op.inputs);
    let mut sums = [0; OUTPUTS];
    let mut rows = [0; OUTPUTS * UNPACKED / 4];
    // The compiler would unroll it for some numbers of inputs, and not for others.
    let end = black_box(op.inputs);
    for first in (0..end).step_by(UNPACKED) {
        let count = UNPACKED.min(end - first);
        let row = count.div_ceil(4);
        for (output, words) in (output..op.outputs).zip(rows.chunks_exact_mut(row)).take(OUTPUTS) {
            let weights = weights.get(output * own + width.bytes(first)..).unwrap_or_default();
            unpack_row(width, weights, count, words);
        }
        let inputs = inputs.get(first / 4..).unwrap_or_default();
        let some = some_rows(op, rows.as_bytes().as_chunks().0, row, inputs, output);
        sums.iter_mut().zip(some).for_each(|(sum, some)| *sum = i32::wrapping_add(*sum, some));
    }
    sums
}

/// The products of the inputs with the first rows of weights, each of `row` words: four, or those that are left from the
/// output `first` on.
#[inline(always)]
fn some_rows(op: Dense, rows: &[Word], row: usize, inputs: &[[u32; GROUP]], first: usize) -> [i32; OUTPUTS] {
    if first + OUTPUTS <= op.outputs {
        return exact_rows::<OUTPUTS>(rows, row, inputs);
    }
    // A constant of the layer: the compiler drops the others.
    match op.outputs % OUTPUTS {
        1 => exact_rows::<1>(rows, row, inputs),
        2 => exact_rows::<2>(rows, row, inputs),
        _ => exact_rows::<3>(rows, row, inputs),
    }
}

#[inline(always)]
fn exact_rows<const COUNT: usize>(rows: &[Word], row: usize, inputs: &[[u32; GROUP]]) -> [i32; OUTPUTS] {
    #[cfg(minnet_dsp)]
    return dsp::rows::<COUNT>(rows, row, inputs);
    #[cfg(minnet_thumb1)]
    return thumb1::rows::<COUNT>(rows, row, inputs);
    #[cfg(not(any(minnet_dsp, minnet_thumb1)))]
    {
        let mut sums = [0; OUTPUTS];
        if COUNT == OUTPUTS {
            return four_rows(rows, row, inputs);
        }
        for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(row.max(1))).take(COUNT) {
            *sum = one_row(row, inputs);
        }
        sums
    }
}

/// The products of the inputs with four rows.
#[cfg(not(any(minnet_dsp, minnet_thumb1)))]
#[inline(always)]
fn four_rows(rows: &[Word], row: usize, inputs: &[[u32; GROUP]]) -> [i32; OUTPUTS] {
    let mut sums = [0; OUTPUTS];
    if rows.len() < OUTPUTS * row {
        return sums;
    }
    for (at, x) in inputs.iter().enumerate().take(row) {
        for (n, sum) in sums.iter_mut().enumerate() {
            let word = rows.get(n * row + at).copied().unwrap_or_default();
            *sum = Four::new(u32::from_le_bytes(word)).multiply_add(*x, *sum);
        }
    }
    sums
}

/// The products of the inputs with one row. All layers share it.
#[cfg(not(any(minnet_dsp, minnet_thumb1)))]
#[inline(never)]
fn one_row(row: &[Word], inputs: &[[u32; GROUP]]) -> i32 {
    let products = row.iter().zip(inputs);
    products.fold(0, |sum, (word, x)| Four::new(u32::from_le_bytes(*word)).multiply_add(*x, sum))
}
