//! A fully connected layer in integers.

use super::build::Floats;
#[cfg(minnet_dsp)]
use super::kernel::dsp;
#[cfg(minnet_thumb1)]
use super::kernel::thumb1;
use super::kernel::{Four, GROUP, halves_mut, place, ram};
use super::layer::{Next, QuantLayer};
use super::requantize::{Rule, Scale, are_valid};
use super::weights::{Weights, Word, words};
use super::Build;
use crate::activation::Activation;
use crate::layer::Layer;
use crate::layers::Dense;

/// Outputs that are computed side by side, from one reading of the inputs.
const OUTPUTS: usize = 4;

impl<W: Weights, const IN: usize, const OUT: usize, A: Activation + Rule> QuantLayer<[f32; IN], W>
    for Dense<IN, OUT, A>
{
    const WORDS: usize = OUT * words::<W>(IN) + 2 * OUT;
    const FRONT_WORDS: usize = ram(IN);
    const BACK_WORDS: usize = ram(OUT);
    const GROUPED: bool = true;
    const INNER: bool = A::HIDDEN.is_some();

    #[inline(always)]
    fn run(parameters: &[Word], front: &mut [u32], back: &mut [u32], next: Next) {
        const { assert!(IN <= 1 << 15, "a quantized dense layer takes at most 32,768 inputs: sums have 32 bits") }
        let Some((weights, numbers)) = parameters.split_at_checked(OUT * words::<W>(IN)) else { return };
        let Some((biases, scales)) = numbers.split_at_checked(OUT) else { return };
        let Some(inputs) = front.get(..ram(IN)) else { return };
        let (groups, _) = inputs.as_chunks::<GROUP>();
        let outputs = halves_mut(back).as_flattened_mut();
        for (first, scales) in (0..OUT).step_by(OUTPUTS).zip(scales.chunks(OUTPUTS)) {
            let row = words::<W>(IN);
            let sums = match weights.get(first * row..(first + OUTPUTS) * row) {
                #[cfg(minnet_dsp)]
                Some(rows) if W::GROUPS == 1 => dsp::four_rows(rows, row, groups),
                #[cfg(minnet_thumb1)]
                Some(rows) if W::GROUPS == 1 => thumb1::four_rows(rows, row, groups),
                Some(rows) => dot::<W, OUTPUTS>(rows, row, groups),
                // The last outputs, one by one.
                None => core::array::from_fn(|o| {
                    let [sum] = dot::<W, 1>(weights.get((first + o) * row..).unwrap_or_default(), row, groups);
                    sum
                }),
            };
            let biases = biases.get(first..).unwrap_or_default();
            for (o, ((sum, bias), scale)) in sums.iter().zip(biases).zip(scales).enumerate() {
                let sum = sum.wrapping_add(i32::from_le_bytes(*bias));
                let value = next.value(A::HIDDEN, sum, Scale::from_word(*scale));
                if let Some(output) = outputs.get_mut(place(first + o, next == Next::Grouped)) {
                    *output = value;
                }
            }
        }
    }

    fn is_valid(words: &[Word]) -> bool {
        are_valid(words, OUT)
    }

    fn build(&self, input_step: f32, next: Next, build: &mut Build<'_>) -> f32 {
        let weight = |o: usize, i: usize| self.weights.get(i).and_then(|row| row.get(o)).copied().unwrap_or(0.0);
        let floats = Floats { weights: IN, row: IN, weight, bias: &self.bias };
        build.layer::<W, OUT>(&floats, input_step, next.hidden(A::HIDDEN))
    }
}

/// The products of the inputs with `N` rows of weights, each of `row` words.
#[inline(always)]
fn dot<W: Weights, const N: usize>(rows: &[Word], row: usize, inputs: &[[u32; GROUP]]) -> [i32; N] {
    let mut sums = [0; N];
    if rows.len() < N * row {
        return sums;
    }
    for at in 0..row {
        let unpacked: [_; N] = core::array::from_fn(|n| rows.get(n * row + at).map_or([0; 2], |word| W::unpack(*word)));
        for group in 0..W::GROUPS {
            // The last word may have a group more than there are inputs.
            let Some(x) = inputs.get(at * W::GROUPS + group) else { break };
            for (sum, fours) in sums.iter_mut().zip(unpacked) {
                let [first, second] = fours;
                *sum = Four::new(if group == 0 { first } else { second }).multiply_add(*x, *sum);
            }
        }
    }
    sums
}
