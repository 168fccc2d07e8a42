//! The book's programs as experiments: what each one computes, what the book and its rerun printed, and what is plotted.
//!
//! An [`Experiment`] is a table; each chapter of the book has a file of them. Its parts are the pieces of work whose
//! results are kept on disk ([`store`]), so that a run which was cut short goes on where it stopped.

mod chapter1;
mod chapter2;
mod chapter3;
mod chapter5;
mod chapter6;
mod darkness;
pub mod figure;
mod gradients;
pub mod plots;
pub mod report;
pub mod store;
mod svm;
mod training;
mod xor;

use crate::data::{Dataset, Mnist};
use crate::error::{Error, Result};
use crate::executor::Threads;
use figure::{Figure, Pick};
use gradients::Gradients;
use plots::{Line, Plot};
use serde::Serialize;
use std::collections::BTreeMap;
use svm::Svm;
use training::Training;
use xor::Xor;

/// One of the book's programs.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// Its name on the command line.
    pub name: &'static str,
    /// Where the book has it.
    pub chapter: &'static str,
    /// What it shows.
    pub about: &'static str,
    /// Seconds that one seed takes on two cores, roughly.
    pub seconds: u32,
    /// Its pieces of work.
    pub parts: Vec<Part>,
    /// What of the results goes into the table, beside what the book and its rerun printed.
    pub figures: Vec<Figure>,
    /// What of the results is drawn.
    pub plots: Vec<Plot>,
    /// What is done otherwise than in the book, and why; empty if nothing.
    pub remark: &'static str,
}

/// A piece of work, whose results are kept as one.
#[derive(Clone, Debug)]
pub struct Part {
    /// What its results are kept under; experiments that share a part name it alike.
    pub name: String,
    /// What is done.
    pub work: Work,
}

/// What a part does.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// Trains a network.
    Training(Training),
    /// Guesses digits by how dark they are.
    Darkness,
    /// Trains a support vector machine.
    Svm(Svm),
    /// Learns XOR.
    Xor(Xor),
    /// Watches the gradients of a deep network.
    Gradients(Gradients),
}

/// Results: under each name a number for each epoch or step, or a single one.
pub type Curves = BTreeMap<String, Vec<f64>>;

/// What all experiments work with.
pub struct Lab<'a> {
    /// The digits; those that take none may get none.
    pub mnist: &'a Mnist,
    /// Who does the work.
    pub executor: &'a Threads,
    /// Who is told of it.
    pub observer: &'a dyn Observer,
}

/// Who is told how the work goes on.
pub trait Observer: Sync {
    /// A line as the book's program prints it.
    fn line(&self, line: &str);

    /// So many pieces of all are done.
    fn progress(&self, done: usize, all: usize);
}

impl Work {
    /// Does the work. The same seed gives the same results, with any number of threads.
    ///
    /// # Errors
    /// Those of training.
    pub fn run(&self, seed: u64, lab: &Lab<'_>) -> Result<Curves> {
        match self {
            Self::Training(training) => training.run(seed, lab),
            Self::Darkness => Ok(darkness::run(lab)),
            Self::Svm(svm) => Ok(svm.run(lab)),
            Self::Xor(xor) => xor.run(seed, lab),
            Self::Gradients(gradients) => gradients.run(seed, lab),
        }
    }

    /// Whether it takes digits.
    pub fn takes_digits(&self) -> bool {
        !matches!(self, Self::Xor(_))
    }

    /// Whether the seed changes the results.
    pub fn is_seeded(&self) -> bool {
        !matches!(self, Self::Darkness | Self::Svm(_))
    }

    /// The same work for a look whether it runs at all: few epochs.
    fn quick(self) -> Self {
        match self {
            Self::Training(training) => Self::Training(training.quick()),
            Self::Gradients(gradients) => Self::Gradients(gradients.quick()),
            Self::Darkness | Self::Svm(_) | Self::Xor(_) => self,
        }
    }
}

impl Experiment {
    /// A training run beside what the rerun printed: how many of the 10,000 monitored images were right after each epoch;
    /// and the best of these in the book, if it prints that.
    fn beside_rerun(
        name: &'static str,
        chapter: &'static str,
        training: Training,
        title: &str,
        book: Option<f64>,
        rerun: [f64; 30],
    ) -> Self {
        let set = training.monitor.map_or("", training::Set::name);
        let rerun = rerun.map(|right| right / 100.0);
        let figure = |epoch: &str, pick: Pick| {
            Figure::percent(&format!("{set} accuracy, {epoch} epoch"), pick.of(&rerun), name, training::ACCURACY, pick)
        };
        let lines = vec![Line::epochs("Here", name, training::ACCURACY), Line::rerun(&rerun)];
        Self {
            name,
            chapter,
            about: "",
            seconds: 0,
            figures: vec![figure("best", Pick::Greatest).in_book(book), figure("last", Pick::Last)],
            plots: vec![Plot::over_epochs("", title, "Accuracy (%)", lines)],
            parts: vec![Part { name: name.into(), work: Work::Training(training) }],
            remark: "",
        }
    }

    /// The same experiment for a look whether it runs at all, in seconds: few epochs. See [`few_images`].
    pub fn quick(mut self) -> Self {
        self.parts = self.parts.into_iter().map(|part| Part { work: part.work.quick(), ..part }).collect();
        self.plots = self.plots.into_iter().map(Plot::whole).collect();
        self
    }
}

/// What a quick run takes of a data set: at most 120 training images (a sixth of them validate) and 50 test images.
pub fn few_images(mut mnist: Mnist) -> Mnist {
    let cut = |set: &mut Dataset, count| {
        set.images.truncate(count);
        set.labels.truncate(count);
    };
    cut(&mut mnist.train, 120);
    cut(&mut mnist.test, 50);
    mnist
}

/// Every experiment, in the order of the book.
pub fn all() -> Vec<Experiment> {
    let chapters = [
        chapter1::experiments(),
        chapter2::experiments(),
        chapter3::experiments(),
        chapter5::experiments(),
        chapter6::experiments(),
    ];
    chapters.into_iter().flatten().collect()
}

/// The experiment of this name.
///
/// # Errors
/// [`Error::UnknownExperiment`], with the nearest known name.
pub fn find(name: &str) -> Result<Experiment> {
    let mut all = all();
    match all.iter().position(|experiment| experiment.name == name) {
        Some(index) => Ok(all.swap_remove(index)),
        None => {
            let nearest =
                all.iter().map(|experiment| experiment.name).min_by_key(|known| strsim::levenshtein(known, name));
            Err(Error::UnknownExperiment { name: name.to_owned(), nearest: nearest.unwrap_or_default() })
        }
    }
}

#[cfg(test)]
mod tests;
