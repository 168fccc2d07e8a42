//! From a sum of 32 bits to an activation of 8, or to a logit of 16.

use super::Word;
use super::kernel::multiply_shift;
use crate::activation::Function;
use crate::model::ModelError;

/// The least value of a logit's step: logits reach from -128 to 128 at least.
pub(super) const LOGIT: f32 = 1.0 / 256.0;

/// The greatest bias, in units of the sum; the least is its negative.
pub(super) const BIAS: i32 = 1 << 30;

/// What is added to an output's sums, and what they are multiplied by then: 32 bits in a model file. From the lowest: 5
/// bits, s - 17; 10 bits, m / 16 - 1024; 5 bits, e; and 12 bits, a signed number which times 2^e is the bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) bias: i32,
    pub(super) scale: Scale,
}

impl Numbers {
    /// The word for the nearest bias and scale; the bias is from -[`BIAS`] to [`BIAS`].
    pub(super) fn pack(bias: i32, scale: Scale) -> Word {
        let mut e = 0;
        let mantissa = |e| libm::roundf(bias as f32 / (1u32 << e) as f32) as i32;
        while mantissa(e).abs() > 2047 {
            e += 1;
        }
        let (m, s) = (scale.0 & 0xffff, scale.0 >> 16);
        ((mantissa(e) as u32) << 20 | e << 15 | (m >> 4 & 0x3ff) << 5 | (s - 17)).to_le_bytes()
    }

    #[inline(always)]
    pub(super) const fn unpack(word: Word) -> Self {
        let word = u32::from_le_bytes(word);
        let (m, s) = (1 << 14 | (word >> 5 & 0x3ff) << 4, 17 + (word & 31));
        Self { bias: (word as i32 >> 20) << (word >> 15 & 31), scale: Scale(m | s << 16) }
    }

    /// Whether a word's numbers are in their ranges.
    pub(super) const fn check(word: Word) -> Result<(), ModelError> {
        let word = u32::from_le_bytes(word);
        let bias = (word as i32 >> 20) as i64 * (1i64 << (word >> 15 & 31));
        if bias < -(BIAS as i64) || (BIAS as i64) < bias {
            return Err(ModelError::Bias);
        }
        if word & 31 == 31 { Err(ModelError::Scale) } else { Ok(()) }
    }
}

/// What sums of one channel are multiplied by: m / 2^s, as a word with m (2¹⁴ to 2¹⁵ - 16, a multiple of 16) in its lower
/// half and s (17 to 47) above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scale(u32);

impl Scale {
    /// The greatest factor that it can hold.
    pub(super) const GREATEST: f32 = 0.249;

    /// The nearest to `factor`, which is taken as [`GREATEST`](Self::GREATEST) if it is above, and as 2^-32 if it is
    /// below, or no number.
    pub(super) fn new(factor: f32) -> Self {
        // `max` takes the other where one is no number; `clamp` would not.
        let (mut m, mut s) = (factor.max(1.0 / (1u64 << 32) as f32).min(Self::GREATEST), 0);
        while m < 16_384.0 {
            m *= 2.0;
            s += 1;
        }
        let m = libm::roundf(m / 16.0) as u32 * 16;
        if m == 1 << 15 { Self(1 << 14 | (s - 1) << 16) } else { Self(m | s << 16) }
    }

    /// The sum times the factor, rounded to the nearest integer, halves up: (sum·m + 2^(s-1)) >> s, in 64 bits.
    #[inline(always)]
    pub(super) fn apply(self, sum: i32) -> i32 {
        let (m, s) = (self.0 as i32 & 0xffff, self.0 >> 16);
        // The floor of a floor is the floor, so 16 bits may go first: sums of 32 bits are enough.
        multiply_shift(sum, m, 1 << (s.wrapping_sub(17) & 31)) >> (s.wrapping_sub(16) & 31)
    }
}

/// A hidden layer's activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// Sums below 0 become 0; the step of the activations is chosen by calibration.
    Relu,
    /// Sums become z in steps of 1/32, and z an activation in steps of 1/255, by a table.
    Sigmoid,
}

impl Function {
    /// How integers compute it in a hidden layer; `None` for activations that only the last layer may have.
    pub const fn hidden(self) -> Option<Hidden> {
        match self {
            Self::Relu => Some(Hidden::Relu),
            Self::Sigmoid => Some(Hidden::Sigmoid),
            _ => None,
        }
    }
}

/// z of one step in the table of σ.
pub(super) const SIGMOID_STEP: f32 = 1.0 / 32.0;

/// round(255·σ(i / 32)) for i from 0.
static SIGMOID: [u8; 256] = {
    // The compiler cannot call e^x: e^(-1/32) to the i-th power, in 64 bits, is exact enough to round.
    let mut table = [0; 256];
    let mut power = 1.0f64;
    let mut i = 0;
    while i < 256 {
        table[i] = (255.0 / (1.0 + power) + 0.5) as u8;
        power *= 0.969_233_234_476_344_1;
        i += 1;
    }
    table
};

impl Hidden {
    /// An activation from a sum.
    #[inline(always)]
    pub(super) fn activate(self, sum: i32, scale: Scale) -> u16 {
        match self {
            Self::Relu => scale.apply(sum).clamp(0, 255) as u16,
            Self::Sigmoid => {
                let z = scale.apply(sum);
                let at = z.unsigned_abs().min(255) as u8;
                let positive = u16::from(SIGMOID[usize::from(at)]);
                if z < 0 { 255 - positive } else { positive }
            }
        }
    }
}

/// A logit from a sum: within ±32,767.
#[inline(always)]
pub(super) fn logit(sum: i32, scale: Scale) -> i16 {
    // 16 bits are what a processor may have an instruction for.
    (scale.apply(sum).clamp(-32_768, 32_767) as i16).max(-32_767)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::math;

    #[test]
    fn scales_are_near_their_factor_and_in_range() {
        for factor in [0.249, 0.125, 0.1, 3e-3, 1.234e-6, 1e-9] {
            let scale = Scale::new(factor);
            assert!(is_in_range(scale), "{factor}: {scale:?}");
            let (m, s) = (scale.0 & 0xffff, scale.0 >> 16);
            let error = f64::from(m) / (1u64 << s) as f64 / f64::from(factor) - 1.0;
            assert!(error.abs() <= 1.0 / 2_048.0 || factor < 1e-8, "{factor}: {error}");
        }
        for factor in [0.0, 9.0, -1.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert!(is_in_range(Scale::new(factor)), "{factor}");
        }
    }

    fn is_in_range(scale: Scale) -> bool {
        let (m, s) = (scale.0 & 0xffff, scale.0 >> 16);
        m >> 14 == 1 && m & 15 == 0 && (17..48).contains(&s)
    }

    #[test]
    fn numbers_take_a_word() {
        let scale = Scale::new(0.001_234);
        for bias in (0..31).flat_map(|bit| [1 << bit, (1i32 << bit).wrapping_mul(5) / 7, (1 << bit) - 1]) {
            for bias in [bias, -bias] {
                let word = Numbers::pack(bias, scale);
                let found = Numbers::unpack(word);
                assert_eq!(Numbers::check(word), Ok(()), "{bias}");
                assert_eq!(found.scale, scale);
                assert!(
                    2_048 * i64::from((found.bias - bias).abs()) <= i64::from(bias.abs()),
                    "{bias}: {}",
                    found.bias
                );
            }
        }
        let word = |mantissa: i32, e: u32, s: u32| ((mantissa as u32) << 20 | e << 15 | s).to_le_bytes();
        for (mantissa, e, s) in [(1, 30, 30), (-1, 30, 0), (-2048, 19, 0)] {
            assert_eq!(Numbers::check(word(mantissa, e, s)), Ok(()), "{mantissa} {e} {s}");
        }
        for (mantissa, e) in [(1, 31), (-1, 31), (2047, 20)] {
            assert_eq!(Numbers::check(word(mantissa, e, 0)), Err(ModelError::Bias), "{mantissa} {e}");
        }
        assert_eq!(Numbers::check(word(0, 31, 31)), Err(ModelError::Scale));
    }

    #[test]
    fn rounding_is_as_specified() {
        for factor in [0.249, 0.1, 0.004_321, 1e-5] {
            let scale = Scale::new(factor);
            let (m, s) = (i128::from(scale.0 & 0xffff), scale.0 >> 16);
            let sums = (0..31).flat_map(|bit| [-1, 0, 1].map(|d: i32| (1i32 << bit).wrapping_add(d)));
            for sum in sums.flat_map(|sum| [sum, sum.wrapping_neg(), sum.wrapping_mul(31) / 7]) {
                let exact = ((i128::from(sum) * m + (1 << (s - 1))) >> s) as i32;
                assert_eq!(scale.apply(sum), exact, "{sum} · {m} / 2^{s}");
                let relu = if sum > 0 { exact.min(255) } else { 0 };
                assert_eq!(i32::from(Hidden::Relu.activate(sum, scale)), relu, "{sum} · {m} / 2^{s}");
            }
        }
    }

    #[test]
    fn sigmoid_is_that_of_the_float_network() {
        let scale = Scale::new(0.125);
        for z in -1100..1100 {
            let exact = 255.0 * math::sigmoid((z as f32 * SIGMOID_STEP).clamp(-255.0 / 32.0, 255.0 / 32.0));
            let found = f32::from(Hidden::Sigmoid.activate(8 * z, scale));
            assert!((found - exact).abs() <= 0.501, "z {z}/32: {found}, exactly {exact}");
        }
    }
}
