//! The numbers of an array, turned into bytes as they come: a quarter or an eighth of the pickle's size.

use crate::data::Image;

const PIXELS: usize = size_of::<Image>();
/// Memory set aside at the word of a file: MNIST's training images fit exactly, and a false word costs no more.
const TRUSTED_ITEMS: usize = 65_536;

/// What an array's numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `float32` pixels, k/256.
    Pixels,
    /// `int64` labels, 0 to 9.
    Labels,
}

impl Kind {
    /// Bytes of a number.
    pub(super) fn size(self) -> usize {
        match self {
            Self::Pixels => size_of::<f32>(),
            Self::Labels => size_of::<i64>(),
        }
    }
}

/// A number that is not what it should be.
#[derive(Debug, PartialEq)]
pub(super) enum Wrong {
    Pixel(f32),
    Label(i64),
}

/// An array's numbers, as far as they have come. A last number or image may be unfinished.
pub(super) struct Run {
    pub(super) kind: Kind,
    pub(super) images: Vec<Image>,
    pub(super) labels: Vec<u16>,
    /// Whole numbers so far.
    pub(super) count: usize,
    /// The beginning of the next number, and how many bytes of it have come.
    part: [u8; 8],
    filled: usize,
}

impl Run {
    /// No numbers yet; `bytes` are said to come. An image at least is taken for granted.
    pub(super) fn new(kind: Kind, bytes: u64) -> Self {
        let items = |size: usize| usize::try_from(bytes).map_or(TRUSTED_ITEMS, |b| (b / size).min(TRUSTED_ITEMS));
        let (mut images, mut labels) = (Vec::new(), Vec::new());
        match kind {
            Kind::Pixels => images.reserve_exact(items(kind.size() * PIXELS).max(1)),
            Kind::Labels => labels.reserve_exact(items(kind.size())),
        }
        Self { kind, images, labels, count: 0, part: [0; 8], filled: 0 }
    }

    /// Takes the next bytes, little-endian; stops at a wrong number, whose last byte's place it tells.
    pub(super) fn extend(&mut self, bytes: &[u8]) -> Result<(), (usize, Wrong)> {
        for (place, &byte) in bytes.iter().enumerate() {
            self.part[self.filled] = byte;
            self.filled += 1;
            if self.filled == self.kind.size() {
                self.number().map_err(|wrong| (place, wrong))?;
                self.filled = 0;
            }
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Wrong> {
        match self.kind {
            Kind::Pixels => {
                let [a, b, c, d, ..] = self.part;
                let value = f32::from_le_bytes([a, b, c, d]);
                let pixel = (value * 256.0) as u8;
                // Compared bit by bit, so that -0 is refused as well as NaN.
                if (f32::from(pixel) / 256.0).to_bits() != value.to_bits() {
                    return Err(Wrong::Pixel(value));
                }
                let place = self.count % PIXELS;
                if place == 0 {
                    self.images.push([0; PIXELS]);
                }
                if let Some(image) = self.images.last_mut() {
                    image[place] = pixel;
                }
            }
            Kind::Labels => {
                let value = i64::from_le_bytes(self.part);
                let label = u8::try_from(value).ok().filter(|label| *label <= 9).ok_or(Wrong::Label(value))?;
                self.labels.push(label.into());
            }
        }
        self.count += 1;
        Ok(())
    }

    /// Whether the numbers are all there that an array of this shape has, and no more.
    pub(super) fn fills(&self, shape: &[i64]) -> bool {
        let items = |per_item: usize| {
            (self.filled == 0 && self.count.is_multiple_of(per_item)).then(|| (self.count / per_item) as i64)
        };
        match (self.kind, shape) {
            (Kind::Pixels, &[count, 784]) => items(PIXELS) == Some(count),
            (Kind::Pixels, &[784]) => items(PIXELS) == Some(1),
            (Kind::Labels, &[count]) => items(1) == Some(count),
            _ => false,
        }
    }
}
