//! From floats to integers: the steps of weights and activations.

use super::input::Input;
use super::ops::{self, Next, Place, QuantError, Rows, is_positive, width_of, words_of};
use super::requantize::{BIAS, Hidden, LOGIT, Numbers, SIGMOID_STEP, Scale};
use super::weights::{Width, Word};
use crate::activation::Function;
use crate::op::Op;

/// Calibrates: raises `greatest`, which is 0 at first, to the greatest magnitude of an operator's outputs for an image.
pub fn note(greatest: &mut f32, outputs: &[f32]) {
    *greatest = outputs.iter().fold(*greatest, |greatest, a| if a.abs() > greatest { a.abs() } else { greatest });
}

/// What is known of a network's values before it is turned into integers.
#[derive(Clone, Copy, Debug)]
pub struct Calibration<'a> {
    /// What it takes.
    pub input: Input,
    /// For each operator the greatest magnitude of its outputs over some images ([`note`]); only those of ReLU layers, and
    /// of a last layer without activation, count.
    pub greatest: &'a [f32],
}

/// Turns a network into integers: the words of [`Quantized`](super::Quantized). `width` is that of the weights of layers
/// which have none of their own.
///
/// `parameters` are those of the float network, layer by layer, weights before biases. `block` needs
/// [`words`](super::words) words, and [`Input::words`] more.
///
/// # Errors
/// What [`check`](super::check) finds; slices of other lengths; numbers that integers cannot hold. What is in `block`
/// then is of no use.
pub fn build(
    ops: &[Op],
    mut parameters: &[f32],
    Calibration { input, greatest }: Calibration<'_>,
    width: Width,
    mut block: &mut [Word],
) -> Result<(), QuantError> {
    ops::check(ops)?;
    is_length("parameters", ops.iter().map(|op| op.parameters()).sum(), parameters.len())?;
    is_length("greatest outputs", ops.len(), greatest.len())?;
    is_length("words", ops::words(ops, width) + input.words(), block.len())?;
    // What comes into a layer, and the value of a logit's step.
    let (mut values, mut logit) = (input, 1.0);
    for (index, (&op, &greatest)) in ops.iter().zip(greatest).enumerate() {
        let (own, rest) = parameters.split_at(op.parameters());
        let (words, after) = block.split_at_mut(words_of(op, width));
        (parameters, block) = (rest, after);
        let layer = Place { number: index + 1, op };
        let next = Next::before(ops.get(index + 1..).unwrap_or_default());
        match op {
            Op::Flatten(_) => {}
            // A mean has the step of what it is the mean of.
            Op::GlobalAvgPool(_) => logit = values.step,
            Op::Dropout(op) => values.step *= op.staying(),
            Op::Dense(_) | Op::Conv(_) => {
                let hidden = next.hidden(op.activation().hidden());
                if !own.iter().all(|parameter| parameter.is_finite()) || !greatest.is_finite() {
                    return Err(QuantError::NotFinite(layer));
                }
                let z_step = build_layer(op, own, values, hidden, greatest, width, words);
                let z_step = z_step.ok_or(QuantError::Range(layer))?;
                let step = if hidden == Some(Hidden::Sigmoid) { 1.0 / 255.0 } else { z_step };
                values = Input { step, zero: 0 };
                logit = z_step;
            }
        }
    }
    if let Some((word, rest)) = block.split_first_mut() {
        *word = logit.to_le_bytes();
        input.write(rest);
    }
    Ok(())
}

fn is_length(what: &'static str, expected: usize, found: usize) -> Result<(), QuantError> {
    if found == expected { Ok(()) } else { Err(QuantError::Length { what, expected, found }) }
}

/// Writes a layer: for each output its weights, then for each its bias and scale. Gives the value of a step of z; `None` if
/// there is none that goes with every scale.
fn build_layer(
    op: Op,
    parameters: &[f32],
    input: Input,
    hidden: Option<Hidden>,
    greatest: f32,
    width: Width,
    words: &mut [Word],
) -> Option<f32> {
    let outputs = op.biases();
    let (rows, width) = (Rows::of(op), width_of(op, width));
    // For an average, the positions' sums are added, and each counts less.
    let count = if let Op::Conv(op) = op { op.averaged() } else { 1 };
    let input_step = input.step / (count as i32 * width.factor()) as f32;
    // What the byte for 0 adds to every sum, in the padding too, goes from the bias, times the sum of the weights. Of the
    // bias's 30 bits there must be room for it.
    let zero = i32::from(input.zero) * width.factor() * count as i32;
    let greatest_weight = width.limit() * width.factor();
    let room = BIAS - i32::from(input.zero) * greatest_weight * ops::products(op) as i32;
    let (weights, biases) = parameters.split_at(op.weights());
    let (places, numbers) = words.split_at_mut(words.len() - outputs);
    places.fill([0; 4]);
    let own = match width {
        Width::Eight => 4 * rows.words(),
        packed => packed.bytes(rows.weights()),
    };
    let mut places = places.as_flattened_mut().chunks_mut(own.max(1));
    let weight = |o: usize, i: usize| weights.get(i * outputs + o).copied().unwrap_or(0.0);
    // The greatest value of a sum's unit. Until all are known, an output's place keeps its weights' unit.
    let mut greatest_unit = 0.0f32;
    for (o, (place, bias)) in numbers.iter_mut().zip(biases).enumerate() {
        // The bias, in units of the sum, must fit.
        let least = (bias.abs() / input_step / room as f32).max(1e-20);
        let step = step_of(|i| weight(o, i), rows.weights(), least, width);
        if !is_positive(step * input_step) {
            return None;
        }
        *place = step.to_le_bytes();
        greatest_unit = greatest_unit.max(step * input_step);
    }
    // Every unit's factor must be one that a scale can hold.
    let least = greatest_unit / Scale::GREATEST;
    // A layer that was silent on every image has any step.
    let range = if greatest > 0.0 { greatest } else { 1.0 };
    let z_step = match hidden {
        Some(Hidden::Relu) => least.max(range / 255.0),
        Some(Hidden::Sigmoid) if least > SIGMOID_STEP => return None,
        Some(Hidden::Sigmoid) => SIGMOID_STEP,
        // Numbers: twice those of the calibration have room.
        None if op.activation() == Function::Identity && greatest > 0.0 => least.max(greatest / 16_384.0),
        None => least.max(LOGIT),
    };
    for (o, (number, bias)) in numbers.iter_mut().zip(biases).enumerate() {
        let step = f32::from_le_bytes(*number);
        let unit = step * input_step;
        let own = (0..rows.weights()).map(|i| width.nearest(weight(o, i) / step));
        let bias = (libm::roundf(bias / unit) as i32).clamp(-room, room) - zero * own.clone().sum::<i32>();
        *number = Numbers::pack(bias, Scale::new(unit / z_step));
        let Some(place) = places.next() else { continue };
        match width {
            Width::Eight => rows.place(own.map(|weight| weight as u8), place),
            packed => packed.pack(own, place),
        }
    }
    is_positive(z_step).then_some(z_step)
}

/// The value of a unit of the `count` weights that lead to one output, as [`build`] chooses it.
pub fn weight_step(weight: &dyn Fn(usize) -> f32, count: usize, width: Width) -> f32 {
    step_of(weight, count, 1e-20, width)
}

/// The nearest weight to `weight` that integers of this width can be, where a unit is worth `step`.
#[inline]
pub fn on_grid(weight: f32, step: f32, width: Width) -> f32 {
    width.nearest(weight / step) as f32 * step
}

/// The value of a unit of the weights that lead to one output, at least `least`: of some fractions of the greatest
/// weight's, the one of the least squared error. 8 bits are fine enough for the greatest itself.
fn step_of(weight: impl Fn(usize) -> f32, count: usize, least: f32, width: Width) -> f32 {
    let weights = || (0..count).map(&weight);
    let greatest = weights().fold(0.0, |greatest: f32, w| greatest.max(w.abs()));
    let full = (greatest / width.limit() as f32).max(least);
    if let Width::Eight = width {
        return full;
    }
    let error = |step: f32| -> f32 { weights().map(|w| w - on_grid(w, step, width)).map(|error| error * error).sum() };
    let (mut best, mut least_error) = (full, error(full));
    // Few bits want some of the greatest weights cut off; weights that are on a grid already stay there.
    let fractions = (25..100).map(|percent| percent as f32 / 100.0);
    let grids = (1..width.limit()).map(|greatest| width.limit() as f32 / greatest as f32);
    for factor in fractions.chain(grids) {
        let step = (full * factor).max(least);
        let error = error(step);
        if error < least_error {
            (best, least_error) = (step, error);
        }
    }
    best
}
