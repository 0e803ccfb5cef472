//! Sizes and their classes.
//!
//! A class is a size that small blocks are rounded up to: each multiple of 16 bytes up
//! to 1 KiB, then four to a doubling up to 32 KiB. So above 64 bytes no block is more than
//! a quarter larger than what was asked for.
//!
//! A block begins at a multiple of the largest power of two that divides its class's
//! size. What is asked for with an alignment is first rounded up to a multiple of it; the
//! class of that is a multiple of it too, so its blocks are aligned.

use core::ops::{Index, IndexMut};

/// The largest class's size.
pub const LARGEST: usize = 32 << 10;

/// What every class's size is a multiple of, and thus every block's address.
pub const STEP: usize = 16;

/// From here on, classes are farther apart than `STEP`.
const FINE: usize = 1 << 10;

/// How many classes there are.
pub const COUNT: usize = FINE / STEP + 4 * (LARGEST.ilog2() - FINE.ilog2()) as usize;

/// A class, by its number: always below `COUNT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class(usize);

impl Class {
    /// The class whose blocks have room for `size` bytes; `None` if that is not at least 1
    /// and at most [`LARGEST`].
    #[inline(always)]
    pub const fn of(size: usize) -> Option<Class> {
        let last = size.wrapping_sub(1);
        if last >= LARGEST {
            return None;
        }
        if last < FINE {
            return Some(Class(last / STEP));
        }
        // The leading three bits: four values for each doubling.
        let doubling = last.ilog2();
        let leading = last >> (doubling - 2);
        let coarse = 4 * (doubling - FINE.ilog2()) as usize + leading - 4;
        Some(Class(FINE / STEP + coarse))
    }

    /// Every class, the smallest first.
    pub fn all() -> impl Iterator<Item = Class> {
        (0..COUNT).map(Class)
    }

    /// The size of its blocks.
    pub const fn size(self) -> usize {
        match self.0.checked_sub(FINE / STEP) {
            None => (self.0 + 1) * STEP,
            Some(coarse) => (5 + coarse % 4) << (FINE.ilog2() as usize - 2 + coarse / 4),
        }
    }

    /// What the addresses of its blocks are multiples of.
    pub const fn align(self) -> usize {
        let size = self.size();
        size & size.wrapping_neg()
    }
}

/// One of something for each class.
#[derive(Debug)]
pub struct PerClass<T>([T; COUNT]);

impl<T> PerClass<T> {
    /// What stands in `values` for each.
    pub const fn from(values: [T; COUNT]) -> PerClass<T> {
        PerClass(values)
    }

    /// What `make` makes for each.
    pub fn new(mut make: impl FnMut(Class) -> T) -> PerClass<T> {
        PerClass(core::array::from_fn(|class| make(Class(class))))
    }

    /// Each, with its class.
    pub fn iter(&self) -> impl Iterator<Item = (Class, &T)> {
        Class::all().zip(&self.0)
    }
}

impl<T> Index<Class> for PerClass<T> {
    type Output = T;

    #[inline(always)]
    fn index(&self, class: Class) -> &T {
        // SAFETY: a class is below COUNT.
        unsafe { self.0.get_unchecked(class.0) }
    }
}

impl<T> IndexMut<Class> for PerClass<T> {
    #[inline(always)]
    fn index_mut(&mut self, class: Class) -> &mut T {
        // SAFETY: a class is below COUNT.
        unsafe { self.0.get_unchecked_mut(class.0) }
    }
}

// Every size has a class; it is the smallest that has room, and its blocks are no more than
// a quarter larger, or not by as much as the smallest step.
const _: () = {
    let mut size = 1;
    let mut number = 0;
    while number < COUNT {
        let class = Class(number);
        let below = size - 1;
        let largest = class.size();
        assert!(largest.is_multiple_of(STEP) && largest > below);
        assert!(largest - size < STEP || (largest - size) * 4 <= size);
        while size <= largest {
            assert!(matches!(Class::of(size), Some(found) if found.0 == number));
            // A step at a time, from its first size to its last.
            size = if size == largest { size + 1 } else { largest };
        }
        number += 1;
    }
    assert!(size == LARGEST + 1);
    assert!(Class::of(0).is_none() && Class::of(LARGEST + 1).is_none());
};

// What is rounded up to a multiple of a power of two gets a class that is one.
const _: () = {
    let mut align = STEP;
    while align <= LARGEST {
        let mut size = align;
        while let Some(class) = Class::of(size) {
            assert!(class.align() >= align);
            size += align;
        }
        align *= 2;
    }
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_class_that_has_room_is_a_sizes_class() {
        for asked in 1..=LARGEST {
            let class = Class::of(asked).unwrap();
            assert!(class.size() >= asked, "{asked}");
            let below = class.0.checked_sub(1).map(Class);
            assert!(below.is_none_or(|below| below.size() < asked), "{asked}");
        }
    }

    #[test]
    fn classes_are_these() {
        assert_eq!(COUNT, 84);
        for (size, class) in [(1, 0), (16, 0), (17, 1), (1024, 63), (1025, 64)] {
            assert_eq!(Class::of(size), Some(Class(class)));
        }
        let coarse = [1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096];
        assert_eq!(
            [64, 65, 66, 67, 68, 69, 70, 71].map(|n| Class(n).size()),
            coarse
        );
        assert_eq!(
            [80, 81, 82, 83].map(|n| Class(n).size()),
            [20480, 24576, 28672, 32768]
        );
    }
}
