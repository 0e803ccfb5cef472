//! Values of which each task has its own.
//!
//! A task has a list of its values, the newest first, and finds one by its key's address: few
//! tasks have more than a few.

use alloc::boxed::Box;
use core::cell::{Cell, RefCell};
use core::error::Error;
use core::fmt;
use core::mem::ManuallyDrop;
use core::ptr;

use super::running::own_task;
use super::start;
use super::task::TaskRef;

/// A task's value, as far as it can be told without its type: the beginning of a [`Value`].
#[repr(C)]
pub(super) struct Node {
    next: *mut Node,
    /// The address of its [`LocalKey`].
    key: *const (),
    is_dropped: Cell<bool>,
    drop: unsafe fn(*mut Node),
    free: unsafe fn(*mut Node),
}

#[repr(C)]
struct Value<T> {
    node: Node,
    value: ManuallyDrop<T>,
}

impl<T> Value<T> {
    /// # Safety
    ///
    /// It is the node of such a value, which nobody has borrowed, and was not dropped.
    unsafe fn drop(node: *mut Node) {
        // SAFETY: passed on to the caller.
        unsafe { ManuallyDrop::drop(&mut (*node.cast::<Value<T>>()).value) };
    }

    /// # Safety
    ///
    /// It is the node of such a value, made by `Box::into_raw`, and in no list.
    unsafe fn free(node: *mut Node) {
        // SAFETY: passed on to the caller. What is in it does not drop once more.
        drop(unsafe { Box::from_raw(node.cast::<Value<T>>()) });
    }
}

/// Drops the values of the calling task, the newest first, also those that come while it does.
#[inline]
pub(super) fn drop_values(task: TaskRef) {
    if !task.locals.get().is_null() {
        drop_all(task);
    }
}

#[cold]
fn drop_all(task: TaskRef) {
    loop {
        let mut next = task.locals.get();
        // SAFETY: what is in the list stays until it is freed below.
        while let Some(node) = unsafe { next.as_ref() } {
            if !node.is_dropped.replace(true) {
                break;
            }
            next = node.next;
        }
        // SAFETY: as above.
        let Some(node) = (unsafe { next.as_ref() }) else {
            break;
        };
        // SAFETY: it is marked from now on, so that nobody borrows it, and nobody has: the
        // task's closure has returned.
        unsafe { (node.drop)(next) };
    }
    let mut next = task.locals.replace(ptr::null_mut());
    // SAFETY: as above; each is freed once, when the next one is known.
    while let Some(node) = unsafe { next.as_ref() } {
        let this = next;
        next = node.next;
        // SAFETY: as above, and it is in the list no longer.
        unsafe { (node.free)(this) };
    }
}

/// A value of which each task has its own: std's `thread::LocalKey`, by task.
/// [`task_local!`](crate::task_local) declares it.
///
/// A task's value is made when the task first asks for it, and dropped when the task's closure
/// has returned, before whoever joins it goes on, the newest first. `main` is a task too; its
/// values, and those of tasks that the process does not wait for, are never dropped. A thread
/// that runs no task has none.
///
/// It goes where the task goes, from thread to thread. Unlike a thread-local variable it takes
/// memory of the heap, and is found by going through those that the task has.
pub struct LocalKey<T: 'static> {
    initial: fn() -> T,
}

/// There is no task, or it has dropped its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessError;

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no task, or it has dropped its task-local value")
    }
}

impl Error for AccessError {}

impl<T: 'static> LocalKey<T> {
    /// One of which a task's value begins as what `initial` returns. It must be a `static`.
    #[doc(hidden)]
    pub const fn new(initial: fn() -> T) -> LocalKey<T> {
        LocalKey { initial }
    }

    /// The calling task's value, if it was made.
    fn find(&'static self, task: TaskRef) -> Result<Option<&'static Value<T>>, AccessError> {
        let key = ptr::from_ref(self).cast();
        let mut next = task.locals.get();
        // SAFETY: what is in the list is the calling task's, and stays until its end.
        while let Some(node) = unsafe { next.as_ref() } {
            if node.key == key {
                if node.is_dropped.get() {
                    return Err(AccessError);
                }
                // SAFETY: as above; with this key, it is a value of this type. That it stays
                // no longer than the task, `try_with` sees to.
                return Ok(Some(unsafe { &*next.cast() }));
            }
            next = node.next;
        }
        Ok(None)
    }

    #[cold]
    fn make(&'static self, task: TaskRef) -> Result<&'static Value<T>, AccessError> {
        let value = (self.initial)();
        // `initial` may have come here too: then that value stays, and this one drops.
        if let Some(made) = self.find(task)? {
            return Ok(made);
        }
        let value = Box::into_raw(Box::new(Value {
            node: Node {
                next: task.locals.get(),
                key: ptr::from_ref(self).cast(),
                is_dropped: Cell::new(false),
                drop: Value::<T>::drop,
                free: Value::<T>::free,
            },
            value: ManuallyDrop::new(value),
        }));
        task.locals.set(value.cast());
        // SAFETY: it is in the list now; as in `find`.
        Ok(unsafe { &*value })
    }

    /// Calls `f` with the task's value, which the first call makes.
    ///
    /// # Panics
    ///
    /// Where [`try_with`](Self::try_with) is an error.
    #[track_caller]
    pub fn with<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        match self.try_with(f) {
            Ok(result) => result,
            Err(error) => panic!("{error}"),
        }
    }

    /// As [`with`](Self::with).
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the caller is no task, or the task has dropped its value: only a
    /// value that is dropped at the task's end can find another gone.
    pub fn try_with<F, R>(&'static self, f: F) -> Result<R, AccessError>
    where
        F: FnOnce(&T) -> R,
    {
        start::ensure();
        let task = own_task().ok_or(AccessError)?;
        let value = match self.find(task)? {
            Some(value) => value,
            None => self.make(task)?,
        };
        // It is there until the task's end, and `f` runs in the task.
        Ok(f(&value.value))
    }
}

impl<T: 'static> LocalKey<Cell<T>> {
    /// Replaces the value. Panics as [`LocalKey::with`].
    #[track_caller]
    pub fn set(&'static self, value: T) {
        self.with(|cell| cell.set(value));
    }

    /// A copy of the value. Panics as [`LocalKey::with`].
    #[track_caller]
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    /// Takes the value, and leaves the default. Panics as [`LocalKey::with`].
    #[track_caller]
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(Cell::take)
    }

    /// Replaces the value, and returns what it was. Panics as [`LocalKey::with`].
    #[track_caller]
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> LocalKey<RefCell<T>> {
    /// Calls `f` with the value. Panics as [`LocalKey::with`], and if somebody has borrowed it
    /// mutably.
    #[track_caller]
    pub fn with_borrow<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        self.with(|cell| f(&cell.borrow()))
    }

    /// Calls `f` with the value, which it may change. Panics as [`LocalKey::with`], and if
    /// somebody has borrowed it.
    #[track_caller]
    pub fn with_borrow_mut<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&mut T) -> R,
    {
        self.with(|cell| f(&mut cell.borrow_mut()))
    }

    /// Replaces the value, and returns what it was. Panics as
    /// [`with_borrow_mut`](Self::with_borrow_mut).
    #[track_caller]
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }

    /// Takes the value, and leaves the default. Panics as
    /// [`with_borrow_mut`](Self::with_borrow_mut).
    #[track_caller]
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

/// Declares values of which each task has its own, as std's `thread_local!` declares those of
/// threads.
///
/// ```ignore
/// task_local! {
///     static NAME: RefCell<String> = RefCell::new(String::new());
///     pub static COUNT: Cell<u32> = Cell::new(0);
/// }
///
/// COUNT.set(COUNT.get() + 1);
/// ```
///
/// Each is a [`LocalKey`](crate::task::LocalKey).
#[macro_export]
macro_rules! task_local {
    ($($(#[$meta:meta])* $vis:vis static $name:ident: $type:ty = $init:expr);* $(;)?) => {$(
        $(#[$meta])*
        $vis static $name: $crate::task::LocalKey<$type> = {
            fn initial() -> $type {
                $init
            }
            $crate::task::LocalKey::new(initial)
        };
    )*};
}
