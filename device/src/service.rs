//! What the device answers over its serial port: it classifies with the embedded network, and learns with one in RAM.

use minnet::prelude::*;
use minnet::quant::{QuantLayer, Quantized};
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;
use wire::image::{PIXELS, unpack};
use wire::{Answer, Identity, Integers, Network, Refusal, Request, Service, Which};
use zerocopy::{FromBytes, IntoBytes};

type Vector = [f32; 784];
type Layers = seq![Dense<784, 30, Sigmoid>, Dense<30, 10, Sigmoid>];
type LearningCost = CrossEntropy;

/// The network that learns, one image at a time: it needs no gradient, only room for its weights.
pub type Learner = Net<Vector, Layers>;

/// How a fresh network that learns starts.
pub const INIT: Init = Init::FanIn;

/// The memory of the network that learns, all zeros until it is asked to.
pub struct Learning {
    net: Learner,
    /// A mini-batch of one image.
    batch: [f32; Learner::SAMPLE],
    scratch: [f32; Learner::RAM],
}

impl Learning {
    /// Before its first use.
    pub const ZERO: Self = Self { net: Learner::ZERO, batch: [0.0; Learner::SAMPLE], scratch: [0.0; Learner::RAM] };
}

/// What the device says of itself.
pub struct About<'a> {
    /// The board's name.
    pub board: &'a str,
    /// Bytes of flash that the program takes.
    pub flash: u32,
    /// Bytes of RAM that its statics take.
    pub ram: u32,
    /// The most bytes of stack in use so far.
    pub stack: &'a (dyn Fn() -> u32 + Sync),
    /// A counter, which runs on from 2³² - 1 to 0.
    pub ticks: &'a (dyn Fn() -> u32 + Sync),
}

/// A device with an embedded network, in floats and in integers, and with one that learns where there is room for it.
pub struct Device<'a, In: Tensor, L: QuantLayer<In>> {
    about: About<'a>,
    embedded: &'a Net<In, L>,
    integers: Quantized<'a, Net<In, L>>,
    /// What the embedded networks work in. If it is too short, the weights of the network that learns take its place.
    scratch: &'a mut [f32],
    learning: Option<&'a mut Learning>,
    /// How the network learns; `None` before a reset, and when its weights were written over.
    sgd: Option<Sgd>,
    random: XorShiftRng,
    pixels: &'a mut [u8; PIXELS],
    outputs: Outputs,
}

impl<'a, In: Tensor, L: QuantLayer<In>> Device<'a, In, L> {
    /// A device that has not learned yet.
    pub fn new(
        about: About<'a>,
        embedded: &'a Net<In, L>,
        integers: Quantized<'a, Net<In, L>>,
        scratch: &'a mut [f32],
        learning: Option<&'a mut Learning>,
        pixels: &'a mut [u8; PIXELS],
    ) -> Self {
        const { assert!(4 * L::Out::LEN <= OUTPUTS, "a network has at most 16 outputs here") };
        let random = XorShiftRng::seed_from_u64(0);
        Self {
            about,
            embedded,
            integers,
            scratch,
            learning,
            sgd: None,
            random,
            pixels,
            outputs: Outputs { bytes: [0; OUTPUTS], length: 0 },
        }
    }

    fn identity(&self) -> Identity<'_> {
        Identity {
            board: self.about.board,
            flash: self.about.flash,
            ram: self.about.ram,
            stack: (self.about.stack)(),
            embedded: Network {
                architecture: const { &Net::<In, L>::ARCHITECTURE }.as_str(),
                cost: "",
                fingerprint: Net::<In, L>::FINGERPRINT,
                bytes: Net::<In, L>::FLASH_BYTES as u32,
                ram: Net::<In, L>::RAM_BYTES as u32,
            },
            learning: self.learning.is_some().then_some(Network {
                architecture: const { &Learner::ARCHITECTURE }.as_str(),
                cost: <LearningCost as Cost<<Layers as Layer<Vector>>::Activation>>::NAME,
                fingerprint: Learner::FINGERPRINT,
                bytes: Learner::FLASH_BYTES as u32,
                ram: Learner::RAM_BYTES as u32,
            }),
            integers: Integers {
                bytes: Quantized::<Net<In, L>>::FLASH_BYTES as u32,
                ram: Quantized::<Net<In, L>>::RAM_BYTES as u32,
            },
        }
    }

    fn execute(&mut self, request: &Request<'_>) -> Result<Done, Refusal> {
        match *request {
            Request::Who => Ok(Done::Identity),
            Request::Classify { which: Which::Embedded, image } => {
                self.see(image)?;
                self.classify(false)
            }
            Request::Classify { which: Which::Integers, image } => {
                self.see(image)?;
                self.classify(true)
            }
            Request::Classify { which: Which::Learning, image } => {
                self.see(image)?;
                let learning = self.learning.as_mut().ok_or(Refusal::NoLearning)?;
                self.sgd.ok_or(Refusal::NotReset)?;
                let output = learning.net.infer_pixels(self.pixels, &mut learning.scratch);
                self.outputs.set(output.iter().map(|value| value.to_le_bytes()));
                Ok(Done::Outputs)
            }
            Request::Reset { seed, rate, decay } => {
                let learning = self.learning.as_mut().ok_or(Refusal::NoLearning)?;
                self.random = XorShiftRng::seed_from_u64(seed);
                learning.net.initialize(INIT, &mut self.random);
                self.sgd = Some(Sgd { decay, rate });
                Ok(Done::Nothing)
            }
            Request::Learn { label, image } => {
                if usize::from(label) >= <Layers as Layer<Vector>>::Out::LEN {
                    return Err(Refusal::Label);
                }
                self.see(image)?;
                let learning = self.learning.as_mut().ok_or(Refusal::NoLearning)?;
                let sgd = self.sgd.ok_or(Refusal::NotReset)?;
                let mut batch = Learner::batch(&mut learning.batch);
                batch.load(0, self.pixels, label.into());
                learning.net.train::<LearningCost>(&mut batch, &sgd, &mut self.random, &Serial);
                self.outputs.set(batch.output(0).iter().map(|value| value.to_le_bytes()));
                Ok(Done::Outputs)
            }
            Request::Hash(Which::Embedded) => Ok(Done::Hash(self.embedded.weight_hash())),
            Request::Hash(Which::Integers) => Ok(Done::Hash(self.integers.weight_hash())),
            Request::Hash(Which::Learning) => {
                let learning = self.learning.as_ref().ok_or(Refusal::NoLearning)?;
                self.sgd.ok_or(Refusal::NotReset)?;
                Ok(Done::Hash(learning.net.weight_hash()))
            }
        }
    }

    fn see(&mut self, image: &[u8]) -> Result<(), Refusal> {
        unpack(image, self.pixels).map_err(|_| Refusal::Image)
    }

    /// Asks an embedded network, in the scratch, or else in the first weights of the network that learns that are long
    /// enough.
    fn classify(&mut self, in_integers: bool) -> Result<Done, Refusal> {
        let Self { embedded, integers, pixels, outputs, .. } = self;
        let needed = if in_integers { Quantized::<Net<In, L>>::RAM } else { Net::<In, L>::RAM };
        let mut is_done = false;
        let mut infer = |ram: &mut [f32]| {
            if is_done || ram.len() < needed {
                return;
            }
            is_done = true;
            if !in_integers {
                let output = embedded.infer_with(|input| load_pixels(&**pixels, input.flat_mut()), ram, &Serial);
                outputs.set(output.into_iter().flat_map(Tensor::flat).map(|value| value.to_le_bytes()));
            } else if let Ok(words) = <[u32]>::mut_from_bytes(ram.as_mut_bytes()) {
                let logits = integers.infer_pixels_with(&**pixels, words);
                outputs.set(logits.iter().map(|logit| logit.to_le_bytes()));
            }
        };
        if self.scratch.len() >= needed {
            infer(self.scratch);
        } else if let Some(learning) = &mut self.learning {
            self.sgd = None;
            learning.net.visit_mut(|_, run| infer(run));
        }
        if is_done { Ok(Done::Outputs) } else { Err(Refusal::NoRoom) }
    }
}

impl<In: Tensor, L: QuantLayer<In>> Service for Device<'_, In, L> {
    fn answer(&mut self, request: &Request<'_>) -> Answer<'_> {
        let start = (self.about.ticks)();
        match self.execute(request) {
            Ok(Done::Identity) => Answer::Identity(self.identity()),
            Ok(Done::Outputs) => {
                let ticks = (self.about.ticks)().wrapping_sub(start);
                Answer::Outputs { bytes: self.outputs.bytes(), ticks }
            }
            Ok(Done::Hash(hash)) => Answer::Hash(hash),
            Ok(Done::Nothing) => Answer::Done,
            Err(why) => Answer::Refused(why),
        }
    }
}

/// What a request came to; the answer is made of it, and of what it left in the device.
enum Done {
    Identity,
    Outputs,
    Hash(u64),
    Nothing,
}

/// The most bytes of a network's outputs.
const OUTPUTS: usize = 64;

/// A network's last outputs, as they are sent.
struct Outputs {
    bytes: [u8; OUTPUTS],
    length: usize,
}

impl Outputs {
    /// Takes each value's little-endian bytes.
    fn set<const N: usize>(&mut self, values: impl Iterator<Item = [u8; N]>) {
        self.length = 0;
        for (place, value) in self.bytes.as_chunks_mut().0.iter_mut().zip(values) {
            *place = value;
            self.length += N;
        }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}
