//! What single layers take, as the firmware's program `count_layers` says: layers of all sizes, of which a smaller one
//! must never take more than a larger one, and filters of all kinds, beside those of 5x5.

use super::{M0, M4F, Ran, Rig, run, unexpected};
use crate::Error;
use emulator::Toolchain;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The weights and the processor of each program that is shown and checked.
const PROGRAMS: [(&str, &Rig); 4] = [("f32", &M4F), ("int8", &M4F), ("int4", &M4F), ("int8", &M0)];
/// And of those that are only recorded: what `host` foretells a network's instructions by.
const MORE: [(&str, &Rig); 7] =
    [("int3", &M4F), ("int2", &M4F), ("ternary", &M4F), ("int4", &M0), ("int3", &M0), ("int2", &M0), ("ternary", &M0)];

/// Series whose layers grow, by the names that the program gives them; what a layer is, and the size of the first.
pub(super) const SIZES: [(&str, &str, usize); 5] = [
    ("channels-in", "8x8xN: conv3x3 8 relu", 1),
    ("channels-out", "8x8x8: conv3x3 N relu", 1),
    ("channels-out-of-one", "10x10x1: conv3x3 N maxpool2 relu", 1),
    ("dense-out", "64: dense N", 1),
    ("dense-in", "N: dense 8", 49),
];

/// Series of filters, of which the first is the one of 5x5 that the others are compared with.
pub(super) const FILTERS: [&str; 4] = ["many", "many-pooled", "one", "one-pooled"];

/// What the layers of a program took.
pub(super) struct Layers {
    pub(super) element: String,
    pub(super) processor: String,
    pub(super) compiler: String,
    pub(super) layers: Vec<Layer>,
    /// A function that code which may panic calls.
    pub(super) panic: Option<String>,
    /// The functions of a heap.
    pub(super) heap: Vec<String>,
}

/// What a network of one layer took.
#[derive(Clone)]
pub(super) struct Layer {
    pub(super) series: String,
    /// The network's text.
    pub(super) text: String,
    /// Multiplications with a weight.
    pub(super) macs: u64,
    /// For one inference, in which nothing is zero.
    pub(super) instructions: u64,
}

/// What is kept of it.
#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) element: String,
    pub(super) processor: String,
    /// What compiled it.
    pub(super) compiler: String,
    /// For one inference of each network.
    pub(super) instructions: BTreeMap<String, u64>,
}

impl Layers {
    /// The layers of a series, in the program's order.
    pub(super) fn series(&self, name: &str) -> Vec<&Layer> {
        self.layers.iter().filter(|layer| layer.series == name).collect()
    }

    /// What is kept of them.
    pub(super) fn record(&self) -> Record {
        Record {
            element: self.element.clone(),
            processor: self.processor.clone(),
            compiler: self.compiler.clone(),
            instructions: self.layers.iter().map(|layer| (layer.text.clone(), layer.instructions)).collect(),
        }
    }
}

impl Layer {
    /// Instructions for each multiplication.
    pub(super) fn per_mac(&self) -> f64 {
        self.instructions as f64 / self.macs as f64
    }
}

/// Counts the layers of every program that is checked.
pub(super) fn measure() -> Result<Vec<Layers>, Error> {
    println!("\n{:<40}{:<9}{:<12}{:>13}{:>9}", "layer", "element", "processor", "instructions", "per MAC");
    PROGRAMS.iter().map(|(element, rig)| one(element, rig)).collect()
}

/// Counts those of the others.
pub(super) fn measure_more() -> Result<Vec<Layers>, Error> {
    MORE.iter().map(|(element, rig)| one(element, rig)).collect()
}

fn one(element: &str, rig: &Rig) -> Result<Layers, Error> {
    let feature = if element == "f32" { "count" } else { element };
    let Ran { elf, said, report, compiler } =
        run("count_layers", rig, &Toolchain::provide(rig.board.target)?, &["qemu", feature])?;
    let layers = layers(&said, rig.instructions).map_err(|what| unexpected(&elf, what))?;
    for layer in &layers {
        let Layer { text, instructions, .. } = layer;
        let per_mac = layer.per_mac();
        println!("{text:<40}{element:<9}{:<12}{instructions:>13}{per_mac:>9.2}", rig.processor);
    }
    Ok(Layers {
        element: element.into(),
        processor: rig.processor.into(),
        compiler,
        layers,
        panic: report.panic_symbol().map(str::to_owned),
        heap: report.heap_symbols,
    })
}

/// The layers of a program's lines, where a tick is so many instructions; or what is wrong.
fn layers(said: &str, instructions: f64) -> Result<Vec<Layer>, String> {
    let mut lines = said.lines();
    let inferences = lines.next().and_then(|line| line.strip_prefix("inferences ")?.parse::<u32>().ok());
    let inferences = inferences.filter(|inferences| *inferences > 0).ok_or("no line `inferences NUMBER`")?;
    let layer = |line: &str| {
        let [series, macs, ticks, text] = line.splitn(4, ' ').collect::<Vec<_>>().try_into().ok()?;
        let instructions = (ticks.parse::<f64>().ok()? * instructions / f64::from(inferences)).round() as u64;
        Some(Layer { series: series.into(), text: text.into(), macs: macs.parse().ok()?, instructions })
    };
    let layers = lines.map(|line| layer(line).ok_or_else(|| line.to_owned())).collect::<Result<Vec<_>, _>>()?;
    let series = SIZES.iter().map(|(name, ..)| *name).chain(FILTERS);
    for name in series {
        if !layers.iter().any(|layer| layer.series == name) {
            return Err(format!("no layer of the series `{name}`"));
        }
    }
    Ok(layers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_read_from_a_programs_lines() {
        let series: Vec<&str> = SIZES.iter().map(|(name, ..)| *name).chain(FILTERS).collect();
        let mut said = "inferences 200\r\n".to_owned();
        for name in &series {
            said += &format!("{name} 576 12861 10x10x1: conv3x3 1 maxpool2 relu\r\n");
        }
        let read = layers(&said, 40.0).unwrap();
        assert_eq!(read.iter().map(|layer| layer.series.as_str()).collect::<Vec<_>>(), series);
        assert_eq!((read[0].macs, read[0].instructions), (576, 2572));
        assert_eq!(read[0].text, "10x10x1: conv3x3 1 maxpool2 relu");
        let fails = |said: &str| layers(said, 40.0).err().unwrap();
        assert_eq!(fails(&said.replace("200", "0")), "no line `inferences NUMBER`");
        assert_eq!(fails(&said.replace("dense-in", "dense")), "no layer of the series `dense-in`");
        assert_eq!(fails(&(said + "panicked")), "panicked");
    }
}
