//! Inputs made of others: the same seed makes the same inputs.

use rand_core::Rng;
use rand_xorshift::XorShiftRng;

/// No input is made longer.
const LONGEST: usize = 1 << 15;

/// Numbers at which something may happen.
const ODD: [u64; 16] = [
    0,
    1,
    2,
    7,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0xffff_ffff,
    1 << 32,
    i64::MAX as u64,
    u64::MAX,
];

/// The same in texts.
const NUMBERS: [&str; 12] =
    ["0", "1", "-1", "2", "255", "65536", "4294967295", "18446744073709551616", "1e39", "1e-46", "nan", "-inf"];

/// A number below `most`, which is not 0.
pub fn below(rng: &mut XorShiftRng, most: usize) -> usize {
    (rng.next_u32() as usize) % most
}

/// Changes `bytes` in one to eight ways, with `words` of the format and a piece of `other`.
pub fn mutate(bytes: &mut Vec<u8>, other: &[u8], words: &[&str], rng: &mut XorShiftRng) {
    for _ in 0..1 << below(rng, 4) {
        once(bytes, other, words, rng);
    }
    bytes.truncate(LONGEST);
}

fn once(bytes: &mut Vec<u8>, other: &[u8], words: &[&str], rng: &mut XorShiftRng) {
    let at = below(rng, bytes.len() + 1);
    // Lengths and headers stand at the beginning more often than elsewhere.
    let near = below(rng, 64);
    let at = if below(rng, 3) == 0 { at.min(near) } else { at };
    let magnitude = 1 + below(rng, 8);
    let length = 1 + below(rng, 1 << magnitude);
    let end = bytes.len().min(at + length);
    match below(rng, 12) {
        0 | 1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << below(rng, 8);
            }
        }
        2 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = rng.next_u32() as u8;
            }
        }
        3 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = byte.wrapping_add(below(rng, 9) as u8).wrapping_sub(4);
            }
        }
        4 => bytes.truncate(at),
        5 => drop(bytes.drain(at..end)),
        6 => {
            let piece = bytes[at..end].to_vec();
            let to = below(rng, bytes.len() + 1);
            bytes.splice(to..to, piece);
        }
        7 => {
            let number = ODD[below(rng, ODD.len())].wrapping_sub(below(rng, 3) as u64 / 2);
            let size = 1 << below(rng, 4);
            let little = number.to_le_bytes();
            let big = number.to_be_bytes();
            let number = if below(rng, 2) == 0 { &little[..size] } else { &big[8 - size..] };
            let end = bytes.len().min(at + size);
            bytes.splice(at..end, number.iter().copied());
        }
        8 | 9 => {
            let all = words.len() + NUMBERS.len();
            let word = below(rng, all);
            let word = words.get(word).copied().unwrap_or_else(|| NUMBERS[word - words.len()]);
            let end = if below(rng, 2) == 0 { at } else { bytes.len().min(at + word.len()) };
            bytes.splice(at..end, word.bytes());
        }
        10 => {
            // A number in a text becomes another.
            let Some(start) = bytes[at..].iter().position(u8::is_ascii_digit).map(|found| at + found) else { return };
            let digits = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let number = NUMBERS[below(rng, NUMBERS.len())];
            bytes.splice(start..start + digits, number.bytes());
        }
        _ => {
            if !other.is_empty() {
                let from = below(rng, other.len());
                let piece = &other[from..other.len().min(from + length)];
                let end = if below(rng, 2) == 0 { at } else { bytes.len().min(at + piece.len()) };
                bytes.splice(at..end, piece.iter().copied());
            }
        }
    }
}
