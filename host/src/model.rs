//! Model files on disk.

use crate::architecture::Architecture;
use crate::description::Description;
use crate::error::{Error, Result};
use crate::executor::Threads;
use crate::file::{self, write_atomically};
use crate::memory::Budget;
use crate::nets::{self, Net};
use crate::network::Network;
use crate::picture;
use crate::quantize::Integers;
use crate::samples::Samples;
use crate::train::{self, Outputs};
use minnet::model::{self, Metadata, Model, ModelError};
use minnet::quant::{QuantLayer, Quantized, Weights, Width};
use minnet::tensor::Tensor;
use minnet::{layer::Layer, net};
use std::path::{Path, PathBuf};
use zerocopy::IntoBytes;

/// A model file's bytes, aligned as [`Model::parse`] needs them.
pub struct File {
    path: PathBuf,
    words: Vec<u64>,
    len: usize,
}

/// The network in a model file, whichever type its weights have.
pub enum Contents {
    /// In floats.
    Floats(Network),
    /// In integers.
    Integers(Integers),
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn read(path: &Path) -> Result<Self> {
        Ok(Self::of(path, &file::read(path)?))
    }

    /// The model that comes with the program: it reads digits.
    pub fn bundled() -> Self {
        Self::of(Path::new("the bundled model"), picture::MODEL)
    }

    fn of(path: &Path, bytes: &[u8]) -> Self {
        let mut words = vec![0; bytes.len().div_ceil(size_of::<u64>())];
        words.as_mut_bytes()[..bytes.len()].copy_from_slice(bytes);
        Self { path: path.to_owned(), words, len: bytes.len() }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.words.as_bytes()[..self.len]
    }

    /// What the file says of its network.
    ///
    /// # Errors
    /// [`Error::Model`] if it is no model, or damaged.
    pub fn metadata(&self) -> Result<Metadata> {
        model::metadata(self.bytes()).map_err(|cause| self.error(cause))
    }

    /// What the file says of its data.
    ///
    /// # Errors
    /// [`Error::Model`] if it is no model, or damaged.
    pub fn description(&self) -> Result<Description> {
        model::description(self.bytes()).map(Into::into).map_err(|cause| self.error(cause))
    }

    /// The network that the file says it holds.
    ///
    /// # Errors
    /// Those of [`metadata`](Self::metadata), [`Error::ModelText`], and [`Error::Limit`] for one of few weights and far more
    /// values between its layers.
    pub fn net(&self) -> Result<Net> {
        let Metadata { architecture, cost, .. } = self.metadata()?;
        let net = nets::find_architecture(&architecture, &cost)
            .map_err(|cause| Error::ModelText { path: self.path.clone(), cause })?;
        Budget::new(&self.path, self.len as u64).check(net.architecture.ram_bytes() as u64)?;
        Ok(net)
    }

    /// The type of the weights: [`model::ELEMENT_F32`], or a [`Width::element`].
    ///
    /// # Errors
    /// [`Error::Model`] if it is no model, or damaged.
    pub fn element(&self) -> Result<u32> {
        model::element(self.bytes()).map_err(|cause| self.error(cause))
    }

    /// The width of an integer network's weights; `None` for floats.
    ///
    /// # Errors
    /// Those of [`element`](Self::element).
    pub fn width(&self) -> Result<Option<Width>> {
        self.element().map(Width::of_element)
    }

    /// The network in the file.
    ///
    /// # Errors
    /// Those of [`net`](Self::net); [`Error::Model`] if the weights are not those of the architecture.
    pub fn contents(&self) -> Result<Contents> {
        Ok(match self.width()? {
            None => Contents::Floats(self.network()?),
            Some(width) => Contents::Integers(self.integers(width)?),
        })
    }

    /// The float network in the file.
    ///
    /// # Errors
    /// Those of [`net`](Self::net); [`Error::Model`] if its weights are integers, or not those of the architecture.
    pub fn network(&self) -> Result<Network> {
        let net = self.net()?;
        let text = net.architecture.to_string();
        let parameters =
            model::parameters(self.bytes(), net.architecture.layers(), &text).map_err(|cause| self.error(cause))?;
        Network::with_parameters(&net, parameters.to_vec())
    }

    fn integers(&self, width: Width) -> Result<Integers> {
        let net = self.net()?;
        let block = self.block(&net.architecture, width)?;
        Integers::new(net.architecture.clone(), width, block.to_vec()).map_err(|cause| self.error(cause))
    }

    fn block(&self, architecture: &Architecture, width: Width) -> Result<&[u8]> {
        let (ops, fingerprint) = (architecture.layers(), architecture.fingerprint());
        let block = model::check_quantized(self.bytes(), ops, width, fingerprint).map_err(|cause| self.error(cause))?;
        self.bytes().get(block).ok_or_else(|| self.error(ModelError::Layout))
    }

    /// The network as a type, in place.
    ///
    /// # Errors
    /// [`Error::Model`] if the file is no model of this network.
    pub fn model<In: Tensor, L: Layer<In>>(&self) -> Result<Model<'_, In, L>> {
        Model::parse(self.bytes()).map_err(|cause| self.error(cause))
    }

    /// The integer network as a type, in place.
    ///
    /// # Errors
    /// [`Error::Model`] if the file is no integer model of this network with these weights.
    pub fn quantized<In: Tensor, L: QuantLayer<In>, W: Weights>(&self) -> Result<Quantized<'_, net::Net<In, L>, W>> {
        let parsed = model::QuantizedModel::<net::Net<In, L>, W>::parse(self.bytes());
        parsed.map(|model| model.net).map_err(|cause| self.error(cause))
    }

    fn error(&self, cause: ModelError) -> Error {
        Error::Model { path: self.path.clone(), cause }
    }
}

impl Contents {
    /// Its architecture.
    pub fn architecture(&self) -> &Architecture {
        match self {
            Self::Floats(network) => network.architecture(),
            Self::Integers(integers) => integers.architecture(),
        }
    }

    /// The outputs for each image, in order.
    ///
    /// # Errors
    /// [`Error::Memory`] and [`Error::Sizes`].
    pub fn outputs(&self, set: Samples<'_>, executor: &Threads) -> Result<Outputs> {
        match self {
            Self::Floats(network) => train::outputs(network, set, executor),
            Self::Integers(integers) => integers.outputs(set, executor),
        }
    }

    /// A hash of the weights' bits.
    pub fn weight_hash(&self) -> u64 {
        match self {
            Self::Floats(network) => network.weight_hash(),
            Self::Integers(integers) => integers.list().weight_hash(),
        }
    }
}

/// Writes the model file of a network that is a type, whole or not at all.
///
/// # Errors
/// Those of [`write_atomically`].
pub fn save<In: Tensor, L: Layer<In>>(path: &Path, net: &net::Net<In, L>, metadata: &Metadata) -> Result<()> {
    write_atomically(path, |file| {
        model::write(net, metadata, model::Description::default(), |bytes| file.write_all(bytes))
    })
}
