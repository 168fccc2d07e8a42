//! Chapter 3: `network2.py`, overfitting and regularization, more data, initialization, learning rates.

use super::figure::{Figure, Pick};
use super::plots::{Line, Plot, Points};
use super::svm::{self, Svm};
use super::training::{self, Set, Training};
use super::{Experiment, Part, Work};
use crate::train::Hyper;
use minnet::prelude::Init;

/// Of 10,000 test images, those that the rerun of `network2.py` with large weights classified rightly.
const RERUN_CROSS_ENTROPY: [f64; 30] = [
    9076., 9163., 9301., 9291., 9345., 9341., 9404., 9363., 9438., 9436., 9459., 9391., 9454., 9453., 9456., 9453.,
    9488., 9473., 9479., 9485., 9499., 9488., 9508., 9472., 9465., 9493., 9477., 9509., 9502., 9478.,
];

/// The training set's sizes in `more_data.py`, with the accuracies it printed for the network and for the SVM.
const RERUN_MORE_DATA: [(usize, f64, f64); 9] = [
    (100, 68.62, 66.77),
    (200, 75.97, 77.60),
    (500, 85.16, 87.64),
    (1_000, 89.05, 91.38),
    (2_000, 91.05, 93.42),
    (5_000, 93.25, 95.65),
    (10_000, 94.65, 96.60),
    (20_000, 95.52, 97.25),
    (50_000, 96.25, 98.02),
];

pub(super) fn experiments() -> Vec<Experiment> {
    let mut experiments = vec![cross_entropy()];
    experiments.extend(overfitting());
    experiments.push(more_data());
    experiments.push(weight_initialization("weight-initialization-30", "784-30-10", 15));
    experiments.push(weight_initialization("weight-initialization-100", "784-100-10", 30));
    experiments.push(multiple_eta());
    experiments
}

/// What most of the chapter's programs share: mini-batches of 10 at η = 0.5 from large weights.
fn large(epochs: u32, lambda: f32) -> Hyper {
    Hyper { epochs, eta: 0.5, lambda, init: Init::Large, ..Hyper::default() }
}

fn cross_entropy() -> Experiment {
    let name = "cross-entropy";
    let training = Training { monitor: Some(Set::Test), ..Training::new("784-30-10", name, large(30, 0.0)) };
    let title = "network2.py, 784-30-10: accuracy on the test data";
    Experiment {
        about: "network2.py: the cross-entropy cost, from large weights",
        seconds: 6,
        ..Experiment::beside_rerun(name, "3", training, title, None, RERUN_CROSS_ENTROPY)
    }
}

/// The five settings of `overfitting.py`.
fn overfitting() -> Vec<Experiment> {
    struct Setting {
        name: &'static str,
        about: &'static str,
        net: &'static str,
        images: usize,
        hyper: Hyper,
        set: Set,
        /// The first epoch in the plots of the training cost and of the accuracy.
        from: usize,
        book: Option<f64>,
        rerun: Option<f64>,
        seconds: u32,
        remark: &'static str,
    }
    let settings = [
        Setting {
            name: "overfitting-1000",
            about: "overfitting.py: 1,000 images for 400 epochs, not regularized",
            net: "784-30-10",
            images: 1_000,
            hyper: large(400, 0.0),
            set: Set::Test,
            from: 200,
            book: None,
            rerun: None,
            seconds: 10,
            remark: "",
        },
        Setting {
            name: "overfitting-50000",
            about: "overfitting.py: 50,000 images for 30 epochs, not regularized",
            net: "784-30-10",
            images: 50_000,
            hyper: large(30, 0.0),
            set: Set::Test,
            from: 0,
            book: Some(95.49),
            rerun: Some(95.0),
            seconds: 8,
            remark: "",
        },
        Setting {
            name: "overfitting-1000-l2",
            about: "overfitting.py: 1,000 images for 400 epochs, lambda 0.1",
            net: "784-30-10",
            images: 1_000,
            hyper: large(400, 0.1),
            set: Set::Test,
            from: 0,
            book: None,
            rerun: None,
            seconds: 10,
            remark: "",
        },
        Setting {
            name: "overfitting-50000-l2",
            about: "overfitting.py: 50,000 images for 30 epochs, lambda 5",
            net: "784-30-10",
            images: 50_000,
            hyper: large(30, 5.0),
            set: Set::Test,
            from: 0,
            book: Some(96.49),
            rerun: Some(96.49),
            seconds: 8,
            remark: "The book's program, rewritten in NumPy, got 96.18 % on average over 8 seeds (95.97 to 96.47): \
                     96.49 % was a lucky run.",
        },
        Setting {
            name: "overfitting-100-hidden",
            about: "overfitting.py: 100 hidden neurons, 50,000 images for 30 epochs, lambda 5",
            net: "784-100-10",
            images: 50_000,
            hyper: large(30, 5.0),
            set: Set::Validation,
            from: 0,
            book: Some(97.92),
            rerun: Some(96.5),
            seconds: 14,
            remark: "",
        },
    ];
    let experiment = |setting| {
        let Setting { name, about, net, images, hyper, set, from, book, rerun, seconds, remark } = setting;
        let hyper = Hyper { monitor_training: true, ..hyper };
        let training = Training { images, monitor: Some(set), ..Training::new(net, "cross-entropy", hyper) };
        let of_set = set.name();
        let figure = |label: String, rerun, curve, pick| Figure::percent(&label, rerun, name, curve, pick);
        Experiment {
            name,
            chapter: "3",
            about,
            seconds,
            parts: vec![Part { name: name.into(), work: Work::Training(training) }],
            figures: vec![
                figure(format!("{of_set} accuracy, best epoch"), rerun, training::ACCURACY, Pick::Greatest)
                    .in_book(book),
                figure(format!("{of_set} accuracy, last epoch"), None, training::ACCURACY, Pick::Last),
                figure("training accuracy, last epoch".into(), None, training::TRAINING_ACCURACY, Pick::Last),
            ],
            plots: overfitting_plots(name, about, of_set, from),
            remark,
        }
    };
    settings.into_iter().map(experiment).collect()
}

/// The five plots of `overfitting.py`.
fn overfitting_plots(part: &str, about: &str, set: &str, from: usize) -> Vec<Plot> {
    let setting = about.trim_start_matches("overfitting.py: ");
    let plot = |name, what: String, y_label, curve, from| {
        let points = Points::Epochs { part: part.into(), curve, from };
        let line = Line { label: String::new(), points };
        Plot::over_epochs(name, &format!("{what}: {setting}"), y_label, vec![line])
    };
    let on_set = format!("on the {set} data");
    vec![
        plot("training-cost", "Cost on the training data".into(), "Cost", training::TRAINING_COST, from),
        plot("accuracy", format!("Accuracy {on_set}"), "Accuracy (%)", training::ACCURACY, from),
        plot("cost", format!("Cost {on_set}"), "Cost", training::COST, 0),
        plot(
            "training-accuracy",
            "Accuracy on the training data".into(),
            "Accuracy (%)",
            training::TRAINING_ACCURACY,
            0,
        ),
        Plot {
            lowest_y: Some(80.0),
            ..Plot::over_epochs(
                "both-accuracies",
                &format!("Accuracy: {setting}"),
                "Accuracy (%)",
                vec![
                    Line::epochs(&format!("On the {set} data"), part, training::ACCURACY),
                    Line::epochs("On the training data", part, training::TRAINING_ACCURACY),
                ],
            )
        },
    ]
}

fn more_data() -> Experiment {
    let network = |size: usize| format!("more-data-{size}");
    let machine = |size: usize| format!("svm-{size}");
    let (mut parts, mut figures) = (Vec::new(), Vec::new());
    for (size, rerun, _) in RERUN_MORE_DATA {
        // As many images are seen whatever the size, and the weights decay as fast.
        let hyper = large((1_500_000 / size) as u32, size as f32 * 0.0001);
        let training = Training::new("784-30-10", "cross-entropy", hyper);
        let training = Training { images: size, judge: Some(Set::Validation), ..training };
        parts.push(Part { name: network(size), work: Work::Training(training) });
        let label = format!("network, {size} images");
        figures.push(Figure::percent(&label, Some(rerun), &network(size), training::JUDGED_ACCURACY, Pick::Last));
    }
    for (size, _, rerun) in RERUN_MORE_DATA {
        parts.push(Part { name: machine(size), work: Work::Svm(Svm { images: size }) });
        let label = format!("SVM, {size} images");
        figures.push(Figure::percent(&label, Some(rerun), &machine(size), svm::VALIDATION_ACCURACY, Pick::Last));
    }
    let across = |label: &str, part: &dyn Fn(usize) -> String, curve| {
        let parts = RERUN_MORE_DATA.map(|(size, ..)| (size as f64, part(size))).into();
        Line { label: label.into(), points: Points::Across { parts, curve } }
    };
    let networks = |label: &str| across(label, &network, training::JUDGED_ACCURACY);
    let rerun_networks = || {
        let points = RERUN_MORE_DATA.map(|(size, network, _)| (size as f64, network)).into();
        Line { label: "Neural network, the rerun".into(), points: Points::Rerun(points) }
    };
    let plot = |name, log_x, lines| Plot {
        x_label: "Training set size",
        log_x,
        ..Plot::over_epochs(name, "More data: accuracy on the validation data", "Accuracy (%)", lines)
    };
    Experiment {
        name: "more-data",
        chapter: "3",
        about: "more_data.py: a network and an SVM with nine sizes of the training set",
        seconds: 550,
        parts,
        figures,
        plots: vec![
            plot("linear", false, vec![networks("Neural network"), rerun_networks()]),
            plot("log", true, vec![networks("Neural network"), rerun_networks()]),
            plot("combined", true, vec![networks("Neural network"), across("SVM", &machine, svm::VALIDATION_ACCURACY)]),
        ],
        remark: "The SVM needs no seed. With 50,000 images the network of the book's program, rewritten in NumPy, got 95.89 % \
                 on average over 8 seeds (94.81 to 96.30): the rerun was one of the better ones.",
    }
}

fn weight_initialization(name: &'static str, net: &'static str, seconds: u32) -> Experiment {
    let starts = [
        ("large", Init::Large, "Old approach: deviation 1"),
        ("fan-in", Init::FanIn, "New approach: deviation 1/√n_in"),
    ];
    let part = |start: &str| format!("{name}-{start}");
    let work = |init| {
        let hyper = Hyper { eta: 0.1, init, monitor_training: true, ..large(30, 5.0) };
        Work::Training(Training { monitor: Some(Set::Validation), ..Training::new(net, "cross-entropy", hyper) })
    };
    let figure = |start: &str, label: &str, pick| {
        let label = format!("{start} start: validation accuracy, {label}");
        Figure::percent(&label, None, &part(start), training::ACCURACY, pick)
    };
    Experiment {
        name,
        chapter: "3",
        about: match net {
            "784-30-10" => "weight_initialization.py: large or small weights to start with, 30 hidden neurons",
            _ => "weight_initialization.py: large or small weights to start with, 100 hidden neurons",
        },
        seconds,
        parts: starts.iter().map(|&(start, init, _)| Part { name: part(start), work: work(init) }).collect(),
        figures: starts
            .iter()
            .flat_map(|&(start, ..)| {
                [figure(start, "first epoch", Pick::First), figure(start, "best epoch", Pick::Greatest)]
            })
            .collect(),
        plots: vec![Plot {
            lowest_y: Some(80.0),
            ..Plot::over_epochs(
                "",
                &format!("Weight initialization, {net}: accuracy on the validation data"),
                "Accuracy (%)",
                starts.iter().map(|&(start, _, label)| Line::epochs(label, &part(start), training::ACCURACY)).collect(),
            )
        }],
        remark: "",
    }
}

fn multiple_eta() -> Experiment {
    let rates = [0.025, 0.25, 2.5];
    let part = |eta: f32| format!("multiple-eta-{eta}");
    let work = |eta| {
        let hyper = Hyper { eta, init: Init::FanIn, monitor_training: true, ..large(30, 5.0) };
        Work::Training(Training {
            monitor: Some(Set::Validation),
            ..Training::new("784-30-10", "cross-entropy", hyper)
        })
    };
    Experiment {
        name: "multiple-eta",
        chapter: "3",
        about: "multiple_eta.py: three learning rates",
        seconds: 24,
        parts: rates.iter().map(|&eta| Part { name: part(eta), work: work(eta) }).collect(),
        figures: rates
            .iter()
            .map(|&eta| Figure {
                label: format!("η = {eta}: training cost, last epoch"),
                book: None,
                rerun: None,
                unit: super::figure::Unit::Number,
                part: part(eta),
                curve: training::TRAINING_COST,
                pick: Pick::Last,
            })
            .collect(),
        plots: vec![Plot::over_epochs(
            "",
            "Learning rates, 784-30-10: cost on the training data",
            "Cost",
            rates.iter().map(|&eta| Line::epochs(&format!("η = {eta}"), &part(eta), training::TRAINING_COST)).collect(),
        )],
        remark: "",
    }
}
