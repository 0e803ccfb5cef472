//! Values on their way.

use alloc::boxed::Box;
use core::mem::MaybeUninit;
use core::ptr;

/// How many values a block of a queue without bound holds.
const BLOCK: usize = 31;

/// A queue of values. Nothing is allocated or given back here, for it is used under a lock,
/// and no value is dropped but with the queue.
pub(super) enum Buffer<T> {
    /// So many and no more.
    Ring(Ring<T>),
    /// As many as there is memory for.
    Blocks(Blocks<T>),
}

// SAFETY: whoever has the queue has its values, and blocks are its own.
unsafe impl<T: Send> Send for Buffer<T> {}

/// What became of a value that was to be put into the queue.
pub(super) enum Pushed {
    Yes,
    /// There is no room.
    Full,
    /// There will be with one more [`Block`].
    LacksBlock,
}

impl<T> Buffer<T> {
    /// Room for so many values; `None` for as many as there is memory for.
    pub(super) fn new(capacity: Option<usize>) -> Buffer<T> {
        match capacity {
            Some(capacity) => Buffer::Ring(Ring {
                slots: Box::new_uninit_slice(capacity),
                first: 0,
                len: 0,
            }),
            None => Buffer::Blocks(Blocks {
                first: ptr::null_mut(),
                taken: 0,
                last: ptr::null_mut(),
                put: BLOCK,
                spare: None,
                len: 0,
            }),
        }
    }

    /// How many values there are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        match self {
            Buffer::Ring(ring) => ring.len,
            Buffer::Blocks(blocks) => blocks.len,
        }
    }

    /// Whether there is no room for one more.
    pub(super) fn is_full(&self) -> bool {
        match self {
            Buffer::Ring(ring) => ring.len == ring.slots.len(),
            Buffer::Blocks(_) => false,
        }
    }

    /// Moves the value to the queue's end.
    ///
    /// # Safety
    ///
    /// There is one at `value`; with [`Pushed::Yes`] there is none any more.
    #[inline(always)]
    pub(super) unsafe fn push(&mut self, value: *const T) -> Pushed {
        // SAFETY: passed on to the caller.
        unsafe {
            match self {
                Buffer::Ring(ring) => ring.push(value),
                Buffer::Blocks(blocks) => blocks.push(value),
            }
        }
    }

    /// Moves the queue's first value to `value`. If there is one: and with it comes a block
    /// that the queue has no use for.
    ///
    /// # Safety
    ///
    /// There is room at `value`, and nothing that is dropped.
    #[inline(always)]
    pub(super) unsafe fn pop(&mut self, value: *mut T) -> Option<Spare<T>> {
        // SAFETY: passed on to the caller.
        unsafe {
            match self {
                Buffer::Ring(ring) => ring.pop(value).then_some(None),
                Buffer::Blocks(blocks) => blocks.pop(value),
            }
        }
    }

    /// Has the queue use the block when it needs one. One that it does not need comes back.
    pub(super) fn supply(&mut self, block: Box<Block<T>>) -> Spare<T> {
        match self {
            Buffer::Blocks(blocks) => blocks.spare.replace(block),
            Buffer::Ring(_) => Some(block),
        }
    }
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        let mut value = MaybeUninit::uninit();
        // SAFETY: there is room for a value; the last one was dropped.
        while unsafe { self.pop(value.as_mut_ptr()) }.is_some() {
            // SAFETY: there is one now.
            unsafe { value.assume_init_drop() };
        }
        if let Buffer::Blocks(blocks) = self
            && !blocks.last.is_null()
        {
            // SAFETY: it was made by `Box::into_raw`, and is the only one when there is no
            // value.
            drop(unsafe { Box::from_raw(blocks.last) });
        }
    }
}

/// Values in a circle.
pub(super) struct Ring<T> {
    slots: Box<[MaybeUninit<T>]>,
    first: usize,
    len: usize,
}

impl<T> Ring<T> {
    #[inline]
    unsafe fn push(&mut self, value: *const T) -> Pushed {
        let capacity = self.slots.len();
        if self.len == capacity {
            return Pushed::Full;
        }
        let to_the_end = capacity - self.first;
        let place = if self.len < to_the_end {
            self.first + self.len
        } else {
            self.len - to_the_end
        };
        // SAFETY: there is a value, which is moved, and the place is one of the slots:
        // beyond the last one it is as far from the first slot.
        unsafe {
            let slot = self.slots.as_mut_ptr().add(place);
            ptr::copy_nonoverlapping(value, slot.cast(), 1);
        }
        self.len += 1;
        Pushed::Yes
    }

    #[inline]
    unsafe fn pop(&mut self, value: *mut T) -> bool {
        if self.len == 0 {
            return false;
        }
        // SAFETY: the first of the values is there, and is moved.
        unsafe {
            let slot = self.slots.as_ptr().add(self.first);
            ptr::copy_nonoverlapping(slot.cast(), value, 1);
        }
        self.first += 1;
        if self.first == self.slots.len() {
            self.first = 0;
        }
        self.len -= 1;
        true
    }
}

/// Values in a list of blocks.
pub(super) struct Blocks<T> {
    /// Null if there never was one.
    first: *mut Block<T>,
    /// How many values of the first block are taken.
    taken: usize,
    last: *mut Block<T>,
    /// How many values were put into the last block: all, if there is none.
    put: usize,
    /// One for later: so a queue that is never long does not allocate for each block's worth
    /// of values.
    spare: Spare<T>,
    len: usize,
}

pub(super) struct Block<T> {
    next: *mut Block<T>,
    slots: [MaybeUninit<T>; BLOCK],
}

/// A block that is not in use.
pub(super) type Spare<T> = Option<Box<Block<T>>>;

impl<T> Block<T> {
    pub(super) fn new() -> Box<Block<T>> {
        let mut block = Box::<Block<T>>::new_uninit();
        // SAFETY: with a pointer it is what it is to be: its slots may be anything.
        unsafe {
            (&raw mut (*block.as_mut_ptr()).next).write(ptr::null_mut());
            block.assume_init()
        }
    }
}

impl<T> Blocks<T> {
    #[inline]
    unsafe fn push(&mut self, value: *const T) -> Pushed {
        if self.put == BLOCK && !self.add_block() {
            return Pushed::LacksBlock;
        }
        // SAFETY: the last block is there, and there is room in it; the value is moved.
        unsafe {
            let slots = (&raw mut (*self.last).slots).cast::<T>();
            ptr::copy_nonoverlapping(value, slots.add(self.put), 1);
        }
        self.put += 1;
        self.len += 1;
        Pushed::Yes
    }

    /// Makes the spare block the last, if there is one.
    fn add_block(&mut self) -> bool {
        let Some(block) = self.spare.take() else {
            return false;
        };
        let block = Box::into_raw(block);
        // SAFETY: blocks of the list are there.
        unsafe {
            (*block).next = ptr::null_mut();
            match self.last.as_mut() {
                Some(last) => last.next = block,
                None => self.first = block,
            }
        }
        self.last = block;
        self.put = 0;
        true
    }

    #[inline]
    unsafe fn pop(&mut self, value: *mut T) -> Option<Spare<T>> {
        if self.len == 0 {
            return None;
        }
        let mut spare = None;
        if self.taken == BLOCK {
            spare = self.remove_block();
        }
        // SAFETY: there is a value, so it is in the first block; it is moved.
        unsafe {
            let slots = (&raw const (*self.first).slots).cast::<T>();
            ptr::copy_nonoverlapping(slots.add(self.taken), value, 1);
        }
        self.taken += 1;
        self.len -= 1;
        Some(spare)
    }

    /// Takes the first block out, of which all values are taken, for there are values behind
    /// it. It is kept for later, unless another one is.
    fn remove_block(&mut self) -> Spare<T> {
        // SAFETY: it was made by `Box::into_raw`, and is in the list no longer.
        let block = unsafe { Box::from_raw(self.first) };
        self.first = block.next;
        self.taken = 0;
        self.spare.replace(block)
    }
}
