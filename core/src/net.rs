//! A network as a type: its input, and its layers.

use crate::activation::{Activation, Function};
use crate::batch::{Batch, Images, Layout, Place, RANDOM};
use crate::cost::Cost;
use crate::executor::{Executor, Serial};
use crate::init::Init;
use crate::layer::{Layer, Parameters};
use crate::module::{self, Module};
use crate::optimizer::Step;
use crate::sgd::Sgd;
use crate::tensor::Tensor;
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

/// Of networks' weights.
pub(crate) const CRC: crc::Crc<u64> = crc::Crc::<u64>::new(&crc::CRC_64_XZ);

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
    /// Values of RAM that each image of a mini-batch takes in training ([`batch`](Self::batch)).
    pub const SAMPLE: usize = RANDOM + <L::Out as Tensor>::LEN + In::LEN + L::SAVED;
    /// Bytes of flash that the parameters take.
    pub const FLASH_BYTES: usize = L::PARAMETERS * size_of::<f32>();
    /// The architecture in words.
    pub const ARCHITECTURE: Text = In::SHAPE.then(": ").then(L::ARCHITECTURE.as_str());

    /// Where an image's input lies in training, and where what the layers save begins.
    const INPUT: Place = Place { values: RANDOM + <L::Out as Tensor>::LEN, gradient: None };
    const SAVED: usize = RANDOM + <L::Out as Tensor>::LEN + In::LEN;

    /// Draws weights and biases, layer by layer.
    pub fn initialize(&mut self, init: Init, rng: &mut impl Rng) {
        self.layers.initialize(init, rng);
    }

    /// The layers, to look at their weights.
    pub fn layers(&self) -> &L {
        &self.layers
    }

    /// Shows each run of parameters, in the order of memory: layer by layer, weights before biases.
    pub fn visit(&self, mut visitor: impl FnMut(Parameters, &[f32])) {
        self.layers.visit(&mut visitor);
    }

    /// As [`visit`](Self::visit), to write.
    pub fn visit_mut(&mut self, mut visitor: impl FnMut(Parameters, &mut [f32])) {
        self.layers.visit_mut(&mut visitor);
    }

    /// A hash of all parameters' bits: CRC-64/XZ of their little-endian bytes. Equal hashes mean equal networks.
    pub fn weight_hash(&self) -> u64 {
        let mut digest = CRC.digest();
        self.visit(|_, run| run.iter().for_each(|value| digest.update(&value.to_le_bytes())));
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
        let fill = |place: &mut In| load_pixels(pixels, place.flat_mut());
        self.infer_with(fill, ram, &Serial).copied().unwrap_or(L::Out::ZERO)
    }

    /// As [`infer`](Self::infer), for an input that `fill` puts in its place, in a buffer whose length is known only
    /// when the program runs (`None` if it is too short), on the executor's threads, with its vectors.
    pub fn infer_with<'a>(
        &self,
        fill: impl FnOnce(&mut In),
        ram: &'a mut [f32],
        executor: &impl Executor,
    ) -> Option<&'a L::Out> {
        let ram = ram.get_mut(..Self::RAM)?;
        fill(In::nest_mut(ram).first_mut()?);
        let output = Module::infer(self, Images::new(ram, Self::RAM), executor);
        Tensor::nest(ram.get(output..)?).first()
    }

    /// How the images of a mini-batch are laid out.
    pub fn layout() -> Layout {
        let output = L::output(Self::INPUT, Self::SAVED);
        Layout { inputs: In::LEN, outputs: <L::Out as Tensor>::LEN, saved: L::SAVED, output }
    }

    /// A mini-batch of as many images as `memory` holds, at [`SAMPLE`](Self::SAMPLE) values each.
    pub fn batch(memory: &mut [f32]) -> Batch<'_> {
        Batch::new(memory, Self::layout())
    }

    /// One step of gradient descent on the mini-batch's images. The order of the images matters to the last bit; how
    /// the executor runs it does not. Nothing happens to a batch that is laid out for another network.
    pub fn train<C: Cost<L::Activation>>(
        &mut self,
        batch: &mut Batch,
        sgd: &Sgd,
        rng: &mut impl Rng,
        executor: &impl Executor,
    ) {
        module::train(self, &C::delta, batch, sgd, rng, executor);
    }

    /// One step of an optimizer on the mini-batch's images. `memory` is as long as the optimizer asks, zeros at first, and
    /// the optimizer's from then on. Nothing happens if it is shorter.
    ///
    /// ```
    /// use minnet::prelude::*;
    /// use rand_core::SeedableRng;
    ///
    /// type Xor = Net<[f32; 2], seq![Dense<2, 4, Tanh>, Dense<4, 1, Sigmoid>]>;
    /// const OPTIMIZER: Optimizer = Optimizer::Nesterov { momentum: 0.9 };
    ///
    /// let mut rng = rand_xorshift::XorShiftRng::seed_from_u64(1);
    /// let (mut net, mut images) = (Xor::ZERO, [0.0; 4 * Xor::SAMPLE]);
    /// let mut memory = [0.0; OPTIMIZER.memory() * Xor::PARAMETERS];
    /// net.initialize(Init::FanIn, &mut rng);
    /// for number in 1..=200 {
    ///     let mut batch = Xor::batch(&mut images);
    ///     for image in 0..4 {
    ///         let (a, b) = (image / 2, image % 2);
    ///         batch.input(image).copy_from_slice(&[a as f32, b as f32]);
    ///         batch.target(image)[0] = (a ^ b) as f32;
    ///     }
    ///     let step = Step::new(OPTIMIZER, 0.2, number);
    ///     net.optimize::<CrossEntropy>(&mut batch, &step, &mut memory, &mut rng, &Serial);
    /// }
    /// let [yes] = net.infer(&[1.0, 0.0], &mut [0.0; Xor::RAM]);
    /// let [no] = net.infer(&[1.0, 1.0], &mut [0.0; Xor::RAM]);
    /// assert!(yes > 0.9 && no < 0.1, "{yes} {no}");
    /// ```
    pub fn optimize<C: Cost<L::Activation>>(
        &mut self,
        batch: &mut Batch,
        step: &Step,
        memory: &mut [f32],
        rng: &mut impl Rng,
        executor: &impl Executor,
    ) {
        module::optimize(self, &C::delta, batch, step, memory, rng, executor);
    }

    /// Adds to `gradient` the gradient of the mini-batch's mean cost (the book's equations BP1 to BP4).
    pub fn gradient<C: Cost<L::Activation>>(
        &self,
        batch: &mut Batch,
        gradient: &mut Self,
        rng: &mut impl Rng,
        executor: &impl Executor,
    ) {
        module::gradient(self, gradient, &C::delta, batch, rng, executor);
    }
}

impl<In: Tensor, L: Layer<In>> Module for Net<In, L> {
    fn layout(&self) -> Layout {
        Self::layout()
    }

    fn ram(&self) -> usize {
        Self::RAM
    }

    fn activation(&self) -> Function {
        L::Activation::FUNCTION
    }

    fn initialize(&mut self, init: Init, rng: &mut impl Rng) {
        self.layers.initialize(init, rng);
    }

    fn visit(&self, visitor: &mut impl FnMut(Parameters, &[f32])) {
        self.layers.visit(visitor);
    }

    fn visit_mut(&mut self, visitor: &mut impl FnMut(Parameters, &mut [f32])) {
        self.layers.visit_mut(visitor);
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn infer(&self, images: Images, executor: &impl Executor) -> usize {
        self.layers.infer(images, 0, L::FRONT, executor);
        if L::IN_PLACE { 0 } else { L::FRONT }
    }

    fn macs(&self) -> usize {
        Self::MACS
    }

    fn is_large(&self) -> bool {
        L::LARGE
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn forward(&self, images: Images, executor: &impl Executor) {
        self.layers.forward(images, Self::INPUT, Self::SAVED, executor);
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn backward(&self, images: Images, executor: &impl Executor) {
        self.layers.backward(images, Self::INPUT, Self::SAVED, executor);
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn update(&mut self, images: &Images, sgd: &Sgd, executor: &impl Executor) {
        self.layers.update(images, Self::INPUT, Self::SAVED, sgd, executor);
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn step(&mut self, images: Images, sgd: &Sgd, executor: &impl Executor) {
        self.layers.step(images, Self::INPUT, Self::SAVED, sgd, executor);
    }
}

/// What 8-bit pixels are divided by: as in the book's `mnist.pkl.gz`, and exact.
pub const PIXEL_DIVISOR: u16 = 256;

/// Turns 8-bit pixels into a network's input: each is divided by [`PIXEL_DIVISOR`]. Pixels beyond the input's size
/// are left out; where there are too few, the rest is 0.
pub fn load_pixels(pixels: &[u8], input: &mut [f32]) {
    let (values, rest) = input.split_at_mut(pixels.len().min(input.len()));
    let (fours, last) = values.as_chunks_mut::<4>();
    let (of_fours, of_last) = pixels.as_chunks();
    let value = |pixel: u8| f32::from(pixel) / f32::from(PIXEL_DIVISOR);
    for (values, pixels) in fours.iter_mut().zip(of_fours) {
        *values = pixels.map(value);
    }
    for (place, pixel) in last.iter_mut().zip(of_last) {
        *place = value(*pixel);
    }
    rest.fill(0.0);
}
