//! What the device answers over its serial port: it classifies with the embedded network, and learns with one in RAM.
//!
//! The host's tests include this very file, so it knows no board: only `minnet`, `wire` and the random numbers' crates.

use minnet::prelude::*;
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;
use wire::image::{PIXELS, unpack};
use wire::{Answer, Identity, Network, Refusal, Request, Service, Which};

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
    batch: [Sample<Vector, Layers>; 1],
    scratch: [f32; Learner::RAM],
}

impl Learning {
    /// Before its first use.
    pub const ZERO: Self = Self { net: Learner::ZERO, batch: [Sample::ZERO], scratch: [0.0; Learner::RAM] };
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

/// A device with an embedded network, and with one that learns where there is room for it.
pub struct Device<'a, In: Tensor, L: Layer<In>> {
    about: About<'a>,
    embedded: &'a Net<In, L>,
    /// What the embedded network works in. If it is too short, the weights of the network that learns take its place.
    scratch: &'a mut [f32],
    learning: Option<&'a mut Learning>,
    /// How the network learns; `None` before a reset, and when its weights were written over.
    sgd: Option<Sgd>,
    random: XorShiftRng,
    pixels: &'a mut [u8; PIXELS],
    outputs: Outputs,
}

impl<'a, In: Tensor, L: Layer<In>> Device<'a, In, L> {
    /// A device that has not learned yet.
    pub fn new(
        about: About<'a>,
        embedded: &'a Net<In, L>,
        scratch: &'a mut [f32],
        learning: Option<&'a mut Learning>,
        pixels: &'a mut [u8; PIXELS],
    ) -> Self {
        let random = XorShiftRng::seed_from_u64(0);
        Self {
            about,
            embedded,
            scratch,
            learning,
            sgd: None,
            random,
            pixels,
            outputs: Outputs { bytes: [0; 64], length: 0 },
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
        }
    }

    fn execute(&mut self, request: &Request<'_>) -> Result<Done, Refusal> {
        match *request {
            Request::Who => Ok(Done::Identity),
            Request::Classify { which: Which::Embedded, image } => {
                self.see(image)?;
                self.classify()
            }
            Request::Classify { which: Which::Learning, image } => {
                self.see(image)?;
                let learning = self.learning.as_mut().ok_or(Refusal::NoLearning)?;
                self.sgd.ok_or(Refusal::NotReset)?;
                self.outputs.set(&learning.net.infer_pixels(self.pixels, &mut learning.scratch));
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
                let [sample] = &mut learning.batch;
                sample.load(self.pixels, label);
                learning.net.train::<LearningCost>(&mut learning.batch, &sgd, &mut self.random, &Serial);
                let [sample] = &learning.batch;
                self.outputs.set(sample.output());
                Ok(Done::Outputs)
            }
            Request::Hash(Which::Embedded) => Ok(Done::Hash(self.embedded.weight_hash())),
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

    /// Asks the embedded network, in the scratch, or else in the first weights of the other that are long enough.
    fn classify(&mut self) -> Result<Done, Refusal> {
        let Self { embedded, pixels, outputs, .. } = self;
        let mut is_done = false;
        let mut infer = |ram: &mut [f32]| {
            if !is_done && let Some(output) = embedded.infer_with(|input| load_pixels(&**pixels, input), ram, &Serial) {
                outputs.set(output);
                is_done = true;
            }
        };
        if self.scratch.len() >= Net::<In, L>::RAM {
            infer(self.scratch);
        } else if let Some(learning) = &mut self.learning {
            self.sgd = None;
            learning.net.visit_mut(infer);
        }
        if is_done { Ok(Done::Outputs) } else { Err(Refusal::NoRoom) }
    }
}

impl<In: Tensor, L: Layer<In>> Service for Device<'_, In, L> {
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

/// A network's last outputs, as they are sent.
struct Outputs {
    bytes: [u8; 64],
    length: usize,
}

impl Outputs {
    fn set<T: Tensor>(&mut self, output: &T) {
        const { assert!(4 * T::LEN <= 64, "a network has at most 16 outputs here") };
        for (place, value) in self.bytes.as_chunks_mut().0.iter_mut().zip(output.flat()) {
            *place = value.to_le_bytes();
        }
        self.length = 4 * T::LEN;
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}
