//! PNG and JPEG files as rows of pixels, each row forgotten before the next where the format allows it: a small file may
//! be a very large picture.

use std::io::Cursor;
use std::path::Path;
use std::sync::Mutex;

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::error::Error;
use crate::memory::Budget;

const PNG: &[u8] = b"\x89PNG";
const JPEG: &[u8] = b"\xff\xd8\xff";

/// Whether a file begins as such pictures do.
pub(crate) fn is_picture(bytes: &[u8]) -> bool {
    bytes.starts_with(PNG) || bytes.starts_with(JPEG)
}

/// The most pixels of a picture.
const MOST_PIXELS: u64 = 64_000_000;
/// The most pixels of a row.
const MOST_COLUMNS: u64 = 1 << 16;
/// Pictures that take more are decoded one after the other.
const MANY_BYTES: u64 = 8_000_000;

/// Why a file is not read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// It begins as neither a PNG nor a JPEG picture.
    NoPicture,
    Damaged(String),
    TooLarge {
        width: u32,
        height: u32,
        limit: u64,
    },
    /// It takes too much memory: it is in memory as a whole, as JPEG is, and PNG with interlacing.
    Memory(Error),
}

type Result<T> = std::result::Result<T, Unreadable>;

fn damaged(cause: impl ToString) -> Unreadable {
    Unreadable::Damaged(cause.to_string())
}

/// A picture up to its pixels.
pub(crate) struct Pixels<'a> {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Bytes of a pixel: gray; gray and alpha; red, green and blue; or these and alpha.
    pub(crate) samples: usize,
    budget: Budget,
    decoder: Decoder<'a>,
}

enum Decoder<'a> {
    Png(Box<png::Reader<Cursor<&'a [u8]>>>),
    Jpeg(Box<JpegDecoder<Cursor<&'a [u8]>>>, &'a [u8]),
}

impl<'a> Pixels<'a> {
    /// Reads the header of a file.
    pub(crate) fn open(path: &Path, bytes: &'a [u8]) -> Result<Self> {
        let budget = Budget::new(path, bytes.len() as u64);
        if bytes.starts_with(PNG) {
            Self::png(bytes, budget)
        } else if bytes.starts_with(JPEG) {
            Self::jpeg(bytes, budget)
        } else {
            Err(Unreadable::NoPicture)
        }
    }

    fn png(bytes: &'a [u8], budget: Budget) -> Result<Self> {
        // Of what is not pixels, nothing large is needed.
        let limits = png::Limits { bytes: MANY_BYTES as usize };
        let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
        decoder.set_ignore_text_chunk(true);
        decoder.set_ignore_iccp_chunk(true);
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let reader = decoder.read_info().map_err(damaged)?;
        let samples = reader.output_color_type().0.samples();
        let info = reader.info();
        check(info.width, info.height)?;
        let (width, height) = (info.width as usize, info.height as usize);
        Ok(Self { width, height, samples, budget, decoder: Decoder::Png(Box::new(reader)) })
    }

    fn jpeg(bytes: &'a [u8], mut budget: Budget) -> Result<Self> {
        let options = DecoderOptions::new_safe().set_strict_mode(true);
        let mut decoder = JpegDecoder::new_with_options(Cursor::new(bytes), options);
        decoder.decode_headers().map_err(damaged)?;
        let Some(info) = decoder.info() else { return Err(damaged("it has no header")) };
        let components = usize::from(info.components);
        let (samples, space) = if components == 1 { (1, ColorSpace::Luma) } else { (3, ColorSpace::RGB) };
        // What comes in several passes is kept in 16 bits, beside the pixels.
        let is_in_one = info.sof.is_sequential_dct() && components_of_scan(bytes) == Some(info.components);
        let kept = if is_in_one { 0 } else { 2 * components as u64 };
        budget.take(kept * check(info.width.into(), info.height.into())?).map_err(Unreadable::Memory)?;
        decoder.set_options(options.jpeg_set_out_colorspace(space));
        let (width, height) = (info.width.into(), info.height.into());
        Ok(Self { width, height, samples, budget, decoder: Decoder::Jpeg(Box::new(decoder), bytes) })
    }

    /// Gives each row, from the top, to `take`; returns the orientation that EXIF metadata tell, from 1 for upright to 8.
    pub(crate) fn each_row(mut self, mut take: impl FnMut(&[u8])) -> Result<u16> {
        static TURN: Mutex<()> = Mutex::new(());
        let length = self.width * self.samples;
        let bytes = length * self.height;
        let mut whole = || {
            let mut pixels = self.budget.list(bytes).map_err(Unreadable::Memory)?;
            pixels.resize(bytes, 0);
            Ok(pixels)
        };
        // Nobody leaves anything half done that the next one would see.
        let turn = || (bytes as u64 > MANY_BYTES).then(|| TURN.lock().unwrap_or_else(|broken| broken.into_inner()));
        let exif = match self.decoder {
            Decoder::Png(mut reader) => {
                if reader.info().interlaced {
                    let _turn = turn();
                    let mut pixels = whole()?;
                    reader.next_frame(&mut pixels).map_err(damaged)?;
                    pixels.chunks_exact(length).for_each(take);
                } else {
                    while let Some(row) = reader.next_row().map_err(damaged)? {
                        take(row.data());
                    }
                }
                reader.finish().map_err(damaged)?;
                reader.info().exif_metadata.as_deref().and_then(orientation)
            }
            Decoder::Jpeg(mut decoder, file) => {
                // The decoder would fill in gray what is missing. Its end must stand after its last pixels, not in a
                // thumbnail.
                let last = |marker: u8| file.windows(2).rposition(|pair| pair == [0xff, marker]);
                if last(0xd9) < last(0xda) {
                    return Err(damaged("it is cut off"));
                }
                if decoder.output_buffer_size() != Some(bytes) {
                    return Err(damaged("it has other pixels than it says"));
                }
                let _turn = turn();
                let mut pixels = whole()?;
                decoder.decode_into(&mut pixels).map_err(damaged)?;
                pixels.chunks_exact(length).for_each(take);
                decoder.exif().and_then(|exif| orientation(exif))
            }
        };
        Ok(exif.unwrap_or(1))
    }
}

/// The pixels of a picture, if it is of a size that is read.
fn check(width: u32, height: u32) -> Result<u64> {
    match u64::from(width) * u64::from(height) {
        0 => Err(damaged("it has no pixels")),
        pixels if pixels > MOST_PIXELS || u64::from(width) > MOST_COLUMNS => {
            Err(Unreadable::TooLarge { width, height, limit: MOST_PIXELS })
        }
        pixels => Ok(pixels),
    }
}

/// How many components a JPEG picture's first scan has.
fn components_of_scan(bytes: &[u8]) -> Option<u8> {
    let mut rest = bytes.get(2..)?;
    loop {
        rest = match rest {
            [0xff, 0xda, _, _, count, ..] => return Some(*count),
            [0xff, 0xff, ..] => &rest[1..],
            [0xff, _, high, low, ..] => rest.get(2 + usize::from(u16::from_be_bytes([*high, *low]))..)?,
            _ => return None,
        };
    }
}

/// The orientation in EXIF metadata: from 1 for upright to 8.
fn orientation(exif: &[u8]) -> Option<u16> {
    const ORIENTATION: u16 = 0x0112;
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    let is_little = match tiff.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let number = |at: usize, length: usize| {
        let bytes = tiff.get(at..at.checked_add(length)?)?;
        let joined = |sum: u32, &byte: &u8| sum << 8 | u32::from(byte);
        Some(if is_little { bytes.iter().rev().fold(0, joined) } else { bytes.iter().fold(0, joined) })
    };
    let directory = number(4, 4)? as usize;
    let entries = number(directory, 2)? as usize;
    let entry = (0..entries).map(|i| directory + 2 + 12 * i).find(|&at| number(at, 2) == Some(ORIENTATION.into()))?;
    number(entry + 8, 2).map(|value| value as u16)
}
