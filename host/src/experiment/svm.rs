//! The book's `mnist_svm.py`: a support vector machine with scikit-learn's defaults, C = 1, the Gaussian kernel
//! e^(-γ|x - y|²) and γ = 1 / (pixels · variance of all pixels).
//!
//! The machines are LIBSVM's, in the library `libsvm-rs`. Ten classes take 45 machines, one against one; the library
//! trains them one after another, so here each is a problem of its own, on a thread of its own, and they are put
//! together into one model, in which machines share support vectors.

use super::training::Set;
use super::{Curves, Lab};
use crate::data::Image;
use crate::samples::Samples;
use libsvm_rs::predict::predict_values;
use libsvm_rs::train::svm_train;
use libsvm_rs::{SvmModel, SvmNode, SvmParameter, SvmProblem};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A machine to train and to measure on the validation and the test images.
#[derive(Clone, Debug, Serialize)]
pub struct Svm {
    /// The first so many of the training images; all if there are fewer.
    pub images: usize,
}

/// The share of validation images classified rightly, in percent.
pub const VALIDATION_ACCURACY: &str = "validation accuracy";
/// The share of test images classified rightly, in percent.
pub const TEST_ACCURACY: &str = "test accuracy";

impl Svm {
    pub(super) fn run(&self, lab: &Lab<'_>) -> Curves {
        let (training, _) = lab.mnist.split().0.split_at(self.images);
        lab.observer.line(&format!("Training SVM with data set size {}", training.len()));
        let model = lab.executor.run(|| train(training, lab));
        let sets = [(VALIDATION_ACCURACY, Set::Validation), (TEST_ACCURACY, Set::Test)];
        let measure = |(name, set): (&str, Set)| {
            let images = set.of(lab.mnist);
            let right = lab.executor.run(|| count_right(&model, images, lab));
            lab.observer.line(&format!("{right} of {} {} values correct.", images.len(), set.name()));
            (name.to_owned(), vec![100.0 * right as f64 / images.len().max(1) as f64])
        };
        sets.map(measure).into()
    }
}

/// A digit as the library takes it: the pixels that are not 0, from 0 to 1.
fn nodes(image: &Image) -> Vec<SvmNode> {
    let pixels = (1..).zip(image).filter(|&(_, &pixel)| pixel > 0);
    pixels.map(|(index, &pixel)| SvmNode { index, value: f64::from(pixel) / 256.0 }).collect()
}

/// scikit-learn's `gamma="scale"`; 1 where all pixels are equal.
fn gamma(set: Samples<'_>) -> f64 {
    let pixels = || set.digits().flat_map(|(image, _)| image).map(|&pixel| f64::from(pixel) / 256.0);
    let count = (784 * set.len()) as f64;
    let mean = pixels().sum::<f64>() / count;
    let variance = pixels().map(|pixel| (pixel - mean) * (pixel - mean)).sum::<f64>() / count;
    if variance > 0.0 { 1.0 / (784.0 * variance) } else { 1.0 }
}

fn train(set: Samples<'_>, lab: &Lab<'_>) -> SvmModel {
    let mut classes = BTreeMap::<u16, Vec<Vec<SvmNode>>>::new();
    for (image, label) in set.digits() {
        classes.entry(label).or_default().push(nodes(image));
    }
    let (labels, classes): (Vec<u16>, Vec<Vec<Vec<SvmNode>>>) = classes.into_iter().unzip();
    // The library's other defaults are LIBSVM's, as scikit-learn's are, up to the size of the cache.
    let param = SvmParameter { gamma: gamma(set), cache_size: 200.0, ..SvmParameter::default() };
    libsvm_rs::set_quiet(true);

    let pairs: Vec<(usize, usize)> =
        (0..labels.len()).flat_map(|a| (a + 1..labels.len()).map(move |b| (a, b))).collect();
    let done = AtomicUsize::new(0);
    let machines: Vec<Machine> = pairs
        .par_iter()
        .with_max_len(1)
        .map(|&(a, b)| {
            let machine = Machine::train(&classes[a], &classes[b], &param);
            lab.observer.progress(done.fetch_add(1, Ordering::Relaxed) + 1, pairs.len());
            machine
        })
        .collect();
    assemble(param, &labels, classes, &pairs, &machines)
}

/// One class against another.
struct Machine {
    /// The coefficient of each image of the first class, then of the second; 0 where it is no support vector.
    coefficients: Vec<f64>,
    rho: f64,
}

impl Machine {
    fn train(first: &[Vec<SvmNode>], second: &[Vec<SvmNode>], param: &SvmParameter) -> Self {
        let instances: Vec<Vec<SvmNode>> = first.iter().chain(second).cloned().collect();
        let labels = (0..instances.len()).map(|index| if index < first.len() { 1.0 } else { -1.0 }).collect();
        let model = svm_train(&SvmProblem { labels, instances }, param);
        let mut coefficients = vec![0.0; first.len() + second.len()];
        let support = model.sv_indices.iter().zip(model.sv_coef.iter().flatten());
        for (&index, &coefficient) in support {
            // The library counts from 1.
            coefficients[index - 1] = coefficient;
        }
        Self { coefficients, rho: model.rho.first().copied().unwrap_or(0.0) }
    }
}

/// LIBSVM's layout: support vectors by class, and for each of them a coefficient for each other class, in the order of
/// the classes without its own.
fn assemble(
    param: SvmParameter,
    labels: &[u16],
    classes: Vec<Vec<Vec<SvmNode>>>,
    pairs: &[(usize, usize)],
    machines: &[Machine],
) -> SvmModel {
    let others = labels.len().saturating_sub(1);
    let mut coefficients: Vec<Vec<Vec<f64>>> =
        classes.iter().map(|class| vec![vec![0.0; others]; class.len()]).collect();
    for (&(a, b), machine) in pairs.iter().zip(machines) {
        let (first, second) = machine.coefficients.split_at(classes[a].len());
        for (row, &coefficient) in coefficients[a].iter_mut().zip(first) {
            row[b - 1] = coefficient;
        }
        for (row, &coefficient) in coefficients[b].iter_mut().zip(second) {
            row[a] = coefficient;
        }
    }
    let mut model = SvmModel {
        param,
        nr_class: labels.len(),
        sv: Vec::new(),
        sv_coef: vec![Vec::new(); others],
        rho: machines.iter().map(|machine| machine.rho).collect(),
        prob_a: Vec::new(),
        prob_b: Vec::new(),
        prob_density_marks: Vec::new(),
        sv_indices: Vec::new(),
        label: labels.iter().map(|&label| i32::from(label)).collect(),
        n_sv: Vec::new(),
    };
    for (class, rows) in classes.into_iter().zip(coefficients) {
        let before = model.sv.len();
        for (image, row) in class.into_iter().zip(rows) {
            if row.iter().any(|&coefficient| coefficient != 0.0) {
                model.sv.push(image);
                for (column, coefficient) in model.sv_coef.iter_mut().zip(row) {
                    column.push(coefficient);
                }
            }
        }
        model.n_sv.push(model.sv.len() - before);
    }
    model
}

fn count_right(model: &SvmModel, set: Samples<'_>, lab: &Lab<'_>) -> usize {
    let done = AtomicUsize::new(0);
    let digits: Vec<_> = set.digits().collect();
    let right = digits.into_par_iter().filter(|&(image, label)| {
        lab.observer.progress(done.fetch_add(1, Ordering::Relaxed) + 1, set.len());
        classify(model, &nodes(image)) == Some(i32::from(label))
    });
    right.count()
}

/// The class with most votes; of equals the first, as in LIBSVM and scikit-learn. (The library takes the last.)
fn classify(model: &SvmModel, image: &[SvmNode]) -> Option<i32> {
    let classes = model.nr_class;
    let mut decisions = vec![0.0; classes * classes.saturating_sub(1) / 2];
    if classes > 1 {
        predict_values(model, image, &mut decisions);
    }
    let mut votes = vec![0; classes];
    let mut decisions = decisions.into_iter();
    for a in 0..classes {
        for b in a + 1..classes {
            votes[if decisions.next()? > 0.0 { a } else { b }] += 1;
        }
    }
    let most = votes.iter().max()?;
    let first = votes.iter().position(|count| count == most)?;
    model.label.get(first).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Dataset, Mnist, default_directory};
    use crate::executor::{Threads, Vectors};
    use crate::experiment::Observer;

    struct Nobody;

    impl Observer for Nobody {
        fn line(&self, _: &str) {}

        fn progress(&self, _: usize, _: usize) {}
    }

    #[test]
    fn machines_put_together_are_the_library_s_own_model() {
        let mnist = Mnist::load(&default_directory().unwrap()).unwrap();
        let executor = Threads::new(2, Vectors::detect()).unwrap();
        let lab = Lab { mnist: &mnist, executor: &executor, observer: &Nobody };
        let (training, rest) = mnist.train.samples().split_at(300);
        // The library numbers classes as they come; scikit-learn sorts them first.
        let mut sorted: Vec<(&Image, u16)> = training.digits().collect();
        sorted.sort_by_key(|&(_, label)| label);
        let problem = SvmProblem {
            labels: sorted.iter().map(|&(_, label)| f64::from(label)).collect(),
            instances: sorted.iter().map(|&(image, _)| nodes(image)).collect(),
        };
        let ours = train(training, &lab);
        let theirs = svm_train(&problem, &ours.param);
        assert_eq!((&ours.sv, &ours.n_sv, &ours.label), (&theirs.sv, &theirs.n_sv, &theirs.label));
        assert_eq!((&ours.sv_coef, &ours.rho), (&theirs.sv_coef, &theirs.rho));
        let set = rest.split_at(200).0;
        assert!(count_right(&ours, set, &lab) > 150);
    }

    #[test]
    fn a_set_of_one_class_is_that_class() {
        let mnist = Mnist {
            train: Dataset { images: vec![[1; 784]; 6], labels: vec![4; 6] },
            test: Dataset { images: vec![[2; 784]], labels: vec![4] },
        };
        let executor = Threads::new(1, Vectors::detect()).unwrap();
        let curves = Svm { images: 10 }.run(&Lab { mnist: &mnist, executor: &executor, observer: &Nobody });
        assert_eq!(curves[TEST_ACCURACY], [100.0]);
    }
}
