//! What is mounted where.

use core::ffi::CStr;

use linux_raw_sys::general;

use super::kinds::flags;
use super::{Path, Result};
use crate::syscalls;

flags! {
    /// What [`mount`] does, and how: mount(2).
    MountFlags: u32 {
        /// Nothing is written.
        RDONLY = general::MS_RDONLY;
        /// Set-user-id and set-group-id do nothing.
        NOSUID = general::MS_NOSUID;
        /// Device files are none.
        NODEV = general::MS_NODEV;
        /// No program is executed.
        NOEXEC = general::MS_NOEXEC;
        /// Every write goes to the device at once.
        SYNCHRONOUS = general::MS_SYNCHRONOUS;
        /// What is mounted there gets other flags.
        REMOUNT = general::MS_REMOUNT;
        /// Files may be locked against everybody.
        MANDLOCK = general::MS_MANDLOCK;
        /// Changes of directories go to the device at once.
        DIRSYNC = general::MS_DIRSYNC;
        /// Symbolic links are not followed.
        NOSYMFOLLOW = general::MS_NOSYMFOLLOW;
        /// Reading leaves access times.
        NOATIME = general::MS_NOATIME;
        /// Reading leaves directories' access times.
        NODIRATIME = general::MS_NODIRATIME;
        /// The file or directory `source` appears at the target too.
        BIND = general::MS_BIND;
        /// What is mounted at `source` is mounted at the target instead.
        MOVE = general::MS_MOVE;
        /// With `BIND` and the four below: also what is mounted below.
        REC = general::MS_REC;
        /// The kernel's log says less.
        SILENT = general::MS_SILENT;
        /// POSIX access control lists hold.
        POSIXACL = general::MS_POSIXACL;
        /// What is mounted below stays here, and it cannot be bound elsewhere.
        UNBINDABLE = general::MS_UNBINDABLE;
        /// What is mounted below stays here.
        PRIVATE = general::MS_PRIVATE;
        /// What is mounted elsewhere below its peers appears here, but not the reverse.
        SLAVE = general::MS_SLAVE;
        /// What is mounted below appears below its peers, which are where it is bound, and
        /// the reverse.
        SHARED = general::MS_SHARED;
        /// Reading renews an access time only if it is old.
        RELATIME = general::MS_RELATIME;
        /// Every change of a file is counted.
        I_VERSION = general::MS_I_VERSION;
        /// Every reading renews the access time.
        STRICTATIME = general::MS_STRICTATIME;
        /// Times are kept in memory for as long as possible.
        LAZYTIME = general::MS_LAZYTIME;
    }

    /// How [`umount2`] goes about it.
    UmountFlags: u32 {
        /// Even if it is in use, where the file system can: what is not written is lost.
        FORCE = general::MNT_FORCE;
        /// Nobody finds it any more; it goes when nobody uses it.
        DETACH = general::MNT_DETACH;
        /// Only if nobody has used it since this was asked for last.
        EXPIRE = general::MNT_EXPIRE;
        /// A symbolic link that the path ends in is not followed.
        NOFOLLOW = general::UMOUNT_NOFOLLOW;
    }
}

syscalls! {
    /// Mounts the file system of type `fs_type` that is on `source` at `target`, or changes
    /// what is mounted there, as `flags` say: mount(2). `data` is the file system's options.
    /// What `flags` do not need, or the file system, can be `None`.
    ///
    /// A file system that takes its options in binary needs
    /// [`syscall!`](crate::syscall).
    ///
    /// # Errors
    ///
    /// `EPERM` without the capability `CAP_SYS_ADMIN`, `ENODEV` if there is no such type,
    /// `EINVAL` if the source holds no such file system or the flags do not go together,
    /// `EBUSY`, `ENOTBLK`, `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`, …
    sys mount(
        source: Option<&CStr>,
        target: impl Path,
        fs_type: Option<&CStr>,
        flags: MountFlags,
        data: Option<&CStr>
    ) -> Result<()>;

    /// Takes away what is mounted at `target`: umount2(2).
    ///
    /// # Errors
    ///
    /// `EBUSY` if it is in use, `EAGAIN` the first time with `EXPIRE`, `EINVAL` if nothing
    /// is mounted there, `EPERM` without the capability `CAP_SYS_ADMIN`, `ENOENT`, …
    sys umount2(target: impl Path, flags: UmountFlags) -> Result<()>;

    /// Makes what is mounted at `new_root` the root, for everybody in the mount namespace
    /// whose root was the old one, and has the old one mounted at `put_old`: pivot_root(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` if `new_root` is no mount, `put_old` is not below it or either is shared,
    /// `EBUSY` if either is on the mount that is the root already, `EPERM` without the capability
    /// `CAP_SYS_ADMIN`, `ENOTDIR`, `ENOENT`, …
    sys pivot_root(new_root: impl Path, put_old: impl Path) -> Result<()>;
}
