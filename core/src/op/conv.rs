//! A convolution's operator, with the pooling and the activation after it.

use crate::activation::Function;
use crate::pool::Pooling;
use crate::text::Text;

/// Filters over an image, stride 1, no padding; then the pooling, then the activation: the book's
/// `network3.ConvPoolLayer` and equation 125.
///
/// The weight that leads from channel c of the pixel (y + ky, x + kx) to channel o of the position (y, x) is number
/// ((ky·filter_width + kx)·channels + c)·filters + o.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv {
    /// Rows of the image.
    pub height: usize,
    /// Columns of the image.
    pub width: usize,
    /// Channels of the image.
    pub channels: usize,
    /// Rows of a filter; at most `height`.
    pub filter_height: usize,
    /// Columns of a filter; at most `width`.
    pub filter_width: usize,
    /// Channels that come out.
    pub filters: usize,
    /// What is done to the map before the activation.
    pub pooling: Pooling,
    /// What turns the pooled sums into activations; one that works on each value alone.
    pub activation: Function,
}

impl Conv {
    /// Values that it takes.
    pub const fn inputs(self) -> usize {
        self.height * self.width * self.channels
    }

    /// Rows of the map, before the pooling.
    pub const fn rows(self) -> usize {
        self.height + 1 - self.filter_height
    }

    /// Columns of the map, before the pooling.
    pub const fn columns(self) -> usize {
        self.width + 1 - self.filter_width
    }

    /// Rows of what comes out.
    pub const fn out_height(self) -> usize {
        self.rows() / self.pooling.side()
    }

    /// Columns of what comes out.
    pub const fn out_width(self) -> usize {
        self.columns() / self.pooling.side()
    }

    /// Values that it gives.
    pub const fn outputs(self) -> usize {
        self.out_height() * self.out_width() * self.filters
    }

    /// Weights of one filter: pixels under it times channels.
    pub const fn taps(self) -> usize {
        self.filter_height * self.filter_width * self.channels
    }

    /// How many weights it has.
    pub const fn weights(self) -> usize {
        self.taps() * self.filters
    }

    /// Multiplications with a weight, for one image.
    pub const fn macs(self) -> usize {
        self.rows() * self.columns() * self.weights()
    }

    /// Values that training remembers of one image: the outputs, the gradient of the cost in them, and, four to a value,
    /// the positions that they came from.
    pub const fn saved(self) -> usize {
        2 * self.outputs() + self.outputs().div_ceil(4)
    }

    /// Its words in the architecture's text.
    pub const fn text(self) -> Text {
        let text = Text::EMPTY.then("conv").then_number(self.filter_height).then("x").then_number(self.filter_width);
        self.activation.append(self.pooling.append(text.then(" ").then_number(self.filters)))
    }
}
