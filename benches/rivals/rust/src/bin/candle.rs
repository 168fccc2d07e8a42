//! The networks a, b, c and d in candle: called as the other programs in `benches/rivals`.

use candle_core::{D, DType, Device, Tensor};
use candle_nn::{Conv2d, Conv2dConfig, Dropout, Linear, Module, Optimizer, SGD, VarBuilder, VarMap};
use rivals::{Contestant, Options, Result, serve};

fn main() -> Result<()> {
    let options = Options::read()?;
    serve(&options, &mut Candle::new(&options)?)
}

struct Network {
    convolutions: Vec<Conv2d>,
    dense: Vec<Linear>,
    sigmoid: bool,
    dropout: Option<Dropout>,
}

impl Network {
    fn new(options: &Options, variables: &VarBuilder<'_>) -> Result<Self> {
        let (channels, sizes) = options.shape();
        let convolution = |(number, pair): (usize, &[usize])| {
            candle_nn::conv2d(pair[0], pair[1], 5, Conv2dConfig::default(), variables.pp(format!("conv{number}")))
        };
        let layer = |(number, pair): (usize, &[usize])| {
            candle_nn::linear(pair[0], pair[1], variables.pp(format!("dense{number}")))
        };
        Ok(Self {
            convolutions: channels.windows(2).enumerate().map(convolution).collect::<candle_core::Result<_>>()?,
            dense: sizes.windows(2).enumerate().map(layer).collect::<candle_core::Result<_>>()?,
            sigmoid: options.sigmoid(),
            dropout: options.dropout().map(Dropout::new),
        })
    }

    fn activate(&self, values: &Tensor) -> candle_core::Result<Tensor> {
        if self.sigmoid { candle_nn::ops::sigmoid(values) } else { values.relu() }
    }

    fn logits(&self, images: &Tensor, training: bool) -> candle_core::Result<Tensor> {
        let mut values = images.clone();
        if !self.convolutions.is_empty() {
            values = values.reshape(((), 1, 28, 28))?;
            for convolution in &self.convolutions {
                values = self.activate(&convolution.forward(&values)?.max_pool2d(2)?)?;
            }
            values = values.flatten_from(1)?;
        }
        for (number, dense) in self.dense.iter().enumerate() {
            if let Some(dropout) = &self.dropout {
                values = dropout.forward(&values, training)?;
            }
            values = dense.forward(&values)?;
            if number + 1 < self.dense.len() {
                values = self.activate(&values)?;
            }
        }
        Ok(values)
    }
}

struct Candle {
    network: Network,
    optimizer: SGD,
    training: bool,
    batch: usize,
    images: Tensor,
    labels: Tensor,
    test: (Tensor, Tensor),
    done: usize,
}

impl Candle {
    fn new(options: &Options) -> Result<Self> {
        let variables = VarMap::new();
        let builder = VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu);
        let network = Network::new(options, &builder)?;
        let test = digits("t10k")?;
        let (images, labels) = if options.training { digits("train")? } else { test.clone() };
        let optimizer = SGD::new(variables.all_vars(), options.eta())?;
        let Options { training, batch, .. } = *options;
        Ok(Self { network, optimizer, training, batch, images, labels, test, done: 0 })
    }
}

impl Contestant for Candle {
    fn work(&mut self, steps: usize) -> Result<()> {
        let batches = self.labels.dim(0)? / self.batch;
        for _ in 0..steps {
            let first = self.done % batches * self.batch;
            self.done += 1;
            let images = self.images.narrow(0, first, self.batch)?;
            let logits = self.network.logits(&images, self.training)?;
            if self.training {
                let labels = self.labels.narrow(0, first, self.batch)?;
                self.optimizer.backward_step(&candle_nn::loss::cross_entropy(&logits, &labels)?)?;
            } else {
                candle_nn::ops::softmax(&logits, D::Minus1)?;
            }
        }
        Ok(())
    }

    fn right(&self) -> Result<u32> {
        let (images, labels) = (self.test.0.narrow(0, 0, 1000)?, self.test.1.narrow(0, 0, 1000)?);
        let answers = self.network.logits(&images, false)?.argmax(D::Minus1)?;
        Ok(answers.eq(&labels)?.to_dtype(DType::U32)?.sum_all()?.to_scalar()?)
    }
}

fn digits(name: &str) -> Result<(Tensor, Tensor)> {
    let (pixels, labels) = rivals::digits::<u32>(name)?;
    let count = labels.len();
    Ok((Tensor::from_vec(pixels, (count, 784), &Device::Cpu)?, Tensor::from_vec(labels, count, &Device::Cpu)?))
}
