//! Tells the kernels what the target's processor has. Stable Rust does not show the instruction sets of a Cortex-M to
//! `cfg(target_feature)`: the DSP extension, or the small set of the Cortex-M0.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(minnet_dsp, minnet_thumb1)");
    let target = env::var("TARGET").unwrap_or_default();
    let has_feature = env::var_os("CARGO_FEATURE_DSP").is_some();
    if target.starts_with("thumbv7em") || target.starts_with("thumb") && has_feature {
        println!("cargo::rustc-cfg=minnet_dsp");
    }
    if target.starts_with("thumbv6m") {
        println!("cargo::rustc-cfg=minnet_thumb1");
    }
}
