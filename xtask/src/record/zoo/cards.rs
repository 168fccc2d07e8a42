//! What a network of the zoo takes on a microcontroller, and whether it gives the PC's bits there.

use super::super::count;
use super::Entry;
use crate::{Error, host};
use emulator::serial::{Emulated, PROGRAM};
use emulator::{Board, Toolchain, firmware, qemu};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The processors whose instructions are counted, by name.
pub(super) const PROCESSORS: [&str; 2] = ["Cortex-M4F", "Cortex-M0"];

/// What was counted of a network, and on which boards it was run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Card {
    pub(super) entry: String,
    /// What compiled it.
    compiler: String,
    pub(super) macs: u64,
    /// Of an inference on each processor: instructions, bytes that it works in, and bytes of stack.
    pub(super) takes: BTreeMap<String, [u64; 3]>,
    /// For each board the test images whose outputs have the PC's bits, and all of them.
    pub(super) same: BTreeMap<String, [u64; 2]>,
}

/// What `host device eval --json` prints, in part.
#[derive(Deserialize)]
struct Eval {
    images: u64,
    agree: u64,
}

impl Card {
    pub(super) fn of(entry: &Entry) -> Result<Self, Error> {
        let (float, integers) = (entry.model(false), entry.model(true));
        let rust_type = host::rust_type(&float)?;
        let provide = |target: &str| -> Result<Toolchain, Error> {
            let toolchain = Toolchain::provide(target)?.with("MINNET_NETWORK", &rust_type);
            Ok(toolchain.with("MINNET_MODEL", &float).with("MINNET_MODEL_INT8", &integers))
        };
        let mut card = Self {
            entry: entry.name.into(),
            compiler: String::new(),
            macs: 0,
            takes: BTreeMap::new(),
            same: BTreeMap::new(),
        };
        for counted in count::embedded(&provide)? {
            (card.compiler, card.macs) = (counted.compiler, counted.macs);
            card.takes.insert(counted.processor.into(), [counted.instructions, counted.ram, counted.stack]);
        }
        for name in entry.boards {
            let board = Board::named(Some(name))?;
            qemu::provide(board.emulator)?;
            let elf = firmware::build_in("zoo", &provide(board.target)?, board, PROGRAM, &["qemu"])?;
            let emulated = Emulated::start(board, &elf)?;
            let (address, model) = (emulated.address().to_string(), integers.display().to_string());
            let eval: Eval = host::json(&["device", "--tcp", &address, "eval", "--model", &model])?;
            card.same.insert(board.name.into(), [eval.agree, eval.images]);
        }
        Ok(card)
    }
}
