//! Transfers that the kernel makes while the program goes on: io_uring(7).
//!
//! A [`Ring`] takes [`Operation`]s, which the kernel hears of all at once, and gives back a
//! [`Completion`] for each when it is done, in whatever order that is.
//!
//! ```ignore
//! let mut ring = Ring::new(8)?;
//! ring.push(Operation::read(&file, vec![0; 4096], Some(0)))?;
//! ring.submit_and_wait(1)?;
//! for completion in ring.completions() {
//!     println!("{} bytes", completion.result?);
//! }
//! ```
//!
//! # Who owns what
//!
//! While an operation is under way the kernel writes its buffer, whatever the program does.
//! So the ring keeps the buffer and the descriptor, and hands them back with the completion.
//! A buffer is what stays where it is while its owner moves ([`Buffer`]): a `Vec<u8>`, a
//! `Box<[u8]>` (feature `alloc`), a `&'static mut [u8]`; bytes that are merely borrowed are
//! for [`Lent`], which is unsafe. What lends the descriptor is any [`AsFd`]: a file, or a
//! reference to one. A ring that is dropped cancels what is under way and waits until it is
//! done; one that is forgotten ([`mem::forget`](core::mem::forget)) keeps it all for ever.
//!
//! There is one thing that a forgotten ring does not keep. The kernel looks a descriptor up
//! when its operation begins, which for a [`link`](Operation::link)ed one is later: if what
//! lends it is a reference, and the ring is forgotten, the number may be another file's by
//! then.
//!
//! A ring allocates nothing but its own pages. After fork(2) it is the parent's: the child
//! must neither use nor drop it.
//!
//! # Where there is none
//!
//! [`Ring::new`] fails with `ENOSYS` where the kernel has no io_uring, as under qemu-user,
//! and with `EPERM` where the system forbids it: many containers do, by a seccomp filter
//! that says the one or the other, and `/proc/sys/kernel/io_uring_disabled` does. Nothing
//! takes its place here; a program that must run there too reads and writes.
//!
//! Linux 5.6 is the oldest kernel that will do (`EOPNOTSUPP`). An operation that a kernel
//! does not have fails with `EINVAL`.

mod operation;
mod queues;
mod ring;

#[cfg(feature = "alloc")]
use alloc::{boxed::Box, vec::Vec};

pub use operation::Operation;
pub use queues::Queues;
pub use ring::{Completion, Completions, Full, Id, Ring};

#[cfg(doc)]
use crate::sys::AsFd;

/// Bytes that the kernel may read while an [`Operation`] is under way.
///
/// # Safety
///
/// `as_ref` must return the same bytes each time. They must stay where they are, valid and
/// unchanged, until the value is dropped, however it is moved; if it never is, for ever.
pub unsafe trait Buffer: AsRef<[u8]> {}

/// Bytes that the kernel may write, too.
///
/// # Safety
///
/// `as_mut` must return the bytes that `as_ref` does. Nothing else may look at them or
/// change them as long as there is the value.
pub unsafe trait BufferMut: Buffer + AsMut<[u8]> {}

// SAFETY: the bytes are there for ever, and nobody can change them.
unsafe impl Buffer for &'static [u8] {}
// SAFETY: they are there for ever, and nobody else has them.
unsafe impl Buffer for &'static mut [u8] {}
// SAFETY: as above.
unsafe impl BufferMut for &'static mut [u8] {}
// SAFETY: the bytes are the allocation's, which does not move with the box and goes when
// that is dropped.
#[cfg(feature = "alloc")]
unsafe impl Buffer for Box<[u8]> {}
// SAFETY: they are the box's alone.
#[cfg(feature = "alloc")]
unsafe impl BufferMut for Box<[u8]> {}
// SAFETY: the bytes are the allocation's, which changes only by the vector's methods: none
// is called but `as_ref` and `as_mut`.
#[cfg(feature = "alloc")]
unsafe impl Buffer for Vec<u8> {}
// SAFETY: they are the vector's alone.
#[cfg(feature = "alloc")]
unsafe impl BufferMut for Vec<u8> {}

/// Bytes that somebody else owns, who has promised to leave them alone.
#[derive(Debug)]
pub struct Lent {
    bytes: *mut [u8],
}

impl Lent {
    /// Lends `bytes`.
    ///
    /// # Safety
    ///
    /// Until the value is dropped, which is after the completion of its operation, the
    /// bytes must stay valid and nothing else may look at them or change them. If it never
    /// is, as when the ring is forgotten, that is for ever.
    pub const unsafe fn new(bytes: *mut [u8]) -> Lent {
        Lent { bytes }
    }
}

// SAFETY: it is as good as an `&mut [u8]`, by the promise to `new`.
unsafe impl Send for Lent {}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: they are valid, and nobody else's, by the promise to `new`.
        unsafe { &*self.bytes }
    }
}

impl AsMut<[u8]> for Lent {
    fn as_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above.
        unsafe { &mut *self.bytes }
    }
}

// SAFETY: they stay where they are, by the promise to `new`.
unsafe impl Buffer for Lent {}
// SAFETY: nobody else has them, by the same.
unsafe impl BufferMut for Lent {}
