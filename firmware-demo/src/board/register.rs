//! A register of a peripheral.

/// A register of 8 or 32 bits, by its address. Only a board's file makes one, and names there what it is: a register of
/// that board, which leads to no memory of the program (no DMA).
pub(super) struct Register<T = u32>(*mut T);

impl<T> Register<T> {
    pub(super) const fn at(address: usize) -> Self {
        Self(address as *mut T)
    }
}

#[allow(unsafe_code)]
impl<T: Copy> Register<T> {
    pub(super) fn read(&self) -> T {
        // SAFETY: the address is that of a register, and reading it changes nothing in memory.
        unsafe { self.0.read_volatile() }
    }

    pub(super) fn write(&self, value: T) {
        // SAFETY: the address is that of a register, and writing it changes nothing in memory.
        unsafe { self.0.write_volatile(value) }
    }
}
