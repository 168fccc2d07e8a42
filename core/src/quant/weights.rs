//! How weights lie in a model file.
//!
//! Weights of 8 bits lie as a kernel takes them, in rows of whole words, wherever the words begin. Those of fewer bits lie
//! one after the other, and an output's are unpacked into RAM before a kernel takes them: so there is one kernel for all
//! widths, and no bit of the flash is empty but at the end of an output's.

#[cfg(minnet_thumb1)]
use super::kernel::place;
use super::ops::Rows;
use crate::text::Text;

/// Four bytes of a model file, which need no alignment.
pub type Word = [u8; 4];

/// The width of the weights. A weight is a whole number of units; what a unit is worth is each output's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// 8 bits: -127 to 127.
    Eight,
    /// 4 bits: the odd numbers from -15 to 15.
    Four,
    /// 3 bits: the odd numbers from -7 to 7.
    Three,
    /// 2 bits: -3, -1, 1 and 3.
    Two,
    /// Five in a byte: -1, 0 and 1.
    Ternary,
}

impl Width {
    /// Every width.
    pub const ALL: &[Self] = &[Self::Eight, Self::Four, Self::Three, Self::Two, Self::Ternary];

    /// Its word in an architecture's text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eight => "int8",
            Self::Four => "int4",
            Self::Three => "int3",
            Self::Two => "int2",
            Self::Ternary => "ternary",
        }
    }

    /// An architecture's text with a layer's own width behind it.
    pub(crate) const fn append(own: Option<Self>, text: Text) -> Text {
        match own {
            Some(width) => text.then(" ").then(width.name()),
            None => text,
        }
    }

    /// The number of the element type in a model file.
    pub const fn element(self) -> u32 {
        match self {
            Self::Eight => 3,
            Self::Four => 4,
            Self::Three => 5,
            Self::Two => 6,
            Self::Ternary => 7,
        }
    }

    /// The width whose number in a model file this is; `None` for floats and for numbers without a meaning.
    pub const fn of_element(element: u32) -> Option<Self> {
        match element {
            3 => Some(Self::Eight),
            4 => Some(Self::Four),
            5 => Some(Self::Three),
            6 => Some(Self::Two),
            7 => Some(Self::Ternary),
            _ => None,
        }
    }

    /// The greatest weight, in units; the least is its negative.
    pub const fn limit(self) -> i32 {
        match self {
            Self::Eight => 127,
            Self::Four => 15,
            Self::Three => 7,
            Self::Two => 3,
            Self::Ternary => 1,
        }
    }

    /// What a unit counts as in a sum: with few bits, sums would else be too coarse for an activation.
    pub(super) const fn factor(self) -> i32 {
        match self {
            Self::Eight => 1,
            Self::Four => 8,
            Self::Three => 16,
            Self::Two => 32,
            Self::Ternary => 64,
        }
    }

    /// So many weights times an activation, which is at most 255, are a sum within 16 bits.
    #[cfg(minnet_thumb1)]
    pub(super) const fn terms(self) -> usize {
        (i16::MAX as i32 / 255 / self.limit()) as usize
    }

    /// The nearest weight to so many units.
    #[inline]
    pub(super) fn nearest(self, units: f32) -> i32 {
        let weight = match self {
            Self::Eight | Self::Ternary => libm::roundf(units) as i32,
            Self::Four | Self::Three | Self::Two => 2 * libm::floorf(units / 2.0).clamp(-99.0, 99.0) as i32 + 1,
        };
        weight.clamp(-self.limit(), self.limit())
    }

    /// Bits of a weight that has a code of its own.
    const fn code_bits(self) -> u32 {
        match self {
            Self::Eight => 8,
            Self::Four => 4,
            Self::Three => 3,
            Self::Two | Self::Ternary => 2,
        }
    }

    /// Bytes of so many weights that lie one after the other.
    pub const fn bytes(self, weights: usize) -> usize {
        match self {
            Self::Ternary => weights.div_ceil(5),
            _ => (weights * self.code_bits() as usize).div_ceil(8),
        }
    }

    /// Packs an output's weights of fewer than 8 bits, in units, into bytes that are 0.
    pub(super) fn pack(self, weights: impl Iterator<Item = i32>, bytes: &mut [u8]) {
        if let Self::Ternary = self {
            // A byte is a fraction of 256, of which the first ternary digit is the first weight.
            let mut digits = weights.map(|weight| (weight + 1) as u32);
            for byte in bytes {
                let number = (0..5).fold(0, |number, _| 3 * number + digits.next().unwrap_or(0));
                *byte = fraction(number);
            }
            return;
        }
        let bits = self.code_bits();
        // The odd numbers from the least on.
        let codes = weights.map(|weight| ((weight + self.limit()) / 2) as u32);
        for (code, place) in codes.zip((0..).step_by(bits as usize)) {
            let both = code << (place % 8);
            for (byte, part) in bytes.iter_mut().skip(place / 8).zip([both as u8, (both >> 8) as u8]) {
                *byte |= part;
            }
        }
    }

    /// Whether so many packed weights may lie so.
    pub(super) const fn is_valid(self, bytes: &[u8], weights: usize) -> bool {
        let mut rest = bytes;
        if let Self::Ternary = self {
            while let Some((byte, after)) = rest.split_first() {
                let number = number(*byte);
                // Behind the last weight there are zeros.
                let unused = if after.is_empty() { 5 * bytes.len() - weights } else { 0 };
                if fraction(number) != *byte || !number.is_multiple_of(3u32.pow(unused as u32)) {
                    return false;
                }
                rest = after;
            }
            return true;
        }
        let unused = 8 * bytes.len() - self.code_bits() as usize * weights;
        match rest.split_last() {
            Some((last, _)) => unused == 0 || *last >> (8 - unused) == 0,
            None => true,
        }
    }
}

/// The byte of five ternary digits.
const fn fraction(number: u32) -> u8 {
    (number * 256).div_ceil(243) as u8
}

/// The ternary digits of a byte.
const fn number(byte: u8) -> u32 {
    (byte as u32 * 243) >> 8
}

/// Whether no weight of a word of 8-bit weights is -128.
pub(super) const fn is_in_range(word: Word) -> bool {
    // Alone of all, it becomes 0 when its highest bit is turned.
    let turned = u32::from_le_bytes(word) ^ 0x8080_8080;
    turned.wrapping_sub(0x0101_0101) & !turned & 0x8080_8080 == 0
}

/// A width as a type: that of a network's weights, or of a layer's.
pub trait Weights: Copy + Send + Sync + 'static {
    /// The width.
    const WIDTH: Width;
}

/// The width of a layer's weights as a type: one of its own, or [`Inherit`].
pub trait Bits: Send + Sync + 'static {
    /// The width; `None` for that of the network.
    const WIDTH: Option<Width>;
}

/// The width of the network's weights.
#[derive(Clone, Copy, Debug)]
pub struct Inherit;

impl Bits for Inherit {
    const WIDTH: Option<Width> = None;
}

macro_rules! widths {
    ($($name:ident $width:ident)*) => {$(
        #[doc = concat!("[`Width::", stringify!($width), "`] as a type.")]
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl Weights for $name {
            const WIDTH: Width = Width::$width;
        }

        impl Bits for $name {
            const WIDTH: Option<Width> = Some(Width::$width);
        }
    )*};
}

widths!(Int8 Eight Int4 Four Int3 Three Int2 Two Ternary Ternary);

/// Writes an output's weights, times [`Width::factor`], as an 8-bit kernel takes them: rows of whole words, zeros where there
/// is no weight. `bytes` are the weights and what lies behind them, three bytes at least.
#[inline(always)]
pub(super) fn unpack(width: Width, bytes: &[u8], rows: Rows, words: &mut [u32]) {
    if rows.channels.is_multiple_of(4) {
        return unpack_row(width, bytes, rows.weights(), words);
    }
    match width {
        Width::Eight => {}
        Width::Four => unpack_codes::<4>(bytes, rows, words),
        Width::Three => unpack_codes::<3>(bytes, rows, words),
        Width::Two => unpack_codes::<2>(bytes, rows, words),
        Width::Ternary => unpack_ternary(bytes, rows, words),
    }
}

/// Unpacks the weights of two outputs side by side, without their factor: in `pairs` a word for each two, the second times
/// 2^16, as groups of activations lie. `words` is memory for one output's.
#[cfg(minnet_thumb1)]
pub(super) fn unpack_two(width: Width, outputs: [&[u8]; 2], rows: Rows, pairs: &mut [u32], words: &mut [u32]) {
    let places = [0, 1, 2, 3].map(|index| place(index, true));
    for (shift, bytes) in [0, 16].into_iter().zip(outputs) {
        unpack(width, bytes, rows, words);
        for (four, word) in pairs.as_chunks_mut::<4>().0.iter_mut().zip(words.iter()) {
            for (weight, place) in word.to_ne_bytes().into_iter().zip(places) {
                let weight = (i32::from(weight as i8) >> width.factor().trailing_zeros()) << shift;
                four[place] = if shift == 0 { weight as u32 } else { four[place].wrapping_add(weight as u32) };
            }
        }
    }
}

/// The words of each pixel, and how many weights each has.
#[inline(always)]
fn each_word(rows: Rows, words: &mut [u32], mut write: impl FnMut(&mut u32, usize)) {
    // The pixels of a single channel lie one after the other.
    let (runs, length) =
        if rows.padded == 1 { (rows.rows, rows.pixels) } else { (rows.rows * rows.pixels, rows.channels) };
    for run in words.chunks_exact_mut(length.div_ceil(4).max(1)).take(runs) {
        let mut left = length;
        for word in run {
            write(word, left.min(4));
            left = left.saturating_sub(4);
        }
    }
}

/// Where a pixel's last word has places without a weight.
#[inline(never)]
fn unpack_codes<const BITS: usize>(bytes: &[u8], rows: Rows, words: &mut [u32]) {
    let mut bit = 0;
    each_word(rows, words, |word, weights| {
        let four = bytes.get(bit / 8..).and_then(|rest| rest.first_chunk()).map_or(0, |four| u32::from_le_bytes(*four));
        *word = spread(BITS as u32, four >> (bit % 8), weights);
        bit += BITS * weights;
    });
}

/// As [`unpack`], of weights of which no word but the last has a place without one: a row of a dense layer, or a part of it
/// that begins a byte.
#[inline(always)]
pub(super) fn unpack_row(width: Width, bytes: &[u8], weights: usize, words: &mut [u32]) {
    let Some(words) = words.get_mut(..weights.div_ceil(4)) else { return };
    match width {
        Width::Eight => {}
        Width::Four => unpack_fours(bytes, words),
        Width::Three => unpack_threes(bytes, words),
        Width::Two => unpack_twos(bytes, words),
        Width::Ternary => {
            return unpack_ternary(bytes, Rows { rows: 1, pixels: 1, channels: weights, padded: weights }, words);
        }
    }
    if let Some(last) = words.last_mut() {
        let unused = 8 * (weights.wrapping_neg() % 4) as u32;
        *last &= (u32::MAX >> unused).to_le();
    }
}

/// Whole words of 4-bit weights.
#[inline(never)]
fn unpack_fours(bytes: &[u8], words: &mut [u32]) {
    unpack_words(bytes, words, |[low, high]| [spread(4, u32::from(low) | u32::from(high) << 8, 4)]);
}

/// Whole words of 3-bit weights: two take three bytes.
#[inline(never)]
fn unpack_threes(bytes: &[u8], words: &mut [u32]) {
    unpack_words(bytes, words, |[low, middle, high]| {
        let codes = u32::from(low) | u32::from(middle) << 8 | u32::from(high) << 16;
        [codes, codes >> 12].map(|codes| spread(3, codes, 4))
    });
}

/// Whole words of 2-bit weights: a byte each.
#[inline(never)]
fn unpack_twos(bytes: &[u8], words: &mut [u32]) {
    unpack_words(bytes, words, |[byte]| {
        let [low, high] = [byte & 15, byte >> 4].map(|pair| u32::from(TWOS[usize::from(pair)]));
        [(low | high << 16).to_le()]
    });
}

/// Makes words of bytes, some of some at a time; bytes that are missing at the end are 0.
#[inline(always)]
fn unpack_words<const BYTES: usize, const WORDS: usize>(
    bytes: &[u8],
    words: &mut [u32],
    unpack: impl Fn([u8; BYTES]) -> [u32; WORDS],
) {
    let (whole, groups) = (bytes.as_chunks::<BYTES>().0, words.as_chunks_mut::<WORDS>().0);
    let done = whole.len().min(groups.len());
    groups.iter_mut().zip(whole).for_each(|(group, bytes)| *group = unpack(*bytes));
    let left = words.get_mut(done * WORDS..).unwrap_or_default();
    if !left.is_empty() {
        let last = whole.get(done).copied().unwrap_or_else(|| {
            let mut last = [0; BYTES];
            let rest = bytes.get(done * BYTES..).unwrap_or_default();
            last.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
            last
        });
        left.iter_mut().zip(unpack(last)).for_each(|(place, word)| *place = word);
    }
}

/// Two weights of 2 bits, times their factor, by their codes.
static TWOS: [u16; 16] = {
    let mut pairs = [0; 16];
    let mut code = 0;
    while code < 16 {
        pairs[code] = spread(2, code as u32, 2).to_le() as u16;
        code += 1;
    }
    pairs
};

/// The first weights of a buffer of codes as bytes, and zeros.
#[inline(always)]
const fn spread(bits: u32, codes: u32, weights: usize) -> u32 {
    // First two and two, then each.
    let pair = (1 << (2 * bits)) - 1;
    let pairs = codes & pair | (codes & pair << (2 * bits)) << (16 - 2 * bits);
    let each = 0x1_0001 * ((1 << bits) - 1);
    let codes = pairs & each | (pairs & each << bits) << (8 - bits);
    // In the upper bits of a byte, with its highest bit turned, a code is as many steps above or below 0; half a step more
    // puts the codes around 0.
    let weighed = (codes << (8 - bits) ^ 0x8080_8080) | 0x0101_0101 << (7 - bits);
    let unused = 32 - 8 * weights as u32;
    (if unused < 32 { weighed & u32::MAX >> unused } else { 0 }).to_le()
}

#[inline(never)]
fn unpack_ternary(bytes: &[u8], rows: Rows, words: &mut [u32]) {
    let mut bytes = bytes.iter();
    let (mut fraction, mut count) = (0u32, 0);
    each_word(rows, words, |word, weights| {
        let mut places = [0; 4];
        for place in places.iter_mut().take(weights) {
            if count == 0 {
                fraction = u32::from(bytes.next().copied().unwrap_or(0));
                count = 5;
            }
            let digit = 3 * fraction;
            *place = ((digit >> 8).wrapping_sub(1) << 6) as u8;
            (fraction, count) = (digit & 0xff, count - 1);
        }
        *word = u32::from_ne_bytes(places);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::vec::Vec;
    use zerocopy::IntoBytes;

    /// All weights of a width.
    fn weights(width: Width) -> Vec<i32> {
        let step = if let Width::Eight | Width::Ternary = width { 1 } else { 2 };
        (-width.limit()..=width.limit()).step_by(step).collect()
    }

    fn packed(width: Width, weights: &[i32]) -> Vec<u8> {
        let mut bytes = std::vec![0; width.bytes(weights.len())];
        width.pack(weights.iter().copied(), &mut bytes);
        bytes
    }

    #[test]
    fn weights_come_back_with_zeros_behind_each_pixel() {
        for width in &Width::ALL[1..] {
            for (rows, pixels, channels) in
                [(1, 1, 1usize), (3, 3, 1), (5, 5, 1), (1, 1, 7), (3, 3, 8), (2, 3, 5), (1, 1, 40)]
            {
                let padded = if pixels == 1 || channels == 1 { channels } else { channels.next_multiple_of(4) };
                let shape = Rows { rows, pixels, channels, padded };
                let some: Vec<_> = weights(*width).into_iter().cycle().take(rows * pixels * channels).collect();
                let mut bytes = packed(*width, &some);
                assert!(width.is_valid(&bytes, some.len()));
                // Biases lie behind the weights.
                bytes.extend([0xa5; 3]);
                let mut words = std::vec![77; rows * shape.length().div_ceil(4)];
                if (rows, pixels) == (1, 1) {
                    unpack_row(*width, &bytes, channels, &mut words);
                } else {
                    unpack(*width, &bytes, shape, &mut words);
                }
                let (run, place) = if padded == 1 {
                    (pixels, pixels.next_multiple_of(4))
                } else {
                    (channels, channels.next_multiple_of(4))
                };
                let mut found = Vec::new();
                for run_of in words.as_bytes().chunks(place) {
                    found.extend(run_of[..run].iter().map(|byte| i32::from(*byte as i8) / width.factor()));
                    assert!(run_of[run..].iter().all(|byte| *byte == 0), "{width:?} {shape:?}");
                }
                assert_eq!(found, some, "{width:?} {shape:?}");
            }
        }
    }

    #[test]
    fn the_nearest_weight_is_the_nearest() {
        for width in Width::ALL {
            let all = weights(*width);
            for units in (-400..400).map(|units| units as f32 * 0.49) {
                let error = |weight: i32| (weight as f32 - units).abs();
                let least = all.iter().map(|weight| error(*weight)).fold(f32::INFINITY, f32::min);
                assert_eq!(error(width.nearest(units)), least, "{width:?} {units}");
            }
            assert!(all.contains(&width.nearest(f32::NAN)) && all.contains(&width.nearest(f32::INFINITY)));
        }
    }

    #[test]
    fn bytes_that_are_no_weights_are_found() {
        for (width, bytes, weights) in [
            (Width::Four, &[0x1f][..], 1),
            (Width::Three, &[0, 0b0100_0000], 4),
            (Width::Two, &[0xff, 0b100], 5),
            (Width::Ternary, &[197], 5),
            (Width::Ternary, &[2], 4),
        ] {
            assert!(!width.is_valid(bytes, weights), "{width:?}");
        }
        for byte in 0..=255 {
            let is_weights = (0..243).any(|number| fraction(number) == byte);
            assert_eq!(Width::Ternary.is_valid(&[byte], 5), is_weights, "{byte}");
        }
    }

    #[test]
    fn a_weight_out_of_range_is_found_in_every_place() {
        for place in 0..4 {
            for other in [0, 1, 255, 127, 129] {
                let word = |weight| core::array::from_fn(|i| if i == place { weight } else { other });
                assert!(is_in_range(word(129)) && is_in_range(word(127)));
                assert!(!is_in_range(word(128)), "place {place}, beside {other}");
            }
        }
    }
}
