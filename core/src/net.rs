//! A network: the type of its input, and its layers.

use crate::activation::Activation;
use crate::cost::Cost;
use crate::executor::{Alone, Executor, Serial, pieces, split};
use crate::init::Init;
use crate::layer::{Layer, TOGETHER};
use crate::sgd::Sgd;
use crate::tensor::{Tensor, argmax};
use crate::text::Text;
use core::marker::PhantomData;
use core::mem::size_of;
use rand_core::Rng;
use zerocopy::{FromBytes, Immutable, KnownLayout};

/// A network that takes `In` through the layers `L`.
///
/// Its bytes are its parameters, in the order of the layers, and nothing else. It may be large: keep it in a `static`
/// or in a zeroed box, and hand it around by reference.
///
/// ```
/// use minnet::prelude::*;
///
/// type Digits = Net<[f32; 784], seq![Dense<784, 30, Sigmoid>, Dense<30, 10, Sigmoid>]>;
///
/// assert_eq!(Digits::PARAMETERS, 23_860);
/// assert_eq!(Digits::ARCHITECTURE.as_str(), "784: dense 30 sigmoid, dense 10 sigmoid");
/// ```
#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Net<In: Tensor, L: Layer<In>> {
    layers: L,
    input: PhantomData<In>,
}

/// One image's place in a mini-batch: its input, what is wanted of it, and what training remembers of it.
///
/// A mini-batch is a slice of these, in a `static` or in a zeroed box.
#[derive(FromBytes)]
#[repr(C)]
pub struct Sample<In: Tensor, L: Layer<In>> {
    /// What the network takes.
    pub input: In,
    /// What it should give.
    pub target: L::Out,
    random: u64,
    tape: L::Tape,
}

/// Of networks' weights.
pub(crate) const CRC: crc::Crc<u64> = crc::Crc::<u64>::new(&crc::CRC_64_XZ);

/// The fewest multiplications of a mini-batch that are worth a second thread: dense networks skip four in five.
const SPLIT: usize = 1_000_000;

impl<In: Tensor, L: Layer<In>> Net<In, L> {
    /// All weights and biases 0.
    pub const ZERO: Self = Self { layers: L::ZERO, input: PhantomData };
    /// Weights and biases.
    pub const PARAMETERS: usize = L::PARAMETERS;
    /// Multiplications with a weight that one inference takes, zeros included.
    pub const MACS: usize = L::MACS;
    /// Values of RAM that inference needs, its input included: the length of the buffer for [`infer`](Self::infer).
    pub const RAM: usize = L::FRONT + L::BACK;
    /// Bytes of RAM that inference needs, its input included.
    pub const RAM_BYTES: usize = Self::RAM * size_of::<f32>();
    /// Bytes of flash that the parameters take.
    pub const FLASH_BYTES: usize = L::PARAMETERS * size_of::<f32>();
    /// The architecture in words.
    pub const ARCHITECTURE: Text = In::SHAPE.then(": ").then(L::ARCHITECTURE.as_str());

    /// Draws weights and biases, layer by layer.
    pub fn initialize(&mut self, init: Init, rng: &mut impl Rng) {
        self.layers.initialize(init, rng);
    }

    /// The layers, to look at their weights.
    pub fn layers(&self) -> &L {
        &self.layers
    }

    /// Shows each run of parameters, in the order of memory: layer by layer, weights before biases.
    pub fn visit(&self, mut visitor: impl FnMut(&[f32])) {
        self.layers.visit(&mut visitor);
    }

    /// As [`visit`](Self::visit), to write.
    pub fn visit_mut(&mut self, mut visitor: impl FnMut(&mut [f32])) {
        self.layers.visit_mut(&mut visitor);
    }

    /// A hash of all parameters' bits: CRC-64/XZ of their little-endian bytes. Equal hashes mean equal networks.
    pub fn weight_hash(&self) -> u64 {
        let mut digest = CRC.digest();
        self.visit(|run| run.iter().for_each(|value| digest.update(&value.to_le_bytes())));
        digest.finalize()
    }

    /// The output for `input`, computed in `ram`, which needs [`RAM`](Self::RAM) values. Fewer do not compile.
    pub fn infer<const N: usize>(&self, input: &In, ram: &mut [f32; N]) -> L::Out {
        const { assert!(N >= L::FRONT + L::BACK, "the buffer is too short: give it `Net::RAM` values") }
        self.infer_with(|place| *place = *input, ram, &Serial).copied().unwrap_or(L::Out::ZERO)
    }

    /// As [`infer`](Self::infer), for 8-bit pixels ([`load_pixels`]), which go straight to their place in `ram`.
    pub fn infer_pixels<const N: usize>(&self, pixels: &[u8], ram: &mut [f32; N]) -> L::Out {
        const { assert!(N >= L::FRONT + L::BACK, "the buffer is too short: give it `Net::RAM` values") }
        self.infer_with(|place| load_pixels(pixels, place), ram, &Serial).copied().unwrap_or(L::Out::ZERO)
    }

    /// As [`infer`](Self::infer), for an input that `fill` puts in its place, in a buffer whose length is known only
    /// when the program runs (`None` if it is too short), on the executor's threads, with its vectors.
    pub fn infer_with<'a>(
        &self,
        fill: impl FnOnce(&mut In),
        ram: &'a mut [f32],
        executor: &impl Executor,
    ) -> Option<&'a L::Out> {
        fill(Self::input_in(ram)?);
        self.infer_batch(&mut [&mut *ram], executor);
        Self::output_in(ram)
    }

    /// Computes the outputs for several images at a time. Each has a buffer of at least [`RAM`](Self::RAM) values,
    /// which holds its input ([`input_in`](Self::input_in)) and gets its output ([`output_in`](Self::output_in)).
    /// Shorter buffers are left as they are. The executor's threads share each layer; where there are many images it is
    /// better to give each thread some of its own, with one call on each, by [`Alone`].
    pub fn infer_batch(&self, buffers: &mut [&mut [f32]], executor: &impl Executor) {
        self.layers.infer(buffers, |buffer| buffer.split_at_mut_checked(L::FRONT).unwrap_or_default(), executor);
    }

    /// The input's place in a buffer for inference; `None` if the buffer is too short.
    pub fn input_in(buffer: &mut [f32]) -> Option<&mut In> {
        In::nest_mut(buffer.get_mut(..Self::RAM)?).first_mut()
    }

    /// The output's place in a buffer after inference; `None` if the buffer is too short.
    pub fn output_in(buffer: &[f32]) -> Option<&L::Out> {
        let (front, back) = buffer.get(..Self::RAM)?.split_at_checked(L::FRONT)?;
        Tensor::nest(if L::IN_PLACE { front } else { back }).first()
    }

    /// One step of gradient descent on the mini-batch's images. The order of the images matters to the last bit; how
    /// the executor runs it does not.
    pub fn train<C: Cost<L::Activation>>(
        &mut self,
        batch: &mut [Sample<In, L>],
        sgd: &Sgd,
        rng: &mut impl Rng,
        executor: &impl Executor,
    ) {
        if !L::LARGE || batch.len() > TOGETHER {
            self.backpropagate::<C>(batch, rng, executor);
            return self.update(batch, sgd, executor);
        }
        draw(batch, rng);
        self.forward(batch, executor);
        delta::<C, In, L>(batch);
        self.backward_and_update(batch, sgd, executor);
    }

    /// Adds to `gradient` the gradient of the mini-batch's mean cost (the book's equations BP1 to BP4).
    pub fn gradient<C: Cost<L::Activation>>(
        &self,
        batch: &mut [Sample<In, L>],
        gradient: &mut Self,
        rng: &mut impl Rng,
        executor: &impl Executor,
    ) {
        self.backpropagate::<C>(batch, rng, executor);
        let share = Sgd::accumulate(1.0 / batch.len().max(1) as f32);
        gradient.update(batch, &share, executor);
    }

    /// Leaves δ of every layer in the samples' tapes.
    fn backpropagate<C: Cost<L::Activation>>(
        &self,
        batch: &mut [Sample<In, L>],
        rng: &mut impl Rng,
        executor: &impl Executor,
    ) {
        draw(batch, rng);
        if L::LARGE {
            return self.forward_and_backward::<C>(batch, executor);
        }
        let pieces = if L::MACS * batch.len() < SPLIT { 1 } else { executor.threads() };
        split(batch, 0, pieces, executor, &|batch, _| self.forward_and_backward::<C>(batch, &Alone(executor)));
    }

    fn forward_and_backward<C: Cost<L::Activation>>(&self, batch: &mut [Sample<In, L>], executor: &impl Executor) {
        self.forward(batch, executor);
        delta::<C, In, L>(batch);
        self.backward(batch, executor);
    }

    // Functions of their own, so that networks that differ only in their cost share the layers' code.

    fn forward(&self, batch: &mut [Sample<In, L>], executor: &impl Executor) {
        self.layers.forward(batch, |sample| (&sample.input, &mut sample.tape, &mut sample.random), executor);
    }

    fn backward(&self, batch: &mut [Sample<In, L>], executor: &impl Executor) {
        self.layers.backward(batch, |sample| &mut sample.tape, executor);
    }

    fn update(&mut self, batch: &[Sample<In, L>], sgd: &Sgd, executor: &impl Executor) {
        self.layers.update(batch, |sample| (&sample.input, &sample.tape), sgd, executor);
    }

    fn backward_and_update(&mut self, batch: &mut [Sample<In, L>], sgd: &Sgd, executor: &impl Executor) {
        self.layers.backward_and_update(batch, |sample| (&sample.input, &mut sample.tape), sgd, executor);
    }
}

/// Leaves δ of the last layer in the samples' tapes.
fn delta<C: Cost<L::Activation>, In: Tensor, L: Layer<In>>(batch: &mut [Sample<In, L>]) {
    for sample in batch {
        let (output, delta) = L::output_and_gradient(&mut sample.tape);
        C::delta(output.flat(), sample.target.flat(), delta.flat_mut());
    }
}

/// Gives each image what its random numbers begin from.
fn draw<In: Tensor, L: Layer<In>>(batch: &mut [Sample<In, L>], rng: &mut impl Rng) {
    for sample in batch {
        sample.random = rng.next_u64();
    }
}

impl<In: Tensor, L: Layer<In>> Sample<In, L> {
    /// An empty place.
    pub const ZERO: Self = Self { input: In::ZERO, target: <L::Out as Tensor>::ZERO, random: 0, tape: L::BLANK };

    /// Puts in an image of 8-bit pixels and its class. Pixels are divided by 256, as in the book's data; pixels or
    /// classes beyond the network's size are left out.
    pub fn load(&mut self, pixels: &[u8], class: u8) {
        load_pixels(pixels, &mut self.input);
        for (index, value) in self.target.flat_mut().iter_mut().enumerate() {
            *value = if index == usize::from(class) { 1.0 } else { 0.0 };
        }
    }

    /// What the network gave in the last training step, before the step.
    pub fn output(&self) -> &L::Out {
        L::output(&self.tape)
    }

    /// Whether the greatest output of the last training step stood where the greatest target stands.
    pub fn is_right(&self) -> bool {
        argmax(self.output().flat()) == argmax(self.target.flat())
    }

    /// The cost of the output of the last training step.
    pub fn cost<C: Cost<L::Activation>>(&self) -> f32
    where
        L::Activation: Activation,
    {
        C::value(self.output().flat(), self.target.flat())
    }
}

/// Fills a mini-batch ([`Sample::load`]), some images on each thread: `source` gives the pixels and the class of the
/// image of a number.
pub fn load_batch<'a, In: Tensor, L: Layer<In>>(
    batch: &mut [Sample<In, L>],
    source: impl Fn(usize) -> (&'a [u8], u8) + Sync,
    executor: &impl Executor,
) {
    let pieces = pieces(In::LEN * batch.len(), executor);
    split(batch, 0, pieces, executor, &|samples, first| {
        for (sample, number) in samples.iter_mut().zip(first..) {
            let (pixels, class) = source(number);
            sample.load(pixels, class);
        }
    });
}

/// What 8-bit pixels are divided by: as in the book's `mnist.pkl.gz`, and exact.
pub const PIXEL_DIVISOR: u16 = 256;

/// Turns 8-bit pixels into a network's input: each is divided by [`PIXEL_DIVISOR`]. Pixels beyond the input's size
/// are left out; where there are too few, the rest is 0.
pub fn load_pixels<In: Tensor>(pixels: &[u8], input: &mut In) {
    let values = input.flat_mut();
    let (values, rest) = values.split_at_mut(pixels.len().min(In::LEN));
    for (value, &pixel) in values.iter_mut().zip(pixels) {
        *value = f32::from(pixel) / f32::from(PIXEL_DIVISOR);
    }
    rest.fill(0.0);
}
