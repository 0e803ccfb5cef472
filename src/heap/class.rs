//! Sizes and their classes.
//!
//! A class is a size that small blocks are rounded up to: each multiple of 16 bytes up
//! to 1 KiB, then four to a doubling up to 32 KiB. So a block is at most a quarter
//! larger than what was asked for, above 64 bytes.
//!
//! A block begins at a multiple of the largest power of two that divides its class's
//! size. What is asked for with an alignment is first rounded up to a multiple of it; the
//! class of that is a multiple of it too, so its blocks are aligned.

/// How many classes there are.
pub const COUNT: usize = FINE / STEP + 4 * (LARGEST.ilog2() - FINE.ilog2()) as usize;

/// The largest class's size.
pub const LARGEST: usize = 32 << 10;

/// From here on, classes are farther apart than `STEP`.
const FINE: usize = 1 << 10;

/// What every class's size is a multiple of, and thus every block's address.
pub const STEP: usize = 16;

/// The class whose blocks have room for `size` bytes: 1 to [`LARGEST`].
#[inline]
pub const fn of(size: usize) -> usize {
    let last = size - 1;
    if last < FINE {
        return last / STEP;
    }
    // The leading three bits: four values for each doubling.
    let doubling = last.ilog2();
    let leading = last >> (doubling - 2);
    FINE / STEP + 4 * (doubling - FINE.ilog2()) as usize + leading - 4
}

/// The size of the blocks of a class.
pub const fn size(class: usize) -> usize {
    match class.checked_sub(FINE / STEP) {
        None => (class + 1) * STEP,
        Some(coarse) => (5 + coarse % 4) << (FINE.ilog2() as usize - 2 + coarse / 4),
    }
}

/// What the addresses of a class's blocks are multiples of.
pub const fn align(class: usize) -> usize {
    1 << size(class).trailing_zeros()
}

// Each class is the class of its own size and of what is larger than the one below, and
// wastes no more than it may.
const _: () = {
    let mut class = 0;
    let mut below = 0;
    while class < COUNT {
        let size = size(class);
        assert!(of(below + 1) == class && of(size) == class);
        assert!(size.is_multiple_of(STEP) && size > below);
        assert!(size - below == STEP || (size - below) * 5 <= size);
        below = size;
        class += 1;
    }
    assert!(below == LARGEST);
};

// What is rounded up to a multiple of a power of two gets a class that is one.
const _: () = {
    let mut align = STEP;
    while align <= LARGEST {
        let mut size = align;
        while size <= LARGEST {
            assert!(self::align(of(size)) >= align);
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
            let class = of(asked);
            assert!(size(class) >= asked, "{asked}");
            assert!(class == 0 || size(class - 1) < asked, "{asked}");
        }
    }

    #[test]
    fn classes_are_these() {
        assert_eq!(COUNT, 84);
        assert_eq!([of(1), of(16), of(17), of(1024)], [0, 0, 1, 63]);
        let coarse = [1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096];
        assert_eq!([64, 65, 66, 67, 68, 69, 70, 71].map(size), coarse);
        assert_eq!([80, 81, 82, 83].map(size), [20480, 24576, 28672, 32768]);
    }
}
