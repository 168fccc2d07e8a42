//! Results on disk, one JSON file for each part and seed, so that what was finished is never done again.

use super::{Curves, Part, Work};
use crate::data::{Dataset, Mnist};
use crate::error::Result;
use crate::file::{make_directory, write_atomically};
use flate2::Crc;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The directory where results and plots go.
#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
    is_quick: bool,
    /// The images and labels that the results come from.
    data: String,
}

/// What is kept of a part for one seed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// The part's name.
    pub part: String,
    /// The seed; none if it plays no role.
    pub seed: Option<u64>,
    /// Everything that the results depend on besides the seed and the data.
    pub settings: Value,
    /// A checksum of the images and labels.
    pub data: String,
    /// How many threads worked on it; they change the time only.
    pub threads: usize,
    /// How long it took.
    pub seconds: f64,
    /// The results.
    pub curves: Curves,
}

/// The results of an experiment's parts.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// For each seed that was run, of each part.
    pub records: Vec<Record>,
}

impl Store {
    /// Opens a directory for results of these data; it is made if only itself is missing. `is_quick` keeps what comes
    /// of quick runs apart.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub fn open(directory: &Path, mnist: &Mnist, is_quick: bool) -> Result<Self> {
        let results = directory.join("results");
        make_directory(directory)?;
        make_directory(&results)?;
        let mut crc = Crc::new();
        for Dataset { images, labels } in [&mnist.train, &mnist.test] {
            crc.update(images.as_flattened());
            labels.iter().for_each(|&label| crc.update(&[label as u8]));
        }
        Ok(Self { directory: directory.to_owned(), is_quick, data: format!("{:08x}", crc.sum()) })
    }

    /// Where a file of this name goes; quick runs have names of their own.
    pub fn place(&self, name: &str) -> PathBuf {
        self.directory.join(if self.is_quick { format!("quick-{name}") } else { name.to_owned() })
    }

    fn file(&self, part: &Part, seed: Option<u64>) -> PathBuf {
        let seed = seed.map_or(String::new(), |seed| format!("-seed-{seed}"));
        let quick = if self.is_quick { "quick-" } else { "" };
        self.directory.join("results").join(format!("{quick}{}{seed}.json", part.name))
    }

    /// What is kept of a part, if it was made by the same settings from the same data.
    pub fn load(&self, part: &Part, seed: u64) -> Option<Record> {
        let seed = part.work.is_seeded().then_some(seed);
        let text = fs::read(self.file(part, seed)).ok()?;
        let record: Record = serde_json::from_slice(&text).ok()?;
        let is_same =
            record.part == part.name && record.seed == seed && (record.data == self.data || !part.work.takes_digits());
        (is_same && record.settings == settings(&part.work)?).then_some(record)
    }

    /// Keeps the results of a part.
    ///
    /// # Errors
    /// Those of [`write_atomically`].
    pub fn save(&self, part: &Part, seed: u64, threads: usize, seconds: f64, curves: Curves) -> Result<Record> {
        let seed = part.work.is_seeded().then_some(seed);
        let settings = settings(&part.work).unwrap_or_default();
        let record =
            Record { part: part.name.clone(), seed, settings, data: self.data.clone(), threads, seconds, curves };
        write_atomically(&self.file(part, seed), |file| {
            serde_json::to_writer(&mut *file, &record)?;
            writeln!(file)
        })?;
        Ok(record)
    }
}

/// The settings as a file gives them back: numbers lose what their text does not tell.
fn settings(work: &Work) -> Option<Value> {
    serde_json::from_str(&serde_json::to_string(work).ok()?).ok()
}

impl Results {
    /// A result of a part, for each seed.
    pub fn curves<'a>(&'a self, part: &'a str, name: &'a str) -> impl Iterator<Item = &'a [f64]> {
        let of_part = self.records.iter().filter(move |record| record.part == part);
        of_part.filter_map(move |record| record.curves.get(name).map(Vec::as_slice))
    }

    /// The mean of a result over the seeds, epoch by epoch.
    pub fn mean(&self, part: &str, name: &str) -> Vec<f64> {
        let curves: Vec<&[f64]> = self.curves(part, name).collect();
        let epochs = curves.iter().map(|curve| curve.len()).min().unwrap_or(0);
        let mean = |epoch| curves.iter().filter_map(|curve| curve.get(epoch)).sum::<f64>() / curves.len() as f64;
        (0..epochs).map(mean).collect()
    }

    /// How many seeds were run.
    pub fn seeds(&self) -> usize {
        self.records.iter().filter_map(|record| record.seed).max().unwrap_or(1) as usize
    }

    /// The seconds that one seed takes: of each part, the quickest, since whatever else a machine does only adds.
    pub fn seconds(&self) -> f64 {
        let mut quickest = BTreeMap::<&str, f64>::new();
        for record in &self.records {
            let seconds = quickest.entry(&record.part).or_insert(f64::INFINITY);
            *seconds = seconds.min(record.seconds);
        }
        quickest.values().sum()
    }
}
