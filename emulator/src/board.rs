//! The boards the firmware is built for: one table, and a new board is one more entry in it.

use crate::Error;
use crate::qemu::{self, Emulator};
use std::ops::Range;

/// A board: its chip, how to build for it, and which of QEMU's machines stands in for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    /// Its name on the command line, and the name of its cargo feature in `firmware-demo`.
    pub name: &'static str,
    /// The chip, as probe-rs calls it; `None` where the board is QEMU's own, and there is none.
    pub chip: Option<&'static str>,
    /// The Rust target its firmware is built for.
    pub target: &'static str,
    /// What emulates it.
    pub emulator: Emulator,
    /// The machine in that program.
    pub machine: &'static str,
    /// Flash: where it starts and ends.
    pub flash: Range<u64>,
    /// RAM: where it starts and ends.
    pub ram: Range<u64>,
    /// The repository's model that its firmware embeds when none is named, beside `-int8`, the same in integers.
    pub model: &'static str,
}

/// Every board; the first is the one meant where none is named.
pub const BOARDS: &[Board] = &[
    Board {
        name: "stm32f405",
        chip: Some("STM32F405RG"),
        target: "thumbv7em-none-eabihf",
        emulator: qemu::ARM,
        machine: "netduinoplus2",
        flash: memory(0x0800_0000, 1024),
        ram: memory(0x2000_0000, 128),
        model: "digits",
    },
    Board {
        name: "microbit",
        chip: Some("nRF51822_xxAA"),
        target: "thumbv6m-none-eabi",
        emulator: qemu::ARM,
        machine: "microbit",
        flash: memory(0, 256),
        ram: memory(0x2000_0000, 16),
        model: "digits-small",
    },
    Board {
        name: "virt",
        chip: None,
        target: "riscv32imac-unknown-none-elf",
        emulator: qemu::RISCV32,
        machine: "virt",
        flash: memory(0x8000_0000, 1024),
        ram: memory(0x8010_0000, 128),
        model: "digits-small",
    },
];

const fn memory(start: u64, kib: u64) -> Range<u64> {
    start..start + kib * 1024
}

impl Board {
    /// The board called `name`, or the first of [`BOARDS`] where none is named.
    ///
    /// # Errors
    /// [`Error::UnknownBoard`], which lists the boards there are.
    pub fn named(name: Option<&str>) -> Result<&'static Board, Error> {
        match name {
            None => Ok(&BOARDS[0]),
            Some(name) => BOARDS.iter().find(|board| board.name == name).ok_or_else(|| Error::UnknownBoard {
                name: name.into(),
                known: BOARDS.iter().map(|b| b.name).collect(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_is_found_by_its_name_and_the_first_without_one() {
        assert_eq!(Board::named(Some("stm32f405")).unwrap(), &BOARDS[0]);
        assert_eq!(Board::named(None).unwrap(), &BOARDS[0]);
    }

    #[test]
    fn an_unknown_board_is_an_error_that_lists_the_known_ones() {
        let error = Board::named(Some("abacus")).unwrap_err().to_string();
        assert!(error.contains("abacus"), "{error}");
        assert!(BOARDS.iter().all(|board| error.contains(board.name)), "{error}");
    }
}
