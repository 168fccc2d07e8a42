//! Tells the kernels what the target's processor has. Stable Rust does not show it to `cfg(target_feature)` for a
//! Cortex-M: the FPU of an M4F (`kernel/arm.rs`), the DSP extension or the small instruction set of the M0
//! (`quant/kernel/`).

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(minnet_m4f, minnet_dsp, minnet_thumb1)");
    let target = env::var("TARGET").unwrap_or_default();
    let has_feature = env::var_os("CARGO_FEATURE_DSP").is_some();
    if target == "thumbv7em-none-eabihf" {
        println!("cargo::rustc-cfg=minnet_m4f");
    }
    if target.starts_with("thumbv7em") || target.starts_with("thumbv8m.main") && has_feature {
        println!("cargo::rustc-cfg=minnet_dsp");
    } else if target.starts_with("thumb") && has_feature {
        println!(
            "cargo::error=minnet's feature `dsp` is for processors with the DSP extension (targets thumbv8m.main-*; \
             thumbv7em-* need no feature), which {target} does not have: build without the feature"
        );
    }
    if target.starts_with("thumbv6m") {
        println!("cargo::rustc-cfg=minnet_thumb1");
    }
}
