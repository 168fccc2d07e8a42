//! `cargo xtask zoo`: the networks of `models/zoo`, made from nothing, judged over five seeds, and the small ones run on
//! emulated boards. What came out stays in docs/zoo.json; an interrupted run goes on where it stopped.
//!
//! The settings were chosen with the first 50,000 and the last 10,000 training images. Here a network trains on all
//! 60,000, and its figure is that of its form in integers on the test images; of the large one, that in floats.

mod cards;
mod table;

use super::document::rewrite;
use super::{do_all, own_data, replace, threads_each};
use crate::{Error, host, suite};
use cards::Card;
use emulator::{process, top};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// What to make.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// These networks only
    #[arg(value_name = "NAME", value_parser = ENTRIES.map(|entry| entry.name))]
    names: Vec<String>,
    /// Make them anew, even if docs/zoo.json has them
    #[arg(long, requires = "names")]
    again: bool,
    /// Train on these data only
    #[arg(long, value_name = "DATA", value_parser = Data::ALL.map(Data::name))]
    data: Option<String>,
    /// Seeds 1 to N
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    seeds: u32,
    /// Train so many at a time, each on its share of the cores
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    jobs: u32,
}

/// A network of the zoo.
struct Entry {
    /// Its name: the flash that it may take, in kB of 1,000 bytes.
    name: &'static str,
    /// As a text.
    net: &'static str,
    /// Passes over the training images.
    epochs: &'static str,
    form: Form,
    /// The emulated boards whose memory is enough for the program `serve` with it.
    boards: &'static [&'static str],
}

/// What is judged, and is the network's file.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// The integer network; the file in floats lies beside it.
    Integers,
    /// The network in floats, on a PC.
    Floats,
}

/// What every network is trained with.
const SETTINGS: &str = "--batch 100 --optimizer adamw --eta 0.015 --weight-decay 0.01 --schedule cosine --warmup 1 \
                        --batch-norm --freeze-norm 2";
/// How its images are changed.
const AUGMENT: &str = "shift 1, rotate 8, scale 8, shear 5, elastic 1.8";

const ENTRIES: [Entry; 7] = [
    Entry {
        name: "2k",
        net: "28x28x1: conv5x5 6 maxpool2 relu int4, conv3x3 12 maxpool2 relu int2, conv3x3 18 relu int2, flatten, \
              dense 20 relu int2, dense 10 softmax int4",
        epochs: "60",
        form: Form::Integers,
        boards: &["stm32f405", "microbit"],
    },
    Entry {
        name: "3.2k",
        net: "28x28x1: conv5x5 8 stride 2 relu int4, conv3x3 12 maxpool2 relu int2, conv3x3 24 relu int2, flatten, \
              dense 30 relu int2, dense 10 softmax int4",
        epochs: "100",
        form: Form::Integers,
        boards: &["stm32f405", "microbit"],
    },
    Entry {
        name: "5.4k",
        net: "28x28x1: conv5x5 8 maxpool2 relu int4, conv3x3 24 same maxpool2 relu int2, conv3x3 32 relu int2, \
              conv3x3 32 relu int2, flatten, dense 10 softmax int2",
        epochs: "60",
        form: Form::Integers,
        boards: &["stm32f405", "microbit"],
    },
    Entry {
        name: "8k",
        net: "28x28x1: conv5x5 10 maxpool2 relu int4, conv3x3 28 same maxpool2 relu int2, conv3x3 40 relu int2, \
              conv3x3 40 relu int2, flatten, dense 10 softmax int2",
        epochs: "60",
        form: Form::Integers,
        boards: &["stm32f405", "microbit"],
    },
    Entry {
        name: "11k",
        net: "28x28x1: conv5x5 10 maxpool2 relu int4, conv3x3 32 same maxpool2 relu int2, conv3x3 48 relu int2, \
              conv3x3 48 relu int2, flatten, dense 10 softmax int2",
        epochs: "60",
        form: Form::Integers,
        boards: &["stm32f405", "microbit"],
    },
    Entry {
        name: "16k",
        net: "28x28x1: conv5x5 12 maxpool2 relu int4, conv3x3 40 same maxpool2 relu int2, conv3x3 58 relu int2, \
              conv3x3 58 relu int2, flatten, dense 10 softmax int2",
        epochs: "60",
        form: Form::Integers,
        boards: &["stm32f405", "microbit"],
    },
    Entry {
        name: "large",
        net: "28x28x1: conv5x5 16 maxpool2 relu, conv3x3 48 same maxpool2 relu, conv3x3 96 same relu, conv3x3 96 relu, \
              flatten, dense 10 softmax",
        epochs: "30",
        form: Form::Floats,
        boards: &[],
    },
];

/// What the networks learn.
#[derive(Clone, Copy, PartialEq)]
enum Data {
    /// The repository's own.
    Digits,
    /// Fashion-MNIST.
    Fashion,
}

impl Data {
    const ALL: [Self; 2] = [Self::Digits, Self::Fashion];

    const fn name(self) -> &'static str {
        match self {
            Self::Digits => "digits",
            Self::Fashion => "fashion",
        }
    }

    /// The directory that `--data` is to name; none for the repository's own.
    fn place(self, root: &Path) -> Result<Option<String>, Error> {
        match self {
            Self::Digits => Ok(None),
            Self::Fashion => Ok(Some(own_data::fashion(root)?.display().to_string())),
        }
    }
}

/// How a network did, trained with one seed.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Run {
    data: String,
    entry: String,
    seed: u32,
    /// `host train`'s own.
    seconds: f64,
    weight_hash: String,
    /// Test images that are right, in floats and in integers, and all of them.
    float_right: u64,
    right: u64,
    images: u64,
    /// Bytes of the parameters in integers, biases and scales included.
    flash: u64,
}

/// How the networks of all seeds do together: the mean of their outputs.
#[derive(Debug, Serialize, Deserialize)]
struct Together {
    entry: String,
    seeds: u32,
    #[serde(flatten)]
    score: Score,
}

/// docs/zoo.json.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Record {
    runs: Vec<Run>,
    cards: Vec<Card>,
    #[serde(default)]
    together: Vec<Together>,
}

/// What `host train --json` prints, in part.
#[derive(Deserialize)]
struct Trained {
    net: Net,
    weight_hash: String,
    seconds: f64,
    /// None if it was told not to test.
    test: Option<Score>,
}

#[derive(Deserialize)]
struct Net {
    flash_bytes: u64,
}

/// What `host quantize --json` prints, in part.
#[derive(Deserialize)]
struct Quantized {
    float: Scores,
    integer: Scores,
    flash_bytes: u64,
}

#[derive(Deserialize)]
struct Scores {
    test: Score,
}

#[derive(Debug, Serialize, Deserialize)]
struct Score {
    right: u64,
    images: u64,
}

/// Trains what is not trained yet, runs it on the boards, and writes the tables.
///
/// # Errors
/// A command that fails, or says something else than it should; a file that cannot be read or written.
pub fn zoo(options: &Options) -> Result<(), Error> {
    let root = top();
    let path = root.join("docs/zoo.json");
    let mut record = Record::read(&path)?;
    let is_chosen = |name: &str| options.names.is_empty() || options.names.iter().any(|chosen| chosen == name);
    let is_of = |data: &str| options.data.as_deref().is_none_or(|chosen| chosen == data);
    if options.again {
        record.runs.retain(|run| !(is_chosen(&run.entry) && is_of(&run.data)));
        record.cards.retain(|card| !is_chosen(&card.entry));
        record.together.retain(|together| !is_chosen(&together.entry));
    }
    let chosen = || ENTRIES.iter().filter(|entry| is_chosen(entry.name));
    let mut missing = Vec::new();
    for data in Data::ALL.into_iter().filter(|data| is_of(data.name())) {
        for entry in chosen() {
            let is_known = |seed: u32| record.runs(data.name(), entry.name).any(|run| run.seed == seed);
            missing.extend((1..=options.seeds).filter(|&seed| !is_known(seed)).map(|seed| (data, entry, seed)));
        }
    }
    let jobs = options.jobs as usize;
    let shared = Mutex::new(&mut record);
    do_all(jobs, missing, &|(data, entry, seed)| {
        let run = entry.train(data, seed, &threads_each(jobs), &root)?;
        let mut record = shared.lock().unwrap_or_else(PoisonError::into_inner);
        record.runs.push(run);
        record.write(&path)
    })?;
    if is_of(Data::Digits.name()) {
        for entry in chosen() {
            let is_new = match entry.form {
                Form::Integers => !record.cards.iter().any(|card| card.entry == entry.name),
                Form::Floats => {
                    !record.together.iter().any(|own| own.entry == entry.name && own.seeds == options.seeds)
                }
            };
            if !is_new {
                continue;
            }
            match entry.form {
                Form::Integers => record.cards.push(Card::of(entry)?),
                Form::Floats => record.together.push(entry.together(options.seeds, &root)?),
            }
            record.write(&path)?;
        }
    }
    plot(&root)?;
    let foretold = ENTRIES.iter().map(|entry| Ok((entry.name, entry.foretold()?))).collect::<Result<_, Error>>()?;
    rewrite(&root.join("models/zoo/README.md"), "zoo", &table::cards(&record, &foretold))?;
    rewrite(&root.join("docs/accuracy.md"), "zoo", &table::frontier(&record))
}

impl Entry {
    /// The file of its integer network, or of its float one, of the first seed.
    fn model(&self, is_integer: bool) -> PathBuf {
        top().join(format!("models/zoo/{}{}.minnet", self.name, if is_integer { "-integers" } else { "" }))
    }

    /// Trains it, and makes and tests its integers. What the first seed gives of the digits is the zoo's.
    fn train(&self, data: Data, seed: u32, threads: &str, root: &Path) -> Result<Run, Error> {
        let path = |ending: &str| trained_model(root, data, self.name, seed, ending);
        let (float, integers) = (path("")?, path("-integers")?);
        let place = data.place(root)?;
        let place = place.as_ref().map_or(Vec::new(), |place| vec!["--data", place]);
        let seed_text = seed.to_string();
        let own = ["--net", self.net, "--epochs", self.epochs, "--seed", &seed_text, "--augment", AUGMENT];
        let settings: Vec<&str> = SETTINGS.split(' ').collect();
        let last: &[&str] = match self.form {
            Form::Integers => &["--no-test"],
            Form::Floats => &[],
        };
        let last = [&["--threads", threads, "--no-validation", "--out", &float], last].concat();
        let trained: Trained = host::json(&[&["train"], &own[..], &settings, &last, &place].concat())?;
        let (float_score, score, flash, files) = match trained.test {
            Some(test) => (test.right, test, trained.net.flash_bytes, &[(&float, false)][..]),
            None => {
                let words = ["quantize", &float, "--out", &integers];
                let Quantized { float: of_floats, integer, flash_bytes } = host::json(&[&words, &place[..]].concat())?;
                (of_floats.test.right, integer.test, flash_bytes, &[(&float, false), (&integers, true)][..])
            }
        };
        if seed == 1 && data == Data::Digits {
            for (from, is_integer) in files {
                let to = self.model(*is_integer);
                fs::copy(from, &to).map_err(Error::io("write", &to))?;
            }
        }
        Ok(Run {
            data: data.name().into(),
            entry: self.name.into(),
            seed,
            seconds: trained.seconds,
            weight_hash: trained.weight_hash,
            float_right: float_score,
            right: score.right,
            images: score.images,
            flash,
        })
    }

    /// The instructions that `host nets` foretells on each processor, in the order of [`cards::PROCESSORS`].
    fn foretold(&self) -> Result<[u64; 2], Error> {
        #[derive(Deserialize)]
        struct Nets {
            integers: Vec<Integers>,
        }
        #[derive(Deserialize)]
        struct Integers {
            instructions: [u64; 2],
        }
        let nets: Nets = host::json(&["nets", self.net])?;
        Ok(nets.integers.first().map_or([0; 2], |integers| integers.instructions))
    }

    /// Tests the networks of all seeds together, on the digits.
    fn together(&self, seeds: u32, root: &Path) -> Result<Together, Error> {
        let models = (1..=seeds).map(|seed| trained_model(root, Data::Digits, self.name, seed, ""));
        let models = models.collect::<Result<Vec<_>, _>>()?;
        let sheet = root.join("target/zoo/misclassified.png").display().to_string();
        let words = ["eval", "--sheet", &sheet].into_iter().chain(models.iter().map(String::as_str));
        let score = host::json(&words.collect::<Vec<_>>())?;
        Ok(Together { entry: self.name.into(), seeds, score })
    }
}

/// Where a training of `host train` or `host quantize` goes.
fn trained_model(root: &Path, data: Data, entry: &str, seed: u32, ending: &str) -> Result<String, Error> {
    let folder = root.join("target/zoo");
    fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    Ok(folder.join(format!("{}-{entry}-{seed}{ending}.minnet", data.name())).display().to_string())
}

/// Draws the plot of docs/accuracy.md.
fn plot(root: &Path) -> Result<(), Error> {
    let mut cargo = suite::cargo();
    cargo.current_dir(root).args([
        "run",
        "--locked",
        "--quiet",
        "--release",
        "--package",
        "benches",
        "--bin",
        "frontier",
    ]);
    Ok(process::run(&mut cargo)?)
}

impl Record {
    fn read(path: &Path) -> Result<Self, Error> {
        match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|cause| unexpected(path, &cause)),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(cause) => Err(Error::io("read", path)(cause)),
        }
    }

    /// Writes it, its runs in the order of the tables.
    fn write(&mut self, path: &Path) -> Result<(), Error> {
        let place = |entry: &str| ENTRIES.iter().position(|own| own.name == entry);
        self.runs.sort_by_cached_key(|run| (run.data.clone(), place(&run.entry), run.seed));
        let text = serde_json::to_string_pretty(self).map_err(|cause| unexpected(path, &cause))?;
        replace(path, &(text + "\n"))
    }
}

fn unexpected(path: &Path, cause: &serde_json::Error) -> Error {
    Error::Answer { program: path.display().to_string(), said: cause.to_string() }
}
