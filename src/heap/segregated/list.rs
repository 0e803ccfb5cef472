//! Lists of free blocks. The link to the next block is in the block itself, mangled.
//!
//! Whoever can write to a block that is free already could otherwise have the heap hand
//! out any address it likes. A mangled link is the next block's address, combined by
//! exclusive or with the process's key and the block's own address. What decodes to an
//! address that is not aligned traps. The key is odd, so that is what becomes of any even
//! number that is written there, and of most others.
//!
//! In debug builds the rest of a free block's first 16 bytes is a mark, by which a second
//! free of it is noticed.

use core::ptr;

use super::class::STEP;

/// What links are mangled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(pub usize);

impl Key {
    /// The key of random bits.
    pub const fn new(random: usize) -> Key {
        Key(random | 1)
    }

    /// Mangles the link that is at `place`; a second time gives it back.
    #[inline]
    fn mangle(self, link: *mut u8, place: *mut u8) -> *mut u8 {
        link.map_addr(|link| link ^ self.0 ^ place.addr())
    }

    /// The mark of the block at `place`, in words that follow the link.
    fn mark(self, place: *mut u8) -> [usize; WORDS - 1] {
        let mark = self.0 ^ place.addr().rotate_left(usize::BITS / 2) ^ (!0 / 3);
        [mark; WORDS - 1]
    }
}

/// Words in the smallest block.
const WORDS: usize = STEP / size_of::<usize>();

/// Blocks of one class; the last that was pushed is the first that is popped.
#[derive(Debug)]
pub struct List {
    head: *mut u8,
}

// SAFETY: the blocks are the list's alone, whichever thread has it.
unsafe impl Send for List {}

impl List {
    /// A list of no blocks.
    pub const EMPTY: List = List {
        head: ptr::null_mut(),
    };

    /// Whether there is no block.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.head.is_null()
    }

    /// Takes all blocks.
    #[inline]
    pub fn take(&mut self) -> List {
        core::mem::replace(self, List::EMPTY)
    }

    /// Adds a block.
    ///
    /// # Safety
    ///
    /// `block` must be the list's from now on: [`STEP`] bytes at least, at a multiple of
    /// that. The key must be the same as for all others.
    #[inline]
    pub unsafe fn push(&mut self, block: *mut u8, key: Key) {
        // SAFETY: the block is ours and has room for a word.
        unsafe { block.cast::<*mut u8>().write(key.mangle(self.head, block)) };
        if cfg!(debug_assertions) {
            // SAFETY: and for as many as follow.
            unsafe { set_mark(block, key.mark(block)) };
        }
        self.head = block;
    }

    /// Removes a block, or returns null.
    #[inline]
    pub fn pop(&mut self, key: Key) -> *mut u8 {
        let block = self.head;
        if !block.is_null() {
            self.head = next(block, key);
            if cfg!(debug_assertions) {
                // SAFETY: a block of the list has a mark, and is its taker's from now on.
                unsafe { set_mark(block, [0; WORDS - 1]) };
            }
        }
        block
    }

    /// The blocks of `size` bytes that fit between `start` and `end`, the lowest first.
    ///
    /// # Safety
    ///
    /// As for [`List::push`], for each.
    pub unsafe fn carve(start: *mut u8, end: *mut u8, size: usize, key: Key) -> List {
        let mut list = List::EMPTY;
        let mut block = start;
        while end.addr() - block.addr() >= size {
            block = block.wrapping_add(size);
        }
        while block > start {
            block = block.wrapping_sub(size);
            // SAFETY: passed on to the caller.
            unsafe { list.push(block, key) };
        }
        list
    }

    /// Removes up to `count` blocks, as a list of their own.
    pub fn split(&mut self, count: u32, key: Key) -> List {
        let mut first = List::EMPTY;
        for _ in 0..count {
            let block = self.pop(key);
            if block.is_null() {
                break;
            }
            // SAFETY: it has just come from a list.
            unsafe { first.push(block, key) };
        }
        first
    }

    /// How many blocks there are; it walks.
    pub fn len(&self, key: Key) -> usize {
        let mut block = self.head;
        let mut count = 0;
        while !block.is_null() {
            block = next(block, key);
            count += 1;
        }
        count
    }
}

/// The block behind `block` in its list, or null.
#[inline]
fn next(block: *mut u8, key: Key) -> *mut u8 {
    // SAFETY: a block in a list begins with its link, and is nobody else's.
    let next = key.mangle(unsafe { block.cast::<*mut u8>().read() }, block);
    if !next.addr().is_multiple_of(STEP) {
        // Somebody wrote to a block after it was freed: nothing is safe any more.
        crate::arch::trap();
    }
    next
}

/// # Safety
///
/// `block` must be a block that nobody else has.
unsafe fn set_mark(block: *mut u8, mark: [usize; WORDS - 1]) {
    // SAFETY: a block has that many words, the link first.
    unsafe {
        block
            .cast::<usize>()
            .add(1)
            .cast::<[usize; WORDS - 1]>()
            .write(mark)
    }
}

/// Whether `block` has the mark of a block that is in a list: in debug builds.
///
/// # Safety
///
/// It must be a block.
pub unsafe fn is_marked(block: *mut u8, key: Key) -> bool {
    // SAFETY: passed on to the caller. Volatile: its owner need not have written to it.
    let words = unsafe { block.cast::<[usize; WORDS]>().read_volatile() };
    words[1..] == key.mark(block)
}

/// Lists of blocks of one class, stacked: the second word of each one's first block is a
/// mangled link to the next list, in place of the mark. Lists go on and come off in one
/// step, however long they are.
#[derive(Debug)]
pub struct Stack {
    top: *mut u8,
}

// SAFETY: as for List.
unsafe impl Send for Stack {}

impl Stack {
    /// No lists.
    pub const EMPTY: Stack = Stack {
        top: ptr::null_mut(),
    };

    /// Adds a list, unless it is empty.
    pub fn push(&mut self, list: List, key: Key) {
        let head = list.head;
        if !head.is_null() {
            // SAFETY: the list's first block is ours, and has two words.
            unsafe {
                let place = head.cast::<*mut u8>().add(1);
                place.write(key.mangle(self.top, place.cast()));
            }
            self.top = head;
        }
    }

    /// Removes a list, or returns an empty one.
    pub fn pop(&mut self, key: Key) -> List {
        let head = self.top;
        if !head.is_null() {
            self.top = below(head, key);
            if cfg!(debug_assertions) {
                // SAFETY: the block is in a list, and gets its mark back.
                unsafe { set_mark(head, key.mark(head)) };
            }
        }
        List { head }
    }

    /// How many blocks there are in all lists; it walks.
    pub fn len(&self, key: Key) -> usize {
        let mut head = self.top;
        let mut count = 0;
        while !head.is_null() {
            count += List { head }.len(key);
            head = below(head, key);
        }
        count
    }
}

/// The head of the list below the one whose head this is.
fn below(head: *mut u8, key: Key) -> *mut u8 {
    // SAFETY: a list on a stack has this link in its first block, and is nobody else's.
    let below = unsafe {
        let place = head.cast::<*mut u8>().add(1);
        key.mangle(place.read(), place.cast())
    };
    if !below.addr().is_multiple_of(STEP) {
        crate::arch::trap();
    }
    below
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    const KEY: Key = Key::new(0x1234_5678);

    #[repr(align(16))]
    #[derive(Clone, Copy)]
    struct Block([u8; 32]);

    #[test]
    fn the_last_comes_first() {
        let mut blocks = [Block([0; 32]); 3];
        let [a, b, c] = blocks.each_mut().map(|block| block.0.as_mut_ptr());
        let mut list = List::EMPTY;
        assert!(list.is_empty() && list.pop(KEY).is_null());
        // SAFETY: the blocks are the list's.
        unsafe {
            list.push(a, KEY);
            list.push(b, KEY);
            assert_eq!((list.len(KEY), list.pop(KEY)), (2, b));
            list.push(c, KEY);
        }
        assert_eq!([(); 3].map(|()| list.pop(KEY)), [c, a, ptr::null_mut()]);
    }

    #[test]
    fn no_link_is_in_memory_as_it_is() {
        let mut blocks = [Block([0; 32]); 2];
        let [a, b] = blocks.each_mut().map(|block| block.0.as_mut_ptr());
        let mut list = List::EMPTY;
        // SAFETY: the blocks are the list's.
        let [first, second] = unsafe {
            list.push(a, KEY);
            list.push(b, KEY);
            [a, b].map(|block| block.cast::<usize>().read())
        };
        assert_eq!(
            [first, second],
            [KEY.0 ^ a.addr(), KEY.0 ^ b.addr() ^ a.addr()]
        );
    }

    #[test]
    fn a_carved_list_has_each_block_once() {
        let mut memory = [Block([0; 32]); 11];
        let start = memory.as_mut_ptr().cast::<u8>();
        // SAFETY: there are as many, and more.
        let mut list = unsafe { List::carve(start, start.add(10 * 32 + 31), 32, KEY) };
        let mut front = list.split(4, KEY);
        assert_eq!((front.len(KEY), list.len(KEY)), (4, 6));
        let popped = [(); 4].map(|()| front.pop(KEY)).into_iter();
        let rest = [(); 6].map(|()| list.pop(KEY));
        let mut all: Vec<*mut u8> = popped.chain(rest).collect();
        all.sort();
        let expected: Vec<*mut u8> = (0..10).map(|i| start.wrapping_add(32 * i)).collect();
        assert_eq!(all, expected);
        assert!(front.is_empty() && list.is_empty());
    }

    #[test]
    fn stacked_lists_come_off_as_they_went_on() {
        let mut memory = [Block([0; 32]); 6];
        let start = memory.as_mut_ptr().cast::<u8>();
        let mut stack = Stack::EMPTY;
        for n in [1, 2, 3] {
            let first = start.wrapping_add(32 * (n * (n - 1) / 2));
            // SAFETY: there are six of them.
            stack.push(
                unsafe { List::carve(first, first.add(n * 32), 32, KEY) },
                KEY,
            );
        }
        stack.push(List::EMPTY, KEY);
        assert_eq!(stack.len(KEY), 6);
        for n in [3, 2, 1, 0] {
            assert_eq!(stack.pop(KEY).len(KEY), n);
        }
    }

    #[test]
    fn a_block_is_marked_while_it_is_in_a_list() {
        let mut block = Block([0; 32]);
        let block = block.0.as_mut_ptr();
        let mut list = List::EMPTY;
        // SAFETY: the block is the list's in between.
        unsafe {
            assert!(!is_marked(block, KEY));
            list.push(block, KEY);
            assert!(is_marked(block, KEY));
            let mut stack = Stack::EMPTY;
            stack.push(list, KEY);
            list = stack.pop(KEY);
            assert!(is_marked(block, KEY));
            list.pop(KEY);
            assert!(!is_marked(block, KEY));
        }
    }
}
