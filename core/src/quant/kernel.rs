//! The inner loop of every integer layer: four weights times four activations.
//!
//! A group of four activations x lies in two words, (x0, x2) and (x1, x3), a half each: so a Cortex-M with the DSP
//! extension turns four weights into two pairs of halves with two instructions (SXTB16), and multiplies and adds two
//! pairs with one (SMLAD). Elsewhere the same is done one by one.

use zerocopy::{FromBytes, IntoBytes};

/// Words that a group of four activations takes.
pub(super) const GROUP: usize = 2;

/// The place of activation `index`, in halves of words.
#[inline(always)]
pub(super) const fn place(index: usize, grouped: bool) -> usize {
    if grouped { index / 4 * 4 + [0, 2, 1, 3][index % 4] } else { index }
}

/// Channels that a pixel has room for: one lies alone, more lie in groups of four.
pub(super) const fn padded(channels: usize) -> usize {
    if channels == 1 { 1 } else { channels.next_multiple_of(4) }
}

/// Words that so many activations take, grouped or not.
pub(super) const fn ram(values: usize) -> usize {
    values.div_ceil(4) * GROUP
}

/// Four activations as two words.
#[inline(always)]
pub(super) fn group([a, b, c, d]: [u8; 4], grouped: bool) -> [u32; GROUP] {
    let [a, b, c, d] = [a, b, c, d].map(u32::from);
    if grouped { [a | c << 16, b | d << 16] } else { [a | b << 16, c | d << 16] }
}

/// Words as halves.
#[inline(always)]
pub(super) fn halves(words: &[u32]) -> &[[i16; 2]] {
    <[[i16; 2]]>::ref_from_bytes(words.as_bytes()).unwrap_or_default()
}

/// As [`halves`], to write.
#[inline(always)]
pub(super) fn halves_mut(words: &mut [u32]) -> &mut [[u16; 2]] {
    <[[u16; 2]]>::mut_from_bytes(words.as_mut_bytes()).unwrap_or_default()
}

/// Four weights as two pairs of halves: the even ones, and the odd ones.
#[derive(Clone, Copy)]
pub(super) struct Four {
    pub(super) even: u32,
    pub(super) odd: u32,
}

#[cfg(not(minnet_dsp))]
mod portable {
    use super::Four;

    impl Four {
        /// From four signed bytes.
        #[inline(always)]
        pub fn new(bytes: u32) -> Self {
            let [w0, w1, w2, w3] = bytes.to_le_bytes().map(|byte| i16::from(byte as i8) as u16);
            Self { even: pair(w0, w2), odd: pair(w1, w3) }
        }
    }

    /// sum + Σ of the products of halves.
    #[inline(always)]
    pub fn multiply_add(a: u32, b: u32, sum: i32) -> i32 {
        let low = i32::from(a as i16) * i32::from(b as i16);
        let high = (a as i32 >> 16) * (b as i32 >> 16);
        sum.wrapping_add(low).wrapping_add(high)
    }

    /// (value·factor >> 16) + sum, with a `factor` of 15 bits.
    #[inline(always)]
    pub fn multiply_shift(value: i32, factor: i32, sum: i32) -> i32 {
        (value >> 16) * factor + (((value & 0xffff) * factor) >> 16) + sum
    }

    #[inline(always)]
    fn pair(low: u16, high: u16) -> u32 {
        u32::from(low) | u32::from(high) << 16
    }
}

#[cfg(minnet_dsp)]
#[allow(unsafe_code)]
pub(super) mod dsp;

#[cfg(minnet_thumb1)]
#[allow(unsafe_code)]
pub(super) mod thumb1;

#[cfg(minnet_dsp)]
pub(super) use dsp::{multiply_add, multiply_shift};
#[cfg(not(minnet_dsp))]
pub(super) use portable::{multiply_add, multiply_shift};

impl Four {
    /// sum + the products with a group of activations.
    #[inline(always)]
    pub(super) fn multiply_add(self, [even, odd]: [u32; 2], sum: i32) -> i32 {
        multiply_add(self.odd, odd, multiply_add(self.even, even, sum))
    }
}
