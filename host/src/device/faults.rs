//! A line that spoils bytes on purpose.

use super::Line;
use rand_core::{Rng, SeedableRng};
use rand_xorshift::XorShiftRng;
use std::io;
use std::thread::sleep;
use std::time::Duration;

/// What happens to a spoiled byte.
enum Fault {
    /// It is lost.
    Drop,
    /// One of its bits changes.
    Flip,
    /// It comes twice.
    Double,
    /// It and what follows come up to 50 ms late.
    Delay,
}

/// Spoils one byte in so many, in both directions; the same seed spoils the same bytes.
pub struct Faults<L> {
    line: L,
    one_in: u32,
    rng: XorShiftRng,
}

impl<L: Line> Faults<L> {
    /// Spoils one byte in `one_in` on `line`; none, if that is 0.
    pub fn new(line: L, one_in: u32, seed: u64) -> Self {
        Self { line, one_in, rng: XorShiftRng::seed_from_u64(seed) }
    }

    fn fault(&mut self) -> Option<Fault> {
        if self.one_in == 0 || !self.rng.next_u32().is_multiple_of(self.one_in) {
            return None;
        }
        Some(match self.rng.next_u32() % 4 {
            0 => Fault::Drop,
            1 => Fault::Flip,
            2 => Fault::Double,
            _ => Fault::Delay,
        })
    }

    /// What becomes of the bytes; they may come late.
    fn spoil(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut spoiled = Vec::with_capacity(2 * bytes.len());
        for &byte in bytes {
            match self.fault() {
                None => spoiled.push(byte),
                Some(Fault::Drop) => {}
                Some(Fault::Flip) => spoiled.push(byte ^ 1 << (self.rng.next_u32() % 8)),
                Some(Fault::Double) => spoiled.extend([byte, byte]),
                Some(Fault::Delay) => {
                    sleep(Duration::from_millis(u64::from(self.rng.next_u32() % 50)));
                    spoiled.push(byte);
                }
            }
        }
        spoiled
    }
}

impl<L: Line> Line for Faults<L> {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let spoiled = self.spoil(bytes);
        self.line.send(&spoiled)
    }

    fn receive(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        // Every byte may be doubled.
        let half = buffer.len() / 2;
        let count = self.line.receive(&mut buffer[..half], patience)?;
        let spoiled = self.spoil(&buffer[..count]);
        buffer[..spoiled.len()].copy_from_slice(&spoiled);
        Ok(spoiled.len())
    }
}
