//! Waiting for one of several channels.
//!
//! Each case is tried; if none can be had, there is one [`Wait`] with a place in each
//! channel's queue, and whoever claims it has chosen. While the places are taken, one channel
//! after the other, a channel that was passed may already choose; and one that is still to
//! come may be ready by now. There, who selects claims the wait itself before it touches the
//! channel, so that it never moves two values. No two locks are held at once.

use core::cell::{Cell, UnsafeCell};
use core::fmt;
use core::mem::MaybeUninit;
use core::time::Duration;

use super::shared::{Channel, Enrolled, Moved, Side, ended};
use super::{Receiver, RecvError, SendError, Sender, TryRecvError, TrySendError};
use crate::sync::prim::{self, Deadline};
use crate::task::random;
use crate::task::wait::{Reason, Wait};
use crate::task::waiters::Waiter;
use crate::time::Instant;

/// One of several things of which one is to come to pass: a [`Receiving`] or a [`Sending`].
/// Others cannot be.
pub trait Case {
    /// What it is to those who select.
    #[doc(hidden)]
    fn operation(&self) -> Operation<'_>;
}

/// What a [`Case`] is to those who select.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Operation<'a>(&'a dyn Selectable);

/// A value that is to be moved, and where it is or comes.
struct Place<'a, T> {
    channel: &'a Channel<T>,
    side: Side,
    /// It holds a value if it is one's that sends, and the value was not moved, or one's that
    /// receives, and it was.
    slot: UnsafeCell<MaybeUninit<T>>,
    moved: Cell<Moved>,
    waiter: Waiter,
}

// SAFETY: a value may go to another thread, and so may who waits, while it does not wait. (The
// waiter points to nothing that is there then.)
unsafe impl<T: Send> Send for Place<'_, T> {}

impl<'a, T> Place<'a, T> {
    fn new(channel: &'a Channel<T>, side: Side, value: MaybeUninit<T>) -> Place<'a, T> {
        Place {
            channel,
            side,
            slot: UnsafeCell::new(value),
            moved: Cell::new(Moved::NotYet),
            waiter: Waiter::new(),
        }
    }

    fn slot(&self) -> *mut T {
        self.slot.get().cast()
    }

    /// Whether there is a value.
    fn is_full(&self) -> bool {
        (self.side == Side::Receiving) == (self.moved.get() == Moved::Yes)
    }

    /// Takes the value, if there is one.
    fn take(&mut self) -> Option<T> {
        if !self.is_full() {
            return None;
        }
        self.moved.set(match self.side {
            Side::Sending => Moved::Yes,
            Side::Receiving => Moved::NotYet,
        });
        // SAFETY: there is, and from now on there is not.
        Some(unsafe { self.slot().read() })
    }
}

impl<T> Drop for Place<'_, T> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

/// What can be waited for together with others.
trait Selectable {
    /// Whether it has come to pass, at once.
    fn attempt(&self) -> bool;

    /// Has it come to pass by `wait`, or at once.
    ///
    /// # Safety
    ///
    /// It has not come to pass. If it waits, this and `wait` stay where they are until it is
    /// claimed as number `by` and woken, or withdrawn.
    unsafe fn enroll(&self, wait: &Wait, by: usize) -> Enrolled;

    /// Has it wait no longer.
    fn withdraw(&self);

    /// It was claimed, and woken.
    fn woken(&self);
}

impl<T> Selectable for Place<'_, T> {
    fn attempt(&self) -> bool {
        if self.moved.get() == Moved::NotYet {
            // SAFETY: the slot is as the side has it before anything was moved.
            let moved = unsafe { self.channel.try_move(self.side, self.slot()) };
            self.moved.set(moved);
        }
        self.moved.get() != Moved::NotYet
    }

    unsafe fn enroll(&self, wait: &Wait, by: usize) -> Enrolled {
        // SAFETY: passed on to the caller; the slot is as before anything was moved.
        let enrolled = unsafe {
            self.channel
                .enroll(self.side, self.slot(), wait, &self.waiter, by)
        };
        if let Enrolled::Ended(moved) = enrolled {
            self.moved.set(moved);
        }
        enrolled
    }

    fn withdraw(&self) {
        // SAFETY: it is in this channel's queue, or in none.
        unsafe { self.channel.withdraw(self.side, &self.waiter) };
    }

    fn woken(&self) {
        self.moved.set(ended(&self.waiter));
    }
}

/// Receiving a value: [`Receiver::receiving`] makes it, and a [`Select`] may bring it about.
pub struct Receiving<'a, T>(Place<'a, T>);

/// Sending a value: [`Sender::sending`] makes it, and a [`Select`] may bring it about.
pub struct Sending<'a, T>(Place<'a, T>);

impl<'a, T> Receiving<'a, T> {
    pub(super) fn new(receiver: &'a Receiver<T>) -> Receiving<'a, T> {
        let slot = MaybeUninit::uninit();
        Receiving(Place::new(&receiver.0, Side::Receiving, slot))
    }

    /// What came of it.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](TryRecvError::Disconnected) if it was chosen because all senders are
    /// gone, [`Empty`](TryRecvError::Empty) if it was not chosen.
    pub fn finish(mut self) -> Result<T, TryRecvError> {
        self.0.take().ok_or(match self.0.moved.get() {
            Moved::Never => TryRecvError::Disconnected,
            _ => TryRecvError::Empty,
        })
    }

    /// What came of one that was chosen.
    #[doc(hidden)]
    pub fn chosen(self) -> Result<T, RecvError> {
        self.finish().map_err(|_| RecvError)
    }
}

impl<'a, T> Sending<'a, T> {
    pub(super) fn new(sender: &'a Sender<T>, value: T) -> Sending<'a, T> {
        let slot = MaybeUninit::new(value);
        Sending(Place::new(&sender.0, Side::Sending, slot))
    }

    /// What came of it.
    ///
    /// # Errors
    ///
    /// With the value: [`Disconnected`](TrySendError::Disconnected) if it was chosen because
    /// all receivers are gone, [`Full`](TrySendError::Full) if it was not chosen.
    pub fn finish(mut self) -> Result<(), TrySendError<T>> {
        let is_never = self.0.moved.get() == Moved::Never;
        match self.0.take() {
            None => Ok(()),
            Some(value) if is_never => Err(TrySendError::Disconnected(value)),
            Some(value) => Err(TrySendError::Full(value)),
        }
    }

    /// What came of one that was chosen.
    #[doc(hidden)]
    pub fn chosen(mut self) -> Result<(), SendError<T>> {
        self.0.take().map_or(Ok(()), |value| Err(SendError(value)))
    }
}

/// What both have in common.
macro_rules! case {
    ($type:ident) => {
        impl<T> Case for $type<'_, T> {
            fn operation(&self) -> Operation<'_> {
                Operation(&self.0)
            }
        }

        impl<T> fmt::Debug for $type<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($type)).finish_non_exhaustive()
            }
        }
    };
}

case!(Receiving);
case!(Sending);

/// Waiting until one of several things comes to pass: [`select!`](crate::select), for cases
/// of which the program knows only when it runs.
///
/// ```ignore
/// let mut cases: Vec<_> = receivers.iter().map(Receiver::receiving).collect();
/// let mut all: Vec<&mut dyn Case> = cases.iter_mut().map(|case| case as _).collect();
/// let chosen = Select::new(&mut all).select();
/// let value = cases.swap_remove(chosen).finish();
/// ```
///
/// Exactly one comes to pass, and its index is returned: a value was sent or received, or
/// never can be, for nobody is at the other end. Of several that can, each is as likely to be
/// the first that is looked at; from there on it goes round. The others are as before, and may
/// be selected among again. One that has come to pass once is chosen at once.
///
/// Among no cases at all, it waits until the deadline, or for ever.
pub struct Select<'a, 'b> {
    cases: &'a mut [&'b mut dyn Case],
}

impl<'a, 'b> Select<'a, 'b> {
    /// Among those.
    pub fn new(cases: &'a mut [&'b mut dyn Case]) -> Select<'a, 'b> {
        Select { cases }
    }

    /// Waits until one comes to pass. Its index.
    #[track_caller]
    pub fn select(self) -> usize {
        match self.by(Reason::to("select"), None) {
            Some(chosen) => chosen,
            None => unreachable!("there is no deadline"),
        }
    }

    /// The index of one that comes to pass at once.
    pub fn try_select(self) -> Option<usize> {
        let first = self.first();
        self.attempt(first)
    }

    /// As [`select`](Self::select), but waits no longer than so long.
    ///
    /// # Panics
    ///
    /// If the clock cannot be read.
    #[track_caller]
    pub fn select_timeout(self, timeout: Duration) -> Option<usize> {
        let reason = Reason::to("select");
        // What can be had at once takes no look at the clock.
        self.attempt(self.first())
            .or_else(|| self.by(reason, prim::after(timeout)))
    }

    /// As [`select`](Self::select), but waits no longer than until then.
    #[track_caller]
    pub fn select_deadline(self, deadline: Instant) -> Option<usize> {
        self.by(Reason::to("select"), prim::at(deadline.into()))
    }

    /// Which case is looked at first.
    fn first(&self) -> usize {
        match self.cases.len() {
            0 => 0,
            count => random::below(count),
        }
    }

    /// All cases, from `first` on, with their indices.
    fn from(&self, first: usize) -> impl Iterator<Item = (usize, Operation<'_>)> {
        let (before, after) = self.cases.split_at(first);
        let numbered = (first..).zip(after).chain((0..).zip(before));
        numbered.map(|(index, case)| (index, case.operation()))
    }

    fn attempt(&self, first: usize) -> Option<usize> {
        self.from(first)
            .find(|(_, case)| case.0.attempt())
            .map(|(index, _)| index)
    }

    fn by(&self, reason: Reason, deadline: Deadline) -> Option<usize> {
        loop {
            let first = self.first();
            if let Some(index) = self.attempt(first) {
                return Some(index);
            }
            let wait = Wait::new();
            let (mut places, mut end) = (0, None);
            for (index, case) in self.from(first) {
                // SAFETY: it has not come to pass just now; and all stay where they are while
                // this runs, until each is woken or withdrawn.
                match unsafe { case.0.enroll(&wait, index + 1) } {
                    Enrolled::Waits => places += 1,
                    enrolled => {
                        end = Some((index, enrolled));
                        break;
                    }
                }
            }
            // Unless the wait was claimed here, whoever claims it wakes it.
            let by = match end {
                None | Some((_, Enrolled::Claimed)) => Some(wait.park(reason, deadline)),
                Some(_) => None,
            };
            for (index, case) in self.from(first).take(places) {
                if by == Some(index + 1) {
                    case.0.woken();
                } else {
                    case.0.withdraw();
                }
            }
            match (by, end) {
                (Some(Wait::TIMED_OUT), _) => return None,
                (Some(by), _) => return Some(by - 1),
                (None, Some((index, Enrolled::Ended(_)))) => return Some(index),
                // Once more: what was missed is not there any more.
                _ => {}
            }
        }
    }
}

impl fmt::Debug for Select<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Select").finish_non_exhaustive()
    }
}

/// Waits until one of several channels is ready, and goes on as that case says: Go's `select`.
///
/// ```ignore
/// select! {
///     recv(requests) -> request => serve(request?),
///     send(answers, answer) -> sent => sent?,
///     default(Duration::from_secs(1)) => println!("nothing to do"),
/// }
/// ```
///
/// | | |
/// |---|---|
/// | `recv(r) -> v => …` | a value is received from the [`Receiver`](crate::task::channel::Receiver) `r`; `v` is what `recv` returns |
/// | `send(s, value) -> v => …` | the value is sent by the [`Sender`](crate::task::channel::Sender) `s`; `v` is what `send` returns |
/// | `default => …` | none of them can be done at once |
/// | `default(timeout) => …` | none of them can be done within the [`Duration`](core::time::Duration) |
///
/// Exactly one comes to pass. Of several that can, the one that is looked at first is drawn by
/// lot. All receivers, senders and values are evaluated, in the order in which they stand
/// there; a value that was not sent drops. Nothing is allocated. For a number of channels that
/// is known only when the program runs, and for values that are wanted back, there is
/// [`Select`](crate::task::channel::Select).
#[macro_export]
macro_rules! select {
    // Each case becomes a variable; then those that there are, are selected among.
    (@cases [$($case:tt)*] []) => {{
        let chosen = $crate::select!(@among [$($case)*]).select();
        let chosen = ::core::option::Option::Some(chosen);
        $crate::select!(@go_on chosen, 0, [$($case)*] (::core::unreachable!()))
    }};
    (@cases [$($case:tt)*] [(now) $default:tt]) => {{
        let chosen = $crate::select!(@among [$($case)*]).try_select();
        $crate::select!(@go_on chosen, 0, [$($case)*] $default)
    }};
    (@cases [$($case:tt)*] [($timeout:expr) $default:tt]) => {{
        let chosen = $crate::select!(@among [$($case)*]).select_timeout($timeout);
        $crate::select!(@go_on chosen, 0, [$($case)*] $default)
    }};
    (@cases $cases:tt $default:tt recv($receiver:expr) -> $result:pat => $($rest:tt)+) => {
        $crate::select!(@body $cases $default [recv ($receiver) ($result)] $($rest)+)
    };
    (@cases $cases:tt $default:tt send($sender:expr, $value:expr) -> $result:pat => $($rest:tt)+) => {
        $crate::select!(@body $cases $default [send ($sender, $value) ($result)] $($rest)+)
    };
    (@cases $cases:tt [] default => $($rest:tt)+) => {
        $crate::select!(@body $cases [] [default (now)] $($rest)+)
    };
    (@cases $cases:tt [] default($timeout:expr) => $($rest:tt)+) => {
        $crate::select!(@body $cases [] [default ($timeout)] $($rest)+)
    };

    (@body $cases:tt $default:tt $head:tt $body:expr, $($rest:tt)*) => {
        $crate::select!(@case $cases $default $head ($body) $($rest)*)
    };
    (@body $cases:tt $default:tt $head:tt $body:block $($rest:tt)*) => {
        $crate::select!(@case $cases $default $head ($body) $($rest)*)
    };
    (@body $cases:tt $default:tt $head:tt $body:expr) => {
        $crate::select!(@case $cases $default $head ($body))
    };

    // Of the variables that are called `case`, each is another, for each comes of an expansion
    // of its own.
    (@case [$($cases:tt)*] $default:tt [recv ($receiver:expr) $result:tt] $body:tt $($rest:tt)*) => {
        match &$receiver {
            receiver => {
                let mut case = receiver.receiving();
                $crate::select!(@cases [$($cases)* (case $result $body)] $default $($rest)*)
            }
        }
    };
    (@case [$($cases:tt)*] $default:tt [send ($sender:expr, $value:expr) $result:tt] $body:tt $($rest:tt)*) => {
        match &$sender {
            sender => {
                let mut case = sender.sending($value);
                $crate::select!(@cases [$($cases)* (case $result $body)] $default $($rest)*)
            }
        }
    };
    (@case $cases:tt [] [default $timeout:tt] $body:tt $($rest:tt)*) => {
        $crate::select!(@cases $cases [$timeout $body] $($rest)*)
    };

    (@among [$(($case:ident $result:tt $body:tt))*]) => {
        $crate::task::channel::Select::new(
            &mut [$(&mut $case as &mut dyn $crate::task::channel::Case),*]
        )
    };

    (@go_on $chosen:ident, $index:expr, [] ($default:expr)) => { $default };
    (@go_on $chosen:ident, $index:expr, [($case:ident ($result:pat) ($body:expr)) $($rest:tt)*] $default:tt) => {
        if $chosen == ::core::option::Option::Some($index) {
            let $result = $case.chosen();
            $body
        } else {
            $crate::select!(@go_on $chosen, $index + 1, [$($rest)*] $default)
        }
    };

    (@ $($other:tt)*) => {
        ::core::compile_error!("this is no case, or a second default")
    };
    ($($cases:tt)*) => { $crate::select!(@cases [] [] $($cases)*) };
}
