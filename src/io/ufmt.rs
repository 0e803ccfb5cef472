//! ufmt's formatting, for whoever wants `uwrite!` with these.

use embedded_io::Write;
use ufmt_write::uWrite;

use super::{BufWriter, LineWriter, Stderr, Stdout};

macro_rules! text_into {
    ($([$($generics:tt)*] $type:ty;)*) => {$(
        impl<$($generics)*> uWrite for $type {
            type Error = <Self as embedded_io::ErrorType>::Error;

            fn write_str(&mut self, text: &str) -> Result<(), Self::Error> {
                self.write_all(text.as_bytes())
            }

            // The provided one makes its buffer by a function that is deprecated.
            fn write_char(&mut self, character: char) -> Result<(), Self::Error> {
                self.write_all(character.encode_utf8(&mut [0; 4]).as_bytes())
            }
        }
    )*};
}

text_into! {
    [] Stdout;
    [] Stderr;
    [W: Write, const N: usize] BufWriter<W, N>;
    [W: Write, const N: usize] LineWriter<W, N>;
}
