//! Integers as text, without core's formatting.

use core::fmt;
use core::mem::MaybeUninit;
use core::str;

/// The longest: `i128::MIN` in decimal.
const LONGEST: usize = 40;

/// An integer's digits. [`decimal`] and [`hex`] make it.
#[derive(Clone, Copy)]
pub struct Digits {
    /// ASCII, from `start` on. What is before is nothing: there would have to be a memcpy
    /// for it.
    bytes: [MaybeUninit<u8>; LONGEST],
    start: usize,
}

impl Digits {
    #[inline(always)]
    fn none() -> Digits {
        Digits {
            bytes: [MaybeUninit::uninit(); LONGEST],
            start: LONGEST,
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        // SAFETY: only `put` writes bytes, and they are ASCII.
        unsafe { str::from_utf8_unchecked(self.as_bytes()) }
    }

    /// The text, as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        let written = self.bytes.get(self.start..).unwrap_or_default();
        // SAFETY: `put` wrote them, from the end down to `start`.
        unsafe { written.assume_init_ref() }
    }

    /// Puts a character before the others.
    #[inline(always)]
    fn put(&mut self, ascii: u8) {
        debug_assert!(ascii.is_ascii());
        self.start = self.start.wrapping_sub(1);
        if let Some(place) = self.bytes.get_mut(self.start) {
            place.write(ascii);
        }
    }
}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_str().strip_prefix('-') {
            Some(digits) => f.pad_integral(false, "", digits),
            None => f.pad_integral(true, "", self.as_str()),
        }
    }
}

impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `value` in decimal, as `{}` shows it.
#[inline]
pub fn decimal(value: impl Integer) -> Digits {
    value.decimal()
}

/// `value` in hexadecimal, as `{:x}` shows it: in small letters, without `0x`, and a
/// negative one as its two's complement.
#[inline]
pub fn hex(value: impl Integer) -> Digits {
    value.hex()
}

/// The integers: `u8` to `u128`, `i8` to `i128`, `usize` and `isize`.
pub trait Integer: sealed::Sealed {}

mod sealed {
    pub trait Sealed: Copy {
        fn decimal(self) -> super::Digits;
        fn hex(self) -> super::Digits;
    }
}

/// Unsigned, signed, and the type that both are calculated in: narrow ones share the
/// code of one that every processor divides.
macro_rules! integers {
    ($($name:ident: $unsigned:ident, $signed:ident;)*) => {$(
        impl Integer for $unsigned {}

        impl sealed::Sealed for $unsigned {
            #[inline]
            fn decimal(self) -> Digits {
                let mut digits = Digits::none();
                $name(self.into(), 10, &mut digits);
                digits
            }

            #[inline]
            fn hex(self) -> Digits {
                let mut digits = Digits::none();
                $name(self.into(), 16, &mut digits);
                digits
            }
        }

        impl Integer for $signed {}

        impl sealed::Sealed for $signed {
            #[inline]
            fn decimal(self) -> Digits {
                let mut digits = self.unsigned_abs().decimal();
                if self < 0 {
                    digits.put(b'-');
                }
                digits
            }

            #[inline]
            fn hex(self) -> Digits {
                self.cast_unsigned().hex()
            }
        }
    )*};
}

integers! {
    digits_32: u8, i8;
    digits_32: u16, i16;
    digits_32: u32, i32;
    digits_64: u64, i64;
    digits_128: u128, i128;
    digits_of_word: usize, isize;
}

macro_rules! functions {
    ($($name:ident($type:ident);)*) => {$(
        /// Into `digits`, which are none: what is returned would be copied.
        #[inline(never)]
        fn $name(mut value: $type, radix: $type, digits: &mut Digits) {
            loop {
                digits.put(match (value % radix) as u8 {
                    digit @ 0..10 => b'0' + digit,
                    digit => b'a' + (digit - 10),
                });
                value /= radix;
                if value == 0 {
                    return;
                }
            }
        }
    )*};
}

functions! {
    digits_32(u32);
    digits_64(u64);
    digits_128(u128);
    digits_of_word(usize);
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    macro_rules! as_core_does {
        ($($type:ident)*) => {$(
            let powers = (0..$type::BITS).map(|bits| (1 as $type) << bits);
            let around = powers.flat_map(|power| {
                [power.wrapping_sub(1), power, power.wrapping_add(1), power.wrapping_neg()]
            });
            let tens = (0..40).map_while(|exponent| (10 as $type).checked_pow(exponent));
            let tens = tens.flat_map(|power| [power - 1, power, (0 as $type).wrapping_sub(power)]);
            for value in around.chain(tens).chain([0, $type::MIN, $type::MAX]) {
                assert_eq!(decimal(value).as_str(), format!("{value}"));
                assert_eq!(hex(value).as_str(), format!("{value:x}"));
            }
        )*};
    }

    #[test]
    fn each_type_is_as_core_shows_it() {
        as_core_does!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);
    }

    #[test]
    fn the_longest_fits_exactly() {
        assert_eq!(decimal(i128::MIN).as_bytes().len(), LONGEST);
    }

    #[test]
    fn core_formats_them_as_integers() {
        let (number, bits) = (decimal(-42), hex(0xab_u8));
        assert_eq!(
            format!("{number:>6}|{number:06}|{bits:04}"),
            "   -42|-00042|00ab"
        );
        assert_eq!(format!("{:?}", decimal(-42)), "-42");
    }
}
