//! Models to and from other programs' files.

use super::program::{BUNDLED_MODEL, Place};
use std::fs;

const TEXT: &str =
    "28x28x1: conv5x5 20 maxpool2 relu, conv5x5 40 maxpool2 relu, flatten, dense 100 relu, dense 10 softmax";

/// A run with `--net TEXT`, whose words are more than one.
#[track_caller]
fn import(place: &Place, file: &str, arguments: &str) -> (Option<i32>, String, String) {
    let output = place.command(&format!("import {file} {arguments} --json --net")).arg(TEXT).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_model_goes_into_every_form_and_comes_back() {
    let place = Place::new();
    fs::copy(BUNDLED_MODEL, place.path("digits.minnet")).unwrap();
    let hash = place.json("inspect digits.minnet")["weight_hash"].clone();
    for (form, layout) in [("safetensors", "torch"), ("npz", "keras")] {
        let said = place.succeed(&format!("export digits.minnet --to {form}"));
        assert!(said.contains(&format!("log-likelihood: digits.{form}\n")), "{said}");
        assert_eq!(said.contains("    nn.Linear(640, 100),  # 7\n"), form == "safetensors", "{said}");
        let (code, said, error) = import(&place, &format!("digits.{form}"), "--out back.minnet");
        assert_eq!(code, Some(0), "{error}");
        let report: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!((&report["form"], &report["layout"]), (&form.into(), &layout.into()));
        assert_eq!(report["weight_hash"], hash);
    }
    place.succeed("export digits.minnet --to onnx --out a.onnx");
    let report = place.json("import a.onnx --out back.minnet");
    assert_eq!((&report["weight_hash"], &report["form"], &report["layout"]), (&hash, &"onnx".into(), &().into()));
    assert_eq!(report["net"]["architecture"], TEXT);

    place.succeed(&format!("export {} --to c --out small.h", BUNDLED_MODEL.replace("digits", "digits-int8")));
    assert!(
        fs::read_to_string(place.path("small.h")).unwrap().contains("void digits_int8_infer(const uint8_t *pixels")
    );
}

#[test]
fn what_does_not_fit_is_said() {
    let place = Place::new();
    fs::copy(BUNDLED_MODEL, place.path("digits.minnet")).unwrap();
    place.succeed("export digits.minnet --to safetensors");
    place.succeed("export digits.minnet --to onnx");
    fs::write(place.path("cut.onnx"), &fs::read(place.path("digits.onnx")).unwrap()[..1000]).unwrap();
    let integers = BUNDLED_MODEL.replace("digits", "digits-int8");
    for (line, words) in [
        ("import digits.safetensors", ["digits.safetensors: holds tensors", "--net"]),
        (
            "import digits.onnx --net 784-30-10",
            ["digits.onnx: says itself which network it holds", "leave --net, --order and"],
        ),
        ("import digits.safetensors --net 784-30-10", ["tensor `7.weight`", "has more values than the whole network"]),
        ("import digits.onnx --cost cheap", ["does not go with the cost cheap", "log-likelihood"]),
        ("import cut.onnx", ["cut.onnx: ONNX: ", "the file is cut off or damaged: write it anew"]),
        ("import digits.onnx --mean 0.1,0.2", ["--mean has 2 numbers, and the input 1 channels", "digits.onnx"]),
        ("export digits.minnet --to c", ["digits.minnet: holds a float network", "`host quantize` first"]),
        (&format!("export {integers} --to onnx"), ["holds an integer network", "take --to c"]),
    ] {
        let run = place.run(line);
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{line}");
        assert!(words.iter().all(|words| run.stderr.contains(words)), "{line}: {}", run.stderr);
    }
    for line in ["export digits.minnet --to tflite", "import digits.onnx --layout nchw", "import digits.onnx --std 1/0"]
    {
        assert_eq!(place.run(line).code, Some(2), "{line}");
    }
    assert!(!place.path("digits.h").exists());
}
