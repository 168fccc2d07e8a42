//! Files that would take far more memory than their bytes are refused, or read, in little memory.

use super::program::{DIGITS, Place};
use flate2::write::GzEncoder;
use flate2::{Compress, Compression, Crc, FlushCompress};
use host::description::Description;
use host::network::Network;
use host::train::Checkpoint;
use minnet::model::Metadata;
use std::fs;
use std::io::Write;
use std::process::Command;

/// The address space of the program, in kB: 200 MB, and what it has before it reads anything.
const ROOM: usize = 200_000 + 120_000;

/// The exit code of a run in little memory, and its error.
fn run(place: &Place, line: &str) -> (Option<i32>, String) {
    let direct = place.command(line);
    let mut command = if cfg!(target_os = "linux") {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -v {ROOM}; exec \"$0\" \"$@\"")]).arg(direct.get_program());
        shell.args(direct.get_args()).current_dir(place.path(""));
        // Memory that is set aside and not used would count.
        shell.envs([("MALLOC_ARENA_MAX", "1"), ("RAYON_NUM_THREADS", "1")]);
        shell
    } else {
        direct
    };
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Asserts that a run is refused, in little memory, with a message that has these words.
#[track_caller]
fn assert_refused(place: &Place, line: &str, words: &str) {
    let (code, error) = run(place, line);
    assert_eq!(code, Some(1), "{line}: {error}");
    assert!(error.contains(words), "{line}: {words:?} is not in {error}");
}

/// Asserts that a run ends well in little memory.
#[track_caller]
fn assert_read(place: &Place, line: &str) {
    let (code, error) = run(place, line);
    assert_eq!(code, Some(0), "{line}: {error}");
}

fn write(place: &Place, name: &str, bytes: impl AsRef<[u8]>) {
    let path = place.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A gzip file of what stands at its beginning, and then the same again and again: so many members, one after the other.
fn gzip(beginning: &[u8], again: &[u8], times: usize) -> Vec<u8> {
    let member = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    [member(beginning), member(again).repeat(times)].concat()
}

/// Deflated bytes of what stands at the beginning, and of `megabytes` of zeros after it.
fn deflate(beginning: &[u8], megabytes: usize) -> Vec<u8> {
    let block = |bytes: &[u8]| {
        let mut block = Vec::with_capacity(bytes.len() + 1000);
        // A full flush forgets what came before, so that a block may stand anywhere.
        Compress::new(Compression::best(), false).compress_vec(bytes, &mut block, FlushCompress::Full).unwrap();
        block
    };
    [block(beginning), block(&vec![0; 1 << 20]).repeat(megabytes), vec![3, 0]].concat()
}

/// A zip archive of files: name, beginning, and megabytes of zeros after it.
fn zip(files: &[(String, Vec<u8>, usize)]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, beginning, megabytes) in files {
        let packed = deflate(beginning, *megabytes);
        let mut crc = Crc::new();
        crc.update(beginning);
        let length = beginning.len() + (megabytes << 20);
        let sizes = [crc.sum(), packed.len() as u32, length as u32].map(u32::to_le_bytes).concat();
        let common = [&[20, 0, 0, 0, 8, 0, 0, 0, 0, 0], &sizes[..], &[name.len() as u8, 0, 0, 0]].concat();
        let place = (archive.len() as u32).to_le_bytes();
        directory.extend([&b"PK\x01\x02\x14\0"[..], &common, &[0; 10], &place, name.as_bytes()].concat());
        archive.extend([&b"PK\x03\x04"[..], &common, name.as_bytes(), &packed].concat());
    }
    let count = [(files.len() as u16).to_le_bytes(); 2].concat();
    let places = [directory.len() as u32, archive.len() as u32].map(u32::to_le_bytes).concat();
    [archive, directory, [&b"PK\x05\x06\0\0\0\0"[..], &count, &places, &[0, 0]].concat()].concat()
}

/// The header of an IDX file whose numbers are of this type.
fn idx(element: u8, dimensions: &[u32]) -> Vec<u8> {
    let sizes = dimensions.iter().flat_map(|size| size.to_be_bytes());
    [0, 0, element, dimensions.len() as u8].into_iter().chain(sizes).collect()
}

fn npy(descr: &str, shape: &str) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
    [&b"\x93NUMPY\x01\0"[..], &(header.len() as u16).to_le_bytes(), header.as_bytes()].concat()
}

static MEGABYTE: [u8; 1 << 20] = [0; 1 << 20];

#[test]
fn idx_files_that_unpack_to_gigabytes() {
    let place = Place::new();
    // 3 GiB of images, and what the file says of them is true.
    let count = 3 * (1 << 20) as u32;
    write(&place, "images/train-images-idx3-ubyte.gz", gzip(&idx(8, &[count, 32, 32]), &MEGABYTE, 3072));
    write(&place, "images/train-labels-idx1-ubyte.gz", gzip(&idx(8, &[count]), &MEGABYTE, 3));
    let words = "images/train-images-idx3-ubyte.gz: it takes more than 3";
    assert_refused(&place, "data images", words);
    assert_refused(&place, "train --data images --epochs 1", "give it more with --memory");
    // 1 GiB of labels, for as many images of one pixel; and where digits alone are read.
    let count = 1 << 30;
    let packed = gzip(&idx(8, &[count]), &MEGABYTE, 1024);
    for set in ["train", "t10k"] {
        write(&place, &format!("labels/{set}-labels-idx1-ubyte.gz"), &packed);
        write(&place, &format!("labels/{set}-images-idx3-ubyte.gz"), gzip(&idx(8, &[count, 1, 1]), &MEGABYTE, 1024));
    }
    assert_refused(&place, "data labels", "it takes more than 1");
    assert_refused(&place, "expand --data labels", "train-labels-idx1-ubyte.gz: it takes more than 1");
    // More than deflate can pack.
    let count = u32::MAX;
    write(&place, "false/train-images-idx3-ubyte.gz", gzip(&idx(8, &[count, 28, 28]), &[0; 5], 1));
    write(&place, "false/train-labels-idx1-ubyte.gz", gzip(&idx(8, &[count]), &[0; 5], 1));
    assert_refused(&place, "data false", "its header: promises 3367254359296 bytes, but no more than");
}

#[test]
fn labels_of_very_many_classes() {
    let place = Place::new();
    let count = 130_000;
    let labels = |label: fn(u32) -> u32| (0..count).flat_map(|index| label(index).to_be_bytes()).collect::<Vec<u8>>();
    write(&place, "many/train-images-idx3-ubyte", [idx(8, &[count, 1, 1]), vec![7; count as usize]].concat());
    write(&place, "many/train-labels-idx1-int", [idx(0x0c, &[count]), labels(|index| index % 65_000)].concat());
    assert_read(&place, "data many");
    // More than classes can be: numbers.
    write(&place, "many/train-labels-idx1-int", [idx(0x0c, &[count]), labels(|index| 7919 * index)].concat());
    assert_read(&place, "data many");
    assert_refused(&place, "train --data many --targets classes", "is no class: classes are whole numbers of at most");
    // Texts, each but once.
    let rows: String = (0..count).map(|index| format!("{index},a{index:x}\n")).collect();
    write(&place, "texts.csv", format!("a,b\n{rows}"));
    let words = "texts.csv: line 65538, column 2 (b): there are more than 65536 classes";
    assert_refused(&place, "data texts.csv", words);
}

#[test]
fn tables_that_unpack_to_gigabytes() {
    let place = Place::new();
    for (arguments, again, words) in [
        // A few MB, so that the test is quick.
        ("rows.csv.gz --memory 4", &b"1,1\n"[..], "rows.csv.gz: it takes more than 4 MB of memory"),
        ("row.csv.gz", b"1,", "row.csv.gz: byte 8388"),
        ("empty.csv.gz", b"\n", "the row goes on after 8388608 bytes"),
    ] {
        let file = arguments.split(' ').next().unwrap();
        write(&place, file, gzip(b"a,b\n1,2\n", &again.repeat((1 << 20) / again.len()), 600));
        assert_refused(&place, &format!("data {arguments}"), words);
    }
    write(&place, "columns.csv", "1,".repeat(300_000) + "1\n");
    assert_refused(&place, "data columns.csv", "columns.csv: line 1: a sample has more than 262144 columns");
    write(&place, "columns/x_train.npy", [npy("|u1", "2, 300000"), vec![0; 600_000]].concat());
    write(&place, "columns/y_train.npy", [npy("|u1", "2,"), vec![0; 2]].concat());
    assert_refused(&place, "data columns", "a sample has more than 262144 columns");
}

#[test]
fn pickles_that_make_much_of_little() {
    let place = Place::new();
    let dtype =
        b"\x80\x02(cnumpy\ndtype\nU\x02f4K\0K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tbq\0";
    // Arrays of one number, each of which could be the first of an image.
    write(&place, "arrays.pkl", [&dtype[..], b"]", &b"h\0\x89U\x04\0\0\0\0\x87a".repeat(580_000)].concat());
    assert_refused(&place, "data arrays.pkl", "steps for so few bytes");
    // Lists of what is remembered.
    let again = [&b"h\0\x89U\x04\0\0\0\0\x87a("[..], &b"h\0".repeat(30), b"e"].concat();
    write(&place, "lists.pkl", [&dtype[..], b"]", &again.repeat(90_000)].concat());
    assert_refused(&place, "data lists.pkl", "steps for so few bytes");
    // An array of zeros.
    let array = [&dtype[..], b"h\0\x89T", &(1_u32 << 30).to_le_bytes()].concat();
    write(&place, "array.pkl.gz", gzip(&array, &MEGABYTE, 1024));
    assert_refused(&place, "data array.pkl.gz", "array.pkl.gz: it takes more than 10");
}

#[test]
fn arrays_that_claim_or_unpack_to_gigabytes() {
    let place = Place::new();
    write(&place, "npy/x_train.npy", npy("<f4", "1099511627776, 784"));
    write(&place, "npy/y_train.npy", npy("|u1", "1099511627776,"));
    assert_refused(&place, "data npy", "x_train.npy: byte 8");
    let count = 3 << 20;
    let array = |name: &str, descr: &str, shape: String, megabytes| (name.to_owned(), npy(descr, &shape), megabytes);
    let x = array("x.npy", "|u1", format!("{count}, 32, 32"), 3072);
    write(&place, "bomb.npz", zip(&[x, array("y.npy", "|u1", format!("{count},"), 3)]));
    assert_refused(&place, "data bomb.npz", "x.npy: it takes more than 3");
    // Weights, the same again and again; and of more values than the network.
    let zeros = [npy("<f4", "784, 30"), vec![0; 4 * 784 * 30]].concat();
    let weights: Vec<_> = (0..200).map(|index| (format!("arr_{index}.npy"), zeros.clone(), 0)).collect();
    write(&place, "weights.npz", zip(&weights));
    assert_refused(&place, "import weights.npz --net 784-30-10", "far more values than the whole network");
    write(&place, "one.npz", zip(&[array("arr_0.npy", "<f4", "1099511627776, 10".into(), 3)]));
    assert_refused(&place, "import one.npz --net 784-30-10", "has more values than the whole network");
}

fn chunk(name: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(name);
    crc.update(bytes);
    [&(bytes.len() as u32).to_be_bytes(), name, bytes, &crc.sum().to_be_bytes()].concat()
}

/// A PNG picture of gray and alpha, all zeros.
fn png(width: u32, height: u32, is_interlaced: bool, other: &[u8]) -> Vec<u8> {
    let sizes = [width, height].map(u32::to_be_bytes).concat();
    let header = chunk(b"IHDR", &[&sizes[..], &[8, 4, 0, 0, u8::from(is_interlaced)]].concat());
    let pixels = [&[0x78, 0x9c][..], &deflate(&[], ((2 * width as usize * height as usize) >> 20) + 1)].concat();
    [b"\x89PNG\r\n\x1a\n", &header[..], other, &chunk(b"IDAT", &pixels), &chunk(b"IEND", &[])].concat()
}

#[test]
fn pictures_of_very_many_pixels() {
    let place = Place::new();
    write(&place, "tall.png", png(65_536, 1000, false, &[]));
    assert_refused(&place, "classify tall.png", "65536 x 1000 pixels are more than 64000000");
    write(&place, "wide.png", png(1 << 20, 2, false, &[]));
    assert_refused(&place, "classify wide.png", "1048576 x 2 pixels are more than");
    write(&place, "passes.png", png(7000, 7000, true, &[]));
    assert_refused(&place, "classify passes.png", "passes.png: it takes more than 64 MB of memory");
    // What is no pixel is not unpacked.
    let profile = [&b"x\0\0\x78\x9c"[..], &deflate(&[], 400)].concat();
    write(&place, "profile.png", png(28, 28, false, &chunk(b"iCCP", &profile)));
    assert_refused(&place, "classify profile.png", "no digit found");
    // Together they are too many.
    for number in 0..20 {
        write(&place, &format!("many/{}/{number}.png", number % 2), png(4000, 4000, false, &[]));
    }
    assert_refused(&place, "data many", "many: it takes more than 64 MB of memory");

    let jpeg = |is_progressive, [width, height]: [u16; 2]| {
        let mut bytes = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 50);
        encoder.set_progressive(is_progressive);
        encoder.encode(&[200; 64 * 64 * 3], 64, 64, jpeg_encoder::ColorType::Rgb).unwrap();
        // Behind the marker of the frame, its length, and the bits of a sample.
        let frame = bytes.windows(2).position(|pair| pair == [0xff, if is_progressive { 0xc2 } else { 0xc0 }]).unwrap();
        bytes[frame + 5..][..4].copy_from_slice(&[height, width].map(u16::to_be_bytes).concat());
        bytes
    };
    for (is_progressive, size, words) in [
        (false, [9000, 9000], "9000 x 9000 pixels are more than 64000000"),
        (false, [7000, 7000], "7000.jpg: it takes more than 64 MB of memory"),
        (true, [4000, 4000], "4000.jpg: it takes more than 64 MB of memory"),
        (false, [3000, 3000], "no digit found"),
    ] {
        let name = format!("{}.jpg", size[0]);
        write(&place, &name, jpeg(is_progressive, size));
        assert_refused(&place, &format!("classify {name}"), words);
    }
}

/// A field of a protocol buffer that has a length.
fn field(tag: u8, bytes: &[u8]) -> Vec<u8> {
    [&[tag << 3 | 2][..], &number(bytes.len()), bytes].concat()
}

fn number(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

#[test]
fn graphs_that_make_much_of_little() {
    let place = Place::new();
    let model = |graph: &[u8]| [&[8, 8][..], &field(7, graph), &field(8, &[0x10, 0x11])].concat();
    for (name, part) in [("tensors", [0x2a, 0]), ("nodes", [0x0a, 0])] {
        write(&place, &format!("{name}.onnx"), model(&part.repeat(3_000_000)));
        assert_refused(&place, &format!("import {name}.onnx"), "more than 100000 nodes, tensors and texts");
    }
    let value = |name: &str, sides: &[usize]| {
        let sides: Vec<u8> = sides.iter().flat_map(|side| field(1, &[vec![8], number(*side)].concat())).collect();
        [field(1, name.as_bytes()), field(2, &field(1, &field(2, &sides)))].concat()
    };
    let tensor = |sides: [usize; 2], bytes: usize| {
        let dims = sides.map(|side| [vec![8], number(side)].concat()).concat();
        [dims, vec![0x10, 1], field(8, b"w"), field(9, &vec![0; bytes])].concat()
    };
    let node = |operator: &str, inputs: &[&str], output: &str, other: &[u8]| {
        let inputs: Vec<u8> = inputs.iter().flat_map(|input| field(1, input.as_bytes())).collect();
        field(1, &[&inputs[..], &field(2, output.as_bytes()), &field(4, operator.as_bytes()), other].concat())
    };
    // One matrix for many layers.
    let nodes: Vec<u8> = (0..300)
        .flat_map(|layer| node("MatMul", &[&format!("x{layer}"), "w"], &format!("x{}", layer + 1), &[]))
        .collect();
    let ends = [field(11, &value("x0", &[1, 500])), field(12, &value("x300", &[1, 500]))].concat();
    write(&place, "shared.onnx", model(&[nodes, field(5, &tensor([500, 500], 1_000_000)), ends].concat()));
    assert_refused(&place, "import shared.onnx", "`w` is used by many nodes");
    // A layer without outputs needs no order of its inputs.
    let turned = [field(1, b"transB"), vec![0x18, 1, 0xa0, 1, 2]].concat();
    let nodes = [node("Flatten", &["x0"], "x1", &[]), node("Gemm", &["x1", "w"], "x2", &field(5, &turned))].concat();
    let ends = [field(11, &value("x0", &[1, 2, 1 << 14, 1 << 13])), field(12, &value("x2", &[1, 0]))].concat();
    write(&place, "none.onnx", model(&[nodes, field(5, &tensor([0, 1 << 28], 0)), ends].concat()));
    assert_read(&place, "import none.onnx --out none.minnet");
}

#[test]
fn tensors_that_make_much_of_little() {
    let place = Place::new();
    let file = |header: String| [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 4]].concat();
    let tensor = |index: usize, shape: &str| {
        format!(
            "\"{index}.weight\":{{\"dtype\":\"F32\",\"shape\":[{shape}],\"data_offsets\":[0,{}]}}",
            shape.len().min(1) * 4
        )
    };
    let many: Vec<String> = (0..200_000).map(|index| tensor(index, "")).collect();
    write(&place, "many.safetensors", file(format!("{{{}}}", many.join(","))));
    assert_refused(&place, "import many.safetensors --net 784-30-10", "its header: says that it is");
    write(&place, "sides.safetensors", file(format!("{{{}}}", tensor(0, &("1,".repeat(1_000_000) + "1")))));
    assert_refused(&place, "import sides.safetensors --net 784-30-10", "`0.weight`: has 1000001 dimensions");
    write(&place, "claim.safetensors", [&(1_u64 << 40).to_le_bytes()[..], b"{"].concat());
    assert_refused(
        &place,
        "import claim.safetensors --net 784-30-10",
        "its header: says that it is 1099511627776 bytes long",
    );
}

#[test]
fn json_of_very_many_lists() {
    let place = Place::new();
    let file = |weights: &str| {
        format!("{{\"sizes\":[1,1],\"weights\":[{weights}],\"biases\":[[[0]]],\"cost\":\"QuadraticCost\"}}")
    };
    write(&place, "rows.json", file(&format!("[{}[0]]", "[0],".repeat(2_000_000))));
    assert_refused(&place, "import rows.json", "weights[0] has 2000001 entries instead of 1");
    write(&place, "layers.json", file(&format!("{}[]", "[],".repeat(2_000_000))));
    assert_refused(&place, "import layers.json", "weights has 2000001 entries instead of 1");
    write(&place, "numbers.json", file(&format!("[[{}NaN]]", "0,".repeat(3_000_000))));
    assert_refused(&place, "import numbers.json", "weights[0][0][3000000] is NaN");
    write(&place, "deep.json", format!("{{\"weights\":{}", "[".repeat(10_000_000)));
    assert_refused(&place, "import deep.json", "not a network of the book's network2.py");
}

#[test]
fn checkpoints_and_models_that_claim_much() {
    let place = Place::new();
    // Ten million words, none of which has a letter.
    let words = [number(10_000_000), vec![0; 10_000_000]].concat();
    let mut crc = Crc::new();
    crc.update(&words);
    let file = [&b"MINNETC1"[..], &words, &crc.sum().to_le_bytes()].concat();
    write(&place, "words.checkpoint", &file);
    assert!(Checkpoint::read(&place.path("words.checkpoint")).is_err());
    assert_refused(&place, "train --resume words.checkpoint", "words.checkpoint: it is damaged");
    // A filter of one weight, and as many values as there may be.
    let net = host::nets::find("16384x16384x1: conv1x1 1, globalavgpool", Some("quadratic")).unwrap();
    let metadata = Metadata { cost: "quadratic".try_into().unwrap(), ..Metadata::default() };
    let network = Network::zeroed(&net).unwrap();
    network.save(&place.path("large.minnet"), &metadata, &Description::default()).unwrap();
    place.write_png("7.png", 28, &DIGITS.images[0]);
    for line in ["classify large.minnet 7.png", "eval large.minnet --data @data", "quantize large.minnet --data @data"]
    {
        assert_refused(&place, line, "large.minnet: it takes more than 64 MB of memory");
    }
}
