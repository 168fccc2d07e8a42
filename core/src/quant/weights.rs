//! How weights lie in a model file: words of four or eight, wherever the words begin.

/// Four bytes of a model file, which need no alignment.
pub type Word = [u8; 4];

/// The width of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// 8 bits: byte i of a word is the row's weight 4·word + i.
    Eight,
    /// 4 bits: the lower half of byte i is the row's weight 8·word + i, the upper half its weight 8·word + 4 + i.
    Four,
}

impl Width {
    /// Every width.
    pub const ALL: &[Self] = &[Self::Eight, Self::Four];

    /// Bits of a weight.
    pub const fn bits(self) -> u32 {
        match self {
            Self::Eight => 8,
            Self::Four => 4,
        }
    }

    /// The number of the element type in a model file.
    pub const fn element(self) -> u32 {
        match self {
            Self::Eight => 1,
            Self::Four => 2,
        }
    }

    /// The width whose number in a model file this is; `None` for floats and for numbers without a meaning.
    pub const fn of_element(element: u32) -> Option<Self> {
        match element {
            1 => Some(Self::Eight),
            2 => Some(Self::Four),
            _ => None,
        }
    }

    /// The greatest weight, in steps; the least is its negative.
    pub const fn limit(self) -> i32 {
        match self {
            Self::Eight => 127,
            Self::Four => 7,
        }
    }

    /// What a step counts as in the kernels: a 4-bit weight stands in the upper half of a byte.
    #[inline]
    pub(super) const fn step(self) -> i32 {
        match self {
            Self::Eight => 1,
            Self::Four => 16,
        }
    }

    /// Groups of four weights in a word.
    #[inline]
    pub(super) const fn groups(self) -> usize {
        match self {
            Self::Eight => 1,
            Self::Four => 2,
        }
    }

    /// Words that a row of so many weights takes.
    #[inline]
    pub(super) const fn words(self, weights: usize) -> usize {
        weights.div_ceil(4 * self.groups())
    }

    /// A weight's bits in its word, the weight being number `place` of it.
    const fn place(self, weight: i32, place: usize) -> u32 {
        let bits = weight as u32 & ((1 << self.bits()) - 1);
        bits << (8 * (place % 4) + 4 * (place / 4))
    }

    /// Packs a row of weights, each a number of steps, into words that are 0.
    pub(super) fn pack(self, row: impl Iterator<Item = i32>, words: &mut [Word]) {
        let in_word = 4 * self.groups();
        for (index, weight) in row.enumerate() {
            if let Some(word) = words.get_mut(index / in_word) {
                *word = (u32::from_le_bytes(*word) | self.place(weight, index % in_word)).to_le_bytes();
            }
        }
    }

    /// Whether no weight of a word is below the least.
    pub(super) const fn is_in_range(self, word: Word) -> bool {
        // Only the number that has no opposite is: alone of all, it becomes 0 when its highest bit is turned.
        let (one, highest) = match self {
            Self::Eight => (0x0101_0101, 0x8080_8080),
            Self::Four => (0x1111_1111, 0x8888_8888),
        };
        let turned = u32::from_le_bytes(word) ^ highest;
        turned.wrapping_sub(one) & !turned & highest == 0
    }

    /// Whether number `place` of a word's weights is 0.
    pub(super) const fn is_zero(self, word: Word, place: usize) -> bool {
        u32::from_le_bytes(word) & self.place(-1, place) == 0
    }
}

/// A width as a type.
pub trait Weights: Copy + Send + Sync + 'static {
    /// The width.
    const WIDTH: Width;
    /// Groups of four weights in a word.
    const GROUPS: usize = Self::WIDTH.groups();

    /// A word's groups of four weights, each as four signed bytes: the first [`GROUPS`](Self::GROUPS) of these.
    fn unpack(word: Word) -> [u32; 2];
}

/// [`Width::Eight`] as a type.
#[derive(Clone, Copy, Debug)]
pub struct Int8;

/// [`Width::Four`] as a type.
#[derive(Clone, Copy, Debug)]
pub struct Int4;

impl Weights for Int8 {
    const WIDTH: Width = Width::Eight;

    #[inline(always)]
    fn unpack(word: Word) -> [u32; 2] {
        [u32::from_le_bytes(word), 0]
    }
}

impl Weights for Int4 {
    const WIDTH: Width = Width::Four;

    #[inline(always)]
    fn unpack(word: Word) -> [u32; 2] {
        const UPPER: u32 = 0xf0f0_f0f0;
        let word = u32::from_le_bytes(word);
        [word << 4 & UPPER, word & UPPER]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packs a row, unpacks it, and gives the weights in steps.
    fn there_and_back<W: Weights>(row: &[i32]) -> heapless::Vec<i32, 32> {
        let mut packed = [[0; 4]; 8];
        let packed = &mut packed[..W::WIDTH.words(row.len())];
        W::WIDTH.pack(row.iter().copied(), packed);
        let mut weights = heapless::Vec::new();
        for four in packed.iter().flat_map(|word| W::unpack(*word).into_iter().take(W::GROUPS)) {
            let steps = four.to_le_bytes().map(|byte| i32::from(byte as i8) / W::WIDTH.step());
            weights.extend_from_slice(&steps).unwrap();
        }
        weights
    }

    #[test]
    fn weights_come_back_padded_with_zeros() {
        let row: [i32; 14] = core::array::from_fn(|i| i as i32 - 7);
        for weights in [there_and_back::<Int8>(&row), there_and_back::<Int4>(&row)] {
            assert_eq!((&weights[..14], &weights[14..]), (&row[..], &[0, 0][..]));
        }
        assert_eq!(there_and_back::<Int8>(&[-127, 127]).as_slice(), [-127, 127, 0, 0]);
        assert_eq!(there_and_back::<Int4>(&[7; 9])[8..], [7, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_weight_out_of_range_is_found_in_every_place() {
        for width in [Width::Eight, Width::Four] {
            for place in 0..4 * width.groups() {
                for other in [0, 1, -1, width.limit(), -width.limit()] {
                    let word = |weight| {
                        let mut word = [[0; 4]];
                        width.pack((0..4 * width.groups()).map(|i| if i == place { weight } else { other }), &mut word);
                        word[0]
                    };
                    assert!(width.is_in_range(word(-width.limit())) && width.is_in_range(word(width.limit())));
                    assert!(!width.is_in_range(word(-width.limit() - 1)), "{width:?}, place {place}, beside {other}");
                }
            }
        }
    }

    #[test]
    fn a_weight_is_found_in_its_place_alone() {
        for width in [Width::Eight, Width::Four] {
            let places = 4 * width.groups();
            for place in 0..places {
                let mut word = [[0; 4]];
                width.pack((0..=place).map(|i| i32::from(i == place)), &mut word);
                assert!(
                    (0..places).all(|other| width.is_zero(word[0], other) == (other != place)),
                    "{width:?}, {place}"
                );
            }
        }
    }
}
