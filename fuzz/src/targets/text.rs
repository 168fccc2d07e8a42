//! Texts of networks and of augmentations.

use host::architecture::Architecture;
use host::instructions::Processor;
use host::{augment, nets};
use minnet::quant::Width;

pub const WORDS: &[&str] = &[
    "28x28x1:",
    "784:",
    " dense ",
    " conv3x3 ",
    " conv5x5 ",
    " conv1x1 ",
    " maxpool2",
    " avgpool2",
    " globalavgpool",
    " flatten",
    " dropout ",
    " relu",
    " sigmoid",
    " tanh",
    " softmax",
    " int8",
    " int4",
    " int2",
    " same",
    " valid",
    " stride2",
    " pad",
    ", ",
    "x",
    " fastsigmoid",
    " linear",
    "2x2",
    "7x7",
];
pub const AUGMENT: &[&str] = &["shift ", "rotate ", "scale ", "shear ", "elastic ", "sigma ", ", "];

pub fn architecture(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(architecture) = Architecture::parse(text) else { return };
    // What it is called is what it is.
    let own = architecture.to_string();
    assert_eq!(Architecture::parse(&own).as_ref(), Ok(&architecture), "{own}");
    assert_eq!(architecture.shapes().last().map(|shape| shape.values()), Some(architecture.outputs()));
    let _ = (architecture.macs(), architecture.flash_bytes(), architecture.ram_bytes(), architecture.rust_type());
    let _ = Processor::M4.instructions(&architecture, Width::Eight);
    for cost in nets::find(text, None).iter().flat_map(|net| net.costs()) {
        assert!(nets::find(text, Some(cost.name())).is_ok());
    }
}

pub fn augment(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(found) = augment::parse(text) {
        assert_eq!(augment::parse(text), Ok(found));
    }
}
