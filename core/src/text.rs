//! Text put together by the compiler: the architecture of a network is known, and hashed, before it runs.

use core::fmt;

/// A string of at most 255 bytes that `const` code can build.
#[derive(Clone, Copy)]
pub struct Text {
    bytes: [u8; 255],
    len: usize,
}

impl Text {
    /// The empty text.
    pub const EMPTY: Self = Self { bytes: [0; 255], len: 0 };

    /// This text followed by `tail`.
    ///
    /// # Panics
    /// While compiling, if the result is longer than 255 bytes.
    pub const fn then(mut self, tail: &str) -> Self {
        let tail = tail.as_bytes();
        assert!(self.len + tail.len() <= self.bytes.len(), "the architecture's text is longer than 255 bytes");
        let mut i = 0;
        while i < tail.len() {
            self.bytes[self.len] = tail[i];
            self.len += 1;
            i += 1;
        }
        self
    }

    /// This text followed by `number` in decimal.
    ///
    /// # Panics
    /// While compiling, if the result is longer than 255 bytes.
    pub const fn then_number(self, number: usize) -> Self {
        let leading = if number >= 10 { self.then_number(number / 10) } else { self };
        let digit = [b'0' + (number % 10) as u8];
        match core::str::from_utf8(&digit) {
            Ok(digit) => leading.then(digit),
            Err(_) => leading,
        }
    }

    /// The text as a string.
    pub const fn as_str(&self) -> &str {
        match core::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => "",
        }
    }

    /// Whether nothing has been written.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_text_and_numbers() {
        const TEXT: Text = Text::EMPTY.then("dense ").then_number(1030).then(" x").then_number(0);
        assert_eq!(TEXT.as_str(), "dense 1030 x0");
        assert!(Text::EMPTY.is_empty() && !TEXT.is_empty());
    }
}
