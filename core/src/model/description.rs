//! What a model file says of the data that its network is for: fields of any length, read where they lie.

use super::ModelError;
use crate::normalization::Normalization;
use crate::quant::Word;

/// The names of the classes, how the input is made of raw values, and which data the network was trained on. Each may be
/// missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Description<'a> {
    /// The three fields, encoded; or nothing.
    encoded: &'a [u8],
    classes: Classes<'a>,
    channels: &'a [[Word; 2]],
    data: u64,
}

/// The names of a network's classes, one for each output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Classes<'a> {
    /// Each name behind its length, all of them checked.
    encoded: &'a [u8],
}

impl<'a> Description<'a> {
    /// Reads it; there may be bytes behind it.
    ///
    /// # Errors
    /// [`ModelError::Metadata`] if it cannot be decoded, [`ModelError::Normalization`] if its numbers are of no use.
    pub const fn parse(encoded: &'a [u8]) -> Result<Self, ModelError> {
        if encoded.is_empty() {
            return Ok(Self { encoded, classes: Classes { encoded }, channels: &[], data: 0 });
        }
        let Some((classes, rest)) = Classes::parse(encoded) else { return Err(ModelError::Metadata) };
        let Some((channels, rest)) = pairs(rest) else { return Err(ModelError::Metadata) };
        let Some((data, rest)) = varint(rest) else { return Err(ModelError::Metadata) };
        if !channels.is_empty() && Normalization::new(channels).is_none() {
            return Err(ModelError::Normalization);
        }
        let (encoded, _) = encoded.split_at(encoded.len() - rest.len());
        Ok(Self { encoded, classes, channels, data })
    }

    /// Its bytes in a model file.
    pub const fn encoded(self) -> &'a [u8] {
        self.encoded
    }

    /// The names of the classes, in order; none if the file has none.
    pub const fn classes(self) -> Classes<'a> {
        self.classes
    }

    /// How the network's input is made of raw values: of pixels, if the file does not say.
    pub const fn normalization(self) -> Normalization<'a> {
        match Normalization::new(self.channels) {
            Some(normalization) => normalization,
            None => Normalization::PIXELS,
        }
    }

    /// The checksum of the data that the network was trained on: CRC-64/XZ as `host data` prints it; 0 if not known.
    pub const fn data(self) -> u64 {
        self.data
    }
}

impl<'a> Classes<'a> {
    /// Checks the names, and gives what follows.
    const fn parse(encoded: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let Some((mut count, names)) = varint(encoded) else { return None };
        let mut rest = names;
        while count > 0 {
            let Some((name, others)) = string(rest) else { return None };
            if core::str::from_utf8(name).is_err() {
                return None;
            }
            (count, rest) = (count - 1, others);
        }
        Some((Self { encoded: names.split_at(names.len() - rest.len()).0 }, rest))
    }

    /// The names, in order.
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        let mut rest = self.encoded;
        core::iter::from_fn(move || {
            let (name, others) = string(rest)?;
            rest = others;
            core::str::from_utf8(name).ok()
        })
    }

    /// The name of a class.
    pub fn get(self, class: usize) -> Option<&'a str> {
        self.iter().nth(class)
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.encoded.is_empty()
    }
}

/// A number, seven bits to a byte, the lowest first, and what follows it.
pub(super) const fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (mut rest, mut value, mut shift) = (bytes, 0u64, 0);
    while let Some((&byte, others)) = rest.split_first() {
        // Of the tenth byte there is room for one bit.
        if shift == 63 && byte > 1 {
            return None;
        }
        value |= ((byte & 0x7f) as u64) << shift;
        if byte < 0x80 {
            return Some((value, others));
        }
        (rest, shift) = (others, shift + 7);
    }
    None
}

/// The bytes of a string, and what follows it.
pub(super) const fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    match varint(bytes) {
        Some((length, rest)) if length <= rest.len() as u64 => Some(rest.split_at(length as usize)),
        _ => None,
    }
}

/// Pairs of 32-bit numbers, and what follows them.
const fn pairs(bytes: &[u8]) -> Option<(&[[Word; 2]], &[u8])> {
    match varint(bytes) {
        Some((count, rest)) if count <= rest.len() as u64 / 8 => {
            let (pairs, rest) = rest.split_at(8 * count as usize);
            Some((pairs.as_chunks().0.as_chunks().0, rest))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    extern crate std;
    use std::vec::Vec;

    /// Two classes, two channels, a checksum of two bytes.
    fn encoded() -> Vec<u8> {
        let pair = |mean: f32, factor: f32| [mean.to_le_bytes(), factor.to_le_bytes()].concat();
        [&b"\x02\x03cat\x05sn\xc3\xb3w\x02"[..], &pair(1.5, 2.0), &pair(-8.0, 0.5), b"\xac\x02"].concat()
    }

    #[test]
    fn what_is_encoded_is_found() {
        let bytes = [encoded(), b"more".to_vec()].concat();
        let found = Description::parse(&bytes).unwrap();
        assert_eq!(found.classes().iter().collect::<Vec<_>>(), ["cat", "snów"]);
        assert_eq!((found.classes().get(1), found.classes().get(2)), (Some("snów"), None));
        assert_eq!(found.data(), 300);
        let mut input = [0.0; 2];
        found.normalization().apply(&[2u8, 2], &mut input);
        assert_eq!(input, [1.0, 5.0]);
        assert_eq!(found.encoded(), encoded());
    }

    #[test]
    fn nothing_is_a_description_too() {
        let none = Description::parse(&[]).unwrap();
        assert_eq!((none, none.normalization()), (Description::default(), Normalization::PIXELS));
        let empty = Description::parse(&[0, 0, 0]).unwrap();
        assert!(empty.classes().is_empty() && empty.data() == 0 && empty.normalization() == Normalization::PIXELS);
    }

    #[test]
    fn no_length_is_believed() {
        let whole = encoded();
        for length in 1..whole.len() {
            assert_eq!(Description::parse(&whole[..length]), Err(ModelError::Metadata), "{length}");
        }
        for bytes in [&[0xff; 12][..], b"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x01\x02\xff\xff\0\0"] {
            assert_eq!(Description::parse(bytes), Err(ModelError::Metadata));
        }
        assert_eq!(Description::parse(b"\0\x01\0\0\0\0\0\0\0\0\0"), Err(ModelError::Normalization));
    }
}
