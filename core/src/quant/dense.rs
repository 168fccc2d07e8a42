//! A fully connected layer in integers.

#[cfg(minnet_dsp)]
use super::kernel::dsp;
#[cfg(minnet_thumb1)]
use super::kernel::thumb1;
use super::kernel::{Four, GROUP, halves_mut, place, ram};
use super::ops::Next;
use super::requantize::Scale;
use super::weights::{Weights, Word};
use crate::op::Dense;

/// Outputs that are computed side by side, from one reading of the inputs.
const OUTPUTS: usize = 4;

/// Computes the layer from its words; what is too short is left as it is.
#[inline(always)]
pub(super) fn run<W: Weights>(op: Dense, words: &[Word], front: &mut [u32], back: &mut [u32], next: Next) {
    let row = W::WIDTH.words(op.inputs);
    let Some((weights, numbers)) = words.split_at_checked(op.outputs * row) else { return };
    let Some((biases, scales)) = numbers.split_at_checked(op.outputs) else { return };
    let Some(inputs) = front.get(..ram(op.inputs)) else { return };
    let (groups, _) = inputs.as_chunks::<GROUP>();
    let values = halves_mut(back).as_flattened_mut();
    let hidden = op.activation.hidden();
    for first in (0..op.outputs).step_by(OUTPUTS) {
        let rows = weights.get(first * row..).unwrap_or_default();
        // Of fewer outputs, no more rows than there are.
        let sums = if first + OUTPUTS <= op.outputs {
            some_rows::<W, OUTPUTS>(rows, row, groups)
        } else {
            match op.outputs % OUTPUTS {
                1 => some_rows::<W, 1>(rows, row, groups),
                2 => some_rows::<W, 2>(rows, row, groups),
                _ => some_rows::<W, 3>(rows, row, groups),
            }
        };
        let numbers = biases.iter().zip(scales).skip(first);
        for (o, (sum, (bias, scale))) in sums.into_iter().zip(numbers).enumerate() {
            let sum = sum.wrapping_add(i32::from_le_bytes(*bias));
            let value = next.value(hidden, sum, Scale::from_word(*scale));
            if let Some(output) = values.get_mut(place(first + o, matches!(next, Next::Vector))) {
                *output = value;
            }
        }
    }
}

/// The products of the inputs with the first `COUNT` rows of weights, at most four, each of `row` words.
#[inline(always)]
fn some_rows<W: Weights, const COUNT: usize>(rows: &[Word], row: usize, inputs: &[[u32; GROUP]]) -> [i32; OUTPUTS] {
    #[cfg(minnet_dsp)]
    if W::GROUPS == 1 {
        return dsp::rows::<COUNT>(rows, row, inputs);
    }
    #[cfg(minnet_thumb1)]
    if W::GROUPS == 1 {
        return thumb1::rows::<COUNT>(rows, row, inputs);
    }
    let mut sums = [0; OUTPUTS];
    if COUNT == OUTPUTS {
        return four_rows::<W>(rows, row, inputs);
    }
    for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(row.max(1))).take(COUNT) {
        *sum = one_row::<W>(row, inputs);
    }
    sums
}

/// The products of the inputs with four rows.
#[inline(always)]
fn four_rows<W: Weights>(rows: &[Word], row: usize, inputs: &[[u32; GROUP]]) -> [i32; OUTPUTS] {
    let mut sums = [0; OUTPUTS];
    if rows.len() < OUTPUTS * row {
        return sums;
    }
    for at in 0..row {
        let word = |n: usize| rows.get(n * row + at).map_or([0; 2], |word| W::unpack(*word));
        let unpacked = [word(0), word(1), word(2), word(3)];
        for group in 0..W::GROUPS {
            // The last word may have a group more than there are inputs.
            let Some(x) = inputs.get(at * W::GROUPS + group) else { break };
            for (sum, [first, second]) in sums.iter_mut().zip(unpacked) {
                *sum = Four::new(if group == 0 { first } else { second }).multiply_add(*x, *sum);
            }
        }
    }
    sums
}

/// The products of the inputs with one row. All layers share it.
#[inline(never)]
fn one_row<W: Weights>(row: &[Word], inputs: &[[u32; GROUP]]) -> i32 {
    let mut sum = 0;
    for (word, groups) in row.iter().zip(inputs.chunks(W::GROUPS)) {
        for (four, x) in W::unpack(*word).into_iter().zip(groups) {
            sum = Four::new(four).multiply_add(*x, sum);
        }
    }
    sum
}
