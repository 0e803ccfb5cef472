//! Buffers of which a call takes several at once.

use core::fmt;
use core::marker::PhantomData;
use core::mem;
use core::ops::{Deref, DerefMut};
use core::slice;

use linux_raw_sys::general;

/// The kernel's `iovec`: an address and how many bytes are there.
#[derive(Clone, Copy)]
#[repr(C)]
struct Iovec {
    iov_base: *mut u8,
    iov_len: usize,
}

const _: () = {
    assert!(size_of::<Iovec>() == size_of::<general::iovec>());
    assert!(mem::offset_of!(Iovec, iov_len) == mem::offset_of!(general::iovec, iov_len));
};

/// Bytes for a call to read, in memory as the kernel's `iovec`: std's `IoSlice`.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct IoSlice<'bytes> {
    iovec: Iovec,
    bytes: PhantomData<&'bytes [u8]>,
}

// SAFETY: it is a `&[u8]`.
unsafe impl Send for IoSlice<'_> {}
// SAFETY: as above.
unsafe impl Sync for IoSlice<'_> {}

impl<'bytes> IoSlice<'bytes> {
    /// These bytes.
    #[inline(always)]
    pub const fn new(bytes: &'bytes [u8]) -> IoSlice<'bytes> {
        IoSlice {
            iovec: Iovec {
                iov_base: bytes.as_ptr().cast_mut(),
                iov_len: bytes.len(),
            },
            bytes: PhantomData,
        }
    }
}

impl Deref for IoSlice<'_> {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        // SAFETY: `new` took it from a slice, which is borrowed for as long.
        unsafe { slice::from_raw_parts(self.iovec.iov_base, self.iovec.iov_len) }
    }
}

impl fmt::Debug for IoSlice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// Bytes for a call to write, in memory as the kernel's `iovec`: std's `IoSliceMut`.
#[repr(transparent)]
pub struct IoSliceMut<'bytes> {
    iovec: Iovec,
    bytes: PhantomData<&'bytes mut [u8]>,
}

// SAFETY: it is a `&mut [u8]`.
unsafe impl Send for IoSliceMut<'_> {}
// SAFETY: as above.
unsafe impl Sync for IoSliceMut<'_> {}

impl<'bytes> IoSliceMut<'bytes> {
    /// These bytes.
    #[inline(always)]
    pub const fn new(bytes: &'bytes mut [u8]) -> IoSliceMut<'bytes> {
        IoSliceMut {
            iovec: Iovec {
                iov_base: bytes.as_mut_ptr(),
                iov_len: bytes.len(),
            },
            bytes: PhantomData,
        }
    }
}

impl Deref for IoSliceMut<'_> {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        // SAFETY: `new` took it from a slice, which is borrowed for as long.
        unsafe { slice::from_raw_parts(self.iovec.iov_base, self.iovec.iov_len) }
    }
}

impl DerefMut for IoSliceMut<'_> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and borrowed from nobody else.
        unsafe { slice::from_raw_parts_mut(self.iovec.iov_base, self.iovec.iov_len) }
    }
}

impl fmt::Debug for IoSliceMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
