//! What a training goes on from, so that one that was cut short ends as if it had not been: checkpoints.

use super::{Epoch, Errors, History, Score};
use crate::error::{Error, Result};
use crate::file::{self, write_atomically};
use rand_xorshift::XorShiftRng;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::marker::PhantomData;
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
    #[serde(deserialize_with = "few")]
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
    #[serde(deserialize_with = "few")]
    pub command: Vec<String>,
    /// The directory that it was called in.
    pub directory: String,
    /// A number that data, network and settings give.
    pub fingerprint: u64,
    /// What the training goes on from.
    pub state: State,
}

/// The most words of a command, or layers of a network. An empty one takes a byte of a file, and far more of memory.
const MOST: usize = 1 << 16;

/// A list of at most so many items.
fn few<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> std::result::Result<Vec<T>, D::Error> {
    struct Few<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Few<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {MOST} items")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Vec<T>, A::Error> {
            let mut few = Vec::new();
            while let Some(item) = items.next_element()? {
                if few.len() == MOST {
                    return Err(A::Error::invalid_length(MOST + 1, &self));
                }
                few.push(item);
            }
            Ok(few)
        }
    }
    deserializer.deserialize_seq(Few(PhantomData))
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
        let file = file::read(path)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch_norm;
    use crate::data::digits;
    use crate::executor::{Threads, Vectors};
    use crate::nets;
    use crate::network::Network;
    use crate::train::tests::twenty_images;
    use crate::train::{Event, Hyper, Schedule, parameters, snapshot_of, train_from};
    use minnet::augment::Augment;
    use minnet::init::Init;
    use minnet::prelude::*;
    use std::fs;
    use std::ops::ControlFlow;

    /// Trains to the end, from a state or from nothing; the parameters, what is known of the epochs, and all states.
    fn trained(hyper: &Hyper, from: Option<State>) -> Result<(Vec<f32>, History, Vec<State>)> {
        let (images, labels) = twenty_images();
        let set = digits(&images, &labels);
        let net =
            nets::find("28x28x1: conv5x5 3 maxpool2 relu int4, flatten, dropout 10, dense 10 softmax int2", None)?;
        let network = Network::zeroed(&net)?;
        let widths = net.architecture.layers().iter().filter(|op| op.weights() > 0).map(|op| op.bits()).collect();
        let hyper = Hyper { widths, ..hyper.clone() };
        let mut layers = batch_norm::normalized(&network)?;
        let executor = Threads::new(1, Vectors::detect())?;
        let mut states = Vec::new();
        let observe = &mut |event: Event<'_>| {
            if let Event::State(state) = event {
                states.push(state());
            }
            ControlFlow::Continue(())
        };
        let history = train_from(from, &mut layers, net.cost, [set, set], &hyper, &executor, observe)?;
        assert_eq!(parameters(&layers), snapshot_of(&layers).len());
        Ok((snapshot_of(&layers), history, states))
    }

    fn without_seconds(mut history: History) -> History {
        history.epochs.iter_mut().for_each(|epoch| epoch.seconds = 0.0);
        history
    }

    #[test]
    fn a_training_that_goes_on_ends_as_if_it_had_not_been_cut_short() {
        let plain = Hyper { epochs: 6, batch: 7, eta: 0.05, init: Init::He, ..Hyper::default() };
        let augment = Some(Augment { shift: 1.0, rotate: 8.0, elastic: 2.0, ..Augment::NONE });
        for hyper in [
            plain.clone(),
            Hyper { augment, freeze_norm: 3, average: Some(0.9), optimizer: Optimizer::adamw(0.1), ..plain.clone() },
            Hyper {
                epochs: 40,
                patience: Some(2),
                schedule: Schedule::Halving,
                optimizer: Optimizer::Nesterov { momentum: 0.9 },
                ..plain.clone()
            },
            Hyper { schedule: Schedule::Cosine, warmup: 1.5, monitor_training: true, ..plain.clone() },
        ] {
            let (parameters, history, states) = trained(&hyper, None).unwrap();
            let history = without_seconds(history);
            assert_eq!(states.len() + 1, history.epochs.len());
            for (number, state) in states.iter().enumerate() {
                let (found, own, later) = trained(&hyper, Some(state.clone())).unwrap();
                assert!(found.iter().map(|value| value.to_bits()).eq(parameters.iter().map(|value| value.to_bits())));
                assert_eq!(without_seconds(own), history, "after epoch {}", number + 1);
                assert_eq!(later.len() + number + 1, states.len());
            }
        }
    }

    #[test]
    fn a_state_of_another_training_is_refused() {
        let hyper = Hyper { epochs: 2, batch: 7, ..Hyper::default() };
        let state = trained(&hyper, None).unwrap().2.remove(0);
        let with_momentum = Hyper { optimizer: Optimizer::Momentum { momentum: 0.9 }, ..hyper.clone() };
        assert!(trained(&with_momentum, Some(state.clone())).unwrap_err().to_string().contains("another training"));
        for spoil in [
            (|state: &mut State| state.order[0] = state.order[1]) as fn(&mut State),
            |state| state.order.truncate(3),
            |state| state.best.push(0.0),
            |state| state.chosen = 7,
            |state| state.stepper.units[0].push(1.0),
        ] {
            let mut state = state.clone();
            spoil(&mut state);
            assert!(trained(&hyper, Some(state)).is_err());
        }
    }

    #[test]
    fn a_checkpoint_comes_back_and_a_damaged_one_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("checkpoint");
        let state = trained(&Hyper { epochs: 2, batch: 7, ..Hyper::default() }, None).unwrap().2.remove(0);
        let words = ["train", "--net", "784: dense 10"].map(String::from).to_vec();
        let checkpoint = Checkpoint { command: words, directory: "/here".into(), fingerprint: 7, state };
        checkpoint.save(&path).unwrap();
        assert_eq!(Checkpoint::read(&path).unwrap(), checkpoint);
        let bytes = fs::read(&path).unwrap();
        for place in [0, 8, 20, bytes.len() / 2, bytes.len() - 1] {
            let mut spoiled = bytes.clone();
            spoiled[place] ^= 4;
            fs::write(&path, spoiled).unwrap();
            assert!(matches!(Checkpoint::read(&path), Err(Error::Checkpoint { .. })), "{place}");
            fs::write(&path, &bytes[..place]).unwrap();
            assert!(matches!(Checkpoint::read(&path), Err(Error::Checkpoint { .. })), "{place}");
        }
    }
}
