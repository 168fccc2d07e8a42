//! Finding frames in the bytes that arrive.

/// Collects the bytes between two zeros, at most `N` of them.
///
/// Whatever arrives, it is ready for the next frame after the next zero.
#[derive(Debug)]
pub struct Receiver<const N: usize> {
    bytes: [u8; N],
    /// Bytes since the last zero, those that found no room included.
    length: usize,
}

impl<const N: usize> Receiver<N> {
    /// One that has received nothing.
    pub const fn new() -> Self {
        Self { bytes: [0; N], length: 0 }
    }

    /// Takes a byte. A zero gives the bytes since the last zero, if there are any; none of those that are more than
    /// `N` can be a frame, so of them the first `N` are given.
    pub fn push(&mut self, byte: u8) -> Option<&mut [u8]> {
        if byte != 0 {
            if let Some(place) = self.bytes.get_mut(self.length) {
                *place = byte;
            }
            self.length = self.length.saturating_add(1);
            return None;
        }
        let length = core::mem::take(&mut self.length).min(N);
        self.bytes.get_mut(..length).filter(|bytes| !bytes.is_empty())
    }
}

impl<const N: usize> Default for Receiver<N> {
    fn default() -> Self {
        Self::new()
    }
}
