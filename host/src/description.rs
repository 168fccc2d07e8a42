//! What a model says of the data that its network is for: the names of the classes, how the input is made of raw values,
//! and which data it was trained on.

use crate::architecture::Shape;
use crate::data::{Data, Sample, View};
use crate::error::{Error, Result};
use crate::samples::mean_and_deviation;
use minnet::model::{self, METADATA_MAX};
use minnet::normalization::Normalization;
use minnet::quant::Word;

/// As [`minnet::model::Description`], but on the heap, to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// The names of the classes, in order; empty if they have none but their numbers.
    pub classes: Vec<String>,
    /// For each channel of the input a mean and a factor, as little-endian bytes; empty for pixels.
    channels: Vec<[Word; 2]>,
    /// The checksum of the data that the network was trained on; 0 if not known.
    pub data: u64,
}

/// A vector of more values than these is normalized as a whole: so many means and factors would be longer than a small
/// network.
const OWN_CHANNELS: usize = 512;

/// Bytes of the metadata that are not the description, at most.
const OTHER_METADATA: usize = 640;

impl Description {
    /// That of a network which is to be trained on these data. Bytes are pixels. Anything else is normalized by the mean
    /// and the deviation of each channel of the training samples, a vector's values being a channel each, up to 512.
    ///
    /// # Errors
    /// [`Error::DescriptionLength`] if the classes' names have no room in a model file.
    pub fn of(data: &Data) -> Result<Self> {
        // Of digits, the names say nothing.
        let is_plain = data.classes.iter().enumerate().all(|(index, name)| *name == index.to_string());
        let classes = if is_plain { Vec::new() } else { data.classes.clone() };
        let description = Self { classes, channels: channels(data.train()), data: data.checksum() };
        let length = description.encode().len();
        let most = METADATA_MAX - OTHER_METADATA;
        if length > most { Err(Error::DescriptionLength { length, most }) } else { Ok(description) }
    }

    /// How the input is made of raw values.
    pub fn normalization(&self) -> Normalization<'_> {
        Normalization::new(&self.channels).unwrap_or_default()
    }

    /// Takes these means and factors, one pair for each channel, or one for all.
    pub fn set_normalization(&mut self, channels: &[[f32; 2]]) {
        self.channels = channels.iter().map(|pair| pair.map(f32::to_le_bytes)).collect();
    }

    /// The name of a class: its number, if it has no other.
    pub fn class(&self, class: usize) -> String {
        self.classes.get(class).cloned().unwrap_or_else(|| class.to_string())
    }

    /// Its bytes in a model file; none if it says nothing.
    pub fn encode(&self) -> Vec<u8> {
        if *self == Self::default() {
            return Vec::new();
        }
        let mut bytes = Vec::new();
        varint(self.classes.len() as u64, &mut bytes);
        for name in &self.classes {
            varint(name.len() as u64, &mut bytes);
            bytes.extend_from_slice(name.as_bytes());
        }
        varint(self.channels.len() as u64, &mut bytes);
        bytes.extend_from_slice(self.channels.as_flattened().as_flattened());
        varint(self.data, &mut bytes);
        bytes
    }
}

impl From<model::Description<'_>> for Description {
    fn from(found: model::Description<'_>) -> Self {
        let classes = found.classes().iter().map(str::to_owned).collect();
        let channels = match found.normalization() {
            Normalization::PIXELS => Vec::new(),
            normalization => normalization.channels().to_vec(),
        };
        Self { classes, channels, data: found.data() }
    }
}

/// Seven bits to a byte, the lowest first.
fn varint(mut value: u64, bytes: &mut Vec<u8>) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// The mean and one over the deviation of each channel.
fn channels(samples: View<'_>) -> Vec<[Word; 2]> {
    let Sample::Floats(values) = samples.values() else { return Vec::new() };
    let count = match samples.shape() {
        Shape::Vector(values) if values > OWN_CHANNELS => 1,
        Shape::Vector(values) => values,
        Shape::Image { channels, .. } => channels,
    };
    let statistics = |channel: usize| {
        let [mean, deviation] = mean_and_deviation(values, channel, count);
        // A channel that is always the same says nothing, however it is taken.
        let factor = if deviation > 0.0 { (1.0 / deviation) as f32 } else { 1.0 };
        let factor = if factor.is_finite() && factor > 0.0 { factor } else { 1.0 };
        [mean as f32, factor].map(f32::to_le_bytes)
    };
    (0..count).map(statistics).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Set, Targets, Values};

    #[test]
    fn what_is_encoded_is_read_by_the_core() {
        let mut description =
            Description { classes: vec!["cat".into(), "snów".into()], channels: Vec::new(), data: 300 };
        for channels in [&[][..], &[[1.5, 2.0]], &[[-1.0, 0.5]; 300]] {
            description.set_normalization(channels);
            let bytes = description.encode();
            assert_eq!(Description::from(model::Description::parse(&bytes).unwrap()), description);
        }
        assert!(Description::default().encode().is_empty());
    }

    #[test]
    fn floats_get_mean_0_and_deviation_1_in_the_training_part() {
        let values = vec![1.0, 10.0, 3.0, 10.0, 5.0, 10.0, 1e6, 1e6];
        let set = |shape, labels: usize| {
            let targets = Targets::Classes(vec![0; labels]);
            Data::new(
                Set::new(shape, Values::Floats(values.clone()), targets).unwrap(),
                labels - 1,
                0,
                vec!["a".into()],
            )
        };
        let description = Description::of(&set(Shape::Vector(2), 4).unwrap()).unwrap();
        let mut input = [0.0; 2];
        description.normalization().apply(&[5.0_f32, 11.0], &mut input);
        assert!((input[0] - 2.0 / (8.0_f32 / 3.0).sqrt()).abs() < 1e-6 && input[1] == 1.0, "{input:?}");
        assert_eq!(description.class(0), "a");
        assert_eq!(description.class(7), "7");
        // Of a signal, a channel's values belong together.
        let signal = Shape::Image { height: 2, width: 1, channels: 1 };
        assert_eq!(Description::of(&set(signal, 4).unwrap()).unwrap().channels.len(), 1);
    }
}
