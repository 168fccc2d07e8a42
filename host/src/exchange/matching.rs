//! Which tensor belongs to which layer.
//!
//! Tensors come in groups: a layer's weights and biases, or a batch normalization's four vectors. Names such as
//! `features.3.weight` say which belong together; without such names (`arr_0`, `arr_1`, …) a matrix begins a group.
//!
//! The groups' order is that of an `.npz` file, which keeps that in which arrays were saved, or that of the numbers in
//! their names, since safetensors files are sorted. Names with different words (`conv1`, `fc1`) have no order between
//! them: there the shapes decide, and where they leave a choice, nothing is guessed.

use super::fold::Affine;
use super::layout::{Layout, Weighted};
use super::tensor::Tensor;
use super::{ExchangeError, Form, Options};
use std::collections::{HashMap, VecDeque};

type Result<T> = std::result::Result<T, ExchangeError>;

/// So many names are listed in a message.
const MOST_NAMES: usize = 20;

/// What a tensor is in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Weight,
    Bias,
    Mean,
    Variance,
}

/// The last words of names: what they mean, and whose words they are. Keras's biases have PyTorch's word, and its older
/// files `:0` behind each.
const ROLES: [(&str, Role, Layout); 9] = [
    ("weight", Role::Weight, Layout::Torch),
    ("bias", Role::Bias, Layout::Torch),
    ("running_mean", Role::Mean, Layout::Torch),
    ("running_var", Role::Variance, Layout::Torch),
    ("kernel", Role::Weight, Layout::Keras),
    ("gamma", Role::Weight, Layout::Keras),
    ("beta", Role::Bias, Layout::Keras),
    ("moving_mean", Role::Mean, Layout::Keras),
    ("moving_variance", Role::Variance, Layout::Keras),
];

/// A batch normalization.
#[derive(Clone, Copy, Debug)]
pub(super) struct Norm<'a> {
    name: &'a str,
    gamma: Option<&'a Tensor>,
    beta: Option<&'a Tensor>,
    mean: &'a Tensor,
    variance: &'a Tensor,
}

impl Norm<'_> {
    /// What it does to so many channels.
    pub(super) fn affine(&self, channels: usize, epsilon: f64) -> Result<Affine> {
        let refuse = |what| ExchangeError::NormContent { name: self.name.to_owned(), what };
        let vectors = [self.gamma, self.beta, Some(self.mean), Some(self.variance)];
        if vectors.into_iter().flatten().any(|tensor| tensor.shape != [channels]) {
            return Err(refuse("its vectors are not all as long as the layer before has outputs; check --net"));
        }
        let values = |tensor: Option<&'_ Tensor>| tensor.map(|tensor| tensor.values.clone());
        let (gamma, beta) = (values(self.gamma), values(self.beta));
        let (mean, variance) = (&self.mean.values, &self.variance.values);
        let affine = Affine::batch_norm(gamma.as_deref(), beta.as_deref(), mean, variance, epsilon);
        if affine.is_finite() { Ok(affine) } else { Err(refuse("its variances and epsilon give no finite factors")) }
    }
}

/// Tensors that belong together.
#[derive(Clone, Debug)]
pub(super) struct Group<'a> {
    name: &'a str,
    kind: Kind<'a>,
    layout: Option<Layout>,
}

#[derive(Clone, Copy, Debug)]
enum Kind<'a> {
    Weights { weight: &'a Tensor, bias: Option<&'a Tensor> },
    Norm(Norm<'a>),
}

/// A layer's tensors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) weight: &'a [f32],
    pub(super) bias: Option<&'a [f32]>,
    pub(super) norm: Option<Norm<'a>>,
}

/// A name's group, and what it is there.
fn role(name: &str) -> Option<(&str, Role, Layout)> {
    let (group, word) = match name.rfind(['.', '/']) {
        Some(at) => (&name[..at], &name[at + 1..]),
        None => ("", name),
    };
    let of = |word: &str| ROLES.iter().find(|(known, ..)| *known == word);
    let (_, role, layout) = of(word).or_else(|| of(word.strip_suffix(":0")?))?;
    Some((group, *role, *layout))
}

/// Puts tensors into groups, in their order.
pub(super) fn groups(tensors: &[Tensor]) -> Result<Vec<Group<'_>>> {
    let roles: Option<Vec<_>> = tensors.iter().map(|tensor| role(&tensor.name)).collect();
    match roles {
        Some(roles) => named(tensors, &roles),
        None => unnamed(tensors),
    }
}

fn named<'a>(tensors: &'a [Tensor], roles: &[(&'a str, Role, Layout)]) -> Result<Vec<Group<'a>>> {
    let mut names: Vec<&str> = Vec::new();
    let mut places = HashMap::<&str, Vec<usize>>::new();
    for (place, (name, ..)) in roles.iter().enumerate() {
        let places = places.entry(name).or_insert_with(|| {
            names.push(name);
            Vec::new()
        });
        places.push(place);
    }
    let group = |name: &'a str| {
        let members = || places[name].iter().map(|&place| (&roles[place], &tensors[place]));
        let of = |role: Role| members().find(|((_, own, _), _)| *own == role).map(|(_, tensor)| tensor);
        let keras = members().any(|((.., layout), _)| *layout == Layout::Keras);
        let layout = Some(if keras { Layout::Keras } else { Layout::Torch });
        let kind = match (of(Role::Mean), of(Role::Variance)) {
            (Some(mean), Some(variance)) => {
                let (gamma, beta) = (of(Role::Weight), of(Role::Bias));
                Kind::Norm(Norm { name, gamma, beta, mean, variance })
            }
            (None, None) => match of(Role::Weight) {
                Some(weight) => Kind::Weights { weight, bias: of(Role::Bias) },
                None => return Err(left_over(members().map(|(_, tensor)| tensor.name.as_str()))),
            },
            _ => {
                let what = "its mean or its variance is missing; save the whole state";
                return Err(ExchangeError::NormContent { name: name.to_owned(), what });
            }
        };
        Ok(Group { name, kind, layout })
    };
    names.into_iter().map(group).collect()
}

/// Without names: a matrix, or a tensor of more dimensions, begins a group. Behind it come, each as long as the others,
/// its biases; or the four vectors of a batch normalization, of which some may be missing; or both.
fn unnamed(tensors: &[Tensor]) -> Result<Vec<Group<'_>>> {
    let mut groups = Vec::new();
    let mut rest = tensors;
    while let Some((weight, after)) = rest.split_first() {
        if weight.shape.len() < 2 {
            return Err(left_over([weight.name.as_str()]));
        }
        let vectors = after.iter().take_while(|tensor| tensor.shape.len() < 2).count();
        let (vectors, after) = after.split_at(vectors);
        let norm = |gamma, beta, mean, variance| Some(Norm { name: &weight.name, gamma, beta, mean, variance });
        let (bias, norm) = match vectors {
            [] => (None, None),
            [bias] => (Some(bias), None),
            [mean, variance] => (None, norm(None, None, mean, variance)),
            [gamma, beta, mean, variance] => (None, norm(Some(gamma), Some(beta), mean, variance)),
            [bias, gamma, beta, mean, variance] => (Some(bias), norm(Some(gamma), Some(beta), mean, variance)),
            _ => return Err(left_over(vectors.iter().map(|tensor| tensor.name.as_str()))),
        };
        groups.push(Group { name: &weight.name, kind: Kind::Weights { weight, bias }, layout: None });
        groups.extend(norm.map(|norm| Group { name: norm.name, kind: Kind::Norm(norm), layout: None }));
        rest = after;
    }
    Ok(groups)
}

fn left_over<'a>(names: impl IntoIterator<Item = &'a str>) -> ExchangeError {
    ExchangeError::LeftOver { names: listed(names) }
}

/// The names, or the first of many.
fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter();
    let mut listed: Vec<_> = names.by_ref().take(MOST_NAMES).map(|name| format!("`{name}`")).collect();
    let more = names.count();
    if more > 0 {
        listed.push(format!("and {more} more"));
    }
    listed.join(", ")
}

/// A name's words without its numbers, and the numbers. The number in words such as `conv2d` is part of them.
fn parse(name: &str) -> (String, Vec<u64>) {
    let (mut words, mut numbers) = (String::new(), Vec::new());
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let digits = rest.len() - rest.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
        let (own, after) = rest.split_at(if digits > 0 { digits } else { first.len_utf8() });
        let is_dimension = digits > 0 && after.starts_with(['d', 'D']);
        match own.parse() {
            Ok(number) if digits > 0 && !is_dimension => numbers.push(number),
            _ => words.push_str(own),
        }
        rest = after;
    }
    (words.trim_end_matches(['_', '.', '/', '-']).to_owned(), numbers)
}

/// For each layer its tensors, and how they lie.
pub(super) fn assign<'a>(
    layers: &[Weighted],
    groups: Vec<Group<'a>>,
    form: Form,
    options: &Options,
    natural: Layout,
) -> Result<(Vec<Source<'a>>, Layout)> {
    let has = |layout| groups.iter().any(|group| group.layout == Some(layout));
    let named = match (has(Layout::Keras), has(Layout::Torch)) {
        (true, _) => Layout::Keras,
        (_, true) => Layout::Torch,
        _ => natural,
    };
    let queues = queues(groups, form, &options.order)?;
    if let Some(layout) = options.layout {
        return Ok((Matcher { layers, queues, layout, may_turn: false }.run()?, layout));
    }
    let run = |layout| Matcher { layers, queues: queues.clone(), layout, may_turn: true }.run();
    // The shapes tell, unless both fit.
    run(named).map(|sources| (sources, named)).or_else(|error| {
        let other = if named == Layout::Torch { Layout::Keras } else { Layout::Torch };
        run(other).map(|sources| (sources, other)).map_err(|_| error)
    })
}

/// Groups that are known to come one after the other.
type Queue<'a> = VecDeque<Group<'a>>;

fn queues<'a>(mut groups: Vec<Group<'a>>, form: Form, order: &[String]) -> Result<Vec<Queue<'a>>> {
    if !order.is_empty() {
        let mut ordered = Queue::new();
        for name in order {
            let before = groups.len();
            let (own, others) = groups.into_iter().partition::<Vec<_>, _>(|group| group.name == name);
            if own.is_empty() || others.len() == before {
                let known = listed(ordered.iter().chain(&others).map(|group| group.name));
                return Err(ExchangeError::Order { name: name.clone(), known });
            }
            ordered.extend(own);
            groups = others;
        }
        return if groups.is_empty() {
            Ok(vec![ordered])
        } else {
            Err(left_over(groups.iter().map(|group| group.name)))
        };
    }
    if form == Form::Npz {
        return Ok(vec![groups.into()]);
    }
    let mut queues: Vec<(String, Queue)> = Vec::new();
    groups.sort_by_cached_key(|group| parse(group.name).1);
    for group in groups {
        let (words, _) = parse(group.name);
        match queues.iter_mut().find(|(known, _)| *known == words) {
            Some((_, queue)) => queue.push_back(group),
            None => queues.push((words, [group].into())),
        }
    }
    queues.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(queues.into_iter().map(|(_, queue)| queue).collect())
}

struct Matcher<'a, 'l> {
    layers: &'l [Weighted],
    queues: Vec<Queue<'a>>,
    layout: Layout,
    /// Whether the other layout may be asked for.
    may_turn: bool,
}

impl<'a> Matcher<'a, '_> {
    fn run(mut self) -> Result<Vec<Source<'a>>> {
        let mut sources = Vec::new();
        for layer in self.layers {
            sources.push(self.take(layer)?);
        }
        let rest: Vec<&Group> = self.queues.iter().flatten().collect();
        match rest[..] {
            [] => Ok(sources),
            [Group { kind: Kind::Norm(norm), .. }, ..] => Err(ExchangeError::Norm { name: norm.name.to_owned() }),
            _ => Err(left_over(rest.iter().map(|group| group.name))),
        }
    }

    /// The layer's tensors, which leave their queues.
    fn take(&mut self, layer: &Weighted) -> Result<Source<'a>> {
        let fitting = self.queues.iter().enumerate().filter_map(|(index, queue)| match queue.front()?.kind {
            Kind::Weights { weight, .. } if layer.fits(self.layout, &weight.shape) => Some(index),
            _ => None,
        });
        let fitting: Vec<usize> = fitting.collect();
        let [index] = fitting[..] else { return Err(self.refusal(layer, &fitting)) };
        let Some(Group { name, kind: Kind::Weights { weight, bias }, .. }) = self.queues[index].pop_front() else {
            return Err(self.refusal(layer, &[]));
        };
        if let Some(bias) = bias.filter(|bias| bias.shape != [layer.op.biases()]) {
            return Err(self.shape(layer, bias, vec![layer.op.biases()]));
        }
        let norm = self.norm(layer, index, name)?;
        Ok(Source { weight: &weight.values, bias: bias.map(|bias| &bias.values[..]), norm })
    }

    /// The batch normalization of the layer that was called `name` and came from the queue `index`: the next in that
    /// queue, or the one with the same numbers in its name.
    fn norm(&mut self, layer: &Weighted, index: usize, name: &str) -> Result<Option<Norm<'a>>> {
        let (_, numbers) = parse(name);
        let next = |queue: &Queue<'a>| match queue.front() {
            Some(Group { kind: Kind::Norm(norm), .. }) => Some(*norm),
            _ => None,
        };
        let mut found = None;
        if let Some(norm) = next(&self.queues[index]) {
            if !is_next(name, norm.name) {
                return Err(ExchangeError::Norm { name: norm.name.to_owned() });
            }
            found = Some(index);
        } else {
            let others = (0..self.queues.len()).filter(|other| {
                next(&self.queues[*other])
                    .is_some_and(|norm| parse(norm.name).1 == numbers && norm.mean.shape == [layer.op.biases()])
            });
            match others.collect::<Vec<_>>()[..] {
                [] => {}
                [only] => found = Some(only),
                ref several => return Err(self.refusal(layer, several)),
            }
        }
        let Some(index) = found else { return Ok(None) };
        match self.queues[index].pop_front() {
            Some(Group { kind: Kind::Norm(norm), .. }) => Ok(Some(norm)),
            _ => Ok(None),
        }
    }

    /// Why no queue, or more than one, has the layer's tensors.
    fn refusal(&self, layer: &Weighted, fitting: &[usize]) -> ExchangeError {
        let heads = || self.queues.iter().filter_map(|queue| queue.front());
        let text = layer.op.text().to_string();
        if fitting.len() > 1 {
            let names = listed(fitting.iter().filter_map(|index| self.queues[*index].front()).map(|group| group.name));
            return ExchangeError::Ambiguous { number: layer.number, layer: text, names };
        }
        let expected = layer.shape(self.layout);
        let weights = || {
            heads().filter_map(|group| match group.kind {
                Kind::Weights { weight, .. } => Some(weight),
                Kind::Norm(_) => None,
            })
        };
        let nearest = weights().find(|weight| weight.shape.len() == expected.len()).or_else(|| weights().next());
        match (nearest, heads().next()) {
            (Some(weight), _) => self.shape(layer, weight, expected),
            (None, Some(group)) => ExchangeError::Norm { name: group.name.to_owned() },
            (None, None) => ExchangeError::Missing { number: layer.number, layer: text, expected },
        }
    }

    fn shape(&self, layer: &Weighted, tensor: &Tensor, expected: Vec<usize>) -> ExchangeError {
        ExchangeError::Shape {
            number: layer.number,
            layer: layer.op.text().to_string(),
            tensor: tensor.name.clone(),
            found: tensor.shape.clone().into(),
            expected: expected.into(),
            layout: self.layout,
            may_turn: self.may_turn,
        }
    }
}

/// Whether a batch normalization comes right after a layer. In names that are places in a sequence (`3`, `features.3`), an
/// activation between the two leaves a gap.
fn is_next(layer: &str, norm: &str) -> bool {
    let place = |name: &str| name.rsplit('.').next().and_then(|word| word.parse::<u64>().ok());
    match (place(layer), place(norm)) {
        (Some(layer), Some(norm)) => norm == layer.saturating_add(1),
        _ => true,
    }
}
