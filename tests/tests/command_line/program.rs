//! What the tests of the command line share: the program, a small data set, and places to write.

use host::data::{Dataset, Image, write_idx_images, write_idx_labels};
use serde_json::Value;
use std::fs;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use tempfile::TempDir;

/// Images to train on and validate with in the small data set; a sixth of them validate.
pub const TRAINING_IMAGES: usize = 300;
/// Images to test with in the small data set.
pub const TEST_IMAGES: usize = 100;

pub use tests::build::REPOSITORY;
pub const BUNDLED_MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/digits.minnet");
const TEMPORARY: &str = env!("CARGO_TARGET_TMPDIR");

/// The program, built as this test was.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let name = format!("host{}", std::env::consts::EXE_SUFFIX);
    tests::build::programs(&["--bin", "host"], TEMPORARY).join(name)
});

/// The real test images.
pub static DIGITS: LazyLock<Dataset> = LazyLock::new(|| {
    let file = |name| Path::new(REPOSITORY).join("data/mnist").join(name);
    Dataset::load(&file("t10k-images-idx3-ubyte.gz"), &file("t10k-labels-idx1-ubyte.gz")).unwrap()
});

/// The directory of a small data set, cut from the real one: two files plain, two compressed.
pub static DATA: LazyLock<PathBuf> = LazyLock::new(|| {
    let directory = Path::new(TEMPORARY).join("small-mnist");
    fs::create_dir_all(&directory).unwrap();
    let Dataset { images, labels } = &*DIGITS;
    let (training, test) = (..TRAINING_IMAGES, TRAINING_IMAGES..TRAINING_IMAGES + TEST_IMAGES);
    write_idx_images(&directory.join("train-images-idx3-ubyte"), &images[training]).unwrap();
    write_idx_labels(&directory.join("train-labels-idx1-ubyte.gz"), &labels[training]).unwrap();
    write_idx_images(&directory.join("t10k-images-idx3-ubyte.gz"), &images[test.clone()]).unwrap();
    write_idx_labels(&directory.join("t10k-labels-idx1-ubyte"), &labels[test]).unwrap();
    directory
});

/// What came of a run.
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// An empty directory, in which the program runs.
pub struct Place(TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir_in(TEMPORARY).unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The names of the files in it, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The program with a command line, split at spaces; `@data` stands for the directory of the small data set.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(&*PROGRAM);
        command.current_dir(self.0.path()).stdin(Stdio::null());
        for word in line.split_whitespace() {
            if word == "@data" {
                command.arg(&*DATA)
            } else {
                command.arg(word)
            };
        }
        command
    }

    pub fn run(&self, line: &str) -> Run {
        let output = self.command(line).output().unwrap();
        Run {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What a run prints that succeeds.
    #[track_caller]
    pub fn succeed(&self, line: &str) -> String {
        let run = self.run(line);
        assert_eq!(run.code, Some(0), "{line}: {}", run.stderr);
        run.stdout
    }

    /// The JSON that a run prints that succeeds.
    #[track_caller]
    pub fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.succeed(&format!("{line} --json"))).unwrap()
    }

    /// Writes a picture of `side` x `side` gray pixels.
    pub fn write_png(&self, name: &str, side: usize, pixels: &[u8]) {
        let file = BufWriter::new(fs::File::create(self.path(name)).unwrap());
        let mut encoder = png::Encoder::new(file, side as u32, side as u32);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header().unwrap().write_image_data(pixels).unwrap();
    }
}

/// Each pixel `factor` times as wide and as high.
pub fn enlarged(image: &Image, factor: usize) -> Vec<u8> {
    let side = 28 * factor;
    (0..side * side).map(|i| image[i / side / factor * 28 + i % side / factor]).collect()
}

/// The size of a picture that can be decoded.
pub fn png_size(path: &Path) -> (u32, u32) {
    let mut reader = png::Decoder::new(std::io::BufReader::new(fs::File::open(path).unwrap())).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    (frame.width, frame.height)
}
