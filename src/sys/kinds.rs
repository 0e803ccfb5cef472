//! Sets of flags and lists of named numbers, as system calls take them.

/// Declares a type for the flags of a call, which is how it is passed: see [`bits!`].
macro_rules! flags {
    ($(
        $(#[$($meta:tt)+])*
        $name:ident: $bits:ty { $($flags:tt)* }
    )*) => {$(
        $crate::sys::kinds::bits! {
            $(#[$($meta)+])*
            $name: $bits { $($flags)* }
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

/// Declares a type for a set of flags, with bitflags. Bits that it does not name are
/// kept, as the kernel may know more.
///
/// The struct and its `Debug` are written here: with those that bitflags makes comes a
/// second type each, with parsers and formatters that nobody uses. They were a quarter
/// of all that the compiler had to read.
macro_rules! bits {
    (
        $(#[$($meta:tt)+])*
        $name:ident: $bits:ty {
            $($(#[$($flag_meta:tt)+])* $flag:ident = $value:expr;)*
        }
    ) => {
        $(#[$($meta)+])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
        #[repr(transparent)]
        pub struct $name($bits);

        bitflags::bitflags! {
            impl $name: $bits {
                $($(#[$($flag_meta)+])* const $flag = $value as $bits;)*
                // Whatever else the kernel knows.
                const _ = !0;
            }
        }

        /// By the flags' names.
        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "("))?;
                bitflags::parser::to_writer(self, &mut *f)?;
                f.write_str(")")
            }
        }
    };
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

pub(crate) use {bits, flags, named};
