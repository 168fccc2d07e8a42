//! Model files on disk.

use crate::data::Samples;
use crate::error::{Error, Result};
use crate::executor::Threads;
use crate::file::write_atomically;
use crate::nets::{self, Layers, Named, Visitor};
use crate::{quantize, train};
use minnet::model::{self, Metadata, Model, QuantizedModel};
use minnet::prelude::*;
use minnet::quant::{Int4, Int8, QuantLayer, Quantized, Weights};
use std::path::{Path, PathBuf};
use zerocopy::{FromZeros, IntoBytes};

/// A model file's bytes, aligned as [`Model::parse`] needs them.
pub struct File {
    path: PathBuf,
    words: Vec<u64>,
    len: usize,
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|cause| Error::Read { path: path.to_owned(), cause })?;
        let mut words = vec![0; bytes.len().div_ceil(size_of::<u64>())];
        words.as_mut_bytes()[..bytes.len()].copy_from_slice(&bytes);
        Ok(Self { path: path.to_owned(), words, len: bytes.len() })
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.words.as_bytes()[..self.len]
    }

    /// What the file says of its network, whichever that is.
    ///
    /// # Errors
    /// [`Error::Model`] if it is no model, or damaged.
    pub fn metadata(&self) -> Result<Metadata> {
        model::metadata(self.bytes()).map_err(|cause| self.error(cause))
    }

    /// The named network that the file holds.
    ///
    /// # Errors
    /// Those of [`metadata`](Self::metadata), and [`Error::UnknownArchitecture`].
    pub fn named(&self) -> Result<&'static Named> {
        let Metadata { architecture, cost, .. } = self.metadata()?;
        nets::find_architecture(&architecture, &cost).ok_or_else(|| Error::UnknownArchitecture {
            path: self.path.clone(),
            architecture: architecture.to_string(),
        })
    }

    /// The network, in place.
    ///
    /// # Errors
    /// [`Error::Model`] if the file is no model of this network.
    pub fn model<In: Tensor, L: Layer<In>>(&self) -> Result<Model<'_, In, L>> {
        Model::parse(self.bytes()).map_err(|cause| self.error(cause))
    }

    /// The type of the weights: [`model::ELEMENT_F32`], or a [`Weights::ELEMENT`].
    ///
    /// # Errors
    /// [`Error::Model`] if it is no model, or damaged.
    pub fn element(&self) -> Result<u32> {
        model::element(self.bytes()).map_err(|cause| self.error(cause))
    }

    /// The integer network, in place.
    ///
    /// # Errors
    /// [`Error::Model`] if the file is no integer model of this network with these weights.
    pub fn quantized<In: Tensor, L: QuantLayer<In, W>, W: Weights>(&self) -> Result<QuantizedModel<'_, Net<In, L>, W>> {
        QuantizedModel::parse(self.bytes()).map_err(|cause| self.error(cause))
    }

    /// The outputs of the network in the file for each image, in order, whichever type its weights have.
    ///
    /// # Errors
    /// Those of [`named`](Self::named), and [`Error::Memory`].
    pub fn outputs(&self, set: Samples<'_>, executor: &Threads) -> Result<Vec<Vec<f32>>> {
        self.visit(Outputs { file: self, set, executor })
    }

    /// The logits of the 8-bit integer network in the file for each image, in order.
    ///
    /// # Errors
    /// Those of [`named`](Self::named), and [`Error::Model`] if its weights are of another type.
    pub fn logits(&self, set: Samples<'_>, executor: &Threads) -> Result<Vec<Vec<i16>>> {
        self.visit(Logits { file: self, set, executor })
    }

    /// A hash of the weights' bits, whichever their type ([`Net::weight_hash`], [`Quantized::weight_hash`]).
    ///
    /// # Errors
    /// Those of [`named`](Self::named).
    pub fn weight_hash(&self) -> Result<u64> {
        self.visit(WeightHash { file: self })
    }

    fn visit<T>(&self, visitor: impl Visitor<Output = Result<T>>) -> Result<T> {
        let named = self.named()?;
        let unknown = || Err(Error::UnknownNet { name: named.name.to_owned(), nearest: nets::DEFAULT });
        nets::visit(named, visitor).unwrap_or_else(unknown)
    }

    fn error(&self, cause: ModelError) -> Error {
        Error::Model { path: self.path.clone(), cause }
    }
}

// Whoever has only a file's bytes asks the file, so that this crate alone holds the code of every named network.

struct Outputs<'a> {
    file: &'a File,
    set: Samples<'a>,
    executor: &'a Threads,
}

impl Visitor for Outputs<'_> {
    type Output = Result<Vec<Vec<f32>>>;

    fn visit<In: Tensor, L: Layers<In>, C: Cost<L::Activation>>(self, _: &'static Named) -> Self::Output {
        let Self { file, set, executor } = self;
        let outputs = match file.element()? {
            Int8::ELEMENT => quantize::outputs::<Int8, In, L>(file.quantized()?.net, set, executor),
            Int4::ELEMENT => quantize::outputs::<Int4, In, L>(file.quantized()?.net, set, executor),
            _ => train::outputs(file.model::<In, L>()?.net, set, executor)?,
        };
        Ok(outputs.iter().map(|output| output.flat().to_vec()).collect())
    }
}

struct Logits<'a> {
    file: &'a File,
    set: Samples<'a>,
    executor: &'a Threads,
}

impl Visitor for Logits<'_> {
    type Output = Result<Vec<Vec<i16>>>;

    fn visit<In: Tensor, L: Layers<In>, C: Cost<L::Activation>>(self, _: &'static Named) -> Self::Output {
        let logits = quantize::logits::<Int8, In, L>(self.file.quantized()?.net, self.set, self.executor);
        Ok(logits.chunks(L::Out::LEN.max(1)).map(<[i16]>::to_vec).collect())
    }
}

struct WeightHash<'a> {
    file: &'a File,
}

impl Visitor for WeightHash<'_> {
    type Output = Result<u64>;

    fn visit<In: Tensor, L: Layers<In>, C: Cost<L::Activation>>(self, _: &'static Named) -> Self::Output {
        let file = self.file;
        Ok(match file.element()? {
            Int8::ELEMENT => file.quantized::<In, L, Int8>()?.net.weight_hash(),
            Int4::ELEMENT => file.quantized::<In, L, Int4>()?.net.weight_hash(),
            _ => file.model::<In, L>()?.net.weight_hash(),
        })
    }
}

/// Writes a model file, whole or not at all.
///
/// # Errors
/// Those of [`write_atomically`].
pub fn save<In: Tensor, L: Layer<In>>(path: &Path, net: &Net<In, L>, metadata: &Metadata) -> Result<()> {
    write_atomically(path, |file| model::write(net, metadata, |bytes| file.write_all(bytes)))
}

/// Writes the file of an integer network, whole or not at all.
///
/// # Errors
/// Those of [`write_atomically`].
pub fn save_quantized<In: Tensor, L: QuantLayer<In, W>, W: Weights>(
    path: &Path,
    net: Quantized<'_, Net<In, L>, W>,
    metadata: &Metadata,
) -> Result<()> {
    write_atomically(path, |file| model::write_quantized(net, metadata, |bytes| file.write_all(bytes)))
}

/// A network on the heap, all zeros: it never crosses the stack.
///
/// # Errors
/// [`Error::Memory`].
pub fn zeroed<In: Tensor, L: Layer<In>>() -> Result<Box<Net<In, L>>> {
    Net::new_box_zeroed().map_err(|_| Error::Memory { bytes: size_of::<Net<In, L>>() })
}

/// Room for a mini-batch on the heap.
///
/// # Errors
/// [`Error::Memory`].
pub fn batch<In: Tensor, L: Layer<In>>(images: usize) -> Result<Box<[Sample<In, L>]>> {
    let bytes = images.saturating_mul(size_of::<Sample<In, L>>());
    <[Sample<In, L>]>::new_box_zeroed_with_elems(images).map_err(|_| Error::Memory { bytes })
}
