//! Tells the kernels what the target's processor has. Stable Rust does not show the DSP extension of a Cortex-M to
//! `cfg(target_feature)`.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(minnet_dsp)");
    let target = env::var("TARGET").unwrap_or_default();
    let has_feature = env::var_os("CARGO_FEATURE_DSP").is_some();
    if target.starts_with("thumbv7em") || target.starts_with("thumb") && has_feature {
        println!("cargo::rustc-cfg=minnet_dsp");
    }
}
