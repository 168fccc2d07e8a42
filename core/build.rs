//! Says where the kernels of `src/kernel/arm.rs` run: stable Rust shows no `cfg(target_feature)` for a Cortex-M's FPU.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(minnet_m4f)");
    if std::env::var("TARGET").is_ok_and(|target| target == "thumbv7em-none-eabihf") {
        println!("cargo::rustc-cfg=minnet_m4f");
    }
}
