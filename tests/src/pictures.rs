//! Pictures of digits as people take and draw them: a generator of many conditions, each picture a file in memory.

use host::data::{Image, Mnist, default_directory};
use std::f32::consts::PI;
use std::sync::LazyLock;

const SIDE: usize = 28;

/// The colour of a place, from 0 to 255.
type Rgb = [f32; 3];

/// Which digits, seeds and backgrounds are drawn. What is tuned is tuned on the first; only the second is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// MNIST's training digits.
    Tuning,
    /// MNIST's test digits, on papers and with pens of their own.
    Test,
}

/// A picture as a file, and what it shows.
pub struct Picture {
    /// A PNG or JPEG file.
    pub bytes: Vec<u8>,
    /// The digit, unless it shows none or several.
    pub digit: Option<u16>,
}

/// A condition: its name, and what draws a picture of it.
pub type Condition = (&'static str, fn(&mut Sketch));

/// Random numbers, the same in every run.
pub struct Chance(u64);

impl Chance {
    fn new(seed: u64) -> Self {
        let mut chance = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        (0..8).for_each(|_| _ = chance.uniform());
        chance
    }

    fn uniform(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1_u64 << 24) as f32
    }

    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.uniform()
    }

    fn below(&mut self, count: usize) -> usize {
        ((self.uniform() * count as f32) as usize).min(count - 1)
    }

    fn normal(&mut self) -> f32 {
        ((0..6).map(|_| self.uniform()).sum::<f32>() - 3.0) * std::f32::consts::SQRT_2
    }
}

static MNIST: LazyLock<Mnist> =
    LazyLock::new(|| Mnist::load(&default_directory().expect("the bundled data")).expect("the bundled data"));

/// A digit of MNIST's.
fn mnist(part: Part, index: usize) -> (&'static Image, u16) {
    let set = if part == Part::Test { &MNIST.test } else { &MNIST.train };
    let samples = set.samples();
    let index = (index * 37) % samples.len();
    samples.split_at(index).1.digits().next().expect("a digit")
}

/// A picture that is being drawn.
pub struct Sketch {
    part: Part,
    index: usize,
    chance: Chance,
    width: usize,
    height: usize,
    pixels: Vec<Rgb>,
    alpha: Option<Vec<f32>>,
    digit: Option<u16>,
    /// The EXIF orientation that is noted in the file.
    orientation: u8,
    /// The quality of a JPEG; a PNG without.
    quality: Option<u8>,
    /// Whether a desk is of wood with a grain.
    wood: bool,
}

/// Where a digit is drawn: the middle of its box and the side of that.
#[derive(Clone, Copy)]
struct Place {
    x: f32,
    y: f32,
    side: f32,
    /// In degrees.
    turn: f32,
}

impl Sketch {
    /// An empty one, with digits and chances of its own for each condition.
    fn new(index: usize, part: Part, name: &str) -> Self {
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
    fn between(&self, x: f32, y: f32) -> Rgb {
        let (left, top) = (x as usize, y as usize);
        let (u, v) = (x.fract(), y.fract());
        let at = |x: usize, y: usize, c: usize| self.pixels[y * self.width + x][c];
        std::array::from_fn(|c| {
            let upper = at(left, top, c) * (1.0 - u) + at(left + 1, top, c) * u;
            let lower = at(left, top + 1, c) * (1.0 - u) + at(left + 1, top + 1, c) * u;
            upper * (1.0 - v) + lower * v
        })
    }

    fn size(&mut self, width: usize, height: usize, paper: Rgb) {
        (self.width, self.height) = (width, height);
        self.pixels = vec![paper; width * height];
    }

    /// A square picture of paper, not quite white and not of one size.
    fn sheet(&mut self) -> f32 {
        let side = self.chance.between(260.0, 420.0) as usize;
        let level = self.chance.between(225.0, 255.0);
        let yellow = self.chance.between(0.0, 8.0);
        self.size(side, side, [level, level, level - yellow]);
        side as f32
    }

    fn blend(&mut self, x: usize, y: usize, colour: Rgb, amount: f32) {
        let pixel = &mut self.pixels[y * self.width + x];
        *pixel = std::array::from_fn(|i| pixel[i] + amount * (colour[i] - pixel[i]));
    }

    /// Changes every pixel by a function of its place, from 0 to 1.
    fn each(&mut self, mut change: impl FnMut(f32, f32, Rgb, &mut Chance) -> Rgb) {
        for y in 0..self.height {
            for x in 0..self.width {
                let i = y * self.width + x;
                let place = [(x as f32 + 0.5) / self.width as f32, (y as f32 + 0.5) / self.height as f32];
                self.pixels[i] = change(place[0], place[1], self.pixels[i], &mut self.chance);
            }
        }
    }

    /// A place for the digit that leaves some paper around it.
    fn place(&mut self) -> Place {
        let smaller = self.width.min(self.height) as f32;
        let side = smaller * self.chance.between(0.5, 0.75);
        let room = (smaller - side) * 0.3;
        let x = self.width as f32 / 2.0 + self.chance.between(-room, room);
        let y = self.height as f32 / 2.0 + self.chance.between(-room, room);
        Place { x, y, side, turn: 0.0 }
    }

    /// Draws MNIST's digit of this picture, smoothly enlarged.
    fn draw(&mut self, place: Place, ink: Rgb) {
        let (image, label) = mnist(self.part, self.index);
        self.digit = Some(label);
        self.draw_image(image, place, ink);
    }

    fn draw_image(&mut self, image: &Image, place: Place, ink: Rgb) {
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
    fn strokes(&mut self, strokes: &[Vec<[f32; 2]>], place: Place, pen: f32, ink: Rgb) {
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
    fn write(&mut self, place: Place, pen: f32, ink: Rgb) {
        let digit = (self.index % 10) as u16;
        self.digit = Some(digit);
        let strokes = written(digit, &mut self.chance);
        self.strokes(&strokes, place, pen, ink);
    }

    fn line(&mut self, from: [f32; 2], to: [f32; 2], pen: f32, ink: Rgb) {
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

    fn fill(&mut self, inside: impl Fn(f32, f32) -> bool, colour: Rgb) {
        for y in 0..self.height {
            for x in 0..self.width {
                if inside(x as f32 + 0.5, y as f32 + 0.5) {
                    self.blend(x, y, colour, 1.0);
                }
            }
        }
    }

    fn noise(&mut self, deviation: f32) {
        self.each(|_, _, pixel, chance| {
            let noise = deviation * chance.normal();
            pixel.map(|value| value + noise)
        });
    }

    fn blur(&mut self, radius: usize) {
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
    fn ink(&mut self) -> Rgb {
        let level = self.chance.between(5.0, 70.0);
        [level, level, level + self.chance.between(0.0, 60.0)]
    }

    /// The usual: a digit on paper.
    fn plain(&mut self) -> Place {
        self.sheet();
        let (place, ink) = (self.place(), self.ink());
        self.draw(place, ink);
        place
    }

    /// The picture as a file.
    fn file(&self) -> Vec<u8> {
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
fn smooth(image: &Image, u: f32, v: f32) -> f32 {
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

fn distance(here: [f32; 2], from: [f32; 2], to: [f32; 2]) -> f32 {
    let along = [to[0] - from[0], to[1] - from[1]];
    let length = (along[0] * along[0] + along[1] * along[1]).max(1e-6);
    let share = (((here[0] - from[0]) * along[0] + (here[1] - from[1]) * along[1]) / length).clamp(0.0, 1.0);
    let away = [here[0] - from[0] - share * along[0], here[1] - from[1] - share * along[1]];
    (away[0] * away[0] + away[1] * away[1]).sqrt()
}

/// Part of an ellipse, in degrees clockwise from the right.
fn arc(x: f32, y: f32, rx: f32, ry: f32, from: f32, to: f32) -> Vec<[f32; 2]> {
    let point = |i: usize| {
        let angle = (from + (to - from) * i as f32 / 20.0) * PI / 180.0;
        [x + rx * angle.cos(), y + ry * angle.sin()]
    };
    (0..=20).map(point).collect()
}

/// The strokes of a digit in the unit square, a little different each time.
fn written(digit: u16, chance: &mut Chance) -> Vec<Vec<[f32; 2]>> {
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
fn letter(number: usize, chance: &mut Chance) -> Vec<Vec<[f32; 2]>> {
    let strokes = match number % 10 {
        0 => vec![vec![[0.15, 0.95], [0.5, 0.05], [0.85, 0.95]], vec![[0.3, 0.6], [0.7, 0.6]]],
        1 => vec![vec![[0.2, 0.05], [0.2, 0.95]], vec![[0.8, 0.05], [0.8, 0.95]], vec![[0.2, 0.5], [0.8, 0.5]]],
        2 => vec![vec![[0.2, 0.05], [0.2, 0.95]], vec![[0.8, 0.05], [0.2, 0.5], [0.8, 0.95]]],
        3 => vec![vec![[0.1, 0.95], [0.2, 0.05], [0.5, 0.6], [0.8, 0.05], [0.9, 0.95]]],
        4 => vec![vec![[0.2, 0.95], [0.2, 0.05], [0.8, 0.95], [0.8, 0.05]]],
        5 => vec![vec![[0.1, 0.05], [0.3, 0.95], [0.5, 0.4], [0.7, 0.95], [0.9, 0.05]]],
        6 => vec![vec![[0.15, 0.05], [0.85, 0.95]], vec![[0.85, 0.05], [0.15, 0.95]]],
        7 => vec![vec![[0.8, 0.05], [0.2, 0.05], [0.2, 0.95], [0.8, 0.95]], vec![[0.2, 0.5], [0.7, 0.5]]],
        8 => vec![[vec![[0.25, 0.95], [0.25, 0.05]], arc(0.3, 0.28, 0.5, 0.23, -90.0, 90.0), vec![[0.8, 0.95]]].concat()],
        _ => vec![vec![[0.5, 0.1], [0.5, 0.9]], vec![[0.1, 0.5], [0.9, 0.5]]],
    };
    bent(strokes, chance)
}

/// Strokes slanted, and waved a little, as by a hand.
fn bent(strokes: Vec<Vec<[f32; 2]>>, chance: &mut Chance) -> Vec<Vec<[f32; 2]>> {
    let slant = chance.between(-0.15, 0.25);
    let waves = [0, 1].map(|_| (chance.between(0.0, 6.0), chance.between(2.0, 5.0), chance.between(0.0, 0.02)));
    let wave = |place: f32, (phase, rate, height): (f32, f32, f32)| height * (phase + rate * place).sin();
    let bend = |[u, v]: [f32; 2]| [u + slant * (0.5 - v) + wave(v, waves[0]), v + wave(u, waves[1])];
    strokes.into_iter().map(|stroke| stroke.into_iter().map(bend).collect()).collect()
}

/// The pixels as a camera stores them that notes `orientation`.
fn stored(width: usize, height: usize, rgb: &[u8], orientation: u8) -> (usize, usize, Vec<u8>) {
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
fn exif(orientation: u8) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    bytes.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    bytes
}

/// Colours of paper and ink: where brightness is the same, and where it is not.
const PAIRS: [(Rgb, Rgb); 8] = [
    ([250.0, 230.0, 90.0], [60.0, 60.0, 200.0]),
    ([180.0, 210.0, 250.0], [200.0, 60.0, 60.0]),
    ([240.0, 190.0, 200.0], [40.0, 110.0, 60.0]),
    ([200.0, 240.0, 200.0], [120.0, 40.0, 140.0]),
    ([200.0, 120.0, 60.0], [30.0, 40.0, 90.0]),
    ([250.0, 245.0, 230.0], [240.0, 140.0, 30.0]),
    ([120.0, 160.0, 220.0], [220.0, 110.0, 110.0]),
    ([90.0, 90.0, 200.0], [240.0, 220.0, 80.0]),
];

/// All conditions in which a digit can be read at a glance.
pub const CONDITIONS: &[Condition] = &[
    ("clean", |s| {
        s.plain();
    }),
    ("desk", |s| {
        let side = s.sheet();
        s.plain_on_desk(side, 0.0);
    }),
    ("aslant on desk", |s| {
        let side = s.sheet();
        let turn = s.chance.between(-9.0, 9.0);
        s.plain_on_desk(side, turn);
    }),
    ("desk of wood", |s| {
        let side = s.sheet();
        s.wood = true;
        s.plain_on_desk(side, 0.0);
    }),
    ("dark strip", |s| {
        s.plain();
        let (w, h) = (s.width as f32, s.height as f32);
        let strip = s.chance.between(0.04, 0.13);
        let level = s.chance.between(30.0, 90.0);
        match s.index % 4 {
            0 => s.fill(|x, _| x < strip * w, [level; 3]),
            1 => s.fill(|x, _| x > w - strip * w, [level; 3]),
            2 => s.fill(|_, y| y < strip * h, [level; 3]),
            _ => s.fill(|_, y| y > h - strip * h, [level; 3]),
        }
        s.noise(3.0);
    }),
    ("hard shadow", |s| {
        s.plain();
        let (angle, depth) = (s.chance.between(0.0, PI), s.chance.between(0.5, 0.75));
        let offset = s.chance.between(-0.12, 0.12);
        s.each(|x, y, pixel, _| {
            let side = (x - 0.5) * angle.cos() + (y - 0.5) * angle.sin() + offset;
            pixel.map(|value| if side > 0.0 { value * depth } else { value })
        });
        s.noise(3.0);
    }),
    ("soft shadow", |s| {
        s.plain();
        let (angle, depth) = (s.chance.between(0.0, PI), s.chance.between(0.4, 0.7));
        s.each(|x, y, pixel, _| {
            let side = ((x - 0.5) * angle.cos() + (y - 0.5) * angle.sin()) * 6.0;
            let light = depth + (1.0 - depth) / (1.0 + (-side).exp());
            pixel.map(|value| value * light)
        });
        s.noise(2.0);
    }),
    ("gradient", |s| {
        s.plain();
        let (gx, gy) = (s.chance.between(-0.5, 0.5), s.chance.between(-0.5, 0.5));
        s.each(|x, y, pixel, _| pixel.map(|value| value * (0.7 + gx * (x - 0.5) + gy * (y - 0.5))));
        s.noise(3.0);
    }),
    ("vignette", |s| {
        s.plain();
        s.each(|x, y, pixel, _| {
            let away = (x - 0.5) * (x - 0.5) + (y - 0.5) * (y - 0.5);
            pixel.map(|value| value * (1.0 - 1.1 * away))
        });
        s.noise(2.0);
    }),
    ("grid cell", |s| {
        let side = s.chance.between(100.0, 240.0);
        s.size(side as usize, side as usize, [248.0; 3]);
        let ink = s.ink();
        let mut place = s.place();
        place.side = side * s.chance.between(0.5, 0.62);
        (place.x, place.y) = (side / 2.0, side / 2.0);
        s.draw(place, ink);
        let pen = side * s.chance.between(0.01, 0.035);
        for far in [false, true] {
            let away = s.chance.between(0.0, 0.06) * side;
            let at = if far { side - away } else { away };
            let lean = s.chance.between(-0.015, 0.015) * side;
            s.line([0.0, at], [side, at + lean], pen, [30.0; 3]);
            s.line([at, 0.0], [at + lean, side], pen, [30.0; 3]);
        }
    }),
    ("border of 1 pixel", |s| {
        s.plain();
        let (w, h) = (s.width as f32, s.height as f32);
        s.fill(|x, y| x < 1.0 || y < 1.0 || x > w - 1.0 || y > h - 1.0, [0.0; 3]);
    }),
    ("frame", |s| {
        s.plain();
        let (w, h) = (s.width as f32, s.height as f32);
        let (from, thick) = (s.chance.between(2.0, 12.0), s.chance.between(2.0, 8.0));
        let inside = move |x: f32, y: f32, d: f32| x > d && y > d && x < w - d && y < h - d;
        s.fill(|x, y| inside(x, y, from) && !inside(x, y, from + thick), [40.0; 3]);
    }),
    ("ruled", |s| {
        s.plain();
        s.rule(false);
        s.noise(2.0);
    }),
    ("squared", |s| {
        s.plain();
        s.rule(true);
        s.noise(2.0);
    }),
    ("ruled aslant", |s| {
        s.plain();
        let (w, h) = (s.width as f32, s.height as f32);
        let (step, lean) = (h * s.chance.between(0.12, 0.25), w * s.chance.between(-0.09, 0.09));
        let pen = s.chance.between(1.0, 2.0);
        for i in 0..12 {
            let y = step * (i as f32 - 1.0);
            s.line([0.0, y], [w, y + lean], pen, [150.0, 180.0, 225.0]);
        }
    }),
    ("base line", |s| {
        let place = s.plain();
        let w = s.width as f32;
        let at = place.y + place.side * s.chance.between(0.46, 0.5);
        let level = s.chance.between(60.0, 150.0);
        let (lean, pen) = (s.chance.between(-4.0, 4.0), s.chance.between(1.0, 3.0));
        s.line([0.0, at], [w, at + lean], pen, [level, level, level + 30.0]);
        s.noise(2.0);
    }),
    ("box", |s| {
        let place = s.plain();
        let d = place.side * s.chance.between(0.56, 0.63);
        let (pen, level) = (s.chance.between(1.0, 5.0), s.chance.between(0.0, 120.0));
        let corners = [[-d, -d], [d, -d], [d, d], [-d, d], [-d, -d]].map(|[x, y]| [place.x + x, place.y + y]);
        corners.windows(2).for_each(|pair| s.line(pair[0], pair[1], pen, [level; 3]));
    }),
    ("red on green", |s| {
        s.sheet();
        let (place, shift) = (s.place(), s.chance.between(-8.0, 8.0));
        s.pixels.fill([125.0 + shift, 175.0, 130.0]);
        s.draw(place, [225.0, 120.0 + shift, 120.0]);
        s.noise(2.0);
    }),
    ("colour pairs", |s| {
        s.sheet();
        let (paper, ink) = PAIRS[s.index % PAIRS.len()];
        s.pixels.fill(paper);
        let place = s.place();
        s.draw(place, ink);
        s.noise(3.0);
    }),
    ("light on dark", |s| {
        s.sheet();
        let level = s.chance.between(10.0, 70.0);
        s.pixels.fill([level, level + 10.0, level]);
        let (place, level) = (s.place(), s.chance.between(190.0, 255.0));
        s.draw(place, [level; 3]);
        s.noise(3.0);
    }),
    ("chalk", |s| {
        s.sheet();
        s.pixels.fill([45.0, 75.0, 60.0]);
        let place = s.place();
        s.draw(place, [225.0, 225.0, 215.0]);
        s.each(|x, y, pixel, chance| {
            let dust = 6.0 * chance.normal() + 12.0 * ((7.0 * x).sin() * (5.0 * y).cos());
            pixel.map(|value| value + dust)
        });
    }),
    ("off-white ink on nothing", |s| {
        s.sheet();
        let level = s.chance.between(235.0, 255.0);
        s.transparent([level; 3]);
    }),
    ("dark ink on nothing", |s| {
        s.sheet();
        let ink = s.ink();
        s.transparent(ink);
    }),
    ("orientation 3", |s| {
        s.plain();
        s.orientation = 3;
    }),
    ("orientation 6", |s| {
        s.plain();
        s.orientation = 6;
    }),
    ("orientation 8, JPEG", |s| {
        s.plain();
        s.orientation = 8;
        s.quality = Some(85);
    }),
    ("hair line", |s| {
        s.sheet();
        let (place, ink, pen) = (s.place(), s.ink(), s.chance.between(1.0, 1.8));
        s.write(place, pen, ink);
        s.noise(2.0);
    }),
    ("ball pen", |s| {
        s.sheet();
        let (place, ink) = (s.place(), s.ink());
        let pen = place.side * s.chance.between(0.025, 0.06);
        s.write(place, pen, ink);
        s.noise(3.0);
    }),
    ("thick marker", |s| {
        s.sheet();
        let (place, ink) = (s.place(), s.ink());
        let pen = place.side * s.chance.between(0.15, 0.22);
        s.write(place, pen, ink);
    }),
    ("noise of a fifth", |s| s.noisy(5.0, 280)),
    ("noise of a quarter", |s| s.noisy(4.0, 280)),
    ("noise of a third", |s| s.noisy(3.0, 280)),
    ("noise of a third, large", |s| s.noisy(3.0, 900)),
    ("JPEG of quality 20", |s| {
        s.plain();
        s.quality = Some(20);
    }),
    ("JPEG of noise", |s| {
        s.plain();
        s.noise(12.0);
        s.quality = Some(40);
    }),
    ("pale", |s| {
        s.sheet();
        let place = s.place();
        let ink = s.pixels[0].map(|value| value - 24.0);
        s.draw(place, ink);
        s.noise(1.5);
    }),
    ("pencil", |s| {
        s.sheet();
        let place = s.place();
        let paper = s.pixels.clone();
        s.draw(place, [110.0, 110.0, 115.0]);
        for (pixel, paper) in s.pixels.iter_mut().zip(paper) {
            let grain = 0.75 + 0.2 * s.chance.normal();
            *pixel = std::array::from_fn(|i| paper[i] + grain.clamp(0.3, 1.0) * (pixel[i] - paper[i]));
        }
        s.noise(3.0);
    }),
    ("small in a large picture", |s| {
        s.size(900, 700, [235.0, 235.0, 230.0]);
        let (x, y) = (s.chance.between(150.0, 750.0), s.chance.between(150.0, 550.0));
        let (side, ink) = (s.chance.between(60.0, 100.0), s.ink());
        s.draw(Place { x, y, side, turn: 0.0 }, ink);
        s.noise(3.0);
    }),
    ("at the edge", |s| {
        s.sheet();
        let (mut place, ink) = (s.place(), s.ink());
        let room = place.side * 0.53;
        match s.index % 4 {
            0 => place.x = room,
            1 => place.y = room,
            2 => place.x = s.width as f32 - room,
            _ => place.y = s.height as f32 - room,
        }
        s.draw(place, ink);
        s.noise(2.0);
    }),
    ("turned by 10 degrees", |s| {
        s.sheet();
        let (mut place, ink) = (s.place(), s.ink());
        place.turn = if s.index.is_multiple_of(2) { 10.0 } else { -10.0 };
        s.draw(place, ink);
        s.noise(2.0);
    }),
    ("blurred", |s| {
        let place = s.plain();
        let radius = (place.side / 45.0) as usize;
        s.blur(radius.max(1));
        s.noise(2.0);
    }),
    ("paper with a grain", |s| {
        s.sheet();
        s.grain(14.0);
        let (place, ink) = (s.place(), s.ink());
        s.draw(place, ink);
        s.noise(2.0);
    }),
    ("specks", |s| {
        s.plain();
        for _ in 0..s.chance.below(25) + 10 {
            let (x, y) = (s.chance.uniform() * s.width as f32, s.chance.uniform() * s.height as f32);
            let (r, level) = (s.chance.between(0.7, 3.0), s.chance.between(20.0, 140.0));
            s.fill(|px, py| (px - x) * (px - x) + (py - y) * (py - y) < r * r, [level; 3]);
        }
    }),
    ("of 28 x 28, shifted", |s| {
        s.size(28, 28, [0.0; 3]);
        let side = s.chance.between(14.0, 18.0);
        let (x, y) = (s.chance.between(11.0, 17.0), s.chance.between(11.0, 17.0));
        s.draw(Place { x, y, side, turn: 0.0 }, [255.0; 3]);
    }),
    ("small thumbnail", |s| {
        s.size(48, 48, [250.0; 3]);
        let ink = s.ink();
        s.draw(Place { x: 24.0, y: 24.0, side: 34.0, turn: 0.0 }, ink);
        s.noise(3.0);
    }),
    ("in a photograph of 3 megapixels", |s| {
        s.size(2000, 1500, [215.0, 210.0, 200.0]);
        let (x, y) = (s.chance.between(700.0, 1300.0), s.chance.between(600.0, 900.0));
        let (side, ink) = (s.chance.between(300.0, 900.0), s.ink());
        s.draw(Place { x, y, side, turn: 0.0 }, ink);
        s.each(|x, y, pixel, _| pixel.map(|value| value * (1.0 - 0.3 * x - 0.2 * y)));
        s.noise(6.0);
        s.quality = Some(75);
    }),
];

/// Pictures that show no digit, or several.
pub const OTHERS: &[Condition] = &[
    ("blank", |s| {
        s.sheet();
        s.noise(3.0);
    }),
    ("blank with a shadow", |s| {
        s.sheet();
        s.each(|x, y, pixel, _| pixel.map(|value| if x + 0.3 * y > 0.6 { value * 0.7 } else { value }));
        s.noise(4.0);
    }),
    ("letter", |s| {
        s.sheet();
        let (place, ink) = (s.place(), s.ink());
        let strokes = letter(s.index, &mut s.chance);
        s.strokes(&strokes, place, place.side * 0.1, ink);
    }),
    ("scribble", |s| {
        s.sheet();
        let (place, ink) = (s.place(), s.ink());
        let strokes = vec![(0..12).map(|_| [0; 2].map(|_| s.chance.uniform())).collect()];
        s.strokes(&strokes, place, place.side * 0.06, ink);
    }),
    ("texture", |s| {
        s.sheet();
        s.grain(60.0);
    }),
    ("checks", |s| {
        let side = s.sheet();
        let step = side * s.chance.between(0.05, 0.2);
        s.fill(|x, y| ((x / step) as usize + (y / step) as usize).is_multiple_of(2), [60.0; 3]);
    }),
    ("face", |s| {
        s.sheet();
        let (place, ink) = (s.place(), s.ink());
        let face = [
            arc(0.5, 0.5, 0.48, 0.48, 0.0, 360.0),
            arc(0.33, 0.4, 0.05, 0.05, 0.0, 360.0),
            arc(0.67, 0.4, 0.05, 0.05, 0.0, 360.0),
            arc(0.5, 0.55, 0.25, 0.2, 20.0, 160.0),
        ];
        s.strokes(&face, place, place.side * 0.06, ink);
    }),
    ("word", |s| {
        s.size(500, 260, [245.0; 3]);
        let ink = s.ink();
        for i in 0..4 {
            let strokes = letter(s.index + 3 * i, &mut s.chance);
            let x = 80.0 + 110.0 * i as f32;
            s.strokes(&strokes, Place { x, y: 130.0, side: 90.0, turn: 0.0 }, 9.0, ink);
        }
    }),
    ("two digits", |s| s.several(2)),
    ("three digits", |s| s.several(3)),
];

impl Sketch {
    /// Makes of the sheet a desk with a smaller sheet on it, and a digit on that.
    fn plain_on_desk(&mut self, side: f32, turn: f32) {
        let paper = self.pixels[0];
        let level = self.chance.between(30.0, 110.0);
        let desk = [level + 25.0, level + 8.0, level];
        self.pixels.fill(desk);
        if self.wood {
            let rate = self.chance.between(40.0, 70.0);
            self.each(|x, y, pixel, chance| {
                let grain = 14.0 * (rate * y + 4.0 * (5.0 * x).sin()).sin() + 5.0 * chance.normal();
                pixel.map(|value| value + grain)
            });
        }
        let (x, y) = (side * self.chance.between(0.44, 0.56), side * self.chance.between(0.44, 0.56));
        let half = side * self.chance.between(0.32, 0.4);
        let (sin, cos) = (turn * PI / 180.0).sin_cos();
        self.fill(
            |px, py| {
                let (dx, dy) = (px - x, py - y);
                (dx * cos + dy * sin).abs() < half && (-dx * sin + dy * cos).abs() < half
            },
            paper,
        );
        let (digit_side, ink) = (half * self.chance.between(1.0, 1.4), self.ink());
        let place = Place { x, y, side: digit_side, turn };
        self.draw(place, ink);
        self.noise(4.0);
    }

    /// Pale blue lines over the picture, or squares.
    fn rule(&mut self, squares: bool) {
        let (w, h) = (self.width as f32, self.height as f32);
        let step = h * if squares { self.chance.between(0.07, 0.14) } else { self.chance.between(0.1, 0.25) };
        let pen = self.chance.between(1.0, 2.5);
        let level = self.chance.between(130.0, 190.0);
        let blue = [level, level + 25.0, level + 60.0];
        let start = self.chance.uniform() * step;
        for i in 0..16 {
            let at = start + i as f32 * step;
            self.line([0.0, at], [w, at], pen, blue);
            if squares {
                self.line([at, 0.0], [at, h], pen, blue);
            }
        }
    }

    /// A digit in noise of the `part`-th of its contrast.
    fn noisy(&mut self, part: f32, side: usize) {
        self.size(side, side, [190.0; 3]);
        let mut place = self.place();
        place.side = side as f32 * self.chance.between(0.6, 0.75);
        self.draw(place, [90.0; 3]);
        self.noise(100.0 / part);
    }

    /// Ink of one colour on full transparency.
    fn transparent(&mut self, ink: Rgb) {
        self.pixels.fill([0.0; 3]);
        let place = self.place();
        self.draw(place, [255.0; 3]);
        self.alpha = Some(self.pixels.iter().map(|pixel| pixel[0]).collect());
        let is_empty = |pixel: &Rgb| pixel[0] <= 0.0;
        self.pixels.iter_mut().for_each(|pixel| *pixel = if is_empty(pixel) { [0.0; 3] } else { ink });
    }

    /// Smooth spots of some pixels, as rough paper has.
    fn grain(&mut self, height: f32) {
        let paper = self.pixels.clone();
        self.noise(height * 2.5);
        self.blur(1);
        for (pixel, paper) in self.pixels.iter_mut().zip(paper) {
            *pixel = std::array::from_fn(|i| pixel[i].min(paper[i] + height));
        }
    }

    /// Digits side by side.
    fn several(&mut self, count: usize) {
        self.size(150 + 150 * count, 300, [240.0; 3]);
        let ink = self.ink();
        for i in 0..count {
            let (image, _) = mnist(self.part, self.index * count + i);
            let side = self.chance.between(120.0, 150.0);
            let place = Place { x: 150.0 + 150.0 * i as f32, y: 150.0, side, turn: 0.0 };
            self.draw_image(image, place, ink);
        }
        self.noise(2.0);
    }
}

/// The `index`-th picture of a condition.
pub fn picture(condition: Condition, index: usize, part: Part) -> Picture {
    let mut sketch = Sketch::new(index, part, condition.0);
    condition.1(&mut sketch);
    Picture { bytes: sketch.file(), digit: sketch.digit }
}

/// A page with many digits.
pub struct Page {
    /// A JPEG file.
    pub bytes: Vec<u8>,
    /// Line by line: the digit of each cell, if it has one, and where the middle of the cell is, in pixels.
    pub cells: Vec<(Option<u16>, [f32; 2])>,
}

/// A Sudoku of 81 cells on a desk, photographed aslant and from one side.
pub fn sudoku(index: usize, part: Part) -> Page {
    const CELL: f32 = 90.0;
    const SHEET: f32 = 11.0 * CELL;
    let mut sheet = Sketch::new(index, part, "sudoku");
    sheet.size(SHEET as usize, SHEET as usize, [240.0, 240.0, 235.0]);
    let ink = sheet.ink();
    for i in 0..=9 {
        let (at, pen) = (CELL * (1 + i) as f32, if i % 3 == 0 { 4.0 } else { 1.5 });
        sheet.line([CELL, at], [10.0 * CELL, at], pen, [50.0; 3]);
        sheet.line([at, CELL], [at, 10.0 * CELL], pen, [50.0; 3]);
    }
    let mut digits = [None; 81];
    for (cell, digit) in digits.iter_mut().enumerate() {
        if sheet.chance.uniform() < 0.45 {
            // No cell of a Sudoku holds a 0.
            let mut number = 131 * index + cell;
            while mnist(part, number).1 == 0 {
                number += 81;
            }
            let (image, label) = mnist(part, number);
            *digit = Some(label);
            let middle = |place: usize| CELL * (1.5 + place as f32);
            let [x, y] = [cell % 9, cell / 9].map(|place| middle(place) + sheet.chance.between(-6.0, 6.0));
            let side = CELL * sheet.chance.between(0.5, 0.64);
            sheet.draw_image(image, Place { x, y, side, turn: 0.0 }, ink);
        }
    }

    let (width, height) = (1600, 1300);
    let turn = sheet.chance.between(-9.0, 9.0) * PI / 180.0;
    let corners = [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]].map(|[x, y]: [f32; 2]| {
        let [x, y] = [x, y].map(|place| place * sheet.chance.between(470.0, 540.0));
        [800.0 + x * turn.cos() - y * turn.sin(), 650.0 + x * turn.sin() + y * turn.cos()]
    });
    let to_picture = Perspective::onto(corners);
    let to_sheet = to_picture.inverse();
    let mut photograph = Sketch::new(index, part, "photograph");
    photograph.size(width, height, [70.0, 60.0, 50.0]);
    for y in 0..height {
        for x in 0..width {
            let [u, v] = to_sheet.of([x as f32 + 0.5, y as f32 + 0.5]).map(|place| place * SHEET - 0.5);
            if u >= 0.0 && v >= 0.0 && u < SHEET - 1.0 && v < SHEET - 1.0 {
                photograph.pixels[y * width + x] = sheet.between(u, v);
            }
        }
    }
    photograph.each(|x, y, pixel, _| pixel.map(|value| value * (1.0 - 0.25 * x - 0.15 * y)));
    photograph.noise(4.0);
    photograph.quality = Some(80);
    let middle = |cell: usize| {
        to_picture.of([cell % 9, cell / 9].map(|place| CELL * (1.5 + place as f32) / SHEET))
    };
    let cells = digits.into_iter().enumerate().map(|(cell, digit)| (digit, middle(cell))).collect();
    Page { bytes: photograph.file(), cells }
}

/// A map of the plane as a camera makes it.
struct Perspective([[f32; 3]; 3]);

impl Perspective {
    /// The unit square onto four corners.
    fn onto([a, b, c, d]: [[f32; 2]; 4]) -> Self {
        let sum = |i: usize| a[i] - b[i] + c[i] - d[i];
        let (dx1, dx2, dy1, dy2) = (b[0] - c[0], d[0] - c[0], b[1] - c[1], d[1] - c[1]);
        let all = dx1 * dy2 - dx2 * dy1;
        let (g, h) = ((sum(0) * dy2 - dx2 * sum(1)) / all, (dx1 * sum(1) - sum(0) * dy1) / all);
        let row = |i: usize| [b[i] - a[i] + g * b[i], d[i] - a[i] + h * d[i], a[i]];
        Self([row(0), row(1), [g, h, 1.0]])
    }

    /// The map back.
    fn inverse(&self) -> Self {
        let m = self.0;
        // Divided by nothing: a map times a number is the same map.
        let minor = |r: usize, c: usize| {
            let (r1, r2, c1, c2) = ((r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3);
            m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
        };
        Self([0, 1, 2].map(|r| [0, 1, 2].map(|c| minor(c, r))))
    }

    fn of(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let [u, v, w] = self.0.map(|[a, b, c]| a * x + b * y + c);
        [u / w, v / w]
    }
}
