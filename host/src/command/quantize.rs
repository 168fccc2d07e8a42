//! `host quantize`

use super::{Resources, command_line, grouped, percent, print, print_json, short};
use clap::{Args, ValueEnum};
use host::data::Mnist;
use host::error::{Error, Result};
use host::executor::Threads;
use host::file::check_writable;
use host::model::{self, File};
use host::nets::{self, Layers, Named, Visitor};
use host::quantize::{Finetune, finetune, outputs, quantize};
use host::train::{self, Score};
use minnet::model::ELEMENT_F32;
use minnet::prelude::*;
use minnet::quant::{Int4, Int8, QuantLayer, Quantized, Weights};
use serde::Serialize;
use std::fmt::Write;
use std::path::PathBuf;

#[derive(Args)]
pub struct Arguments {
    /// A float model, as `host train` writes it
    model: PathBuf,
    /// The width of the weights
    #[arg(long, value_enum, default_value = "8")]
    bits: Bits,
    /// Train for N more epochs with rounded weights: what 4 bits want
    #[arg(long, value_name = "N", default_value_t = 0)]
    finetune: u32,
    /// The learning rate η of the first of these epochs; the last one's is a twentieth
    #[arg(long, value_name = "RATE", default_value_t = 0.02, value_parser = super::train::positive)]
    eta: f32,
    /// The seed of these epochs
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The model to write [default: the model's name with -int8 or -int4]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    resources: Resources,
}

#[derive(Clone, Copy, ValueEnum)]
enum Bits {
    /// Weights of 8 bits
    #[value(name = "8")]
    Eight,
    /// Weights of 4 bits
    #[value(name = "4")]
    Four,
}

/// Training images whose activations' ranges are taken.
const CALIBRATION: usize = 5_000;

pub fn run(arguments: Arguments) -> Result<()> {
    let file = File::read(&arguments.model)?;
    if file.element()? != ELEMENT_F32 {
        return Err(Error::QuantizedAlready { path: arguments.model });
    }
    let name = match arguments.bits {
        Bits::Eight => "int8",
        Bits::Four => "int4",
    };
    let stem = arguments.model.file_stem().unwrap_or_default().to_string_lossy();
    let default = arguments.model.with_file_name(format!("{stem}-{name}.minnet"));
    let out = arguments.out.clone().unwrap_or(default);
    check_writable(&out)?;
    let executor = arguments.resources.executor()?;
    let mnist = arguments.resources.mnist()?;
    nets::visit(file.named()?, Quantize { arguments, file, out, executor, mnist }).unwrap_or(Ok(()))
}

struct Quantize {
    arguments: Arguments,
    file: File,
    out: PathBuf,
    executor: Threads,
    mnist: Mnist,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    net: &'static str,
    weights: &'static str,
    float: Scores,
    integer: Scores,
    float_flash_bytes: usize,
    flash_bytes: usize,
    float_ram_bytes: usize,
    ram_bytes: usize,
    model: PathBuf,
}

#[derive(Clone, Copy, Serialize)]
struct Scores {
    validation: Score,
    test: Score,
}

impl Visitor for Quantize {
    type Output = Result<()>;

    fn visit<In: Tensor, L: Layers<In>, C: Cost<L::Activation>>(self, named: &'static Named) -> Result<()> {
        let report = match self.arguments.bits {
            Bits::Eight => self.with::<Int8, In, L, C>(named)?,
            Bits::Four => self.with::<Int4, In, L, C>(named)?,
        };
        if self.arguments.json { print_json(&report) } else { print(&report.text()) }
    }
}

impl Quantize {
    fn with<W: Weights, In: Tensor, L: QuantLayer<In, W>, C: Cost<L::Activation>>(
        &self,
        named: &'static Named,
    ) -> Result<Report> {
        let Self { arguments, file, out, executor, mnist } = self;
        let (training, validation) = mnist.split();
        let sets = [validation, mnist.test.samples()];
        let original = file.model::<In, L>()?;
        let scores = |[validation, test]: [Score; 2]| Scores { validation, test };
        let float = scores([
            train::evaluate::<In, L, C>(original.net, sets[0], executor)?,
            train::evaluate::<In, L, C>(original.net, sets[1], executor)?,
        ]);

        let mut net = model::copy(original.net)?;
        if arguments.finetune > 0 {
            let settings = Finetune {
                epochs: arguments.finetune,
                batch: 10,
                eta: arguments.eta,
                final_eta: arguments.eta / 20.0,
                seed: arguments.seed,
            };
            let observe = &mut |epoch, score: Score| {
                let Score { right, images, .. } = score;
                eprintln!("epoch {epoch}/{}: validation {right} / {images}", settings.epochs);
            };
            finetune::<W, In, L, C>(&mut net, training, validation, &settings, executor, observe)?;
        }
        let block = quantize::<W, In, L>(&net, training.split_at(CALIBRATION).0);
        let integers = Quantized::<Net<In, L>, W>::new(&block)
            .ok_or(Error::Model { path: arguments.model.clone(), cause: ModelError::Scale })?;
        let integer = scores(sets.map(|set| train::score::<L::Out, _, C>(&outputs(integers, set, executor), set)));
        let metadata = Metadata {
            validation_accuracy: integer.validation.accuracy() as f32,
            test_accuracy: integer.test.accuracy() as f32,
            command: short(&command_line()),
            ..original.metadata
        };
        model::save_quantized(out, integers, &metadata)?;
        Ok(Report {
            net: named.name,
            weights: W::NAME,
            float,
            integer,
            float_flash_bytes: named.flash_bytes,
            flash_bytes: Quantized::<Net<In, L>, W>::FLASH_BYTES,
            float_ram_bytes: named.ram_bytes,
            ram_bytes: Quantized::<Net<In, L>, W>::RAM_BYTES,
            model: out.clone(),
        })
    }
}

impl Report {
    fn text(&self) -> String {
        let mut text = format!("{}, {} weights\n\n{:12}{:>12}{:>12}\n", self.net, self.weights, "", "floats", "integers");
        let share = |score: Score| percent(score.accuracy());
        for (what, float, integer) in [
            ("validation", share(self.float.validation), share(self.integer.validation)),
            ("test", share(self.float.test), share(self.integer.test)),
            ("flash", grouped(self.float_flash_bytes), grouped(self.flash_bytes)),
            ("RAM", grouped(self.float_ram_bytes), grouped(self.ram_bytes)),
        ] {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{what:12}{float:>12}{integer:>12}");
        }
        let model = self.model.display();
        let _ = writeln!(text, "\nmodel: {model}\n\nNext:\n  {} eval {model}", super::program());
        text
    }
}
