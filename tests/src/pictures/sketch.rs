//! Drawing: papers, pens and lamps, MNIST's digits and strokes like a hand's, and the files that come of it.

use super::{Part, Rgb};
use host::data::{Image, Mnist, default_directory};
use std::f32::consts::PI;
use std::sync::LazyLock;

const SIDE: usize = 28;

/// Random numbers, the same in every run.
pub struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        let mut chance = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        (0..8).for_each(|_| _ = chance.uniform());
        chance
    }

    pub(super) fn uniform(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1_u64 << 24) as f32
    }

    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.uniform()
    }

    pub(super) fn below(&mut self, count: usize) -> usize {
        ((self.uniform() * count as f32) as usize).min(count - 1)
    }

    pub(super) fn normal(&mut self) -> f32 {
        ((0..6).map(|_| self.uniform()).sum::<f32>() - 3.0) * std::f32::consts::SQRT_2
    }
}

static MNIST: LazyLock<Mnist> =
    LazyLock::new(|| Mnist::load(&default_directory().expect("the bundled data")).expect("the bundled data"));

/// A digit of MNIST's.
pub(super) fn mnist(part: Part, index: usize) -> (&'static Image, u16) {
    let set = if part == Part::Test { &MNIST.test } else { &MNIST.train };
    let samples = set.samples();
    let index = (index * 37) % samples.len();
    samples.split_at(index).1.digits().next().expect("a digit")
}

/// A picture that is being drawn.
pub struct Sketch {
    pub(super) part: Part,
    pub(super) index: usize,
    pub(super) chance: Chance,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Vec<Rgb>,
    pub(super) alpha: Option<Vec<f32>>,
    pub(super) digit: Option<u16>,
    /// The EXIF orientation that is noted in the file.
    pub(super) orientation: u8,
    /// The quality of a JPEG; a PNG without.
    pub(super) quality: Option<u8>,
    /// Whether a desk is of wood with a grain.
    pub(super) wood: bool,
}

/// Where a digit is drawn: the middle of its box and the side of that.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) side: f32,
    /// In degrees.
    pub(super) turn: f32,
}

impl Sketch {
    /// An empty one, with digits and chances of its own for each condition.
    pub(super) fn new(index: usize, part: Part, name: &str) -> Self {
        let hash: u64 = name.bytes().fold(7, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
        let seed = hash ^ (index as u64) << 32 ^ if part == Part::Test { 0x5eed } else { 0 };
        Self {
            part,
            index: index + (hash % 1000) as usize * 10,
            chance: Chance::new(seed),
            width: 0,
            height: 0,
            pixels: Vec::new(),
            alpha: None,
            digit: None,
            orientation: 1,
            quality: None,
            wood: false,
        }
    }

    /// The colour between pixels.
    pub(super) fn between(&self, x: f32, y: f32) -> Rgb {
        let (left, top) = (x as usize, y as usize);
        let (u, v) = (x.fract(), y.fract());
        let at = |x: usize, y: usize, c: usize| self.pixels[y * self.width + x][c];
        std::array::from_fn(|c| {
            let upper = at(left, top, c) * (1.0 - u) + at(left + 1, top, c) * u;
            let lower = at(left, top + 1, c) * (1.0 - u) + at(left + 1, top + 1, c) * u;
            upper * (1.0 - v) + lower * v
        })
    }

    pub(super) fn size(&mut self, width: usize, height: usize, paper: Rgb) {
        (self.width, self.height) = (width, height);
        self.pixels = vec![paper; width * height];
    }

    /// A square picture of paper, not quite white and not of one size.
    pub(super) fn sheet(&mut self) -> f32 {
        let side = self.chance.between(260.0, 420.0) as usize;
        let level = self.chance.between(225.0, 255.0);
        let yellow = self.chance.between(0.0, 8.0);
        self.size(side, side, [level, level, level - yellow]);
        side as f32
    }

    pub(super) fn blend(&mut self, x: usize, y: usize, colour: Rgb, amount: f32) {
        let pixel = &mut self.pixels[y * self.width + x];
        *pixel = std::array::from_fn(|i| pixel[i] + amount * (colour[i] - pixel[i]));
    }

    /// Changes every pixel by a function of its place, from 0 to 1.
    pub(super) fn each(&mut self, mut change: impl FnMut(f32, f32, Rgb, &mut Chance) -> Rgb) {
        for y in 0..self.height {
            for x in 0..self.width {
                let i = y * self.width + x;
                let place = [(x as f32 + 0.5) / self.width as f32, (y as f32 + 0.5) / self.height as f32];
                self.pixels[i] = change(place[0], place[1], self.pixels[i], &mut self.chance);
            }
        }
    }

    /// A place for the digit that leaves some paper around it.
    pub(super) fn place(&mut self) -> Place {
        let smaller = self.width.min(self.height) as f32;
        let side = smaller * self.chance.between(0.5, 0.75);
        let room = (smaller - side) * 0.3;
        let x = self.width as f32 / 2.0 + self.chance.between(-room, room);
        let y = self.height as f32 / 2.0 + self.chance.between(-room, room);
        Place { x, y, side, turn: 0.0 }
    }

    /// Draws MNIST's digit of this picture, smoothly enlarged.
    pub(super) fn draw(&mut self, place: Place, ink: Rgb) {
        let (image, label) = mnist(self.part, self.index);
        self.digit = Some(label);
        self.draw_image(image, place, ink);
    }

    pub(super) fn draw_image(&mut self, image: &Image, place: Place, ink: Rgb) {
        let (sin, cos) = (place.turn * PI / 180.0).sin_cos();
        let scale = 20.0 / place.side;
        let sharpness = (place.side / 20.0).clamp(1.0, 4.0);
        for y in 0..self.height {
            for x in 0..self.width {
                let (dx, dy) = (x as f32 + 0.5 - place.x, y as f32 + 0.5 - place.y);
                let u = (dx * cos + dy * sin) * scale + 14.0;
                let v = (-dx * sin + dy * cos) * scale + 14.0;
                if (0.0..28.0).contains(&u) && (0.0..28.0).contains(&v) {
                    let cover = (smooth(image, u, v) - 0.5) * sharpness + 0.5;
                    self.blend(x, y, ink, cover.clamp(0.0, 1.0));
                }
            }
        }
    }

    /// Draws lines through points of the unit square in a place, with a round pen.
    pub(super) fn strokes(&mut self, strokes: &[Vec<[f32; 2]>], place: Place, pen: f32, ink: Rgb) {
        let (sin, cos) = (place.turn * PI / 180.0).sin_cos();
        let to_picture = |[u, v]: [f32; 2]| {
            let (u, v) = ((u - 0.5) * place.side, (v - 0.5) * place.side);
            [place.x + u * cos - v * sin, place.y + u * sin + v * cos]
        };
        for y in 0..self.height {
            for x in 0..self.width {
                let here = [x as f32 + 0.5, y as f32 + 0.5];
                let mut nearest = f32::INFINITY;
                for stroke in strokes {
                    for pair in stroke.windows(2) {
                        nearest = nearest.min(distance(here, to_picture(pair[0]), to_picture(pair[1])));
                    }
                }
                self.blend(x, y, ink, (pen / 2.0 + 0.5 - nearest).clamp(0.0, 1.0) * pen.min(1.0));
            }
        }
    }

    /// Draws the digit of this picture with a pen of its own.
    pub(super) fn write(&mut self, place: Place, pen: f32, ink: Rgb) {
        let digit = (self.index % 10) as u16;
        self.digit = Some(digit);
        let strokes = written(digit, &mut self.chance);
        self.strokes(&strokes, place, pen, ink);
    }

    pub(super) fn line(&mut self, from: [f32; 2], to: [f32; 2], pen: f32, ink: Rgb) {
        for y in 0..self.height {
            for x in 0..self.width {
                let away = distance([x as f32 + 0.5, y as f32 + 0.5], from, to);
                // Printed on what is there: ink stays as dark.
                let below = self.pixels[y * self.width + x];
                let darker = std::array::from_fn(|i| below[i].min(ink[i]));
                self.blend(x, y, darker, (pen / 2.0 + 0.5 - away).clamp(0.0, 1.0));
            }
        }
    }

    pub(super) fn fill(&mut self, inside: impl Fn(f32, f32) -> bool, colour: Rgb) {
        for y in 0..self.height {
            for x in 0..self.width {
                if inside(x as f32 + 0.5, y as f32 + 0.5) {
                    self.blend(x, y, colour, 1.0);
                }
            }
        }
    }

    pub(super) fn noise(&mut self, deviation: f32) {
        self.each(|_, _, pixel, chance| {
            let noise = deviation * chance.normal();
            pixel.map(|value| value + noise)
        });
    }

    pub(super) fn blur(&mut self, radius: usize) {
        for _ in 0..2 {
            for (step, count, lines) in [(1, self.width, self.height), (self.width, self.height, self.width)] {
                let other = if step == 1 { self.width } else { 1 };
                for line in 0..lines {
                    let row: Vec<Rgb> = (0..count).map(|i| self.pixels[line * other + i * step]).collect();
                    for i in 0..count {
                        let window = &row[i.saturating_sub(radius)..(i + radius + 1).min(count)];
                        let mean = |c: usize| window.iter().map(|p| p[c]).sum::<f32>() / window.len() as f32;
                        self.pixels[line * other + i * step] = [mean(0), mean(1), mean(2)];
                    }
                }
            }
        }
    }

    /// An ink that is dark, of no particular colour.
    pub(super) fn ink(&mut self) -> Rgb {
        let level = self.chance.between(5.0, 70.0);
        [level, level, level + self.chance.between(0.0, 60.0)]
    }

    /// The usual: a digit on paper.
    pub(super) fn plain(&mut self) -> Place {
        self.sheet();
        let (place, ink) = (self.place(), self.ink());
        self.draw(place, ink);
        place
    }

    /// The picture as a file.
    pub(super) fn file(&self) -> Vec<u8> {
        let bytes: Vec<u8> =
            self.pixels.iter().flat_map(|pixel| pixel.map(|value| value.round().clamp(0.0, 255.0) as u8)).collect();
        // What a viewer would turn back.
        let (width, height, bytes) = stored(self.width, self.height, &bytes, self.orientation);
        if let Some(quality) = self.quality {
            let mut file = Vec::new();
            let mut encoder = jpeg_encoder::Encoder::new(&mut file, quality);
            if self.orientation != 1 {
                let segment = [b"Exif\0\0".as_slice(), &exif(self.orientation)].concat();
                encoder.add_app_segment(1, segment).expect("a short segment");
            }
            encoder.encode(&bytes, width as u16, height as u16, jpeg_encoder::ColorType::Rgb).expect("memory");
            return file;
        }
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
        encoder.set_compression(png::Compression::Fast);
        let data = if let Some(alpha) = &self.alpha {
            encoder.set_color(png::ColorType::Rgba);
            let alpha = alpha.iter().map(|alpha| alpha.round().clamp(0.0, 255.0) as u8);
            bytes.as_chunks::<3>().0.iter().zip(alpha).flat_map(|(&[r, g, b], alpha)| [r, g, b, alpha]).collect()
        } else {
            encoder.set_color(png::ColorType::Rgb);
            bytes
        };
        let mut writer = encoder.write_header().expect("memory");
        if self.orientation != 1 {
            writer.write_chunk(png::chunk::ChunkType(*b"eXIf"), &exif(self.orientation)).expect("memory");
        }
        writer.write_image_data(&data).expect("memory");
        writer.finish().expect("memory");
        file
    }
}

/// How much ink a digit has at a place between its pixels, from 0 to 1.
pub(super) fn smooth(image: &Image, u: f32, v: f32) -> f32 {
    // The cubic of Catmull and Rom.
    let weight = |t: f32| {
        let t = t.abs();
        match t {
            _ if t < 1.0 => 1.0 + t * t * (1.5 * t - 2.5),
            _ if t < 2.0 => 2.0 + t * (-4.0 + t * (2.5 - 0.5 * t)),
            _ => 0.0,
        }
    };
    let (u, v) = (u - 0.5, v - 0.5);
    let mut sum = 0.0;
    for y in v.floor() as i32 - 1..=v.floor() as i32 + 2 {
        for x in u.floor() as i32 - 1..=u.floor() as i32 + 2 {
            if (0..SIDE as i32).contains(&x) && (0..SIDE as i32).contains(&y) {
                let ink = f32::from(image[y as usize * SIDE + x as usize]) / 255.0;
                sum += weight(u - x as f32) * weight(v - y as f32) * ink;
            }
        }
    }
    sum
}

pub(super) fn distance(here: [f32; 2], from: [f32; 2], to: [f32; 2]) -> f32 {
    let along = [to[0] - from[0], to[1] - from[1]];
    let length = (along[0] * along[0] + along[1] * along[1]).max(1e-6);
    let share = (((here[0] - from[0]) * along[0] + (here[1] - from[1]) * along[1]) / length).clamp(0.0, 1.0);
    let away = [here[0] - from[0] - share * along[0], here[1] - from[1] - share * along[1]];
    (away[0] * away[0] + away[1] * away[1]).sqrt()
}

/// Part of an ellipse, in degrees clockwise from the right.
pub(super) fn arc(x: f32, y: f32, rx: f32, ry: f32, from: f32, to: f32) -> Vec<[f32; 2]> {
    let point = |i: usize| {
        let angle = (from + (to - from) * i as f32 / 20.0) * PI / 180.0;
        [x + rx * angle.cos(), y + ry * angle.sin()]
    };
    (0..=20).map(point).collect()
}

/// The strokes of a digit in the unit square, a little different each time.
pub(super) fn written(digit: u16, chance: &mut Chance) -> Vec<Vec<[f32; 2]>> {
    let join = |parts: &[Vec<[f32; 2]>]| parts.concat();
    let strokes = match digit {
        0 => vec![arc(0.5, 0.5, 0.3, 0.45, -90.0, 275.0)],
        1 => vec![vec![[0.55, 0.05], [0.45, 0.95]]],
        2 => vec![join(&[arc(0.5, 0.3, 0.28, 0.25, -165.0, 30.0), vec![[0.2, 0.93], [0.85, 0.93]]])],
        3 => vec![join(&[arc(0.47, 0.28, 0.27, 0.23, -150.0, 90.0), arc(0.47, 0.73, 0.3, 0.22, -90.0, 150.0)])],
        4 => vec![vec![[0.35, 0.08], [0.2, 0.6], [0.8, 0.6]], vec![[0.7, 0.15], [0.62, 0.95]]],
        5 => vec![
            join(&[vec![[0.3, 0.08], [0.25, 0.45]], arc(0.45, 0.67, 0.3, 0.26, -120.0, 140.0)]),
            vec![[0.3, 0.08], [0.8, 0.08]],
        ],
        6 => vec![join(&[vec![[0.65, 0.05], [0.4, 0.3]], arc(0.5, 0.7, 0.25, 0.25, -160.0, 200.0)])],
        7 => vec![vec![[0.2, 0.08], [0.8, 0.08], [0.4, 0.95]]],
        8 => vec![join(&[arc(0.5, 0.27, 0.2, 0.22, 90.0, -270.0), arc(0.5, 0.72, 0.25, 0.23, -90.0, 275.0)])],
        _ => vec![join(&[arc(0.47, 0.3, 0.23, 0.24, 0.0, -360.0), vec![[0.7, 0.3], [0.6, 0.95]]])],
    };
    bent(strokes, chance)
}

/// The strokes of a letter that is no digit.
pub(super) fn letter(number: usize, chance: &mut Chance) -> Vec<Vec<[f32; 2]>> {
    let strokes = match number % 10 {
        0 => vec![vec![[0.15, 0.95], [0.5, 0.05], [0.85, 0.95]], vec![[0.3, 0.6], [0.7, 0.6]]],
        1 => vec![vec![[0.2, 0.05], [0.2, 0.95]], vec![[0.8, 0.05], [0.8, 0.95]], vec![[0.2, 0.5], [0.8, 0.5]]],
        2 => vec![vec![[0.2, 0.05], [0.2, 0.95]], vec![[0.8, 0.05], [0.2, 0.5], [0.8, 0.95]]],
        3 => vec![vec![[0.1, 0.95], [0.2, 0.05], [0.5, 0.6], [0.8, 0.05], [0.9, 0.95]]],
        4 => vec![vec![[0.2, 0.95], [0.2, 0.05], [0.8, 0.95], [0.8, 0.05]]],
        5 => vec![vec![[0.1, 0.05], [0.3, 0.95], [0.5, 0.4], [0.7, 0.95], [0.9, 0.05]]],
        6 => vec![vec![[0.15, 0.05], [0.85, 0.95]], vec![[0.85, 0.05], [0.15, 0.95]]],
        7 => vec![vec![[0.8, 0.05], [0.2, 0.05], [0.2, 0.95], [0.8, 0.95]], vec![[0.2, 0.5], [0.7, 0.5]]],
        8 => {
            vec![[vec![[0.25, 0.95], [0.25, 0.05]], arc(0.3, 0.28, 0.5, 0.23, -90.0, 90.0), vec![[0.8, 0.95]]].concat()]
        }
        _ => vec![vec![[0.5, 0.1], [0.5, 0.9]], vec![[0.1, 0.5], [0.9, 0.5]]],
    };
    bent(strokes, chance)
}

/// Strokes slanted, and waved a little, as by a hand.
pub(super) fn bent(strokes: Vec<Vec<[f32; 2]>>, chance: &mut Chance) -> Vec<Vec<[f32; 2]>> {
    let slant = chance.between(-0.15, 0.25);
    let waves = [0, 1].map(|_| (chance.between(0.0, 6.0), chance.between(2.0, 5.0), chance.between(0.0, 0.02)));
    let wave = |place: f32, (phase, rate, height): (f32, f32, f32)| height * (phase + rate * place).sin();
    let bend = |[u, v]: [f32; 2]| [u + slant * (0.5 - v) + wave(v, waves[0]), v + wave(u, waves[1])];
    strokes.into_iter().map(|stroke| stroke.into_iter().map(bend).collect()).collect()
}

/// The pixels as a camera stores them that notes `orientation`.
pub(super) fn stored(width: usize, height: usize, rgb: &[u8], orientation: u8) -> (usize, usize, Vec<u8>) {
    let (new_width, new_height) = if orientation >= 5 { (height, width) } else { (width, height) };
    let mut bytes = Vec::with_capacity(rgb.len());
    for y in 0..new_height {
        for x in 0..new_width {
            let (from_x, from_y) = match orientation {
                3 => (width - 1 - x, height - 1 - y),
                6 => (width - 1 - y, x),
                8 => (y, height - 1 - x),
                _ => (x, y),
            };
            bytes.extend_from_slice(&rgb[3 * (from_y * width + from_x)..][..3]);
        }
    }
    (new_width, new_height, bytes)
}

/// A TIFF header with one entry, the orientation.
pub(super) fn exif(orientation: u8) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    bytes.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    bytes
}
