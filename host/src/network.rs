//! A network on the PC: an architecture, its cost, and its parameters on the heap.

use crate::architecture::Architecture;
use crate::description::Description;
use crate::error::{Error, Result};
use crate::file::write_atomically;
use crate::nets::Net;
use minnet::activation::Function;
use minnet::batch::{Batch, Images, Layout};
use minnet::cost::CostFunction;
use minnet::executor::Executor;
use minnet::init::Init;
use minnet::layer::{Layer, Parameters};
use minnet::list::List;
use minnet::model::{self, Metadata, ModelError};
use minnet::module::Module;
use minnet::net;
use minnet::op::{Op, range};
use minnet::sgd::Sgd;
use minnet::tensor::Tensor;
use rand_core::Rng;
use std::path::Path;
use zerocopy::{FromZeros, IntoBytes};

/// The layers of a network on the heap.
pub type Layers = List<Vec<Op>, Vec<f32>>;

/// A network that was read from a text.
#[derive(Clone, Debug)]
pub struct Network {
    architecture: Architecture,
    cost: CostFunction,
    layers: Layers,
}

impl Network {
    /// The network that `net` describes, all zeros.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn zeroed(net: &Net) -> Result<Self> {
        Self::with_parameters(net, zeroed(net.architecture.parameters())?)
    }

    /// The network that `net` describes, with these parameters: layer by layer, weights before biases.
    ///
    /// # Errors
    /// [`Error::Parameters`] if they are too few or too many.
    pub fn with_parameters(net: &Net, parameters: Vec<f32>) -> Result<Self> {
        let (found, expected) = (parameters.len(), net.architecture.parameters());
        let layers = List::new(net.architecture.layers().to_vec(), parameters);
        let layers = layers.ok_or(Error::Parameters { found, expected })?;
        Ok(Self { architecture: net.architecture.clone(), cost: net.cost, layers })
    }

    /// Its architecture.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Its cost.
    pub fn cost(&self) -> CostFunction {
        self.cost
    }

    /// Its layers.
    pub fn layers(&self) -> &Layers {
        &self.layers
    }

    /// Each layer with its weights and its biases.
    pub fn each_layer(&self) -> impl Iterator<Item = (Op, &[f32], &[f32])> {
        self.layers.ops().iter().scan(self.parameters(), |rest, &op| {
            let (own, others) = rest.split_at_checked(op.parameters())?;
            let (weights, biases) = own.split_at_checked(op.weights())?;
            *rest = others;
            Some((op, weights, biases))
        })
    }

    /// All parameters: layer by layer, weights before biases.
    pub fn parameters(&self) -> &[f32] {
        self.layers.parameters()
    }

    /// As [`parameters`](Self::parameters), to write.
    pub fn parameters_mut(&mut self) -> &mut [f32] {
        self.layers.parameters_mut()
    }

    /// One step of gradient descent on the mini-batch's images.
    pub fn train(&mut self, batch: &mut Batch<'_>, sgd: &Sgd, rng: &mut impl Rng, executor: &impl Executor) {
        self.layers.train(self.cost, batch, sgd, rng, executor);
    }

    /// Has it give `mean` + `deviation` · output for each output, if its last layer is dense and has no activation.
    pub fn scale_outputs(&mut self, scales: &[[f32; 2]]) {
        let Some(Op::Dense(op)) = self.layers.ops().last().copied() else { return };
        let start = self.parameters().len() - Op::Dense(op).parameters();
        let (weights, biases) = self.parameters_mut()[start..].split_at_mut(op.inputs * op.outputs);
        for (output, &[mean, deviation]) in scales.iter().enumerate().take(op.outputs) {
            weights.iter_mut().skip(output).step_by(op.outputs).for_each(|weight| *weight *= deviation);
            biases[output] = biases[output] * deviation + mean;
        }
    }

    /// As [`minnet::net::Net::weight_hash`].
    pub fn weight_hash(&self) -> u64 {
        self.layers.weight_hash()
    }

    /// Writes a model file, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Model`] for weights that no reader would take; those of [`write_atomically`].
    pub fn save(&self, path: &Path, metadata: &Metadata, description: &Description) -> Result<()> {
        let refused = |cause| Error::Model { path: path.to_owned(), cause };
        if let Some(index) = self.parameters().iter().position(|value| !value.is_finite()) {
            return Err(refused(ModelError::NotFinite { index }));
        }
        if let Some(layer) = range::overflows(self.layers.ops(), self.parameters().as_bytes()) {
            return Err(refused(ModelError::Overflow { layer }));
        }
        let architecture = self.architecture.to_string();
        let encoded = description.encode();
        let description = model::Description::parse(&encoded).unwrap_or_default();
        write_atomically(path, |file| {
            model::write_parameters(&architecture, self.parameters(), metadata, description, |bytes| {
                file.write_all(bytes)
            })
        })
    }
}

/// A network that is a type, on the heap, all zeros.
///
/// # Errors
/// [`Error::Memory`].
pub fn boxed<In: Tensor, L: Layer<In>>() -> Result<Box<net::Net<In, L>>> {
    net::Net::new_box_zeroed().map_err(|_| Error::Memory { bytes: size_of::<L>() })
}

/// So many zeros on the heap.
///
/// # Errors
/// [`Error::Memory`].
pub fn zeroed(values: usize) -> Result<Vec<f32>> {
    let bytes = values.saturating_mul(size_of::<f32>());
    // Fresh memory that is zero already is not touched: `vec![0.0; n]` asks for it so, and would abort without it.
    let mut probe = Vec::<f32>::new();
    probe.try_reserve_exact(values).map_err(|_| Error::Memory { bytes })?;
    drop(probe);
    Ok(vec![0.0; values])
}

/// A network is trained and run as its layers are.
impl Module for Network {
    fn layout(&self) -> Layout {
        self.layers.layout()
    }

    fn ram(&self) -> usize {
        self.layers.ram()
    }

    fn activation(&self) -> Function {
        self.layers.activation()
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

    fn infer(&self, images: Images, executor: &impl Executor) -> usize {
        self.layers.infer(images, executor)
    }

    fn macs(&self) -> usize {
        self.layers.macs()
    }

    fn is_large(&self) -> bool {
        self.layers.is_large()
    }

    fn freeze(&mut self) {
        self.layers.freeze();
    }

    fn forward(&self, images: Images, executor: &impl Executor) {
        self.layers.forward(images, executor);
    }

    fn backward(&self, images: Images, executor: &impl Executor) {
        self.layers.backward(images, executor);
    }

    fn update(&mut self, images: &Images, sgd: &Sgd, executor: &impl Executor) {
        self.layers.update(images, sgd, executor);
    }

    fn step(&mut self, images: Images, sgd: &Sgd, executor: &impl Executor) {
        self.layers.step(images, sgd, executor);
    }
}
