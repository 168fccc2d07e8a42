//! What the machine reads: opcodes and what follows them. Lengths are not believed before the bytes have come.

use super::run::{Kind, Run, Wrong};
use crate::data::source::Source;
use crate::error::{Error, Result};

/// The longest text that is no array's content: the name of a module.
const TEXT: usize = 64;
/// The most bytes of an array: more than five times the book's largest, which has 156,800,000.
const CONTENT: u64 = 1 << 30;

/// How the characters of a string are coded.
#[derive(Clone, Copy)]
pub(super) enum Coding {
    /// As they are.
    Bytes,
    /// Latin-1 as UTF-8: what Python 3 makes of bytes for protocols 1 and 2.
    Utf8,
}

/// A pickle's bytes.
pub(super) struct Tape {
    source: Source<'static>,
    /// Where the last opcode stood.
    at: u64,
}

impl Tape {
    pub(super) fn new(source: Source<'static>) -> Self {
        Self { source, at: 0 }
    }

    /// Bytes read so far.
    pub(super) fn offset(&self) -> u64 {
        self.source.offset
    }

    /// The next opcode.
    pub(super) fn opcode(&mut self) -> Result<u8> {
        self.at = self.source.offset;
        let [opcode] = self.bytes()?;
        Ok(opcode)
    }

    /// Checks that nothing follows.
    pub(super) fn end(self) -> Result<()> {
        self.source.end()
    }

    /// Fills all of `buffer`.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<()> {
        self.source.needed = self.source.offset + buffer.len() as u64;
        self.source.fill(buffer)
    }

    /// The text up to the next end of a line.
    pub(super) fn line(&mut self) -> Result<String> {
        let mut bytes = Vec::new();
        loop {
            match self.bytes()? {
                [b'\n'] => break,
                [byte] => bytes.push(byte),
            }
            if bytes.len() > TEXT {
                return Err(self.foreign(format!("a line of more than {TEXT} bytes")));
            }
        }
        String::from_utf8(bytes).map_err(|_| self.content("a text that is not UTF-8"))
    }

    /// A decimal number on a line: a place in the memo.
    pub(super) fn decimal(&mut self) -> Result<u32> {
        let line = self.line()?;
        line.parse().map_err(|_| self.content(format!("{line:?} where a number should be")))
    }

    /// A little-endian number of `N` bytes, at most 8.
    pub(super) fn unsigned<const N: usize>(&mut self) -> Result<u64> {
        let bytes = self.bytes::<N>()?;
        Ok(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// A number as LONG1 has it: how many bytes, then these, little-endian in two's complement.
    pub(super) fn long(&mut self) -> Result<i64> {
        let [length] = self.bytes()?;
        let mut bytes = [0; 8];
        let used = bytes.get_mut(..length.into());
        let used = used.ok_or_else(|| self.content(format!("a number of {length} bytes")))?;
        self.fill(used)?;
        let is_negative = used.last().is_some_and(|byte| byte & 0x80 != 0);
        if is_negative {
            bytes[length.into()..].fill(0xff);
        }
        Ok(i64::from_le_bytes(bytes))
    }

    /// The next `N` bytes.
    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// A text of `length` bytes.
    pub(super) fn text(&mut self, length: u64) -> Result<String> {
        if length > TEXT as u64 {
            return Err(self.foreign(format!("a text of {length} bytes")));
        }
        let mut bytes = vec![0; length as usize];
        self.fill(&mut bytes)?;
        String::from_utf8(bytes).map_err(|_| self.content("a text that is not UTF-8"))
    }

    /// The numbers of an array, from `length` bytes.
    pub(super) fn numbers(&mut self, kind: Kind, length: u64, coding: Coding) -> Result<Run> {
        if length > CONTENT {
            return Err(self.foreign(format!("an array of {length} bytes")));
        }
        self.source.needed = self.source.offset + length;
        let mut run = Run::new(kind, length);
        let (mut chunk, mut left, mut lead) = ([0; 1 << 13], length, None);
        while left > 0 {
            let count = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let (start, bytes) = (self.source.offset, &mut chunk[..count]);
            self.source.fill(bytes)?;
            left -= count as u64;
            let bytes = match coding {
                Coding::Bytes => &*bytes,
                Coding::Utf8 => latin1(bytes, &mut lead).ok_or_else(|| self.content("a text that is not Latin-1"))?,
            };
            run.extend(bytes).map_err(|(place, wrong)| {
                // In UTF-8, every byte from 0x80 takes two.
                let doubled = bytes[..place].iter().filter(|&&byte| matches!(coding, Coding::Utf8) && byte >= 0x80);
                self.wrong(wrong, start + (place + doubled.count()) as u64)
            })?;
        }
        Ok(run)
    }

    /// A text in quotes.
    pub(super) fn quoted_text(&mut self) -> Result<String> {
        let mut bytes = Vec::new();
        self.quoted(|tape, byte| {
            bytes.push(byte);
            if bytes.len() > TEXT { Err(tape.foreign(format!("a text of more than {TEXT} bytes"))) } else { Ok(()) }
        })?;
        String::from_utf8(bytes).map_err(|_| self.content("a text that is not UTF-8"))
    }

    /// The numbers of an array in quotes.
    pub(super) fn quoted_numbers(&mut self, kind: Kind) -> Result<Run> {
        let mut run = Run::new(kind, 0);
        let mut left = CONTENT;
        self.quoted(|tape, byte| {
            left = left.checked_sub(1).ok_or_else(|| tape.foreign(format!("an array of more than {CONTENT} bytes")))?;
            run.extend(&[byte]).map_err(|(_, wrong)| tape.wrong(wrong, tape.source.offset - 1))
        })?;
        Ok(run)
    }

    /// A line that is a string as Python 2 shows it: in quotes, with escapes for what is not plain ASCII. `take` gets its
    /// bytes.
    fn quoted(&mut self, mut take: impl FnMut(&Self, u8) -> Result<()>) -> Result<()> {
        let [quote] = self.bytes()?;
        if !matches!(quote, b'\'' | b'"') {
            return Err(self.content("a string without quotes"));
        }
        loop {
            let byte = match self.bytes()? {
                [b'\n'] => return Err(self.content("a string that does not end on its line")),
                [b'\\'] => match self.bytes()? {
                    [b'n'] => b'\n',
                    [b'r'] => b'\r',
                    [b't'] => b'\t',
                    [same @ (b'\\' | b'\'' | b'"')] => same,
                    [b'x'] => {
                        let [high, low] = self.bytes()?.map(|digit| char::from(digit).to_digit(16));
                        let byte = high.zip(low).map(|(high, low)| (16 * high + low) as u8);
                        byte.ok_or_else(|| self.content("an escape that is no number"))?
                    }
                    _ => return Err(self.content("an unknown escape in a string")),
                },
                [byte] if byte == quote => break,
                [byte] => byte,
            };
            take(self, byte)?;
        }
        match self.bytes()? {
            [b'\n'] => Ok(()),
            _ => Err(self.content("a string that goes on after its quote")),
        }
    }

    fn wrong(&self, wrong: Wrong, offset: u64) -> Error {
        let path = self.source.path.clone();
        match wrong {
            Wrong::Pixel(value) => Error::PixelRange { path, offset, value },
            Wrong::Label(label) => Error::LabelRange { path, offset, label },
        }
    }

    /// Something that the book's data do without.
    pub(super) fn foreign(&self, what: String) -> Error {
        Error::PickleForeign { path: self.source.path.clone(), offset: self.at, what }
    }

    /// Something else than the book's data where they should be.
    pub(super) fn content(&self, what: impl Into<String>) -> Error {
        Error::PickleContent { path: self.source.path.clone(), offset: self.at, what: what.into() }
    }
}

/// Turns UTF-8 of Latin-1 characters into their bytes, where they lie; `lead` is the first byte of a pair whose second
/// one is still to come. `None` for other characters.
fn latin1<'a>(bytes: &'a mut [u8], lead: &mut Option<u8>) -> Option<&'a [u8]> {
    let mut count = 0;
    for place in 0..bytes.len() {
        let byte = match (lead.take(), bytes[place]) {
            (None, byte @ ..0x80) => byte,
            (None, first @ (0xc2 | 0xc3)) => {
                *lead = Some(first);
                continue;
            }
            (Some(first), second @ 0x80..0xc0) => first << 6 | second & 0x3f,
            _ => return None,
        };
        bytes[count] = byte;
        count += 1;
    }
    Some(&bytes[..count])
}
