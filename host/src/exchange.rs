//! Networks from other programs, and for them: the JSON of the book's `network2.py`, safetensors, NumPy's `.npz`, ONNX,
//! and C.
//!
//! In here a layer's weights are those of a [`Network`], input-major, an image's values by rows and channels last. Each
//! format has a file of its own that reads and writes it; what they share is where a weight lies in another program's
//! tensors (`layout.rs`), which tensor belongs to which layer (`matching.rs`), and what is folded into a layer, such as
//! batch normalization (`fold.rs`).

mod c;
mod error;
mod fold;
mod layout;
mod matching;
pub mod network2;
mod npz;
mod onnx;
mod preparation;
mod safetensors;
mod tensor;
#[cfg(test)]
mod tests;
mod torch;

pub use error::ExchangeError;
pub use layout::Layout;
pub use preparation::Preparation;

use crate::architecture::{Architecture, Shape};
use crate::error::{Error, Result};
use crate::file::{self, beginning, write_atomically};
use crate::model::Contents;
use crate::nets::{self, Net};
use crate::network::Network;
use network2::Network2;
use std::path::{Path, PathBuf};
use tensor::Tensor;

/// A form in which other programs have networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The JSON of the book's `network2.py`.
    Network2,
    /// Hugging Face's safetensors, in PyTorch's layout.
    Safetensors,
    /// NumPy's `.npz`, in Keras's layout.
    Npz,
    /// ONNX.
    Onnx,
    /// A header of C with an integer network. It is only written.
    C,
}

impl Form {
    /// Every form.
    pub const ALL: &[Self] = &[Self::Network2, Self::Safetensors, Self::Npz, Self::Onnx, Self::C];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Network2 => "network2",
            Self::Safetensors => "safetensors",
            Self::Npz => "npz",
            Self::Onnx => "onnx",
            Self::C => "c",
        }
    }

    /// How its files' names end.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Network2 => "json",
            Self::C => "h",
            form => form.name(),
        }
    }

    /// The form of a file, by its first bytes.
    fn of(bytes: &[u8]) -> Option<Self> {
        /// An ONNX file's first field is the version of its format: a number.
        const VERSION: u8 = 1 << 3;
        match bytes {
            [b'P', b'K', ..] => Some(Self::Npz),
            // The length of the header, which is JSON.
            [_, _, _, _, _, _, _, 0, b'{', ..] => Some(Self::Safetensors),
            [VERSION, ..] => Some(Self::Onnx),
            _ => (bytes.trim_ascii_start().first() == Some(&b'{')).then_some(Self::Network2),
        }
    }
}

/// What the file does not say.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The network's name or text: for safetensors and `.npz`, which hold tensors alone.
    pub net: Option<String>,
    /// The cost's name; the network's default if there is none.
    pub cost: Option<String>,
    /// How the tensors lie; found out if not given.
    pub layout: Option<Layout>,
    /// The names of the tensors' layers in order, if their own names do not tell it.
    pub order: Vec<String>,
    /// What batch normalization adds to a variance; that of the layout's program if not given. ONNX files say it.
    pub epsilon: Option<f64>,
    /// What a pixel, 0 to 255, was multiplied by; 1/256 if not given.
    pub scale: Option<f64>,
    /// What was then taken away: nothing, one number, or one for each channel.
    pub mean: Vec<f64>,
    /// What it was then divided by: nothing, one number, or one for each channel.
    pub std: Vec<f64>,
}

/// A network from another program.
#[derive(Clone, Debug)]
pub struct Imported {
    /// Its architecture and cost.
    pub net: Net,
    /// The network, for inputs as the other program prepared them.
    pub network: Network,
    /// How it prepared them.
    pub preparation: Preparation,
    /// The form it was in.
    pub form: Form,
    /// How its tensors lay, and what was taken for granted; `None` if the file says all of it.
    pub tensors: Option<Tensors>,
}

/// How tensors without layers were taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tensors {
    /// How they lay.
    pub layout: Layout,
    /// How many batch normalizations were folded, each taken to stand between its layer and the activation.
    pub batch_norms: usize,
}

/// Reads a network from a file of any form but C.
///
/// ```no_run
/// use minnet_host::exchange::{Options, import};
///
/// // As torchvision prepares MNIST's pixels.
/// let options = Options { scale: Some(1.0 / 255.0), mean: vec![0.1307], std: vec![0.3081], ..Options::default() };
/// let imported = import("cnn.onnx".as_ref(), &options)?;
/// // For pixels / 256; where that cannot be exact, a model file says how inputs are prepared.
/// let network = imported.preparation.fold_into(&imported.network).unwrap_or(imported.network);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::Read`]; those of [`Network2::parse`]; [`Error::Exchange`], which says what; those of [`nets::find`].
pub fn import(path: &Path, options: &Options) -> Result<Imported> {
    let bytes = file::read(path)?;
    parse(path, &bytes, options)
}

/// Reads the bytes of a file.
fn parse(path: &Path, bytes: &[u8], options: &Options) -> Result<Imported> {
    let refuse = |cause| Error::Exchange { path: path.to_owned(), cause };
    let text = network2::in_utf8(bytes);
    let bytes = text.as_deref().unwrap_or(bytes);
    let form = Form::of(bytes).ok_or_else(|| refuse(ExchangeError::Unknown { found: beginning(bytes) }))?;
    let has_tensors_alone = matches!(form, Form::Safetensors | Form::Npz);
    let names_layers = options.net.is_some() || !options.order.is_empty() || options.epsilon.is_some();
    if names_layers && !has_tensors_alone {
        return Err(refuse(ExchangeError::HasNet));
    }
    let cost = options.cost.as_deref();
    let net = options.net.as_ref().map(|net| nets::find(net, cost)).transpose()?;
    let (net, network, tensors) = match (form, net) {
        (Form::Network2, _) => {
            let (own, network) = Network2::parse(path, bytes)?;
            let net = nets::find(&own.architecture.to_string(), Some(cost.unwrap_or(own.cost.name())))?;
            (net.clone(), Network::with_parameters(&net, network.parameters().to_vec())?, None)
        }
        (Form::Onnx, _) => {
            let folder = path.parent().unwrap_or(Path::new("."));
            let graph = onnx::read(bytes, folder, options.layout).map_err(refuse)?;
            Architecture::parse(&graph.text).map_err(|cause| refuse(ExchangeError::Text { cause }))?;
            let net = nets::find(&graph.text, cost)?;
            let network = Network::with_parameters(&net, graph.parameters)?;
            (net, network, None)
        }
        (form, Some(net)) => {
            let limit = net.architecture.parameters();
            let tensors = if form == Form::Npz { npz::read(bytes, limit) } else { safetensors::read(bytes, limit) };
            let (parameters, taken) =
                tensors.and_then(|tensors| from_tensors(&net.architecture, &tensors, form, options)).map_err(refuse)?;
            let network = Network::with_parameters(&net, parameters)?;
            (net, network, Some(taken))
        }
        (_, None) => return Err(refuse(ExchangeError::NoNet)),
    };
    let channels = match net.architecture.input() {
        Shape::Vector(_) => 1,
        Shape::Image { channels, .. } => channels,
    };
    let preparation = Preparation::new(options.scale, &options.mean, &options.std, channels).map_err(refuse)?;
    Ok(Imported { net, network, preparation, form, tensors })
}

/// The parameters of a network from tensors, and how these were taken.
fn from_tensors(
    architecture: &Architecture,
    tensors: &[Tensor],
    form: Form,
    options: &Options,
) -> std::result::Result<(Vec<f32>, Tensors), ExchangeError> {
    let groups = matching::groups(tensors)?;
    let natural = if form == Form::Npz { Layout::Keras } else { Layout::Torch };
    let layers = layout::weighted(architecture)?;
    let (sources, layout) = matching::assign(&layers, groups, form, options, natural)?;
    let batch_norms = sources.iter().filter(|source| source.norm.is_some()).count();
    let mut parameters = Vec::with_capacity(architecture.parameters());
    for (layer, source) in layers.iter().zip(sources) {
        let mut parts = layer.parts(layout, source.weight, source.bias);
        if let Some(norm) = source.norm {
            let epsilon = options.epsilon.unwrap_or(layout.epsilon());
            parts.follow(&norm.affine(layer.op.biases(), epsilon)?);
        }
        // Elsewhere dropout leaves values as they are where nothing is trained.
        parts.precede(&fold::Affine::factor(1.0 / layer.staying));
        parts.append_to(&mut parameters)?;
    }
    Ok((parameters, Tensors { layout, batch_norms }))
}

/// A network as another program's file, in memory.
///
/// # Errors
/// [`Error::Exchange`] for a form that cannot have this network; [`Error::NotNetwork2`]. They name `path`, the model's
/// file, whose name the C function gets.
pub fn export(path: &Path, contents: &Contents, form: Form) -> Result<Vec<u8>> {
    let refuse = |cause| Error::Exchange { path: path.to_owned(), cause };
    match (contents, form) {
        (Contents::Integers(integers), Form::C) => {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            Ok(c::header(integers, &stem).into_bytes())
        }
        (Contents::Integers(_), _) => Err(refuse(ExchangeError::Integers)),
        (Contents::Floats(_), Form::C) => Err(refuse(ExchangeError::Floats)),
        (Contents::Floats(network), Form::Network2) => {
            let not = || Error::NotNetwork2 { path: path.to_owned(), architecture: network.architecture().to_string() };
            Ok(Network2::of(network).ok_or_else(not)?.json())
        }
        (Contents::Floats(network), Form::Safetensors) => safetensors::bytes(network).map_err(refuse),
        (Contents::Floats(network), Form::Npz) => npz::bytes(network).map_err(refuse),
        (Contents::Floats(network), Form::Onnx) => onnx::bytes(network).map_err(refuse),
    }
}

/// The layers of a network as PyTorch's `nn.Sequential`, in Python: those whose weights [`Form::Safetensors`] names.
pub fn torch_code(architecture: &Architecture) -> String {
    torch::code(architecture)
}

/// Writes such a file, whole or not at all.
///
/// # Errors
/// Those of [`write_atomically`].
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_atomically(path, |file| file.write_all(bytes))
}

/// The default name of the file that a model becomes.
pub fn default_path(model: &Path, form: Form) -> PathBuf {
    model.with_extension(form.extension())
}
