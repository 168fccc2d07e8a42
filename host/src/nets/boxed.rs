//! A named network on the heap, whose type is no longer seen: for programs that know only its name.

use super::{Layers, Named, Visitor, visit};
use crate::data::Samples;
use crate::error::{Error, Result};
use crate::executor::Threads;
use crate::model::{self, File};
use crate::quantize::{self, Bits, Finetune};
use crate::train::{self, History, Hyper, Observe, Score};
use minnet::prelude::*;
use minnet::quant::{Int4, Int8, QuantLayer, Quantized, Weights};
use std::marker::PhantomData;
use std::path::Path;

/// What can be done with a network and its cost without knowing their types.
pub trait Boxed: Send {
    /// As [`train::train`].
    ///
    /// # Errors
    /// Those of [`train::train`].
    fn train(
        &mut self,
        training: Samples<'_>,
        validation: Samples<'_>,
        hyper: &Hyper,
        executor: &Threads,
        observe: &mut Observe<'_>,
    ) -> Result<History>;

    /// As [`train::evaluate`], on the executor's threads.
    ///
    /// # Errors
    /// Those of [`train::evaluate`].
    fn evaluate(&self, set: Samples<'_>, executor: &Threads) -> Result<Score>;

    /// As [`model::save`].
    ///
    /// # Errors
    /// Those of [`model::save`].
    fn save(&self, path: &Path, metadata: &Metadata) -> Result<()>;

    /// As [`Net::weight_hash`].
    fn weight_hash(&self) -> u64;

    /// Takes the weights of the float network in a model file, and gives what the file says of it.
    ///
    /// # Errors
    /// Those of [`File::model`].
    fn load(&mut self, file: &File) -> Result<Metadata>;

    /// As [`quantize::finetune`].
    ///
    /// # Errors
    /// Those of [`quantize::finetune`].
    fn finetune(
        &mut self,
        bits: Bits,
        training: Samples<'_>,
        validation: Samples<'_>,
        settings: &Finetune,
        executor: &Threads,
        observe: &mut (dyn FnMut(u32, Score) + Send),
    ) -> Result<()>;

    /// The integer form of the network, the ranges of its activations taken from `calibration`.
    ///
    /// # Errors
    /// [`Error::Memory`].
    fn quantize(&self, bits: Bits, calibration: Samples<'_>) -> Result<Box<dyn Integers>>;
}

/// What can be done with an integer network without knowing its type.
pub trait Integers: Send + Sync {
    /// Bytes of flash that it takes.
    fn flash_bytes(&self) -> usize;

    /// Bytes of RAM that an inference takes.
    fn ram_bytes(&self) -> usize;

    /// Measures it on a set of images.
    fn evaluate(&self, set: Samples<'_>, executor: &Threads) -> Score;

    /// As [`model::save_quantized`].
    ///
    /// # Errors
    /// Those of [`model::save_quantized`].
    fn save(&self, path: &Path, metadata: &Metadata) -> Result<()>;
}

/// The network that `net` describes, all zeros.
///
/// # Errors
/// [`Error::Memory`].
pub fn zeroed(net: &'static Named) -> Result<Box<dyn Boxed>> {
    visit(net, Zeroed).unwrap_or_else(|| Err(Error::UnknownNet { name: net.name.into(), nearest: super::DEFAULT }))
}

struct Zeroed;

impl Visitor for Zeroed {
    type Output = Result<Box<dyn Boxed>>;

    fn visit<In: Tensor, L: Layers<In>, C: Cost<L::Activation>>(self, _: &'static Named) -> Self::Output {
        Ok(Box::new(Typed::<In, L, C> { net: model::zeroed()?, cost: PhantomData }))
    }
}

struct Typed<In: Tensor, L: Layer<In>, C> {
    net: Box<Net<In, L>>,
    cost: PhantomData<fn() -> C>,
}

impl<In: Tensor, L: Layers<In>, C: Cost<L::Activation>> Boxed for Typed<In, L, C> {
    fn train(
        &mut self,
        training: Samples<'_>,
        validation: Samples<'_>,
        hyper: &Hyper,
        executor: &Threads,
        observe: &mut Observe<'_>,
    ) -> Result<History> {
        train::train::<In, L, C>(&mut self.net, training, validation, hyper, executor, observe)
    }

    fn evaluate(&self, set: Samples<'_>, executor: &Threads) -> Result<Score> {
        executor.run(|| train::evaluate::<In, L, C>(&self.net, set, executor))
    }

    fn save(&self, path: &Path, metadata: &Metadata) -> Result<()> {
        model::save(path, &self.net, metadata)
    }

    fn weight_hash(&self) -> u64 {
        self.net.weight_hash()
    }

    fn load(&mut self, file: &File) -> Result<Metadata> {
        let Model { net, metadata } = file.model::<In, L>()?;
        let mut values = Vec::with_capacity(Net::<In, L>::PARAMETERS);
        train::snapshot(net, &mut values);
        train::restore(&mut self.net, &values);
        Ok(metadata)
    }

    fn finetune(
        &mut self,
        bits: Bits,
        training: Samples<'_>,
        validation: Samples<'_>,
        settings: &Finetune,
        executor: &Threads,
        observe: &mut (dyn FnMut(u32, Score) + Send),
    ) -> Result<()> {
        let finetune = match bits {
            Bits::Eight => quantize::finetune::<Int8, In, L, C>,
            Bits::Four => quantize::finetune::<Int4, In, L, C>,
        };
        finetune(&mut self.net, training, validation, settings, executor, observe)
    }

    fn quantize(&self, bits: Bits, calibration: Samples<'_>) -> Result<Box<dyn Integers>> {
        Ok(match bits {
            Bits::Eight => Box::new(Block::<Int8, In, L, C>::of(&self.net, calibration)),
            Bits::Four => Box::new(Block::<Int4, In, L, C>::of(&self.net, calibration)),
        })
    }
}

/// What a network is, without holding any of it.
type Kind<In, L, C> = fn() -> (In, L, C);

/// The bytes of an integer network.
struct Block<W, In, L, C> {
    bytes: Vec<u8>,
    kind: PhantomData<(W, Kind<In, L, C>)>,
}

impl<W: Weights, In: Tensor, L: QuantLayer<In, W>, C> Block<W, In, L, C> {
    fn of(net: &Net<In, L>, calibration: Samples<'_>) -> Self {
        Self { bytes: quantize::quantize::<W, In, L>(net, calibration), kind: PhantomData }
    }

    fn net(&self) -> Quantized<'_, Net<In, L>, W> {
        Quantized::unchecked(self.bytes.as_chunks().0)
    }
}

impl<W: Weights, In: Tensor, L: QuantLayer<In, W>, C: Cost<L::Activation>> Integers for Block<W, In, L, C> {
    fn flash_bytes(&self) -> usize {
        Quantized::<Net<In, L>, W>::FLASH_BYTES
    }

    fn ram_bytes(&self) -> usize {
        Quantized::<Net<In, L>, W>::RAM_BYTES
    }

    fn evaluate(&self, set: Samples<'_>, executor: &Threads) -> Score {
        train::score::<L::Out, _, C>(&quantize::outputs(self.net(), set, executor), set)
    }

    fn save(&self, path: &Path, metadata: &Metadata) -> Result<()> {
        model::save_quantized(path, self.net(), metadata)
    }
}
