//! How weights lie in a model file: words of four or eight, wherever the words begin.

/// Four bytes of a model file, which need no alignment.
pub type Word = [u8; 4];

/// The width of the weights.
pub trait Weights: Copy + Send + Sync + 'static {
    /// Groups of four weights in a word.
    const GROUPS: usize;
    /// The number of the element type in a model file.
    const ELEMENT: u32;
    /// Its words in what programs print.
    const NAME: &'static str;
    /// The greatest weight, in steps; the least is its negative.
    const LIMIT: i32;
    /// What a step counts as in the kernels: a 4-bit weight stands in the upper half of a byte.
    const STEP: i32;

    /// A word's groups of four weights, each as four signed bytes: the first [`GROUPS`](Self::GROUPS) of these.
    fn unpack(word: Word) -> [u32; 2];

    /// Packs a row of weights, each a number of steps, into words; what is left of the last word is 0.
    fn pack(row: impl Iterator<Item = i32>, put: &mut dyn FnMut(u32));
}

/// Words that a row of so many weights takes.
pub(super) const fn words<W: Weights>(weights: usize) -> usize {
    weights.div_ceil(4 * W::GROUPS)
}

/// 8-bit weights: byte i of a word is the row's weight 4·word + i.
#[derive(Clone, Copy, Debug)]
pub struct Int8;

/// 4-bit weights: the lower half of byte i is the row's weight 8·word + i, the upper half its weight 8·word + 4 + i.
#[derive(Clone, Copy, Debug)]
pub struct Int4;

impl Weights for Int8 {
    const GROUPS: usize = 1;
    const ELEMENT: u32 = 1;
    const NAME: &'static str = "8-bit";
    const LIMIT: i32 = 127;
    const STEP: i32 = 1;

    #[inline(always)]
    fn unpack(word: Word) -> [u32; 2] {
        [u32::from_le_bytes(word), 0]
    }

    fn pack(row: impl Iterator<Item = i32>, put: &mut dyn FnMut(u32)) {
        pack::<4>(row, put, |place, weight| (weight as u8 as u32) << (8 * place));
    }
}

impl Weights for Int4 {
    const GROUPS: usize = 2;
    const ELEMENT: u32 = 2;
    const NAME: &'static str = "4-bit";
    const LIMIT: i32 = 7;
    const STEP: i32 = 16;

    #[inline(always)]
    fn unpack(word: Word) -> [u32; 2] {
        const UPPER: u32 = 0xf0f0_f0f0;
        let word = u32::from_le_bytes(word);
        [word << 4 & UPPER, word & UPPER]
    }

    fn pack(row: impl Iterator<Item = i32>, put: &mut dyn FnMut(u32)) {
        pack::<8>(row, put, |place, weight| (weight as u32 & 15) << (8 * (place % 4) + 4 * (place / 4)));
    }
}

fn pack<const N: usize>(row: impl Iterator<Item = i32>, put: &mut dyn FnMut(u32), bits: impl Fn(usize, i32) -> u32) {
    let (mut word, mut place) = (0, 0);
    for weight in row {
        word |= bits(place, weight);
        place += 1;
        if place == N {
            put(word);
            (word, place) = (0, 0);
        }
    }
    if place > 0 {
        put(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packs a row, unpacks it, and gives the weights in steps.
    fn there_and_back<W: Weights>(row: &[i32]) -> heapless::Vec<i32, 32> {
        let mut packed = heapless::Vec::<Word, 8>::new();
        W::pack(row.iter().copied(), &mut |word| packed.push(word.to_le_bytes()).unwrap());
        assert_eq!(packed.len(), words::<W>(row.len()));
        let mut weights = heapless::Vec::new();
        for four in packed.iter().flat_map(|word| W::unpack(*word).into_iter().take(W::GROUPS)) {
            let steps = four.to_le_bytes().map(|byte| i32::from(byte as i8) / W::STEP);
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
}
