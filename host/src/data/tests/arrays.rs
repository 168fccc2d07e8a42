//! IDX files, NumPy's arrays and CIFAR-10's files, whole, damaged and of the wrong kind.

use super::*;

/// An IDX file of a type with these dimensions.
fn idx(element: u8, dimensions: &[u32], numbers: &[u8]) -> Vec<u8> {
    let magic = 0x100 * u32::from(element) + dimensions.len() as u32;
    [header(magic, dimensions), numbers.to_vec()].concat()
}

/// An array as numpy.save writes it, by rows.
fn npy(descr: &str, shape: &str, numbers: &[u8]) -> Vec<u8> {
    npy_of(&format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"), numbers)
}

fn npy_of(header: &str, numbers: &[u8]) -> Vec<u8> {
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    let header = format!("{header:<width$}\n", width = length - 1);
    [b"\x93NUMPY\x01\x00", &(length as u16).to_le_bytes()[..], header.as_bytes(), numbers].concat()
}

/// A zip archive of files, compressed or not, as numpy.savez(_compressed) writes it.
fn zip(files: &[(&str, &[u8])], is_packed: bool) -> Vec<u8> {
    let method = if is_packed { zip::CompressionMethod::Deflated } else { zip::CompressionMethod::Stored };
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Every truncation of one of the files is an error that names it.
fn truncations_are_errors(files: &[(&str, &[u8])], cut: &str, allowed: &[usize]) {
    let directory = directory(files);
    let whole = files.iter().find(|(name, _)| *name == cut).unwrap().1;
    let path = if files.len() == 1 { directory.path().join(cut) } else { directory.path().to_path_buf() };
    open(&path, &Options::default()).unwrap();
    for length in (0..whole.len()).filter(|length| !allowed.contains(length)) {
        fs::write(directory.path().join(cut), &whole[..length]).unwrap();
        let error = open(&path, &Options::default()).expect_err(&format!("{length} bytes"));
        let stem = cut.split(['.', '-']).next().unwrap();
        assert!(error.to_string().contains(stem), "{length} bytes: {error}");
    }
}

#[test]
fn mnist_is_read_as_before() {
    let directory = default_directory().unwrap();
    let mnist = Mnist::load(&directory).unwrap();
    let data = open(&directory, &Options::default()).unwrap();
    assert_eq!((data.shape(), data.classes.len()), (image(28, 28, 1), 10));
    assert_eq!(data.train().len(), 50_000);
    let (train, validation) = mnist.split();
    let parts =
        [(data.train(), train), (data.validation().unwrap(), validation), (data.test().unwrap(), mnist.test.samples())];
    for (part, samples) in parts {
        assert!(part == samples.view());
    }
    // Nothing was held twice, nor is there more memory than there are values.
    let Values::Bytes(values) = data.set.values() else { panic!("no bytes") };
    assert_eq!(values.capacity(), 70_000 * 784);
    assert_eq!(data.checksum(), 0xd887_1aa1_6e07_a732);
}

#[test]
fn idx_of_all_types_and_dimensions() {
    let labels = idx(8, &[2], &[1, 0]);
    for (element, numbers, expected) in [
        (0x08, vec![1, 255, 3, 4], [1.0, 255.0, 3.0, 4.0]),
        (0x09, vec![1, 255, 3, 4], [1.0, -1.0, 3.0, 4.0]),
        (0x0b, [1_i16, -1, 300, 4].iter().flat_map(|n| n.to_be_bytes()).collect(), [1.0, -1.0, 300.0, 4.0]),
        (0x0c, [1_i32, -1, 70_000, 4].iter().flat_map(|n| n.to_be_bytes()).collect(), [1.0, -1.0, 70_000.0, 4.0]),
        (0x0d, [1.5_f32, -1.0, 3.0, 4.0].iter().flat_map(|n| n.to_be_bytes()).collect(), [1.5, -1.0, 3.0, 4.0]),
        (0x0e, [1.5_f64, -1.0, 3.0, 4.0].iter().flat_map(|n| n.to_be_bytes()).collect(), [1.5, -1.0, 3.0, 4.0]),
    ] {
        for (dimensions, shape) in
            [(&[2, 2][..], Shape::Vector(2)), (&[2, 1, 2], image(1, 2, 1)), (&[2, 1, 1, 2], image(1, 1, 2))]
        {
            let images = idx(element, dimensions, &numbers);
            let files = [("a-images-idx3-ubyte", &images[..]), ("a-labels-idx1-ubyte", &labels)];
            let data = read(&files, &Options::default()).unwrap();
            assert_eq!((data.shape(), data.all().len()), (shape, 2));
            // Two samples may be in any order: each goes to a part of its own accord.
            let flipped = [expected[2], expected[3], expected[0], expected[1]];
            assert!([expected, flipped].contains(&floats(&data).try_into().unwrap()), "{element}");
            assert_eq!(matches!(data.all().values(), Sample::Bytes(_)), element == 8);
        }
    }
}

#[test]
fn idx_under_other_names() {
    let images = |count: u32| idx(8, &[count, 1, 2], &(0..2 * count).map(|n| n as u8).collect::<Vec<_>>());
    let labels = |count: u32| idx(8, &[count], &(0..count).map(|n| (n % 3) as u8).collect::<Vec<_>>());
    let (train_images, train_labels, test_images, test_labels) = (images(12), labels(12), gzip(&images(4)), labels(4));
    for names in [
        ["train-images.idx3-ubyte", "train-labels.idx1-ubyte", "t10k-images.idx3-ubyte.gz", "t10k-labels.idx1-ubyte"],
        [
            "emnist-mnist-train-images-idx3-ubyte",
            "emnist-mnist-train-labels-idx1-ubyte",
            "emnist-mnist-test-images-idx3-ubyte.gz",
            "emnist-mnist-test-labels-idx1-ubyte",
        ],
    ] {
        let files: [&[u8]; 4] = [&train_images, &train_labels, &test_images, &test_labels];
        let files: Vec<_> = names.iter().copied().zip(files).collect();
        let data = read(&files, &Options::default()).unwrap();
        assert_eq!([data.train().len(), data.validation().unwrap().len(), data.test().unwrap().len()], [10, 2, 4]);
        assert_eq!(data.validation().unwrap().sample(1), Sample::Bytes(&[22, 23]));
        assert_eq!(data.test().unwrap().labels(), Some(&[0, 1, 2, 0][..]));
        assert_eq!(data.to_string(), "IDX files of bytes: 16 samples of 1x2x1 bytes with classes (3)");
    }
    // One file of a pair stands for both.
    let directory = directory(&[("a-images-idx3-ubyte.gz", &gzip(&images(4))), ("a-labels-idx1-ubyte", &labels(4))]);
    for name in ["a-images-idx3-ubyte.gz", "a-labels-idx1-ubyte"] {
        let data = open(&directory.path().join(name), &Options::default()).unwrap();
        assert_eq!(data.all().len(), 4);
    }
}

#[test]
fn emnist_is_transposed_and_its_labels_start_at_1() {
    let images = idx(8, &[3, 2, 3], &[1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60, 7, 7, 7, 7, 7, 7]);
    let labels = idx(8, &[3], &[2, 1, 3]);
    let mapping = b"1 65 97\n2 66 98\n3 67 99\n";
    let files = [
        ("emnist-letters-train-images-idx3-ubyte", &images[..]),
        ("emnist-letters-train-labels-idx1-ubyte", &labels),
        ("emnist-letters-test-images-idx3-ubyte", &images),
        ("emnist-letters-test-labels-idx1-ubyte", &labels),
        ("emnist-letters-mapping.txt", mapping),
    ];
    let options = Options { transpose: true, ..Options::default() };
    let data = read(&files, &options).unwrap();
    assert_eq!(data.shape(), image(3, 2, 1));
    assert_eq!(data.train().sample(0), Sample::Bytes(&[1, 4, 2, 5, 3, 6]));
    assert_eq!(data.train().labels(), Some(&[1, 0, 2][..]));
    assert_eq!(data.classes, ["A", "B", "C"]);
    assert!(data.notes.iter().any(|note| note.contains("labels start at 1")), "{:?}", data.notes);
}

#[test]
fn idx_that_does_not_fit_together() {
    let images = idx(8, &[2, 1, 2], &[1, 2, 3, 4]);
    let labels = idx(8, &[2], &[1, 0]);
    let error_of = |images: &[u8], labels: &[u8]| {
        error(&[("images-idx3-ubyte", images), ("labels-idx1-ubyte", labels)], &Options::default())
    };
    for (images, labels, expected) in [
        (&images[..], &idx(8, &[3], &[1, 0, 1])[..], "images-idx3-ubyte: holds 2 samples, but "),
        (&idx(8, &[2, 1, 1, 1, 2], &[1, 2, 3, 4]), &labels, "images-idx3-ubyte: samples of 1x1x1x2 are neither"),
        (&idx(8, &[0, 1, 2], &[]), &labels, "images-idx3-ubyte: holds no samples"),
        (&idx(8, &[2, 0, 2], &[]), &labels, "images-idx3-ubyte: holds no samples"),
        (
            b"\x89PNG\r\n\x1a\n",
            &labels,
            "images-idx3-ubyte: byte 0: not an IDX file: it begins with 89 50 4e 47 (a PNG",
        ),
        (&idx(0x0a, &[2, 1, 2], &[1, 2, 3, 4]), &labels, "images-idx3-ubyte: byte 0: not an IDX file"),
        (&[images.clone(), vec![0]].concat(), &labels, "images-idx3-ubyte: byte 20: the data go on"),
        (&idx(0x0d, &[2, 1], &[0, 0, 0, 0, 0x7f, 0xc0, 0, 0]), &labels, "images-idx3-ubyte: byte 16: the value is NaN"),
        (
            &idx(8, &[u32::MAX, 9, 9], &[1]),
            &labels,
            "images-idx3-ubyte: byte 17: the data end here, 347892350911 bytes",
        ),
        (&idx(8, &[u32::MAX; 8], &[1]), &labels, "images-idx3-ubyte: byte 37: the data end here, 18446744073709551615"),
        (
            &gzip(&idx(8, &[u32::MAX, 9, 9], &[1])),
            &labels,
            "images-idx3-ubyte: its header: promises 347892350911 bytes",
        ),
    ] {
        let message = error_of(images, labels);
        assert!(message.starts_with(expected), "{message}");
    }
    let one = error(&[("train-images-idx3-ubyte", &images)], &Options::default());
    assert!(one.starts_with("train-images-idx3-ubyte: there is no train-labels-idx1-ubyte beside it"), "{one}");
    let other = idx(8, &[2, 2, 2], &[0; 8]);
    let files = [
        ("train-images-idx3-ubyte", &images[..]),
        ("train-labels-idx1-ubyte", &labels),
        ("t10k-images-idx3-ubyte", &other),
        ("t10k-labels-idx1-ubyte", &labels),
    ];
    let message = error(&files, &Options::default());
    assert!(message.starts_with("t10k-images-idx3-ubyte: its samples are of 2x2, those of train-images"), "{message}");
}

#[test]
fn cut_off_idx() {
    let (images, labels) = (idx(8, &[2, 1, 2], &[1, 2, 3, 4]), idx(8, &[2], &[1, 0]));
    let packed = gzip(&images);
    for images in [&images[..], &packed] {
        let files = [("a-images-idx3-ubyte", images), ("a-labels-idx1-ubyte", &labels)];
        truncations_are_errors(&files, "a-images-idx3-ubyte", &[]);
        truncations_are_errors(&files, "a-labels-idx1-ubyte", &[]);
    }
}

#[test]
fn arrays_of_all_types_orders_and_dimensions() {
    let labels = npy("|u1", "(2,)", &[0, 1]);
    let numbers = [1.0_f32, 2.0, 100.0, 4.0];
    let bytes = |number: &dyn Fn(f32) -> Vec<u8>| numbers.iter().flat_map(|&value| number(value)).collect::<Vec<u8>>();
    let all: [(&str, Vec<u8>); 15] = [
        ("|b1", vec![1, 2, 100, 4]),
        ("|u1", vec![1, 2, 100, 4]),
        ("|i1", vec![1, 2, 100, 4]),
        ("<u2", bytes(&|value| (value as u16).to_le_bytes().into())),
        (">u2", bytes(&|value| (value as u16).to_be_bytes().into())),
        ("<i2", bytes(&|value| (value as i16).to_le_bytes().into())),
        (">i4", bytes(&|value| (value as i32).to_be_bytes().into())),
        ("<u4", bytes(&|value| (value as u32).to_le_bytes().into())),
        ("<u8", bytes(&|value| (value as u64).to_le_bytes().into())),
        ("<i8", bytes(&|value| (value as i64).to_le_bytes().into())),
        ("<f2", vec![0x00, 0x3c, 0x00, 0x40, 0x40, 0x56, 0x00, 0x44]),
        ("<f4", bytes(&|value| value.to_le_bytes().into())),
        (">f4", bytes(&|value| value.to_be_bytes().into())),
        ("<f8", bytes(&|value| f64::from(value).to_le_bytes().into())),
        (">f8", bytes(&|value| f64::from(value).to_be_bytes().into())),
    ];
    for (descr, numbers) in all {
        for (shape, expected) in
            [("(2, 2)", Shape::Vector(2)), ("(2L, 1L, 2L)", image(1, 2, 1)), ("(2,1,1,2)", image(1, 1, 2))]
        {
            let samples = npy(descr, shape, &numbers);
            let files = [
                ("x_train.npy", &samples[..]),
                ("y_train.npy", &labels),
                ("x_test.npy", &samples),
                ("y_test.npy", &labels),
            ];
            for is_packed in [false, true] {
                let data = read(&[("a.npz", &zip(&files, is_packed))], &Options::default()).unwrap();
                assert_eq!((data.shape(), data.all().len()), (expected, 4), "{descr} {shape}");
                assert_eq!(
                    data.test().unwrap().values().floats().collect::<Vec<_>>(),
                    [1.0, 2.0, 100.0, 4.0],
                    "{descr}"
                );
                assert_eq!(data.test().unwrap().labels(), Some(&[0, 1][..]));
            }
            let apart = read(&files, &Options::default()).unwrap();
            let together = read(&[("a.npz", &zip(&files, true))], &Options::default()).unwrap();
            assert_eq!(apart, together);
            assert_eq!(apart.checksum(), together.checksum());
        }
    }
}

#[test]
fn arrays_by_columns_come_by_rows() {
    // Sample n, row h, column w is 100 n + 10 h + w.
    let (samples, rows, columns) = (2, 2, 3);
    let mut numbers = Vec::new();
    for w in 0..columns {
        for h in 0..rows {
            for n in 0..samples {
                numbers.push(100 * n + 10 * h + w);
            }
        }
    }
    let header = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2, 3), }";
    let floats_header = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2, 3), }";
    let as_floats: Vec<u8> = numbers.iter().flat_map(|&number| f32::from(number).to_le_bytes()).collect();
    let labels = npy("<i8", "(2,)", &[0_i64.to_le_bytes(), 1_i64.to_le_bytes()].concat());
    for samples in [npy_of(header, &numbers), npy_of(floats_header, &as_floats)] {
        let files = [
            ("train_x.npy", &samples[..]),
            ("train_y.npy", &labels),
            ("test_x.npy", &samples),
            ("test_y.npy", &labels),
        ];
        let data = read(&files, &Options::default()).unwrap();
        let expected: Vec<f32> = [0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112].map(|n| n as f32).into();
        assert_eq!(data.test().unwrap().values().floats().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn targets_of_arrays() {
    let samples = npy("|u1", "(4, 1)", &[1, 2, 3, 4]);
    let read_with = |targets: &[u8], options: &Options| {
        read(&[("X.npy", &samples), ("y.npy", targets)], options).map(|data| {
            let view = data.all();
            let target = |place| (view.sample(place).get(0), format!("{:?}", view.target(place)));
            let mut targets: Vec<_> = (0..view.len()).map(target).collect();
            targets.sort_by(|a, b| a.0.total_cmp(&b.0));
            targets.into_iter().map(|(_, target)| target).collect::<Vec<_>>().join(" ")
        })
    };
    let default = Options::default();
    let one_hot = npy("|u1", "(4, 2)", &[0, 1, 1, 0, 0, 1, 0, 1]);
    assert_eq!(read_with(&one_hot, &default).unwrap(), "Class(1) Class(0) Class(1) Class(1)");
    let column = npy("|i1", "(4, 1)", &[255, 1, 255, 1]);
    assert_eq!(read_with(&column, &default).unwrap(), "Class(0) Class(1) Class(0) Class(1)");
    let numbers = Options { targets: Some(TargetKind::Numbers), ..Options::default() };
    assert_eq!(read_with(&column, &numbers).unwrap(), "Numbers([-1.0]) Numbers([1.0]) Numbers([-1.0]) Numbers([1.0])");
    let halves = npy("<f4", "(4,)", &[0.5_f32, 1.0, 1.5, 2.0].map(f32::to_le_bytes).concat());
    assert_eq!(read_with(&halves, &default).unwrap(), "Numbers([0.5]) Numbers([1.0]) Numbers([1.5]) Numbers([2.0])");
    let classes = Options { targets: Some(TargetKind::Classes), ..Options::default() };
    let message = read_with(&halves, &classes).unwrap_err().to_string();
    assert!(message.contains("X.npy: the target 0.5 is no class"), "{message}");
}

#[test]
fn a_wanted_shape_is_taken_or_refused() {
    let labels = npy("|u1", "(1,)", &[0]);
    let shape = |text: &str| Options { shape: Some(text.parse().unwrap()), ..Options::default() };
    for (dimensions, wanted) in
        [("(1, 12)", "2x2x3"), ("(1, 2, 2, 3)", "12"), ("(1, 6, 2)", "6x1x2"), ("(1, 1, 6, 2)", "6x2x1")]
    {
        let samples = npy("|u1", dimensions, &[1; 12]);
        let data = read(&[("x.npy", &samples), ("y.npy", &labels)], &shape(wanted)).unwrap();
        assert_eq!(data.shape().to_string(), wanted);
        let unshaped = read(&[("x.npy", &samples), ("y.npy", &labels)], &Options::default()).unwrap();
        assert_eq!(data.checksum(), unshaped.checksum());
    }
    let samples = npy("|u1", "(1, 3, 2, 2)", &[1; 12]);
    let message = error(&[("x.npy", &samples), ("y.npy", &labels)], &shape("2x2x3"));
    assert!(
        message.starts_with("x.npy: its samples are of 3x2x2, and 2x2x3 is wanted (its channels come first"),
        "{message}"
    );
    let message = error(&[("x.npy", &samples), ("y.npy", &labels)], &shape("13"));
    assert!(message.contains("its samples are of 3x2x2, and 13 is wanted; give"), "{message}");
}

#[test]
fn transposing_goes_with_a_shape() {
    let labels = npy("|u1", "(1,)", &[0]);
    let numbers = [1, 2, 3, 4, 5, 6];
    for (dimensions, wanted) in [("(1, 2, 3)", None), ("(1, 2, 3)", Some("3x2x1")), ("(1, 6)", Some("3x2x1"))] {
        let options =
            Options { transpose: true, shape: wanted.map(|text| text.parse().unwrap()), ..Options::default() };
        let data = read(&[("x.npy", &npy("|u1", dimensions, &numbers)), ("y.npy", &labels)], &options).unwrap();
        assert_eq!((data.shape(), data.all().values()), (image(3, 2, 1), Sample::Bytes(&[1, 4, 2, 5, 3, 6])));
    }
}

#[test]
fn arrays_that_are_refused() {
    let labels = npy("|u1", "(2,)", &[0, 1]);
    let of_header = |header: &str| npy_of(header, &[1, 2]);
    let long = [&b"\x93NUMPY\x02\x00\xff\xff\xff\xff{'descr': "[..], &[b'('; 100]].concat();
    for (samples, expected) in [
        // What numpy.save writes of an array of objects: a pickle, here one that would call os.system.
        (npy("|O", "(2,)", b"\x80\x04cos\nsystem\n(S'true'\ntR."), "x.npy: the array holds Python objects as a pickle"),
        (npy("<U5", "(2,)", &[0; 40]), "x.npy: the array holds texts (<U5); nothing was executed"),
        (npy("<c8", "(2,)", &[0; 16]), "x.npy: the array holds complex numbers"),
        (npy("<M8[s]", "(2,)", &[0; 16]), "x.npy: the array is of type \"<M8[s]\""),
        (
            of_header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }"),
            "x.npy: the array holds records of several fields",
        ),
        (of_header("{'descr': '|u1', 'shape': (2,), }"), "x.npy: the header of the array cannot be read"),
        (of_header("((((((((((((((((("), "x.npy: the header of the array cannot be read"),
        (of_header("{'descr': '|u1', 'fortran_order': False, 'shape': (-2,), }"), "x.npy: the header of the array"),
        (
            of_header("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 99999999999999999999), }"),
            "x.npy: the header",
        ),
        (npy("|u1", "(2, 99999999999)", &[1, 2]), "x.npy: byte 130: the data end here, 200000000126 bytes are needed"),
        (npy("<f8", "(4611686018427387904, 2)", &[1, 2]), "x.npy: byte 130: the data end here"),
        (npy("|u1", "()", &[1]), "x.npy: holds no samples"),
        (npy("|u1", "(2, 0)", &[]), "x.npy: holds no samples"),
        (npy("|u1", "(2, 1, 1, 1, 1)", &[1, 2]), "x.npy: samples of 1x1x1x1 are neither"),
        (npy("<f2", "(2,)", &[0, 0x7c, 0, 0]), "x.npy: byte 128: the value is inf"),
        (npy("<f8", "(2,)", &[1e300_f64, 0.0].map(f64::to_le_bytes).concat()), "x.npy: byte 128: the value is inf"),
        ([npy("|u1", "(2,)", &[1, 2]), vec![0]].concat(), "x.npy: byte 130: the data go on"),
        (npy("|u1", "(3,)", &[1, 2, 3]), "x.npy: holds 3 samples, but "),
        (long, "x.npy: the header of the array cannot be read: it is 4294967295 bytes long"),
        (b"\x93NUMPY\x09\x00".to_vec(), "x.npy: the header of the array cannot be read: it is of version 9"),
        (
            b"\x80\x04cos\nsystem\n(S'true'\ntR.".to_vec(),
            "x.npy: the header of the array cannot be read: it does not begin",
        ),
    ] {
        let message = error(&[("x.npy", &samples), ("y.npy", &labels)], &Options::default());
        assert!(message.starts_with(expected), "{message}");
        // The same inside an archive.
        let archive = zip(&[("x.npy", &samples), ("y.npy", &labels)], true);
        let inside = error(&[("a.npz", &archive)], &Options::default());
        assert!(inside.starts_with("a.npz/x.npy: "), "{inside}");
    }
    let archive = zip(&[("weights.npy", &labels), ("notes.txt", b"hello")], false);
    let message = error(&[("a.npz", &archive)], &Options::default());
    assert!(message.starts_with("a.npz: has no arrays of samples and targets, but weights; name them"), "{message}");
    let archive = zip(&[("x_train.npy", &labels)], false);
    let message = error(&[("a.npz", &archive)], &Options::default());
    assert!(message.starts_with("a.npz: x_train: there is no y_train beside it"), "{message}");
}

#[test]
fn cut_off_arrays() {
    let samples = npy("<f4", "(2, 2)", &[1.0_f32, 2.0, 3.0, 4.0].map(f32::to_le_bytes).concat());
    let labels = npy("|u1", "(2,)", &[0, 1]);
    truncations_are_errors(&[("x.npy", &samples), ("y.npy", &labels)], "x.npy", &[]);
    for is_packed in [false, true] {
        let archive = zip(&[("x.npy", &samples), ("y.npy", &labels)], is_packed);
        truncations_are_errors(&[("a.npz", &archive)], "a.npz", &[]);
    }
}

#[test]
fn every_damaged_byte_of_an_archive_is_an_error_or_harmless() {
    let samples = npy("<f4", "(2, 1)", &[1.0_f32, 2.0].map(f32::to_le_bytes).concat());
    let labels = npy("|u1", "(2,)", &[0, 1]);
    let archive = zip(&[("x.npy", &samples), ("y.npy", &labels)], true);
    let whole = read(&[("a.npz", &archive)], &Options::default()).unwrap();
    let directory = directory(&[]);
    let path = directory.path().join("a.npz");
    for place in 0..archive.len() {
        for bit in [0, 3, 7] {
            let mut damaged = archive.clone();
            damaged[place] ^= 1 << bit;
            fs::write(&path, &damaged).unwrap();
            if let Ok(data) = open(&path, &Options::default()) {
                assert_eq!(data.all(), whole.all(), "byte {place}, bit {bit}");
            }
        }
    }
}

/// A batch of CIFAR-10 of these labels; every byte of red is 1, of green 2, of blue 3, and the first pixel's 4, 5, 6.
fn cifar(labels: &[u8]) -> Vec<u8> {
    let plane = |colour: u8| [vec![colour + 3], vec![colour; 1023]].concat();
    labels.iter().flat_map(|&label| [vec![label], plane(1), plane(2), plane(3)].concat()).collect()
}

#[test]
fn cifar_is_read_with_its_names() {
    let (train, test) = (cifar(&[3, 0]), cifar(&[9]));
    let names = b"airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";
    let files = [
        ("data_batch_1.bin", &train[..]),
        ("data_batch_2.bin", &train),
        ("test_batch.bin", &test),
        ("batches.meta.txt", names),
    ];
    let data = read(&files, &Options::default()).unwrap();
    assert_eq!((data.shape(), data.all().len(), data.test().unwrap().len()), (image(32, 32, 3), 5, 1));
    let Sample::Bytes(first) = data.all().sample(0) else { panic!("no bytes") };
    assert_eq!((&first[..6], &first[3069..]), (&[4, 5, 6, 1, 2, 3][..], &[1, 2, 3][..]));
    assert_eq!(data.test().unwrap().label(0), Some(9));
    assert_eq!((&*data.classes[3], &*data.classes[9]), ("cat", "truck"));

    // A batch that ends with a picture is whole; of the many other lengths some are tried.
    let is_tried =
        |length: &usize| !length.is_multiple_of(3073) && (*length < 9 || *length > 6140 || length.is_multiple_of(59));
    let allowed: Vec<usize> = (1..train.len()).filter(|length| !is_tried(length)).collect();
    truncations_are_errors(&[("data_batch_1.bin", &train), ("test_batch.bin", &test)], "data_batch_1.bin", &allowed);
    let message = error(&[("data_batch_1.bin", &cifar(&[0, 10])), ("test_batch.bin", &test)], &Options::default());
    assert!(message.starts_with("data_batch_1.bin: byte 3073: label 10, but there are 10 classes"), "{message}");
}
