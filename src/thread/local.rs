//! Values of which each thread has its own.

use core::cell::{Cell, RefCell, UnsafeCell};
use core::error::Error;
use core::fmt;
use core::mem::{self, MaybeUninit};

use super::control::{Control, ControlRef};
use crate::arch;
use crate::sys::hook::ThreadLocked;

/// Nobody has asked for the value yet: as all zeros.
const ABSENT: u8 = 0;
/// It is there.
const PRESENT: u8 = 1;
/// It is being dropped, or was.
const DROPPED: u8 = 2;

/// What a thread has to drop at its end: the beginning of a [`Slot`].
#[repr(C)]
pub(super) struct Node {
    next: *mut Node,
    drop: Option<unsafe fn(*mut Node)>,
}

/// A thread's place for a value: a thread-local variable, all zeros at first.
#[doc(hidden)]
#[repr(C)]
pub struct Slot<T> {
    node: UnsafeCell<Node>,
    state: Cell<u8>,
    value: UnsafeCell<MaybeUninit<T>>,
}

impl<T> Slot<T> {
    /// Drops the value.
    ///
    /// # Safety
    ///
    /// `node` must be that of a slot whose value is there.
    unsafe fn drop_value(node: *mut Node) {
        // SAFETY: passed on to the caller; nobody can borrow the value once it is called
        // dropped.
        unsafe {
            let slot = &*node.cast::<Slot<T>>();
            slot.state.set(DROPPED);
            (*slot.value.get()).assume_init_drop();
        }
    }

    /// Puts the value there.
    #[cold]
    fn set_up(&self, initial: fn() -> T) {
        let value = initial();
        // `initial` may have come here too: then the later one stays, as in std.
        if self.state.replace(PRESENT) == PRESENT {
            // SAFETY: there is one, and nobody has borrowed it: `initial` has returned.
            drop(unsafe { mem::replace((*self.value.get()).assume_init_mut(), value) });
            return;
        }
        // SAFETY: there is none, so nobody has borrowed it; the node is in no list.
        unsafe {
            (*self.value.get()).write(value);
            if mem::needs_drop::<T>() {
                (*self.node.get()).drop = Some(Slot::<T>::drop_value);
                register(self.node.get());
            }
        }
    }
}

arch::exit_piece!("05.thread_local", "freestand_thread_local", at_exit);

/// Drops the values of the thread that ends the process.
extern "C" fn at_exit(status: u8) -> u8 {
    drop_values(&ControlRef::current());
    status
}

/// Has `node` dropped when the calling thread ends.
///
/// # Safety
///
/// It must be one of the calling thread's, and in no list.
unsafe fn register(node: *mut Node) {
    arch::require!("freestand_thread_local");
    let destructors = &ControlRef::current().destructors;
    // SAFETY: passed on to the caller.
    unsafe { (*node).next = destructors.replace(node) };
}

/// Drops the values of the calling thread, the newest first, also those that come while it
/// does.
pub(super) fn drop_values(control: &Control) {
    // SAFETY: what is in the list is the thread's own, and there until the thread's end.
    while let Some(node) = unsafe { control.destructors.get().as_mut() } {
        control.destructors.set(node.next);
        if let Some(drop) = node.drop {
            // SAFETY: it is in the list because its value is there.
            unsafe { drop(node) };
        }
    }
}

/// A value of which each thread has its own: std's `thread::LocalKey`, which
/// [`thread_local!`](crate::thread_local) declares.
pub struct LocalKey<T: 'static> {
    slot: extern "C" fn() -> *const Slot<T>,
    initial: fn() -> T,
}

/// The thread has dropped its value: std's `thread::AccessError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessError;

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the thread has dropped its thread-local value")
    }
}

impl Error for AccessError {}

impl<T: 'static> LocalKey<T> {
    /// # Safety
    ///
    /// `slot` must return a thread-local variable of the calling thread, the key's alone, of
    /// zeros at first.
    #[doc(hidden)]
    pub const unsafe fn new(
        slot: extern "C" fn() -> *const Slot<T>,
        initial: fn() -> T,
    ) -> LocalKey<T> {
        LocalKey { slot, initial }
    }

    /// Calls `f` with the thread's value, which the first call makes.
    ///
    /// # Panics
    ///
    /// If the thread has dropped it: only a value that is dropped at the thread's end can
    /// find another gone.
    #[track_caller]
    #[inline]
    pub fn with<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        match self.try_with(f) {
            Ok(result) => result,
            Err(error) => panic!("{error}"),
        }
    }

    /// As [`LocalKey::with`].
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the thread has dropped its value.
    #[inline]
    pub fn try_with<F, R>(&'static self, f: F) -> Result<R, AccessError>
    where
        F: FnOnce(&T) -> R,
    {
        // A task may go on on another thread, and others run on this one: not now.
        let _locked = ThreadLocked::new();
        // SAFETY: the calling thread's slot stays until the thread's end.
        let slot = unsafe { &*(self.slot)() };
        match slot.state.get() {
            PRESENT => {}
            ABSENT => slot.set_up(self.initial),
            _ => return Err(AccessError),
        }
        // SAFETY: the value is there until the thread drops it, which it does not while `f`
        // runs: or in `f`, if that ends the process, and then it does not go on.
        Ok(f(unsafe { (*slot.value.get()).assume_init_ref() }))
    }
}

impl<T: 'static> LocalKey<Cell<T>> {
    /// Replaces the value.
    ///
    /// # Panics
    ///
    /// As [`LocalKey::with`].
    #[inline]
    pub fn set(&'static self, value: T) {
        self.with(|cell| cell.set(value));
    }

    /// A copy of the value.
    ///
    /// # Panics
    ///
    /// As [`LocalKey::with`].
    #[inline]
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    /// Takes the value, and leaves the default.
    ///
    /// # Panics
    ///
    /// As [`LocalKey::with`].
    #[inline]
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(Cell::take)
    }

    /// Replaces the value, and returns what it was.
    ///
    /// # Panics
    ///
    /// As [`LocalKey::with`].
    #[inline]
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> LocalKey<RefCell<T>> {
    /// Calls `f` with the value.
    ///
    /// # Panics
    ///
    /// As [`LocalKey::with`], and if somebody has borrowed it mutably.
    #[inline]
    pub fn with_borrow<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        self.with(|cell| f(&cell.borrow()))
    }

    /// Calls `f` with the value, which it may change.
    ///
    /// # Panics
    ///
    /// As [`LocalKey::with`], and if somebody has borrowed it.
    #[inline]
    pub fn with_borrow_mut<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&mut T) -> R,
    {
        self.with(|cell| f(&mut cell.borrow_mut()))
    }

    /// Replaces the value, and returns what it was.
    ///
    /// # Panics
    ///
    /// As [`LocalKey::with`], and if somebody has borrowed it.
    #[inline]
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }

    /// Takes the value, and leaves the default.
    ///
    /// # Panics
    ///
    /// As [`LocalKey::with`], and if somebody has borrowed it.
    #[inline]
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(RefCell::take)
    }
}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").finish_non_exhaustive()
    }
}

/// Declares values of which each thread has its own: std's `thread_local!`, on stable Rust.
///
/// ```ignore
/// thread_local! {
///     static NAME: RefCell<String> = RefCell::new(String::new());
///     pub static COUNT: Cell<u32> = const { Cell::new(0) };
/// }
///
/// COUNT.set(COUNT.get() + 1);
/// ```
///
/// Each is a [`LocalKey`](crate::thread::LocalKey). A thread's value is made when the thread
/// first asks for it, and dropped when the thread ends, the newest first; the values of a
/// thread that ends the process by `main`'s return or [`exit`](crate::process::exit) before
/// the handlers of [`at_exit`](crate::process::at_exit) are called, those of other threads
/// then never.
///
/// It is a thread-local variable as C's are (ELF's `.tbss`): to find it takes a call of
/// three instructions, which each architecture writes in assembly, for stable Rust has no
/// word for such a variable. Its section goes if nobody asks for it.
#[macro_export]
macro_rules! thread_local {
    () => {};
    (
        $(#[$meta:meta])* $vis:vis static $name:ident: $type:ty = const $init:block
        $(; $($rest:tt)*)?
    ) => {
        $crate::thread_local! {
            $(#[$meta])* $vis static $name: $type = const { $init }, as expression
        }
        $($crate::thread_local! { $($rest)* })?
    };
    (
        $(#[$meta:meta])* $vis:vis static $name:ident: $type:ty = $init:expr, as expression
    ) => {
        $(#[$meta])*
        $vis const $name: $crate::thread::LocalKey<$type> = {
            /// The calling thread's variable.
            #[unsafe(naked)]
            extern "C" fn slot() -> *const $crate::thread::Slot<$type> {
                $crate::__thread_local_address!(
                    ::core::concat!(::core::module_path!(), "::", ::core::stringify!($name)),
                    $crate::thread::Slot<$type>,
                    in slot
                )
            }

            fn initial() -> $type {
                $init
            }

            // SAFETY: the variable is declared for this key, and in `.tbss`.
            unsafe { $crate::thread::LocalKey::new(slot, initial) }
        };
    };
    (
        $(#[$meta:meta])* $vis:vis static $name:ident: $type:ty = $init:expr
        $(; $($rest:tt)*)?
    ) => {
        $crate::thread_local! {
            $(#[$meta])* $vis static $name: $type = $init, as expression
        }
        $($crate::thread_local! { $($rest)* })?
    };
}
