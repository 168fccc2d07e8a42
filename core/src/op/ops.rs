//! A network's operators as a constant: what the compiler can go through.

use super::Op;

/// A type's operators, in order: at most 32, more than an architecture's text has room for.
#[derive(Clone, Copy)]
pub struct Ops {
    ops: [Op; 32],
    len: usize,
}

impl Ops {
    /// One operator.
    pub const fn one(op: Op) -> Self {
        Self { ops: [op; 32], len: 1 }
    }

    /// These operators, and then others.
    ///
    /// # Panics
    /// While compiling, if there are more than 32.
    pub const fn then(mut self, others: &[Op]) -> Self {
        assert!(self.len + others.len() <= self.ops.len(), "a network has at most 32 layers");
        let mut i = 0;
        while i < others.len() {
            self.ops[self.len] = others[i];
            self.len += 1;
            i += 1;
        }
        self
    }

    /// The operators as a slice.
    pub const fn as_slice(&self) -> &[Op] {
        self.ops.split_at(self.len).0
    }
}
