//! What `core/build.rs` says for a target: which instructions the integer kernels may use.

use std::env;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

/// The build script, compiled as a program.
static SCRIPT: LazyLock<String> = LazyLock::new(|| {
    let script = format!("{}/build_script_of_core", env!("CARGO_TARGET_TMPDIR"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("build.rs");
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    assert!(Command::new(rustc).args(["--edition", "2024", "-o", &script]).arg(source).status().unwrap().success());
    script
});

fn says(target: &str, has_feature: bool) -> String {
    let mut script = Command::new(&*SCRIPT);
    script.env("TARGET", target).env_remove("CARGO_FEATURE_DSP");
    if has_feature {
        script.env("CARGO_FEATURE_DSP", "1");
    }
    String::from_utf8(script.output().unwrap().stdout).unwrap()
}

#[test]
fn the_dsp_extension_is_used_where_it_is() {
    for (target, without, with) in [
        ("thumbv7em-none-eabi", true, true),
        ("thumbv7em-none-eabihf", true, true),
        ("thumbv8m.main-none-eabihf", false, true),
        ("x86_64-unknown-linux-gnu", false, false),
    ] {
        for (has_feature, uses) in [(false, without), (true, with)] {
            let says = says(target, has_feature);
            assert_eq!(says.contains("rustc-cfg=minnet_dsp"), uses, "{target}: {says}");
            assert!(!says.contains("cargo::error"), "{target}: {says}");
        }
    }
}

#[test]
fn the_feature_is_refused_where_the_extension_is_not() {
    for target in ["thumbv6m-none-eabi", "thumbv7m-none-eabi", "thumbv8m.base-none-eabi"] {
        let with = says(target, true);
        assert!(with.contains("cargo::error=") && with.contains(target), "{with}");
        assert!(!with.contains("rustc-cfg=minnet_dsp") && !says(target, false).contains("cargo::error"), "{with}");
    }
}
