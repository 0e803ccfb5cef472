//! Sets of flags and lists of named numbers, as system calls take them.

/// Declares a type for the flags of a call: a set of bits, made by bitflags. Bits that
/// it does not name are kept, as the kernel may know more.
macro_rules! flags {
    ($(
        $(#[$($meta:tt)+])*
        $name:ident: $bits:ty {
            $($(#[$($flag_meta:tt)+])* $flag:ident = $value:expr;)*
        }
    )*) => {$(
        bitflags::bitflags! {
            $(#[$($meta)+])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
            pub struct $name: $bits {
                $($(#[$($flag_meta)+])* const $flag = $value as $bits;)*
                // Whatever else the kernel knows.
                const _ = !0;
            }
        }

        impl $crate::sys::Argument for $name {
            const SHOWN: $crate::sys::Shown = $crate::sys::Shown::Flags;

            #[inline(always)]
            fn pass(self, words: &mut $crate::sys::declare::Words) {
                $crate::sys::Argument::pass(self.bits(), words);
            }
        }
    )*};
}

/// Declares a type for a number that a call gives a meaning: a new type around it,
/// with a name for each number that is known. The kernel may know more.
macro_rules! named {
    ($(
        $(#[$meta:meta])*
        $name:ident: $number:ty {
            $($(#[$value_meta:meta])* $value_name:ident = $value:expr;)*
        }
    )*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name(
            /// The number.
            pub $number,
        );

        impl $name {
            $($(#[$value_meta])* pub const $value_name: $name = $name($value as $number);)*
        }

        impl $crate::sys::Argument for $name {
            const SHOWN: $crate::sys::Shown = $crate::sys::Shown::Named;

            #[inline(always)]
            fn pass(self, words: &mut $crate::sys::declare::Words) {
                $crate::sys::Argument::pass(self.0, words);
            }
        }

        impl $crate::sys::Value for $name {
            const SHOWN: $crate::sys::Shown = $crate::sys::Shown::Named;

            #[inline(always)]
            fn from_register(result: $crate::arch::Register) -> Self {
                $name(<$number as $crate::sys::Value>::from_register(result))
            }
        }

        // SAFETY: any bytes are a number.
        unsafe impl $crate::sys::Filled for $name {}
    )*};
}

pub(crate) use {flags, named};
