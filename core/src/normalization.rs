//! How a network's input is made of what a camera or a sensor gives.

use crate::net::PIXEL_DIVISOR;
use crate::op::range::INPUTS;
use crate::quant::{Input, Word};

/// For each channel of the input, a mean and a factor: the network takes (raw - mean) · factor. A vector has a channel for
/// each of its values. If there is but one, all have it.
///
/// ```
/// use minnet::normalization::Normalization;
///
/// let channels = [[20.0, 0.5], [1000.0, 0.125]].map(|pair: [f32; 2]| pair.map(f32::to_le_bytes));
/// let climate = Normalization::new(&channels).unwrap();
/// let mut input = [0.0; 4];
/// climate.apply(&[22.0_f32, 992.0, 19.0, 1016.0], &mut input);
/// assert_eq!(input, [1.0, -1.0, -0.5, 2.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Normalization<'a> {
    /// Little-endian numbers, as they lie in a model file.
    channels: &'a [[Word; 2]],
}

impl<'a> Normalization<'a> {
    /// Of 8-bit pixels, as in the book's data: they are divided by 256.
    pub const PIXELS: Normalization<'static> =
        Normalization { channels: &[[[0; 4], (1.0 / PIXEL_DIVISOR as f32).to_le_bytes()]] };

    /// These means and factors, as little-endian bytes. `None` if there are none, or they are not finite, or a factor is 0.
    pub const fn new(channels: &'a [[Word; 2]]) -> Option<Self> {
        let mut rest = channels;
        while let Some(([mean, factor], others)) = rest.split_first() {
            let (mean, factor) = (f32::from_le_bytes(*mean), f32::from_le_bytes(*factor));
            if !mean.is_finite() || !factor.is_finite() || factor == 0.0 {
                return None;
            }
            rest = others;
        }
        if channels.is_empty() { None } else { Some(Self { channels }) }
    }

    /// Its means and factors, as little-endian bytes.
    pub const fn channels(self) -> &'a [[Word; 2]] {
        self.channels
    }

    /// A channel's mean and factor.
    #[inline]
    fn channel(self, index: usize) -> [f32; 2] {
        self.channels.get(index % self.channels.len()).map_or([0.0; 2], |pair| pair.map(f32::from_le_bytes))
    }

    /// What the network takes of raw values, the channels of a pixel or of a step in time one after the other. Values
    /// beyond the input's size are left out; where there are too few, the rest stays as it is. Finite values give an input
    /// within ±[`INPUTS`], whatever they are, so that no sum in a network that was read from a model file overflows.
    #[inline]
    pub fn apply<T: Copy + Into<f32>>(self, raw: &[T], input: &mut [f32]) {
        for (index, (place, raw)) in input.iter_mut().zip(raw).enumerate() {
            let [mean, factor] = self.channel(index);
            *place = (((*raw).into() - mean) * factor).clamp(-INPUTS, INPUTS);
        }
    }

    /// As [`apply`](Self::apply), for an integer network: the bytes that it takes.
    #[inline]
    pub fn quantize<T: Copy + Into<f32>>(self, raw: &[T], input: Input, bytes: &mut [u8]) {
        for (index, (place, raw)) in bytes.iter_mut().zip(raw).enumerate() {
            let [mean, factor] = self.channel(index);
            *place = input.quantize(((*raw).into() - mean) * factor);
        }
    }
}

impl Default for Normalization<'_> {
    fn default() -> Self {
        Self::PIXELS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_divided_by_256() {
        let mut input = [7.0; 4];
        Normalization::PIXELS.apply(&[0u8, 1, 255], &mut input);
        assert_eq!(input, [0.0, 1.0 / 256.0, 255.0 / 256.0, 7.0]);
        let mut bytes = [9; 3];
        Normalization::PIXELS.quantize(&[0u8, 1, 255], Input::PIXELS, &mut bytes);
        assert_eq!(bytes, [0, 1, 255]);
        assert_eq!(Normalization::new(Normalization::PIXELS.channels()), Some(Normalization::PIXELS));
    }

    #[test]
    fn far_values_stop_at_the_bound() {
        let channels = [[-1e30_f32, 1e10].map(f32::to_le_bytes)];
        let mut input = [0.0; 4];
        Normalization::new(&channels).unwrap().apply(&[f32::MAX, f32::MIN, -1e30, f32::NAN], &mut input);
        assert_eq!(input[..3], [INPUTS, -INPUTS, 0.0]);
        assert!(input[3].is_nan());
    }

    #[test]
    fn numbers_that_are_none_are_refused() {
        for [mean, factor] in [[f32::NAN, 1.0], [0.0, f32::INFINITY], [0.0, 0.0]] {
            assert_eq!(Normalization::new(&[[[0; 4]; 2], [mean.to_le_bytes(), factor.to_le_bytes()]]), None);
        }
        assert_eq!(Normalization::new(&[]), None);
    }
}
