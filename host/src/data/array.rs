//! Arrays of numbers in files: any type, both byte orders, by rows or by columns. Bytes stay bytes; everything else
//! becomes floats, while it is read.

use super::problem::Problem;
use super::set::Values;
use super::source::Source;
use crate::error::Result;

/// Bytes that are decoded at a time: a multiple of the size of every type.
const CHUNK: usize = 1 << 16;

/// The type of an array's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// Bytes; truth values, too.
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F16,
    F32,
    F64,
}

impl Element {
    /// Bytes of a number.
    pub(super) fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// Its name in words.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::U8 => "bytes",
            Self::I8 => "signed bytes",
            Self::U16 => "16-bit numbers without sign",
            Self::I16 => "16-bit integers",
            Self::U32 => "32-bit numbers without sign",
            Self::I32 => "32-bit integers",
            Self::U64 => "64-bit numbers without sign",
            Self::I64 => "64-bit integers",
            Self::F16 => "16-bit floats",
            Self::F32 => "32-bit floats",
            Self::F64 => "64-bit floats",
        }
    }
}

/// What a file says of its array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Its dimensions, that of the samples first.
    pub(super) dimensions: Vec<usize>,
    pub(super) element: Element,
    pub(super) is_little_endian: bool,
    /// Whether the first index runs fastest (Fortran's order), not the last (C's).
    pub(super) is_by_columns: bool,
}

impl Header {
    /// How many samples it holds.
    pub(super) fn samples(&self) -> usize {
        self.dimensions.first().copied().unwrap_or(0)
    }

    /// The dimensions of a sample.
    pub(super) fn sample(&self) -> &[usize] {
        self.dimensions.get(1..).unwrap_or_default()
    }

    /// How many numbers it holds, and how many bytes they take; none if these are no numbers of this machine.
    fn count(&self) -> Option<(usize, u64)> {
        let count = self.dimensions.iter().try_fold(1_usize, |count, &length| count.checked_mul(length))?;
        Some((count, (count as u64).checked_mul(self.element.size() as u64)?))
    }

    /// How many bytes its numbers take, if they can be counted.
    pub(super) fn bytes(&self) -> Option<u64> {
        self.count().map(|(_, bytes)| bytes)
    }

    /// Reads the numbers, which come next, and puts them behind those that are there, where there is room for them.
    pub(super) fn read(&self, source: &mut Source<'_>, values: &mut Values) -> Result<()> {
        let counts = self.count();
        source.promise(counts.map(|(_, bytes)| bytes))?;
        let count = counts.map_or(0, |(count, _)| count);
        if self.is_by_columns && self.dimensions.len() > 1 {
            return self.read_by_columns(source, values, count);
        }
        self.each_chunk(source, count, |chunk| match (&mut *values, chunk) {
            (Values::Bytes(values), Chunk::Bytes(chunk)) => values.extend_from_slice(chunk),
            (Values::Floats(values), chunk) => values.extend(chunk.floats()),
            // Whoever made room for bytes reads bytes only.
            (Values::Bytes(values), chunk) => values.extend(chunk.floats().map(|value| value as u8)),
        })
    }

    /// Reads numbers whose first index runs fastest, each to its place.
    fn read_by_columns(&self, source: &mut Source<'_>, values: &mut Values, count: usize) -> Result<()> {
        let mut place = Odometer::new(&self.dimensions, values.len());
        match values {
            Values::Bytes(values) => values.resize(values.len() + count, 0),
            Values::Floats(values) => values.resize(values.len() + count, 0.0),
        }
        self.each_chunk(source, count, |chunk| match (&mut *values, chunk) {
            (Values::Bytes(values), Chunk::Bytes(chunk)) => chunk.iter().for_each(|&byte| values[place.next()] = byte),
            (Values::Floats(values), chunk) => chunk.floats().for_each(|value| values[place.next()] = value),
            (Values::Bytes(values), chunk) => chunk.floats().for_each(|value| values[place.next()] = value as u8),
        })
    }

    /// Reads `count` numbers, a chunk at a time.
    fn each_chunk(&self, source: &mut Source<'_>, count: usize, mut take: impl FnMut(Chunk<'_>)) -> Result<()> {
        let size = self.element.size();
        let (mut bytes, mut floats) = (vec![0; CHUNK], Vec::new());
        let mut left = count;
        while left > 0 {
            let length = left.min(CHUNK / size);
            let start = source.offset;
            let bytes = &mut bytes[..length * size];
            source.fill(bytes)?;
            if self.element == Element::U8 {
                take(Chunk::Bytes(bytes));
            } else {
                floats.clear();
                self.decode(bytes, &mut floats);
                if let Some(place) = floats.iter().position(|value| !value.is_finite()) {
                    let offset = start + (place * size) as u64;
                    let problem = Problem::Infinite { value: floats[place] };
                    return Err(problem.at(&source.path, format_args!("byte {offset}")));
                }
                take(Chunk::Floats(&floats));
            }
            left -= length;
        }
        Ok(())
    }

    fn decode(&self, bytes: &[u8], floats: &mut Vec<f32>) {
        let is_little = self.is_little_endian;
        match self.element {
            Element::U8 => floats.extend(bytes.iter().map(|&byte| f32::from(byte))),
            Element::I8 => floats.extend(bytes.iter().map(|&byte| f32::from(byte as i8))),
            Element::U16 => each(bytes, is_little, floats, |bytes| u16::from_le_bytes(bytes).into()),
            Element::I16 => each(bytes, is_little, floats, |bytes| i16::from_le_bytes(bytes).into()),
            Element::U32 => each(bytes, is_little, floats, |bytes| u32::from_le_bytes(bytes) as f32),
            Element::I32 => each(bytes, is_little, floats, |bytes| i32::from_le_bytes(bytes) as f32),
            Element::U64 => each(bytes, is_little, floats, |bytes| u64::from_le_bytes(bytes) as f32),
            Element::I64 => each(bytes, is_little, floats, |bytes| i64::from_le_bytes(bytes) as f32),
            Element::F16 => each(bytes, is_little, floats, |bytes| half(u16::from_le_bytes(bytes))),
            Element::F32 => each(bytes, is_little, floats, f32::from_le_bytes),
            Element::F64 => each(bytes, is_little, floats, |bytes| f64::from_le_bytes(bytes) as f32),
        }
    }
}

/// Numbers that were read.
#[derive(Clone, Copy)]
enum Chunk<'a> {
    Bytes(&'a [u8]),
    Floats(&'a [f32]),
}

impl<'a> Chunk<'a> {
    fn floats(self) -> impl Iterator<Item = f32> + 'a {
        let (bytes, floats): (&[u8], &[f32]) = match self {
            Self::Bytes(bytes) => (bytes, &[]),
            Self::Floats(floats) => (&[], floats),
        };
        bytes.iter().map(|&byte| f32::from(byte)).chain(floats.iter().copied())
    }
}

/// Decodes numbers of `N` bytes, which `number` takes little-endian.
fn each<const N: usize>(bytes: &[u8], is_little: bool, floats: &mut Vec<f32>, number: impl Fn([u8; N]) -> f32) {
    floats.extend(bytes.as_chunks().0.iter().map(|&(mut bytes)| {
        if !is_little {
            bytes.reverse();
        }
        number(bytes)
    }));
}

/// The number that 16 bits of IEEE 754 are.
fn half(bits: u16) -> f32 {
    let (exponent, mantissa) = (bits >> 10 & 0x1f, bits & 0x3ff);
    let size = match exponent {
        0 => f32::from(mantissa) / (1 << 24) as f32,
        0x1f if mantissa == 0 => f32::INFINITY,
        0x1f => f32::NAN,
        _ => f32::from_bits((u32::from(exponent) + 112) << 23 | u32::from(mantissa) << 13),
    };
    if bits >> 15 == 0 { size } else { -size }
}

/// The places, by rows, of numbers that come by columns.
struct Odometer {
    /// Of each dimension, the first first: its length, and how far apart its neighbours lie by rows.
    wheels: Vec<(usize, usize)>,
    index: Vec<usize>,
    place: usize,
}

impl Odometer {
    fn new(dimensions: &[usize], start: usize) -> Self {
        let stride = |axis: usize| dimensions[axis + 1..].iter().product();
        let wheels = dimensions.iter().enumerate().map(|(axis, &length)| (length, stride(axis))).collect();
        Self { wheels, index: vec![0; dimensions.len()], place: start }
    }

    fn next(&mut self) -> usize {
        let place = self.place;
        for (index, &(length, stride)) in self.index.iter_mut().zip(&self.wheels) {
            *index += 1;
            self.place += stride;
            if *index < length {
                break;
            }
            self.place -= length * stride;
            *index = 0;
        }
        place
    }
}
