//! Puts where the program finds them: the board's memory layout, the model, and the images.

use flate2::read::GzDecoder;
use std::env;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Test images that the self-test classifies, and training images that the device trains on.
const IMAGES: usize = 200;
/// Pixels of an image.
const PIXELS: usize = 28 * 28;

fn main() {
    if let Err(message) = prepare() {
        // Cargo shows this line as the build's error; the exit code stops the build.
        println!("cargo::error={message}");
        std::process::exit(1);
    }
}

fn prepare() -> Result<(), String> {
    let out = PathBuf::from(variable("OUT_DIR")?);
    let package = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    // For the board's file, which knows whether it is the right one.
    println!("cargo::rustc-env=TARGET={}", variable("TARGET")?);
    let top = package.parent().ok_or("this package must lie inside the repository")?;

    copy(&memory_layout(&package)?, &out.join("memory.x"))?;
    println!("cargo::rustc-link-search={}", out.display());
    network(&out.join("network.rs"))?;
    copy(&model(top, "MINNET_MODEL", "")?, &out.join("model.minnet"))?;
    copy(&model(top, "MINNET_MODEL_INT8", "-int8")?, &out.join("model-int8.minnet"))?;

    let mnist = top.join("data/mnist");
    let test = Images::read(&mnist, "t10k")?;
    let training = Images::read(&mnist, "train")?;
    Images::write(&test, &out, "test")?;
    Images::write(&training, &out, "training")?;
    Images::write(&test.one_of_each()?, &out, "digits")
}

/// The linker's file for the one board whose feature is on. A board is known by its files in `src/board`.
fn memory_layout(package: &Path) -> Result<PathBuf, String> {
    let directory = package.join("src/board");
    println!("cargo::rerun-if-changed={}", directory.display());
    let entries = fs::read_dir(&directory).map_err(|cause| format!("cannot read {}: {cause}", directory.display()))?;
    let layouts = entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "x"));
    let (mut chosen, mut known) = (Vec::new(), Vec::new());
    for layout in layouts {
        let board = layout.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if env::var_os(format!("CARGO_FEATURE_{}", board.to_uppercase())).is_some() {
            chosen.push(layout);
        }
        known.push(board);
    }
    match (chosen.pop(), chosen.is_empty()) {
        (Some(layout), true) => Ok(layout),
        _ => Err(format!("choose one board with --features: {}", known.join(", "))),
    }
}

/// The type of the models' network: as `host inspect` prints it, in the environment's `MINNET_NETWORK`, or the one that
/// `src/nets.rs` has for the repository's models.
fn network(path: &Path) -> Result<(), String> {
    println!("cargo::rerun-if-env-changed=MINNET_NETWORK");
    let code = match env::var("MINNET_NETWORK") {
        Ok(code) => code.replace("\ntype Network", "\npub type Network"),
        Err(_) => "pub use super::Default as Network;\n".into(),
    };
    fs::write(path, code).map_err(|cause| format!("cannot write {}: {cause}", path.display()))
}

/// The name of the repository's model for boards of this size.
fn default_model() -> &'static str {
    if env::var_os("CARGO_FEATURE_LARGE").is_some() { "digits" } else { "digits-small" }
}

/// The file that the environment's `variable` names, or the repository's, whose name has this `ending`. A relative path
/// is looked for in the directory that cargo was called from, then at the top of the repository.
fn model(top: &Path, variable: &str, ending: &str) -> Result<PathBuf, String> {
    println!("cargo::rerun-if-env-changed={variable}");
    let Some(named) = env::var_os(variable).map(PathBuf::from) else {
        let default = top.join(format!("models/{}{ending}.minnet", default_model()));
        let hint = format!("make one with `host train` and `host quantize`, or name another in {variable}");
        return if default.is_file() { Ok(default) } else { Err(format!("no model at {}: {hint}", default.display())) };
    };
    // Cargo starts this program in the package's directory; only the shell's variable remembers the caller's.
    println!("cargo::rerun-if-env-changed=PWD");
    let caller = env::var_os("PWD").map(PathBuf::from).unwrap_or_default();
    // Joining an absolute path gives that path alone.
    let places = [caller.join(&named), top.join(&named)];
    if let Some(found) = places.iter().find(|place| place.is_file()) {
        return Ok(found.clone());
    }
    let place = if named.is_absolute() { "" } else { " here or at the top of the repository" };
    Err(format!("{variable}: there is no file {}{place}", named.display()))
}

/// The first images of an MNIST file, and their digits.
struct Images {
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Images {
    fn read(mnist: &Path, name: &str) -> Result<Self, String> {
        let pixels = idx(&mnist.join(format!("{name}-images-idx3-ubyte.gz")), &[28, 28])?;
        let labels = idx(&mnist.join(format!("{name}-labels-idx1-ubyte.gz")), &[])?;
        Ok(Self { pixels, labels })
    }

    /// The first image of each digit, from 0 to 9.
    fn one_of_each(&self) -> Result<Self, String> {
        let mut chosen = Self { pixels: Vec::new(), labels: Vec::new() };
        for digit in 0..10 {
            let first = self.labels.iter().zip(self.pixels.chunks(PIXELS)).find(|&(&label, _)| label == digit);
            let (&label, image) = first.ok_or_else(|| format!("the first {IMAGES} test images show no {digit}"))?;
            chosen.pixels.extend(image);
            chosen.labels.push(label);
        }
        Ok(chosen)
    }

    fn write(&self, out: &Path, name: &str) -> Result<(), String> {
        for (bytes, kind) in [(&self.pixels, "pixels"), (&self.labels, "labels")] {
            let path = out.join(format!("{name}.{kind}"));
            fs::write(&path, bytes).map_err(|cause| format!("cannot write {}: {cause}", path.display()))?;
        }
        Ok(())
    }
}

/// The first [`IMAGES`] items of a compressed IDX file of bytes, each item of the size `item`.
fn idx(path: &Path, item: &[u32]) -> Result<Vec<u8>, String> {
    println!("cargo::rerun-if-changed={}", path.display());
    let fail = |cause: std::io::Error| format!("cannot read {}: {cause}", path.display());
    let mut file = GzDecoder::new(File::open(path).map_err(fail)?);
    let mut number = || -> Result<u32, String> {
        let mut bytes = [0; 4];
        file.read_exact(&mut bytes).map_err(fail)?;
        Ok(u32::from_be_bytes(bytes))
    };
    // Two zeros, 8 for bytes, and the number of dimensions; then the dimensions, the number of items first.
    let kind = number()?;
    let items = number()?;
    let sizes = item.iter().map(|_| number()).collect::<Result<Vec<u32>, String>>()?;
    if kind != 0x0801 + item.len() as u32 || (items as usize) < IMAGES || sizes != item {
        return Err(format!("{} is not the MNIST file of this name", path.display()));
    }
    let mut bytes = vec![0; IMAGES * item.iter().product::<u32>() as usize];
    file.read_exact(&mut bytes).map_err(fail)?;
    Ok(bytes)
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    println!("cargo::rerun-if-changed={}", from.display());
    fs::copy(from, to).map(drop).map_err(|cause| format!("cannot copy {}: {cause}", from.display()))
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("{name} is not set: cargo must start this program"))
}
