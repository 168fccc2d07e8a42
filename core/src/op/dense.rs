//! A fully connected layer's operator.

use crate::activation::Function;
use crate::text::Text;

/// Every one of `inputs` inputs joined to every one of `outputs` outputs, then the activation.
///
/// a_j = A(Σ_i x_i·w_ij + b_j): the book's equation 25. The weight of input i and output j is number i·outputs + j.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dense {
    /// Values that it takes.
    pub inputs: usize,
    /// Values that it gives.
    pub outputs: usize,
    /// What turns the weighted inputs z into activations a.
    pub activation: Function,
}

impl Dense {
    /// How many weights it has.
    pub const fn weights(self) -> usize {
        self.inputs * self.outputs
    }

    /// Values that training remembers of one image: the outputs, and the gradient of the cost in them.
    pub const fn saved(self) -> usize {
        2 * self.outputs
    }

    /// Its words in the architecture's text.
    pub const fn text(self) -> Text {
        self.activation.append(Text::EMPTY.then("dense ").then_number(self.outputs))
    }
}
