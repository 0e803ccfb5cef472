//! File descriptors: owned and borrowed ones, as std has them, and what can be done
//! with any, whatever file is behind it.

use core::ffi::c_int;
use core::fmt;
use core::marker::PhantomData;
use core::mem::{self, MaybeUninit};

use linux_raw_sys::{general, ioctl as requests};

use super::declare::{Argument, Filled, Shown, Value, Word, Words};
use super::errno::Result;
use super::file::{OFlags, Whence};
use super::hook;
use super::kinds::{flags, named};
use crate::arch::{self, Register, nr};
use crate::syscalls;

flags! {
    /// What belongs to a descriptor, not to the open file behind it: fcntl(2).
    FdFlags: u32 {
        /// It does not survive execve.
        CLOEXEC = general::FD_CLOEXEC;
    }

    /// What a descriptor that [`dup3`] makes is like.
    DupFlags: u32 {
        /// It does not survive execve.
        CLOEXEC = general::O_CLOEXEC;
    }

    /// What a pipe is like: pipe(2).
    PipeFlags: u32 {
        /// Its descriptors do not survive execve.
        CLOEXEC = general::O_CLOEXEC;
        /// No read or write waits.
        NONBLOCK = general::O_NONBLOCK;
        /// Each write is a packet, and each read takes one.
        DIRECT = general::O_DIRECT;
        /// The kernel writes notifications into it: `O_NOTIFICATION_PIPE`, which is
        /// `O_EXCL` under another name.
        NOTIFICATION = general::O_EXCL;
    }

    /// What [`close_range`] does with the descriptors. The bits are those of the
    /// kernel's `linux/close_range.h`, which linux-raw-sys leaves out.
    CloseRangeFlags: u32 {
        /// It gives the thread a table of descriptors of its own first.
        UNSHARE = 1 << 1;
        /// It closes none yet: they do not survive execve.
        CLOEXEC = 1 << 2;
    }

    /// What [`flock`] does with the file's lock: one of the first three.
    FlockFlags: u32 {
        /// Shares it with others that share it.
        SH = general::LOCK_SH;
        /// Takes it for itself alone.
        EX = general::LOCK_EX;
        /// Gives it back.
        UN = general::LOCK_UN;
        /// Does not wait for it.
        NB = general::LOCK_NB;
    }

    /// What cannot be done any more with a file that has no name: fcntl(2), "File
    /// Sealing".
    Seals: u32 {
        /// Sealing it further.
        SEAL = general::F_SEAL_SEAL;
        /// Making it shorter.
        SHRINK = general::F_SEAL_SHRINK;
        /// Making it longer.
        GROW = general::F_SEAL_GROW;
        /// Writing to it.
        WRITE = general::F_SEAL_WRITE;
        /// Writing to it other than through mappings that are there already.
        FUTURE_WRITE = general::F_SEAL_FUTURE_WRITE;
        /// Changing whether it can be executed.
        EXEC = general::F_SEAL_EXEC;
    }
}

named! {
    /// What [`fcntl`] is to do.
    FcntlCommand: u32 {
        /// Makes another descriptor, with at least the number that the argument is.
        DUPFD = general::F_DUPFD;
        /// The same; it does not survive execve.
        DUPFD_CLOEXEC = general::F_DUPFD_CLOEXEC;
        /// Whether the descriptor that the argument is has the same open file behind
        /// it.
        DUPFD_QUERY = general::F_DUPFD_QUERY;
        /// Whether opening it made the file.
        CREATED_QUERY = general::F_CREATED_QUERY;
        /// The descriptor's flags.
        GETFD = general::F_GETFD;
        /// Sets them.
        SETFD = general::F_SETFD;
        /// The open file's flags.
        GETFL = general::F_GETFL;
        /// Sets them.
        SETFL = general::F_SETFL;
        /// What is in the way of the process's lock.
        GETLK = arch::F_GETLK;
        /// Takes it, or gives it back.
        SETLK = arch::F_SETLK;
        /// The same, and waits for it.
        SETLKW = arch::F_SETLKW;
        /// What is in the way of the open file's lock.
        OFD_GETLK = general::F_OFD_GETLK;
        /// Takes it, or gives it back.
        OFD_SETLK = general::F_OFD_SETLK;
        /// The same, and waits for it.
        OFD_SETLKW = general::F_OFD_SETLKW;
        /// Who gets its signals: a process, or a group as a negative number. One that
        /// looks like an error is taken for it: `GETOWN_EX` has no such trouble.
        GETOWN = general::F_GETOWN;
        /// Sets who.
        SETOWN = general::F_SETOWN;
        /// Who gets its signals: a thread, a process or a group.
        GETOWN_EX = general::F_GETOWN_EX;
        /// Sets who.
        SETOWN_EX = general::F_SETOWN_EX;
        /// The real and the effective id of the user who set who.
        GETOWNER_UIDS = general::F_GETOWNER_UIDS;
        /// Which signal says that it is ready; 0 stands for SIGIO.
        GETSIG = general::F_GETSIG;
        /// Sets which.
        SETSIG = general::F_SETSIG;
        /// What lease there is on the file.
        GETLEASE = general::F_GETLEASE;
        /// Takes a lease, or gives it back.
        SETLEASE = general::F_SETLEASE;
        /// Which changes of the directory make a signal.
        NOTIFY = general::F_NOTIFY;
        /// How many bytes fit into the pipe.
        GETPIPE_SZ = general::F_GETPIPE_SZ;
        /// Sets how many.
        SETPIPE_SZ = general::F_SETPIPE_SZ;
        /// What cannot be done with the file.
        GET_SEALS = general::F_GET_SEALS;
        /// Adds to it.
        ADD_SEALS = general::F_ADD_SEALS;
        /// How long what is written to the file will last.
        GET_RW_HINT = general::F_GET_RW_HINT;
        /// Sets how long.
        SET_RW_HINT = general::F_SET_RW_HINT;
        /// How long what is written through the open file will last.
        GET_FILE_RW_HINT = general::F_GET_FILE_RW_HINT;
        /// Sets how long.
        SET_FILE_RW_HINT = general::F_SET_FILE_RW_HINT;
    }

    /// What [`ioctl`] asks of a device: ioctl_list(2). Devices know thousands, most of
    /// them in linux-raw-sys's module `ioctl`; `Ioctl(number)` makes one of any.
    Ioctl: u32 {
        /// How many bytes are there to read: fills an `i32`.
        FIONREAD = requests::FIONREAD;
        /// Whether reads and writes do not wait: reads an `i32`.
        FIONBIO = requests::FIONBIO;
        /// Whether being ready makes a signal: reads an `i32`.
        FIOASYNC = requests::FIOASYNC;
        /// The descriptor does not survive execve. No argument.
        FIOCLEX = requests::FIOCLEX;
        /// It does. No argument.
        FIONCLEX = requests::FIONCLEX;
        /// The file gets the contents of the one that the argument is a descriptor of.
        FICLONE = requests::FICLONE;
        /// The same for a part: reads a `file_clone_range`.
        FICLONERANGE = requests::FICLONERANGE;
        /// A terminal's settings: fills a `termios`.
        TCGETS = requests::TCGETS;
        /// Sets them: reads a `termios`.
        TCSETS = requests::TCSETS;
        /// Sets them when all output is written.
        TCSETSW = requests::TCSETSW;
        /// The same, and drops input that nobody has read.
        TCSETSF = requests::TCSETSF;
        /// A terminal's settings with any speed: fills a `termios2`.
        TCGETS2 = requests::TCGETS2;
        /// Sets them: reads a `termios2`.
        TCSETS2 = requests::TCSETS2;
        /// Sets them when all output is written.
        TCSETSW2 = requests::TCSETSW2;
        /// The same, and drops input that nobody has read.
        TCSETSF2 = requests::TCSETSF2;
        /// Drops what nobody has read or what is not written yet: the argument says
        /// which.
        TCFLSH = requests::TCFLSH;
        /// Stops or goes on: the argument says what.
        TCXONC = requests::TCXONC;
        /// Sends a break, or if the argument is not 0 waits until output is written.
        TCSBRK = requests::TCSBRK;
        /// The terminal's size: fills a `winsize`.
        TIOCGWINSZ = requests::TIOCGWINSZ;
        /// Sets it: reads a `winsize`.
        TIOCSWINSZ = requests::TIOCSWINSZ;
        /// It becomes the session's terminal.
        TIOCSCTTY = requests::TIOCSCTTY;
        /// The process gives up its session's terminal. No argument.
        TIOCNOTTY = requests::TIOCNOTTY;
        /// The process group in the foreground: fills an `i32`.
        TIOCGPGRP = requests::TIOCGPGRP;
        /// Sets it: reads an `i32`.
        TIOCSPGRP = requests::TIOCSPGRP;
        /// The terminal's session: fills an `i32`.
        TIOCGSID = requests::TIOCGSID;
        /// How many bytes are there to write: fills an `i32`.
        TIOCOUTQ = requests::TIOCOUTQ;
        /// The number of a pseudoterminal: fills a `u32`.
        TIOCGPTN = requests::TIOCGPTN;
        /// Whether its other side is locked: reads an `i32`.
        TIOCSPTLCK = requests::TIOCSPTLCK;
        /// Opens its other side, as the argument, open's flags, says: a descriptor.
        TIOCGPTPEER = requests::TIOCGPTPEER;
    }
}

/// What a lock is: fcntl(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct LockType(
    /// The number.
    pub i16,
);

impl LockType {
    /// Others may have it too, for reading.
    pub const RDLCK: LockType = LockType(general::F_RDLCK as i16);
    /// Nobody else has it.
    pub const WRLCK: LockType = LockType(general::F_WRLCK as i16);
    /// No lock.
    pub const UNLCK: LockType = LockType(general::F_UNLCK as i16);
}

/// A lock on a part of a file, as fcntl(2) takes it: the kernel's `flock`, with
/// offsets of 64 bits (`flock64`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Flock {
    /// What it is.
    pub l_type: LockType,
    /// What `l_start` counts from: the number of a [`Whence`].
    pub l_whence: i16,
    /// Its first byte.
    pub l_start: i64,
    /// How many bytes; 0 for all that follow, a negative number for those before
    /// `l_start`.
    pub l_len: i64,
    /// Whose it is that is in the way, −1 for an open file's. 0 for a lock that is
    /// asked for.
    pub l_pid: i32,
}

const _: () = {
    assert!(size_of::<Flock>() == size_of::<general::flock64>());
    assert!(mem::offset_of!(Flock, l_len) == mem::offset_of!(general::flock64, l_len));
    assert!(mem::offset_of!(Flock, l_pid) == mem::offset_of!(general::flock64, l_pid));
};

impl Flock {
    /// A lock on `length` bytes from byte `start` of the file on, or with 0 on all from
    /// there.
    pub const fn new(l_type: LockType, start: i64, length: i64) -> Flock {
        Flock {
            l_type,
            l_whence: Whence::SET.0 as i16,
            l_start: start,
            l_len: length,
            l_pid: 0,
        }
    }

    /// It, unless it is no lock.
    fn if_any(self) -> Option<Flock> {
        (self.l_type != LockType::UNLCK).then_some(self)
    }
}

syscalls! {
    /// Closes `fd`: close(2). It is closed even if this fails.
    ///
    /// # Errors
    ///
    /// `EBADF`; `EIO`, `ENOSPC` or `EDQUOT` if an earlier write failed late.
    ///
    /// # Safety
    ///
    /// Nothing may use the descriptor any more: the number may soon be another
    /// file's. A scheduler that waits for it must be told ([`hook::closing`]).
    unsafe sys close(fd: RawFd) -> Result<()>;

    /// Closes the descriptors from `first` to `last`, both included, or has execve do
    /// it (`CLOEXEC`): close_range(2), since Linux 5.9.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `first` is more than `last`, or for unknown flags; `EMFILE` or
    /// `ENOMEM` if there is no room for a table of its own (`UNSHARE`).
    ///
    /// # Safety
    ///
    /// Nothing may use these descriptors any more, a scheduler neither
    /// ([`hook::closing`]), or with `CLOEXEC` rely on them after execve.
    unsafe sys close_range(first: u32, last: u32, flags: CloseRangeFlags) -> Result<()>;

    /// Makes another descriptor for the open file behind `fd`, with the lowest number
    /// that is free: dup(2). The two have one position and one set of open's flags; the
    /// new one survives execve.
    ///
    /// # Errors
    ///
    /// `EBADF`, `EMFILE` if the process has as many descriptors as it may.
    sys dup(fd: BorrowedFd<'_>) -> Result<OwnedFd>;

    /// Makes `new` a descriptor for the open file behind `old`, whatever it was before,
    /// and returns it: dup3(2).
    ///
    /// # Errors
    ///
    /// `EBADF` if `old` is closed or `new` not below the limit of descriptors; `EINVAL`
    /// if they are the same or for unknown flags; `EBUSY` if another thread is opening
    /// `new` at this moment.
    ///
    /// # Safety
    ///
    /// Nothing may rely on what `new` was, a scheduler neither ([`hook::closing`]). Who
    /// owns it, if anybody, must want it to be replaced. The standard streams, 0 to 2, are the whole program's.
    unsafe sys dup3_to(old: BorrowedFd<'_>, new: RawFd, flags: DupFlags) -> Result<RawFd>
        = nr::dup3;

    /// Makes `new` a descriptor for the open file behind `old`, whatever it was before,
    /// and returns it: dup2(2), by [`dup3_to`]. If they are the same already, it
    /// changes nothing. The new one survives execve.
    ///
    /// # Errors
    ///
    /// `EBADF` if `old` is closed or `new` not below the limit of descriptors; `EBUSY`
    /// if another thread is opening `new` at this moment.
    ///
    /// # Safety
    ///
    /// As for [`dup3_to`].
    unsafe wrap dup2_to(old: BorrowedFd<'_>, new: RawFd) -> Result<RawFd> {
        if old.as_raw_fd() == new {
            // dup3 would refuse. What is left to find out is whether it is open.
            return fcntl_getfd(old).map(|_| new);
        }
        // SAFETY: passed on to the caller.
        unsafe { dup3_to(old, new, DupFlags::empty()) }
    }

    /// Closes what `new` is and makes it a descriptor for the open file behind `old`:
    /// dup3(2), by [`dup3_to`].
    ///
    /// # Errors
    ///
    /// `EBADF` if `old` is closed, `EINVAL` for unknown flags, `EBUSY`.
    wrap dup3(old: BorrowedFd<'_>, new: &mut OwnedFd, flags: DupFlags) -> Result<()> {
        hook::closing(new.fd);
        // SAFETY: the owner has lent it to be replaced.
        unsafe { dup3_to(old, new.fd, flags) }.map(drop)
    }

    /// Closes what `new` is and makes it a descriptor for the open file behind `old`:
    /// dup2(2), by [`dup2_to`].
    ///
    /// # Errors
    ///
    /// `EBADF` if `old` is closed, `EBUSY`.
    wrap dup2(old: BorrowedFd<'_>, new: &mut OwnedFd) -> Result<()> {
        hook::closing(new.fd);
        // SAFETY: the owner has lent it to be replaced.
        unsafe { dup2_to(old, new.fd) }.map(drop)
    }

    /// Makes a pipe: pipe2(2). Returns the descriptor to read from, then the one to
    /// write to.
    ///
    /// # Errors
    ///
    /// `EMFILE` or `ENFILE` if there are too many descriptors or open files, `EINVAL`
    /// for unknown flags, `ENOPKG` for `NOTIFICATION` in a kernel without.
    sys pipe2(ends: out [OwnedFd; 2], flags: PipeFlags) -> Result<[OwnedFd; 2]>;

    /// Makes a pipe: pipe(2), by [`pipe2`] without flags.
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE`.
    wrap pipe() -> Result<[OwnedFd; 2]> {
        pipe2(PipeFlags::empty())
    }

    /// Takes or gives back the lock on the whole file, which belongs to the open file
    /// behind `fd`: flock(2). It binds only those who ask for it.
    ///
    /// After a handler with `RESTART` it begins again: [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// `EAGAIN` (`EWOULDBLOCK`) if another has the lock, with `NB`; `EINTR` if a signal
    /// came first; `EINVAL` for an operation that there is not; `EBADF`, `ENOLCK`.
    sys flock(fd: BorrowedFd<'_>, operation: FlockFlags) -> Result<()>;

    /// Does to the device behind `fd` what `request` says: ioctl(2). Returns what the
    /// request returns, mostly 0.
    ///
    /// After a handler with `RESTART` it begins again: [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// `ENOTTY` if the descriptor does not know the request, `EBADF`, `EINVAL`, …
    ///
    /// # Safety
    ///
    /// `argument` must be what `request` takes, and what it does to memory and to
    /// descriptors something that may be done.
    unsafe sys ioctl(fd: BorrowedFd<'_>, request: Ioctl, argument: Word) -> Result<i32>;

    /// Whether `fd` is a terminal: isatty(3), by [`ioctl`] with `TCGETS`.
    wrap isatty(fd: BorrowedFd<'_>) -> bool {
        let mut termios = MaybeUninit::<general::termios>::uninit();
        // SAFETY: TCGETS writes one termios through its argument (ioctl_tty(2)).
        unsafe { ioctl(fd, Ioctl::TCGETS, termios.as_mut_ptr().into()) }.is_ok()
    }

    /// Does to the descriptor `fd`, or to the open file behind it, what `command` says:
    /// fcntl(2), fcntl64(2) on i386. Returns what the command returns.
    ///
    /// The functions `fcntl_…` are its commands, each with its own types.
    ///
    /// # Errors
    ///
    /// `EBADF`; `EINVAL` for a command or an argument that there is not; the command's
    /// own.
    ///
    /// # Safety
    ///
    /// `argument` must be what `command` takes.
    unsafe sys fcntl(fd: BorrowedFd<'_>, command: FcntlCommand, argument: Word) -> Result<i32>;

    /// Makes another descriptor for the open file behind `fd`, as [`dup`] does, with the
    /// lowest free number from `least` on: fcntl(2), `F_DUPFD`.
    ///
    /// # Errors
    ///
    /// `EBADF`, `EMFILE`; `EINVAL` if `least` is not below the limit of descriptors.
    wrap fcntl_dupfd(fd: BorrowedFd<'_>, least: RawFd) -> Result<OwnedFd> {
        // SAFETY: F_DUPFD takes a number.
        let new = unsafe { fcntl(fd, FcntlCommand::DUPFD, least.into()) }?;
        // SAFETY: it is a new descriptor, which nothing else knows of.
        Ok(unsafe { OwnedFd::from_raw_fd(new) })
    }

    /// [`fcntl_dupfd`] with a descriptor that does not survive execve: fcntl(2),
    /// `F_DUPFD_CLOEXEC`.
    ///
    /// # Errors
    ///
    /// As for [`fcntl_dupfd`].
    wrap fcntl_dupfd_cloexec(fd: BorrowedFd<'_>, least: RawFd) -> Result<OwnedFd> {
        // SAFETY: F_DUPFD_CLOEXEC takes a number.
        let new = unsafe { fcntl(fd, FcntlCommand::DUPFD_CLOEXEC, least.into()) }?;
        // SAFETY: it is a new descriptor, which nothing else knows of.
        Ok(unsafe { OwnedFd::from_raw_fd(new) })
    }

    /// The descriptor's own flags: fcntl(2), `F_GETFD`.
    ///
    /// # Errors
    ///
    /// `EBADF`.
    wrap fcntl_getfd(fd: BorrowedFd<'_>) -> Result<FdFlags> {
        // SAFETY: F_GETFD does not look at its argument.
        let flags = unsafe { fcntl(fd, FcntlCommand::GETFD, 0.into()) }?;
        Ok(FdFlags::from_bits_retain(flags as u32))
    }

    /// Sets the descriptor's own flags: fcntl(2), `F_SETFD`.
    ///
    /// # Errors
    ///
    /// `EBADF`.
    wrap fcntl_setfd(fd: BorrowedFd<'_>, flags: FdFlags) -> Result<()> {
        // SAFETY: F_SETFD takes a number.
        unsafe { fcntl(fd, FcntlCommand::SETFD, flags.bits().into()) }.map(drop)
    }

    /// How the file behind `fd` was opened, and its flags as they are now: fcntl(2),
    /// `F_GETFL`. The flags that only tell [`open`](super::open) what to do are gone.
    ///
    /// # Errors
    ///
    /// `EBADF`.
    wrap fcntl_getfl(fd: BorrowedFd<'_>) -> Result<OFlags> {
        // SAFETY: F_GETFL does not look at its argument.
        let flags = unsafe { fcntl(fd, FcntlCommand::GETFL, 0.into()) }?;
        Ok(OFlags::from_bits_retain(flags as u32))
    }

    /// Sets those flags of the open file that can change: `APPEND`, `ASYNC`, `DIRECT`,
    /// `NOATIME` and `NONBLOCK`: fcntl(2), `F_SETFL`. Whoever has a descriptor of it
    /// sees that.
    ///
    /// # Errors
    ///
    /// `EBADF`; `EPERM` to take `APPEND` from a file that is only ever appended to, or
    /// for `NOATIME` on somebody else's; `EINVAL` if the file cannot be `DIRECT`.
    wrap fcntl_setfl(fd: BorrowedFd<'_>, flags: OFlags) -> Result<()> {
        // SAFETY: F_SETFL takes a number.
        unsafe { fcntl(fd, FcntlCommand::SETFL, flags.bits().into()) }?;
        hook::changed();
        Ok(())
    }

    /// How many bytes fit into the pipe: fcntl(2), `F_GETPIPE_SZ`.
    ///
    /// # Errors
    ///
    /// `EBADF`, also if it is no pipe.
    wrap fcntl_getpipe_sz(pipe: BorrowedFd<'_>) -> Result<u32> {
        // SAFETY: F_GETPIPE_SZ does not look at its argument.
        unsafe { fcntl(pipe, FcntlCommand::GETPIPE_SZ, 0.into()) }.map(|size| size as u32)
    }

    /// Makes at least `size` bytes fit into the pipe, and returns how many do: fcntl(2),
    /// `F_SETPIPE_SZ`.
    ///
    /// # Errors
    ///
    /// `EBADF`, also if it is no pipe; `EBUSY` if more is in it; `EPERM` if only the
    /// superuser may have so many; `EINVAL` for more than 2 GiB.
    wrap fcntl_setpipe_sz(pipe: BorrowedFd<'_>, size: u32) -> Result<u32> {
        // SAFETY: F_SETPIPE_SZ takes a number.
        unsafe { fcntl(pipe, FcntlCommand::SETPIPE_SZ, size.into()) }.map(|size| size as u32)
    }

    /// What cannot be done with the file any more: fcntl(2), `F_GET_SEALS`.
    ///
    /// # Errors
    ///
    /// `EBADF`; `EINVAL` if it is not of a kind that can be sealed, such as
    /// [`memfd_create`](super::memfd_create)'s.
    wrap fcntl_get_seals(fd: BorrowedFd<'_>) -> Result<Seals> {
        // SAFETY: F_GET_SEALS does not look at its argument.
        let seals = unsafe { fcntl(fd, FcntlCommand::GET_SEALS, 0.into()) }?;
        Ok(Seals::from_bits_retain(seals as u32))
    }

    /// Adds to what cannot be done with the file any more, for good: fcntl(2),
    /// `F_ADD_SEALS`.
    ///
    /// # Errors
    ///
    /// `EPERM` if it is not open for writing or is sealed against that; `EBUSY` for
    /// `WRITE` while a mapping can write to it; `EINVAL` if it cannot be sealed, or for
    /// seals that there are not; `EBADF`.
    wrap fcntl_add_seals(fd: BorrowedFd<'_>, seals: Seals) -> Result<()> {
        // SAFETY: F_ADD_SEALS takes a number.
        unsafe { fcntl(fd, FcntlCommand::ADD_SEALS, seals.bits().into()) }.map(drop)
    }

    /// What is in the way of the lock, if the process wanted it: fcntl(2), `F_GETLK`.
    /// `None` if nothing is.
    ///
    /// # Errors
    ///
    /// `EBADF`, `EINVAL` for a lock that there is not.
    wrap fcntl_getlk(fd: BorrowedFd<'_>, lock: Flock) -> Result<Option<Flock>> {
        let mut lock = lock;
        // SAFETY: F_GETLK reads and writes one flock.
        unsafe { fcntl(fd, FcntlCommand::GETLK, (&raw mut lock).into()) }?;
        Ok(lock.if_any())
    }

    /// Takes a lock for the process, or gives it back (`UNLCK`), without waiting:
    /// fcntl(2), `F_SETLK`. It goes when the process closes *any* descriptor of the
    /// file: [`fcntl_ofd_setlk`] takes one that does not. It binds only those who ask
    /// for it.
    ///
    /// # Errors
    ///
    /// `EAGAIN` or `EACCES` if another process has a lock in the way; `EBADF`, also if
    /// `fd` is not open for reading (`RDLCK`) or writing (`WRLCK`); `EINVAL` for a lock
    /// that there is not; `ENOLCK`.
    wrap fcntl_setlk(fd: BorrowedFd<'_>, lock: &Flock) -> Result<()> {
        // SAFETY: F_SETLK reads one flock.
        unsafe { fcntl(fd, FcntlCommand::SETLK, (&raw const *lock).into()) }.map(drop)
    }

    /// [`fcntl_setlk`], waiting for the lock: fcntl(2), `F_SETLKW`.
    ///
    /// After a handler with `RESTART` it begins again: [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// `EINTR` if a signal came first; `EDEADLK` if the other waits for a lock of this
    /// process; else as for [`fcntl_setlk`].
    wrap fcntl_setlkw(fd: BorrowedFd<'_>, lock: &Flock) -> Result<()> {
        // SAFETY: F_SETLKW reads one flock.
        unsafe { fcntl(fd, FcntlCommand::SETLKW, (&raw const *lock).into()) }.map(drop)
    }

    /// What is in the way of the lock, if the open file behind `fd` wanted it: fcntl(2),
    /// `F_OFD_GETLK`. `None` if nothing is.
    ///
    /// # Errors
    ///
    /// `EBADF`; `EINVAL` for a lock that there is not, or if its `l_pid` is not 0.
    wrap fcntl_ofd_getlk(fd: BorrowedFd<'_>, lock: Flock) -> Result<Option<Flock>> {
        let mut lock = lock;
        // SAFETY: F_OFD_GETLK reads and writes one flock.
        unsafe { fcntl(fd, FcntlCommand::OFD_GETLK, (&raw mut lock).into()) }?;
        Ok(lock.if_any())
    }

    /// Takes a lock for the open file behind `fd`, or gives it back (`UNLCK`), without
    /// waiting: fcntl(2), `F_OFD_SETLK`. It goes with the last descriptor of the open
    /// file. It binds only those who ask for it.
    ///
    /// # Errors
    ///
    /// `EAGAIN` if another has a lock in the way; else as for [`fcntl_setlk`] and
    /// [`fcntl_ofd_getlk`].
    wrap fcntl_ofd_setlk(fd: BorrowedFd<'_>, lock: &Flock) -> Result<()> {
        // SAFETY: F_OFD_SETLK reads one flock.
        unsafe { fcntl(fd, FcntlCommand::OFD_SETLK, (&raw const *lock).into()) }.map(drop)
    }

    /// [`fcntl_ofd_setlk`], waiting for the lock: fcntl(2), `F_OFD_SETLKW`.
    ///
    /// After a handler with `RESTART` it begins again: [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// `EINTR` if a signal came first; else as for [`fcntl_ofd_setlk`].
    wrap fcntl_ofd_setlkw(fd: BorrowedFd<'_>, lock: &Flock) -> Result<()> {
        // SAFETY: F_OFD_SETLKW reads one flock.
        unsafe { fcntl(fd, FcntlCommand::OFD_SETLKW, (&raw const *lock).into()) }.map(drop)
    }
}

/// A file descriptor's number.
pub type RawFd = c_int;

/// Something that has a file descriptor to lend, as std has it.
pub trait AsFd {
    /// The descriptor.
    fn as_fd(&self) -> BorrowedFd<'_>;
}

impl<T: AsFd + ?Sized> AsFd for &T {
    #[inline(always)]
    fn as_fd(&self) -> BorrowedFd<'_> {
        T::as_fd(self)
    }
}

impl<T: AsFd + ?Sized> AsFd for &mut T {
    #[inline(always)]
    fn as_fd(&self) -> BorrowedFd<'_> {
        T::as_fd(self)
    }
}

impl AsFd for BorrowedFd<'_> {
    #[inline(always)]
    fn as_fd(&self) -> BorrowedFd<'_> {
        *self
    }
}

impl AsFd for OwnedFd {
    #[inline(always)]
    fn as_fd(&self) -> BorrowedFd<'_> {
        OwnedFd::as_fd(self)
    }
}

/// Standard input, descriptor 0.
pub const STDIN: BorrowedFd<'static> = BorrowedFd::new(0);
/// Standard output, descriptor 1.
pub const STDOUT: BorrowedFd<'static> = BorrowedFd::new(1);
/// Standard error, descriptor 2.
pub const STDERR: BorrowedFd<'static> = BorrowedFd::new(2);

/// A file descriptor that somebody else closes.
///
/// It need not be open: a system call on one that is not fails with `EBADF`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct BorrowedFd<'fd> {
    fd: RawFd,
    owner: PhantomData<&'fd OwnedFd>,
}

impl<'fd> BorrowedFd<'fd> {
    const fn new(fd: RawFd) -> BorrowedFd<'fd> {
        BorrowedFd {
            fd,
            owner: PhantomData,
        }
    }

    /// Borrows the descriptor `fd`.
    ///
    /// # Safety
    ///
    /// The descriptor must stay what it is for as long as `'fd`: not be closed,
    /// and not be given out again for another file.
    pub const unsafe fn borrow_raw(fd: RawFd) -> BorrowedFd<'fd> {
        BorrowedFd::new(fd)
    }

    /// The descriptor's number.
    #[inline(always)]
    pub const fn as_raw_fd(self) -> RawFd {
        self.fd
    }
}

impl Argument for BorrowedFd<'_> {
    const SHOWN: Shown = Shown::Descriptor;

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        self.as_raw_fd().pass(words);
    }
}

/// A descriptor, or none: -1.
impl Argument for Option<BorrowedFd<'_>> {
    const SHOWN: Shown = Shown::Descriptor;

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        self.map_or(-1, BorrowedFd::as_raw_fd).pass(words);
    }
}

impl fmt::Debug for BorrowedFd<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BorrowedFd({})", self.fd)
    }
}

/// A file descriptor that is closed when it is dropped.
#[repr(transparent)]
pub struct OwnedFd {
    fd: RawFd,
}

impl OwnedFd {
    /// Takes charge of the descriptor `fd`.
    ///
    /// # Safety
    ///
    /// `fd` must be open, and nothing else may close it.
    pub const unsafe fn from_raw_fd(fd: RawFd) -> OwnedFd {
        OwnedFd { fd }
    }

    /// The descriptor, lent.
    #[inline(always)]
    pub const fn as_fd(&self) -> BorrowedFd<'_> {
        BorrowedFd::new(self.fd)
    }

    /// The descriptor's number, for the caller to close.
    pub const fn into_raw_fd(self) -> RawFd {
        let fd = self.fd;
        mem::forget(self);
        fd
    }

    /// Closes the descriptor and says what close(2) said. It is closed either
    /// way, also with `EINTR`: on Linux a descriptor is gone before anything that
    /// can fail begins.
    ///
    /// # Errors
    ///
    /// `EIO`, `ENOSPC` or `EDQUOT`: an earlier write, which the file system had
    /// put off, failed.
    pub fn close(self) -> Result<()> {
        hook::closing(self.fd);
        // SAFETY: this is the owner, and it is used up.
        unsafe { close(self.into_raw_fd()) }
    }
}

impl Drop for OwnedFd {
    fn drop(&mut self) {
        // Those that the kernel fills in pass through here only.
        OwnedFd::rely();
        hook::closing(self.fd);
        // SAFETY: this is the owner, and it ends here. The error is reachable
        // through `OwnedFd::close`; a drop has nobody to tell.
        let _ = unsafe { close(self.fd) };
    }
}

impl Value for OwnedFd {
    const SHOWN: Shown = Shown::Descriptor;

    /// On no new descriptor being 0, 1 or 2 in a program with more rights than its parent
    /// (`startup/secure.rs`), and on calls being fast, for now there will be many.
    #[inline(always)]
    fn rely() {
        arch::require!("freestand_secure");
        arch::needs_fast_calls();
    }

    #[inline(always)]
    fn from_register(result: Register) -> Self {
        // SAFETY: only calls that return a new descriptor are declared to return
        // an OwnedFd, and nothing else knows of it yet.
        unsafe { OwnedFd::from_raw_fd(result.addr() as c_int) }
    }
}

// SAFETY: only calls that return a new descriptor there are declared to fill one, and
// it is as wide as the kernel's int.
unsafe impl Filled for OwnedFd {}

impl fmt::Debug for OwnedFd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnedFd({})", self.fd)
    }
}
