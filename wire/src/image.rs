//! Images, packed for the line: four fifths of a digit's pixels are 0, and a run of zeros becomes one byte.
//!
//! A byte c below 128 says that c + 1 pixels follow as they are; from 128 on, that c - 127 pixels are 0.

/// Pixels of an image.
pub const PIXELS: usize = 28 * 28;
/// The most bytes of a packed image: all of its pixels, and one more for each 128 of them.
pub const PACKED_MAX: usize = PIXELS + PIXELS.div_ceil(RUN);

/// The longest run that one byte speaks of.
const RUN: usize = 128;
/// The first byte that speaks of zeros.
const ZEROS: u8 = 128;
/// A shorter run of zeros among other pixels is sent as it is: to end and begin a run would cost as much.
const WORTH: usize = 3;

/// Bytes do not unpack to an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnImage;

/// Packs an image, by rows, into `buffer`, and gives the bytes to send.
pub fn pack<'a>(pixels: &[u8; PIXELS], buffer: &'a mut [u8; PACKED_MAX]) -> &'a [u8] {
    let mut packed = Packed { bytes: buffer, len: 0 };
    let mut rest = &pixels[..];
    while !rest.is_empty() {
        let zeros = zeros(rest);
        if zeros >= WORTH || zeros == rest.len() {
            let (run, after) = rest.split_at(zeros.min(RUN));
            packed.push(ZEROS + (run.len() - 1) as u8);
            rest = after;
        } else {
            let (run, after) = rest.split_at(as_they_are(rest).min(RUN));
            packed.push((run.len() - 1) as u8);
            run.iter().for_each(|&pixel| packed.push(pixel));
            rest = after;
        }
    }
    let Packed { bytes, len } = packed;
    bytes.get(..len).unwrap_or_default()
}

/// Unpacks an image.
///
/// # Errors
/// [`NotAnImage`] if the bytes end too early, or are those of fewer or more pixels.
pub fn unpack(packed: &[u8], pixels: &mut [u8; PIXELS]) -> Result<(), NotAnImage> {
    let (mut packed, mut rest) = (packed, &mut pixels[..]);
    while let Some((&code, after)) = packed.split_first() {
        let is_zeros = code >= ZEROS;
        let length = usize::from(code % ZEROS) + 1;
        let (run, next) = rest.split_at_mut_checked(length).ok_or(NotAnImage)?;
        (packed, rest) = (after, next);
        if is_zeros {
            run.fill(0);
        } else {
            let (values, after) = packed.split_at_checked(length).ok_or(NotAnImage)?;
            run.copy_from_slice(values);
            packed = after;
        }
    }
    if rest.is_empty() { Ok(()) } else { Err(NotAnImage) }
}

/// Zeros that `pixels` begin with.
fn zeros(pixels: &[u8]) -> usize {
    pixels.iter().take_while(|&&pixel| pixel == 0).count()
}

/// Pixels before the next run of zeros that is worth a byte.
fn as_they_are(pixels: &[u8]) -> usize {
    let next = pixels.windows(WORTH).position(|window| window.iter().all(|&pixel| pixel == 0));
    next.unwrap_or(pixels.len())
}

struct Packed<'a> {
    bytes: &'a mut [u8; PACKED_MAX],
    len: usize,
}

impl Packed<'_> {
    /// Adds a byte; [`PACKED_MAX`] of them are there for every image.
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
            self.len += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::{Rng, SeedableRng};
    use rand_xorshift::XorShiftRng;

    #[track_caller]
    fn assert_comes_back(pixels: &[u8; PIXELS]) -> usize {
        let mut buffer = [0; PACKED_MAX];
        let packed = pack(pixels, &mut buffer);
        let mut unpacked = [77; PIXELS];
        assert_eq!(unpack(packed, &mut unpacked), Ok(()));
        assert_eq!(&unpacked, pixels);
        packed.len()
    }

    #[test]
    fn every_image_comes_back() {
        assert_eq!(assert_comes_back(&[0; PIXELS]), PIXELS.div_ceil(RUN));
        assert_eq!(assert_comes_back(&[9; PIXELS]), PACKED_MAX);
        let mut rng = XorShiftRng::seed_from_u64(1);
        // From no zeros to zeros alone, in runs of every length.
        for ink in 0..=256 {
            for length in 1..=8 {
                let mut image = [0; PIXELS];
                for run in image.chunks_mut(length) {
                    run.fill(if rng.next_u32() % 256 < ink { rng.next_u32() as u8 } else { 0 });
                }
                assert_comes_back(&image);
            }
        }
    }

    #[test]
    fn no_pattern_of_zeros_takes_more_than_the_most() {
        for period in 1..20 {
            for zeros in 0..=period {
                for offset in 0..period {
                    let image = core::array::from_fn(|i| u8::from((i + offset) % period >= zeros));
                    assert_comes_back(&image);
                }
            }
        }
    }

    #[test]
    fn bytes_of_fewer_or_more_pixels_are_refused() {
        let image: [u8; PIXELS] = core::array::from_fn(|i| (i / 9 % 3) as u8);
        let mut buffer = [0; PACKED_MAX];
        let length = pack(&image, &mut buffer).len();
        let mut unpacked = [0; PIXELS];
        for shorter in 0..length {
            assert_eq!(unpack(&buffer[..shorter], &mut unpacked), Err(NotAnImage), "{shorter}");
        }
        for more in 0..=255 {
            buffer[length] = more;
            assert_eq!(unpack(&buffer[..=length], &mut unpacked), Err(NotAnImage), "{more}");
        }
    }
}
