//! The networks a, b, c and d in Burn, on its processor backend Flex: called as the other programs in `benches/rivals`.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::CrossEntropyLoss;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::activation::{relu, sigmoid, softmax};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rivals::{Contestant, Options, Result, serve};

fn main() -> Result<()> {
    let options = Options::read()?;
    serve(&options, &mut Burn::new(&options)?)
}

#[derive(Module, Debug)]
struct Network {
    convolutions: Vec<Conv2d>,
    pool: MaxPool2d,
    dropout: Option<Dropout>,
    dense: Vec<Linear>,
    sigmoid: bool,
}

impl Network {
    fn new(options: &Options, device: &Device) -> Self {
        let (channels, sizes) = options.shape();
        let convolution = |pair: &[usize]| Conv2dConfig::new([pair[0], pair[1]], [5, 5]).init(device);
        Self {
            convolutions: channels.windows(2).map(convolution).collect(),
            pool: MaxPool2dConfig::new([2, 2]).init(),
            dropout: options.dropout().map(|chance| DropoutConfig::new(chance.into()).init()),
            dense: sizes.windows(2).map(|pair| LinearConfig::new(pair[0], pair[1]).init(device)).collect(),
            sigmoid: options.sigmoid(),
        }
    }

    fn activate<const D: usize>(&self, values: Tensor<D>) -> Tensor<D> {
        if self.sigmoid { sigmoid(values) } else { relu(values) }
    }

    fn logits(&self, images: Tensor<4>) -> Tensor<2> {
        let mut values = images;
        for convolution in &self.convolutions {
            values = self.activate(self.pool.forward(convolution.forward(values)));
        }
        let mut values = values.flatten(1, 3);
        for (number, dense) in self.dense.iter().enumerate() {
            if let Some(dropout) = &self.dropout {
                values = dropout.forward(values);
            }
            values = dense.forward(values);
            if number + 1 < self.dense.len() {
                values = self.activate(values);
            }
        }
        values
    }
}

struct Burn {
    network: Network,
    optimizer: ModuleOptimizer,
    cost: CrossEntropyLoss,
    eta: f64,
    training: bool,
    batch: usize,
    images: Tensor<4>,
    labels: Tensor<1, Int>,
    test: (Tensor<4>, Tensor<1, Int>),
    done: usize,
}

impl Burn {
    fn new(options: &Options) -> Result<Self> {
        let plain = Device::flex();
        let device = if options.training { plain.clone().autodiff() } else { plain.clone() };
        let (images, labels) = digits(if options.training { "train" } else { "t10k" }, &device)?;
        let Options { training, batch, .. } = *options;
        Ok(Self {
            network: Network::new(options, &device),
            optimizer: SgdConfig::new().init(),
            cost: CrossEntropyLoss::new(None, &device),
            eta: options.eta(),
            training,
            batch,
            images,
            labels,
            test: digits("t10k", &plain)?,
            done: 0,
        })
    }
}

impl Contestant for Burn {
    fn work(&mut self, steps: usize) -> Result<()> {
        let batches = self.labels.dims()[0] / self.batch;
        for _ in 0..steps {
            let first = self.done % batches * self.batch;
            self.done += 1;
            let logits = self.network.logits(self.images.clone().narrow(0, first, self.batch));
            if self.training {
                let labels = self.labels.clone().narrow(0, first, self.batch);
                let gradients = self.cost.forward(logits, labels).backward();
                let gradients = GradientsParams::from_grads(gradients, &self.network);
                self.network = self.optimizer.step(self.eta, self.network.clone(), gradients);
            } else {
                softmax(logits, 1);
            }
        }
        Ok(())
    }

    fn right(&self) -> Result<u32> {
        let (images, labels) = (self.test.0.clone().narrow(0, 0, 1000), self.test.1.clone().narrow(0, 0, 1000));
        let answers: Tensor<1, Int> = self.network.valid().logits(images).argmax(1).squeeze_dim(1);
        Ok(answers.equal(labels).int().sum().try_into_scalar()?)
    }
}

fn digits(name: &str, device: &Device) -> Result<(Tensor<4>, Tensor<1, Int>)> {
    let (pixels, labels) = rivals::digits::<i64>(name)?;
    let count = labels.len();
    let images = Tensor::from_data(TensorData::new(pixels, [count, 1, 28, 28]), device);
    Ok((images, Tensor::from_data(TensorData::new(labels, [count]), device)))
}
