//! What a training goes on from, so that one that was cut short ends as if it had not been: checkpoints.

use super::{Epoch, Errors, History, Score};
use crate::error::{Error, Result};
use crate::file::write_atomically;
use rand_xorshift::XorShiftRng;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// All that a training goes on from after an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The network's parameters.
    pub(super) parameters: Vec<f32>,
    /// Those of the best epoch, and how it did on the validation samples.
    pub(super) best: Vec<f32>,
    pub(super) best_score: Option<SavedScore>,
    /// The order of the samples in the last epoch.
    pub(super) order: Vec<u32>,
    pub(super) rng: XorShiftRng,
    pub(super) epochs: Vec<SavedEpoch>,
    pub(super) chosen: u32,
    pub(super) stepper: Kept,
}

/// What the stepper goes on from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Steps taken.
    pub(super) taken: u32,
    /// The optimizer's memory, and the average of the parameters.
    pub(super) memory: Vec<f32>,
    pub(super) average: Vec<f32>,
    /// For each layer that is rounded the value of a unit of each output.
    pub(super) units: Vec<Vec<f32>>,
    /// Halvings of the learning rate, and the epoch of the last.
    pub(super) halvings: [u32; 2],
}

/// A [`Score`] of which nothing is left out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SavedScore {
    right: u64,
    images: u64,
    cost: f64,
    errors: Option<[f64; 2]>,
}

/// An [`Epoch`] of which nothing is left out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SavedEpoch {
    eta: f32,
    training: SavedScore,
    validation: Option<SavedScore>,
    weights_squared: f64,
    seconds: f64,
    best: bool,
}

impl From<Score> for SavedScore {
    fn from(Score { right, images, cost, errors }: Score) -> Self {
        let errors = errors.map(|errors| [errors.mean_absolute, errors.root_mean_square]);
        Self { right: right as u64, images: images as u64, cost, errors }
    }
}

impl From<SavedScore> for Score {
    fn from(SavedScore { right, images, cost, errors }: SavedScore) -> Self {
        let errors = errors.map(|[mean_absolute, root_mean_square]| Errors { mean_absolute, root_mean_square });
        Self { right: right as usize, images: images as usize, cost, errors }
    }
}

impl From<&Epoch> for SavedEpoch {
    fn from(epoch: &Epoch) -> Self {
        let Epoch { eta, training, validation, weights_squared, seconds, best, .. } = *epoch;
        Self { eta, training: training.into(), validation: validation.map(Into::into), weights_squared, seconds, best }
    }
}

impl State {
    /// Epochs that are done.
    pub fn epochs(&self) -> usize {
        self.epochs.len()
    }

    /// What is known of them.
    pub(super) fn history(&self) -> History {
        let epochs = (1..).zip(&self.epochs).map(|(epoch, saved)| {
            let SavedEpoch { eta, training, validation, weights_squared, seconds, best } = *saved;
            let (training, validation) = (training.into(), validation.map(Into::into));
            Epoch { epoch, eta, training, validation, weights_squared, seconds, best }
        });
        History { epochs: epochs.collect(), chosen: self.chosen, stopped: false }
    }

    /// Whether it is one of a training of so many parameters and samples.
    pub(super) fn fits(&self, parameters: usize, samples: usize) -> bool {
        let mut seen = vec![false; samples];
        let is_order = self
            .order
            .iter()
            .all(|&index| seen.get_mut(index as usize).is_some_and(|seen| !std::mem::replace(seen, true)));
        [&self.parameters, &self.best].iter().all(|values| values.len() == parameters)
            && self.order.len() == samples
            && is_order
            && (1..=self.epochs.len()).contains(&(self.chosen as usize))
    }
}

/// A training's state with what the training is, in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The words of the command, without the program's name.
    pub command: Vec<String>,
    /// The directory that it was called in.
    pub directory: String,
    /// A number that data, network and settings give.
    pub fingerprint: u64,
    /// What the training goes on from.
    pub state: State,
}

/// What a checkpoint begins with: its last digit is the format's.
const MAGIC: &[u8; 8] = b"MINNETC1";
/// Of what lies between the magic and the checksum.
const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

impl Checkpoint {
    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// Those of [`write_atomically`].
    pub fn save(&self, path: &Path) -> Result<()> {
        let fail = |cause| Error::Write { path: path.to_path_buf(), cause: std::io::Error::other(cause) };
        let bytes = postcard::to_stdvec(self).map_err(fail)?;
        write_atomically(path, |file| {
            [&MAGIC[..], &bytes, &CRC.checksum(&bytes).to_le_bytes()].iter().try_for_each(|part| file.write_all(part))
        })
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`Error::Read`], and [`Error::Checkpoint`] for a file that is none, or is damaged.
    pub fn read(path: &Path) -> Result<Self> {
        let file = fs::read(path).map_err(|cause| Error::Read { path: path.to_path_buf(), cause })?;
        let bad = |problem| Error::Checkpoint { path: path.to_path_buf(), problem };
        let bytes = file.strip_prefix(MAGIC).ok_or_else(|| bad("it is no checkpoint of `host train`"))?;
        let damaged = "it is damaged; begin the training anew";
        let (bytes, checksum) = bytes.split_last_chunk::<4>().ok_or_else(|| bad(damaged))?;
        if CRC.checksum(bytes).to_le_bytes() != *checksum {
            return Err(bad(damaged));
        }
        postcard::from_bytes(bytes).map_err(|_| bad(damaged))
    }
}
