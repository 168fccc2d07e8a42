//! How large a network's floats can become. What overflows turns into infinities, these into NaNs, and processors do not
//! agree on a NaN's sign, which a ReLU looks at: such a network's answers would differ from machine to machine.

use super::Op;
use crate::activation::Function;

/// The bound below which inputs are taken to lie: 2^20. Pixels are below 1, and what a file of data is normalized to is
/// seldom beyond 10.
pub const INPUTS: f32 = 1_048_576.0;
/// What no sum may exceed, 2^125: a difference of two is finite, too.
const MOST: f32 = f32::from_bits((127 + 125) << 23);
/// Outputs that are added up in one pass over a layer's weights.
const TOGETHER: usize = 16;

/// The first layer, counted from 1, whose sums could exceed 2^125 for some inputs within ±[`INPUTS`], given the operators'
/// parameters as little-endian bytes: layer by layer, weights before biases.
///
/// The bound of a layer's outputs is the greatest sum of the magnitudes of an output's weights, times the bound of its inputs,
/// and its bias.
pub const fn overflows(mut ops: &[Op], mut parameters: &[u8]) -> Option<usize> {
    let (mut number, mut bound) = (1, INPUTS);
    while let Some((op, after)) = ops.split_first() {
        let own = size_of::<f32>() * op.parameters();
        if own > parameters.len() {
            return None;
        }
        let (own, rest) = parameters.split_at(own);
        let (sums, most) = sums(*op, own, bound);
        if sums.is_nan() || sums > MOST {
            return Some(number);
        }
        bound = match op.activation() {
            Function::Identity | Function::Relu => most,
            // A program's own is trusted to give nothing larger than it gets, or than 1.
            Function::Custom(_) if most > 1.0 => most,
            _ => 1.0,
        };
        (ops, parameters, number) = (after, rest, number + 1);
    }
    None
}

/// Bounds of the sums of an operator, and of what it makes of them before its activation, given that of its inputs.
const fn sums(op: Op, parameters: &[u8], inputs: f32) -> (f32, f32) {
    match op {
        Op::Dense(_) => {
            let most = weighted(op, parameters, inputs);
            (most, most)
        }
        Op::Conv(conv) => {
            let most = weighted(op, parameters, inputs);
            (conv.averaged() as f32 * most, most)
        }
        Op::GlobalAvgPool(pool) => ((pool.height * pool.width) as f32 * inputs, inputs),
        Op::Flatten(_) | Op::Dropout(_) => (inputs, inputs),
    }
}

/// The bound of an operator's weighted inputs.
const fn weighted(op: Op, parameters: &[u8], inputs: f32) -> f32 {
    let (weights, _) = parameters.as_chunks();
    let (outputs, mut first, mut most) = (op.biases(), 0, 0.0);
    // Each of an output's additions rounds, here and in the kernels.
    let rounding = 1.0 + (op.weights() / if outputs > 0 { outputs } else { 1 }) as f32 * f32::EPSILON;
    while first < outputs {
        let count = if outputs - first < TOGETHER { outputs - first } else { TOGETHER };
        let mut sums = [0.0; TOGETHER];
        let mut place = first;
        while place < op.weights() {
            let mut i = 0;
            while i < count {
                sums[i] += magnitude(weights[place + i]);
                i += 1;
            }
            place += outputs;
        }
        let mut i = 0;
        while i < count {
            let sum = (sums[i] * inputs + magnitude(weights[place + i])) * rounding;
            // What is no number stays so.
            most = if sum.is_nan() || sum > most { sum } else { most };
            i += 1;
        }
        first += count;
    }
    most
}

/// Of a little-endian number.
const fn magnitude(bytes: [u8; 4]) -> f32 {
    f32::from_le_bytes(bytes).abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Layer;
    use crate::prelude::*;
    use zerocopy::IntoBytes;

    fn overflows_at<In: Tensor, L: Layer<In>>(parameters: &[f32]) -> Option<usize> {
        assert_eq!(parameters.len(), L::PARAMETERS);
        overflows(L::OPS.as_slice(), parameters.as_bytes())
    }

    #[test]
    fn every_layer_has_its_bound() {
        // With two inputs of 2^20, sums of 2^125 take weights of 2^104.
        let just = f32::from_bits((127 + 104) << 23);
        type One = Dense<2, 1>;
        assert_eq!(overflows_at::<[f32; 2], One>(&[just, -just, 0.0]), Some(1), "additions round");
        assert_eq!(overflows_at::<[f32; 2], One>(&[just, -just / 1.001, 0.0]), None);
        assert_eq!(overflows_at::<[f32; 2], One>(&[0.0, 0.0, f32::MAX]), Some(1));
        assert_eq!(overflows_at::<[f32; 2], One>(&[0.0, 0.0, 1e37]), None);
        assert_eq!(overflows_at::<[f32; 2], One>(&[f32::NAN, 0.0, 0.0]), Some(1));

        type Two = crate::seq![Dense<1, 1, Relu>, Dense<1, 1>];
        assert_eq!(overflows_at::<[f32; 1], Two>(&[1e16, 0.0, 1e16, 0.0]), Some(2));
        assert_eq!(overflows_at::<[f32; 1], Two>(&[1e16, 0.0, 1e15, 0.0]), None);
        type Bounded = crate::seq![Dense<1, 1, Sigmoid>, Dense<1, 1>];
        assert_eq!(overflows_at::<[f32; 1], Bounded>(&[1e16, 0.0, 1e16, 0.0]), None);
    }

    #[test]
    fn means_are_sums_at_first() {
        type Averaged = Conv<1, 1, 1, 1, AvgPool2>;
        assert_eq!(overflows_at::<[[[f32; 1]; 2]; 2], Averaged>(&[3e31, 0.0]), Some(1));
        assert_eq!(overflows_at::<[[[f32; 1]; 2]; 2], Averaged>(&[1e31, 0.0]), None);
        type Pooled = crate::seq![Conv<1, 1, 1, 1>, GlobalAvgPool];
        assert_eq!(overflows_at::<[[[f32; 1]; 2]; 2], Pooled>(&[3e31, 0.0]), Some(2));
        type Flat = crate::seq![Conv<1, 1, 1, 1>, Flatten];
        assert_eq!(overflows_at::<[[[f32; 1]; 2]; 2], Flat>(&[3e31, 0.0]), None);
    }

    #[test]
    fn outputs_have_weights_of_their_own() {
        // More outputs than go together, and the large weight in each of their columns.
        type Wide = Dense<2, 37>;
        for place in 0..2 * 37 {
            let mut parameters = [0.0; 3 * 37];
            parameters[place] = 1e32;
            assert_eq!(overflows_at::<[f32; 2], Wide>(&parameters), Some(1), "{place}");
            parameters[place] = 1e31;
            assert_eq!(overflows_at::<[f32; 2], Wide>(&parameters), None, "{place}");
        }
    }
}
