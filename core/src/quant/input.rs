//! What an integer network takes: bytes, and what they stand for.

use super::ops::is_positive;
use super::weights::Word;
use crate::model::ModelError;
use crate::net::PIXEL_DIVISOR;

/// What the bytes that a network takes stand for: byte q for the value `step` · (q - `zero`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Input {
    /// The value of a step: finite, and above 0.
    pub step: f32,
    /// The byte that stands for 0.
    pub zero: u8,
}

impl Input {
    /// Pixels, which the float network divides by 256.
    pub const PIXELS: Self = Self { step: 1.0 / PIXEL_DIVISOR as f32, zero: 0 };
    /// Words that a model file has for it, behind the step of the logits; for [`PIXELS`](Self::PIXELS) there are none.
    pub const WORDS: usize = 2;

    /// Bytes that reach from `least` to `greatest`, and to 0; `None` if these are not two finite numbers.
    pub fn of_range(least: f32, greatest: f32) -> Option<Self> {
        let (least, greatest) = (least.min(0.0), greatest.max(0.0));
        let range = greatest - least;
        if range == 0.0 {
            return Some(Self { step: 1.0, zero: 0 });
        }
        // Not so small that it is rounded away.
        let step = (range / 255.0).max(f32::MIN_POSITIVE);
        // -least / step is at most 255 and a little.
        let zero = libm::roundf(-least / step) as u8;
        is_positive(range).then_some(Self { step, zero })
    }

    /// The byte that is nearest to a value, as the sensor or the float network knows it. Values out of reach become the
    /// least or the greatest byte.
    #[inline]
    pub fn quantize(self, value: f32) -> u8 {
        // This cast takes what is out of reach as the nearest number, and what is no number as 0.
        libm::roundf(value / self.step + f32::from(self.zero)) as u8
    }

    /// Words that a model file has for it.
    pub const fn words(self) -> usize {
        if self.step == Self::PIXELS.step && self.zero == 0 { 0 } else { Self::WORDS }
    }

    /// What a model file has behind the step of the logits.
    pub(super) const fn parse(words: &[Word]) -> Result<Self, ModelError> {
        let (step, zero) = match words {
            [] => return Ok(Self::PIXELS),
            [step, zero] => (f32::from_le_bytes(*step), u32::from_le_bytes(*zero)),
            _ => return Err(ModelError::Layout),
        };
        if !is_positive(step) || zero > 255 {
            return Err(ModelError::Input);
        }
        Ok(Self { step, zero: zero as u8 })
    }

    /// Writes them.
    pub(super) fn write(self, words: &mut [Word]) {
        if let [step, zero] = words {
            (*step, *zero) = (self.step.to_le_bytes(), u32::from(self.zero).to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_reach_over_the_range_and_to_zero() {
        for (least, greatest) in [(-1.0, 1.0), (-3.5, 0.25), (0.5, 2.0), (-9.0, -8.0), (-1e-3, 1e3), (-1e38, 2e38)] {
            let input = Input::of_range(least, greatest).unwrap();
            let value = |byte: u8| input.step * (f32::from(byte) - f32::from(input.zero));
            assert_eq!(value(input.quantize(0.0)), 0.0);
            for value_there in [least, greatest, least / 3.0, greatest / 7.0] {
                let found = value(input.quantize(value_there));
                assert!((found - value_there).abs() <= 1.001 * input.step, "{value_there} became {found}");
            }
            assert_eq!([input.quantize(2.0 * greatest.abs() + 1e37), input.quantize(f32::INFINITY)], [255; 2]);
            assert_eq!(input.quantize(f32::NEG_INFINITY), 0);
        }
        assert_eq!(Input::of_range(0.0, 0.0), Some(Input { step: 1.0, zero: 0 }));
        for (least, greatest) in [(f32::NEG_INFINITY, 1.0), (0.0, f32::INFINITY), (-3e38, 3e38)] {
            assert_eq!(Input::of_range(least, greatest), None);
        }
        let pixels: [u8; 3] = [0.0, 1.0 / 256.0, 255.0 / 256.0].map(|value| Input::PIXELS.quantize(value));
        assert_eq!(pixels, [0, 1, 255]);
    }
}
