//! Frames: how a message looks on the line.
//!
//! ```text
//! 0, COBS( version: u8, session: varint, number: varint, message, CRC-32 of all these: 4 bytes little-endian ), 0
//! ```
//!
//! Session, number and message are postcard's. COBS leaves no zero inside a frame. The zero in front ends whatever
//! noise came before, so that it costs no frame; the zero, the CRC and the version's place never change.

use crate::VERSION;
use crc::{CRC_32_ISO_HDLC, Crc};
use postcard::ser_flavors::crc::CrcModifier;
use postcard::ser_flavors::{Cobs, Slice};
use serde::{Deserialize, Serialize};

const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// A message with what tells it from others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame<M> {
    version: u8,
    /// The conversation it belongs to, drawn by the PC; never 0.
    pub session: u32,
    /// Which of the session's requests it is or answers, counted from 0.
    pub number: u32,
    /// What is said.
    pub message: M,
}

/// Why bytes are not a frame with a message of the kind expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// Bytes were lost, added, or changed.
    Garbled,
    /// The frame is whole, but of this other version of the protocol.
    Version(u8),
}

/// The frame does not fit into the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl<M> Frame<M> {
    /// A frame of this version.
    pub fn new(session: u32, number: u32, message: M) -> Self {
        Self { version: VERSION, session, number, message }
    }
}

impl<M: Serialize> Frame<M> {
    /// The bytes to send, from zero to zero, in `buffer`.
    ///
    /// # Errors
    /// [`TooLong`].
    pub fn encode<'a>(&self, buffer: &'a mut [u8]) -> Result<&'a [u8], TooLong> {
        let (first, rest) = buffer.split_first_mut().ok_or(TooLong)?;
        *first = 0;
        let cobs = Cobs::try_new(Slice::new(rest)).map_err(|_| TooLong)?;
        let encoded = postcard::serialize_with_flavor(self, CrcModifier::new(cobs, CRC.digest()));
        let length = 1 + encoded.map_err(|_| TooLong)?.len();
        buffer.get(..length).ok_or(TooLong)
    }
}

impl<'a, M: Deserialize<'a>> Frame<M> {
    /// The frame in `bytes`, which came between two zeros. They are decoded in place.
    ///
    /// # Errors
    /// [`Defect`].
    pub fn decode(bytes: &'a mut [u8]) -> Result<Self, Defect> {
        let length = cobs::decode_in_place(bytes).map_err(|_| Defect::Garbled)?;
        let (body, crc) = bytes.get(..length).and_then(|all| all.split_last_chunk()).ok_or(Defect::Garbled)?;
        if CRC.checksum(body) != u32::from_le_bytes(*crc) {
            return Err(Defect::Garbled);
        }
        match body.first() {
            Some(&VERSION) => {}
            Some(&other) => return Err(Defect::Version(other)),
            None => return Err(Defect::Garbled),
        }
        match postcard::take_from_bytes(body) {
            Ok((frame, [])) => Ok(frame),
            _ => Err(Defect::Garbled),
        }
    }
}
