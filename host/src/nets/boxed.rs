//! A named network on the heap, whose type is no longer seen: for programs that know only its name.

use super::{Layers, Named, Visitor, visit};
use crate::data::Samples;
use crate::error::{Error, Result};
use crate::executor::Threads;
use crate::model;
use crate::train::{self, History, Hyper, Observe, Score};
use minnet::prelude::*;
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

impl<In: Tensor, L: Layer<In>, C: Cost<L::Activation>> Boxed for Typed<In, L, C> {
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
}
