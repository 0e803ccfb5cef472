//! Two rings shared with the kernel, one of work and one of its results:
//! io_uring(7).
//!
//! [`io_uring_setup`] makes the rings, mmap maps them ([`IORING_OFF_SQ_RING`] and its
//! neighbours), and [`io_uring_enter`] has the kernel look at them. They are memory
//! that both sides read and write at once: who makes an order answers for the
//! addresses in it until it is done.

use linux_raw_sys::io_uring;

use super::kinds::{flags, named};
use super::{Address, BorrowedFd, OwnedFd, Result};
use crate::syscalls;

flags! {
    /// How [`io_uring_setup`] makes a ring: io_uring_setup(2).
    IoUringSetupFlags: u32 {
        /// The kernel looks for results without waiting for interrupts.
        IOPOLL = io_uring::IORING_SETUP_IOPOLL;
        /// A thread of the kernel's looks for orders.
        SQPOLL = io_uring::IORING_SETUP_SQPOLL;
        /// That thread runs on the processor `sq_thread_cpu`.
        SQ_AFF = io_uring::IORING_SETUP_SQ_AFF;
        /// The results' ring has `cq_entries`.
        CQSIZE = io_uring::IORING_SETUP_CQSIZE;
        /// A ring larger than may be becomes the largest.
        CLAMP = io_uring::IORING_SETUP_CLAMP;
        /// The kernel's workers are those of the ring `wq_fd`.
        ATTACH_WQ = io_uring::IORING_SETUP_ATTACH_WQ;
        /// It does nothing until `ENABLE_RINGS`.
        R_DISABLED = io_uring::IORING_SETUP_R_DISABLED;
        /// An order that fails does not keep those behind it back.
        SUBMIT_ALL = io_uring::IORING_SETUP_SUBMIT_ALL;
        /// Results do not interrupt the program.
        COOP_TASKRUN = io_uring::IORING_SETUP_COOP_TASKRUN;
        /// With `COOP_TASKRUN`: the ring's flags tell of results to fetch.
        TASKRUN_FLAG = io_uring::IORING_SETUP_TASKRUN_FLAG;
        /// Orders have 128 bytes.
        SQE128 = io_uring::IORING_SETUP_SQE128;
        /// Results have 32 bytes.
        CQE32 = io_uring::IORING_SETUP_CQE32;
        /// Only one thread gives orders.
        SINGLE_ISSUER = io_uring::IORING_SETUP_SINGLE_ISSUER;
        /// Results come only while it waits for them.
        DEFER_TASKRUN = io_uring::IORING_SETUP_DEFER_TASKRUN;
        /// The rings' memory is the program's.
        NO_MMAP = io_uring::IORING_SETUP_NO_MMAP;
        /// The result is the index of a registered ring, not a descriptor.
        REGISTERED_FD_ONLY = io_uring::IORING_SETUP_REGISTERED_FD_ONLY;
        /// Orders are done in the order in which they stand.
        NO_SQARRAY = io_uring::IORING_SETUP_NO_SQARRAY;
        /// With `IOPOLL`: sleeps a little before it looks.
        HYBRID_IOPOLL = io_uring::IORING_SETUP_HYBRID_IOPOLL;
    }
    /// What the kernel's io_uring can: io_uring_setup(2).
    IoUringFeatures: u32 {
        /// Both rings are in one mapping.
        SINGLE_MMAP = io_uring::IORING_FEAT_SINGLE_MMAP;
        /// Results that find no room are kept.
        NODROP = io_uring::IORING_FEAT_NODROP;
        /// What an order points at may go once it is taken.
        SUBMIT_STABLE = io_uring::IORING_FEAT_SUBMIT_STABLE;
        /// The offset -1 is the file's own position.
        RW_CUR_POS = io_uring::IORING_FEAT_RW_CUR_POS;
        /// Work is done as the user who gave the order.
        CUR_PERSONALITY = io_uring::IORING_FEAT_CUR_PERSONALITY;
        /// Waiting for a descriptor needs no worker.
        FAST_POLL = io_uring::IORING_FEAT_FAST_POLL;
        /// `POLL_ADD` takes 32 bits of events.
        POLL_32BITS = io_uring::IORING_FEAT_POLL_32BITS;
        /// With `SQPOLL` files need not be registered.
        SQPOLL_NONFIXED = io_uring::IORING_FEAT_SQPOLL_NONFIXED;
        /// [`io_uring_enter`] takes a timeout (`EXT_ARG`).
        EXT_ARG = io_uring::IORING_FEAT_EXT_ARG;
        /// The workers are the process's own threads.
        NATIVE_WORKERS = io_uring::IORING_FEAT_NATIVE_WORKERS;
        /// Registered things may have tags.
        RSRC_TAGS = io_uring::IORING_FEAT_RSRC_TAGS;
        /// Orders may ask for no result (`CQE_SKIP_SUCCESS`).
        CQE_SKIP = io_uring::IORING_FEAT_CQE_SKIP;
        /// A file is looked up when its order's turn comes.
        LINKED_FILE = io_uring::IORING_FEAT_LINKED_FILE;
        /// [`io_uring_register`] takes a registered ring.
        REG_REG_RING = io_uring::IORING_FEAT_REG_REG_RING;
        /// Several buffers may be sent or received at once.
        RECVSEND_BUNDLE = io_uring::IORING_FEAT_RECVSEND_BUNDLE;
        /// A wait may have a shortest time.
        MIN_TIMEOUT = io_uring::IORING_FEAT_MIN_TIMEOUT;
    }
    /// What [`io_uring_enter`] does: io_uring_enter(2).
    IoUringEnterFlags: u32 {
        /// Waits for `min_complete` results.
        GETEVENTS = io_uring::IORING_ENTER_GETEVENTS;
        /// Wakes the thread that looks for orders.
        SQ_WAKEUP = io_uring::IORING_ENTER_SQ_WAKEUP;
        /// Waits until there is room for an order.
        SQ_WAIT = io_uring::IORING_ENTER_SQ_WAIT;
        /// The argument is an `io_uring_getevents_arg`.
        EXT_ARG = io_uring::IORING_ENTER_EXT_ARG;
        /// The ring is the index of a registered one.
        REGISTERED_RING = io_uring::IORING_ENTER_REGISTERED_RING;
        /// The timeout is a point in time.
        ABS_TIMER = io_uring::IORING_ENTER_ABS_TIMER;
        /// The argument is in registered memory.
        EXT_ARG_REG = io_uring::IORING_ENTER_EXT_ARG_REG;
        /// The wait does not count as one for a device.
        NO_IOWAIT = io_uring::IORING_ENTER_NO_IOWAIT;
    }
    /// How an order is to be done: io_uring_enter(2).
    IoUringSqeFlags: u8 {
        /// `fd` is the index of a registered file.
        FIXED_FILE = 1 << io_uring::io_uring_sqe_flags_bit::IOSQE_FIXED_FILE_BIT as u8;
        /// Begun when all before it are done.
        IO_DRAIN = 1 << io_uring::io_uring_sqe_flags_bit::IOSQE_IO_DRAIN_BIT as u8;
        /// The next begins when this is done, unless it fails.
        IO_LINK = 1 << io_uring::io_uring_sqe_flags_bit::IOSQE_IO_LINK_BIT as u8;
        /// The next begins when this is done, even if it fails.
        IO_HARDLINK = 1 << io_uring::io_uring_sqe_flags_bit::IOSQE_IO_HARDLINK_BIT as u8;
        /// Done by a worker from the start.
        ASYNC = 1 << io_uring::io_uring_sqe_flags_bit::IOSQE_ASYNC_BIT as u8;
        /// The buffer is one of the group `buf_index`.
        BUFFER_SELECT = 1 << io_uring::io_uring_sqe_flags_bit::IOSQE_BUFFER_SELECT_BIT as u8;
        /// No result if it works.
        CQE_SKIP_SUCCESS = 1 << io_uring::io_uring_sqe_flags_bit::IOSQE_CQE_SKIP_SUCCESS_BIT as u8;
    }
}

/// [`IoUringOp`] and [`IoUringRegisterOp`], from the kernel's names.
macro_rules! operations {
    ($(
        $(#[$meta:meta])*
        $name:ident: $number:ty = $kernel:ident {
            $($(#[$value_meta:meta])* $value_name:ident = $value:ident;)*
        }
    )*) => {
        named! {$(
            $(#[$meta])*
            $name: $number {
                $($(#[$value_meta])* $value_name = io_uring::$kernel::$value;)*
            }
        )*}
    };
}

operations! {
    /// What an order has the kernel do, mostly the system call of its name:
    /// io_uring_enter(2).
    IoUringOp: u8 = io_uring_op {
        /// Nothing.
        NOP = IORING_OP_NOP;
        /// Reads into several buffers.
        READV = IORING_OP_READV;
        /// Writes several buffers.
        WRITEV = IORING_OP_WRITEV;
        /// Brings a file to its device.
        FSYNC = IORING_OP_FSYNC;
        /// Reads into a registered buffer.
        READ_FIXED = IORING_OP_READ_FIXED;
        /// Writes a registered buffer.
        WRITE_FIXED = IORING_OP_WRITE_FIXED;
        /// Waits for an event at a descriptor.
        POLL_ADD = IORING_OP_POLL_ADD;
        /// Ends such a wait, or changes it.
        POLL_REMOVE = IORING_OP_POLL_REMOVE;
        /// Brings a part of a file to its device.
        SYNC_FILE_RANGE = IORING_OP_SYNC_FILE_RANGE;
        /// Sends a message.
        SENDMSG = IORING_OP_SENDMSG;
        /// Receives a message.
        RECVMSG = IORING_OP_RECVMSG;
        /// Waits for a time to pass.
        TIMEOUT = IORING_OP_TIMEOUT;
        /// Ends such a wait, or changes it.
        TIMEOUT_REMOVE = IORING_OP_TIMEOUT_REMOVE;
        /// Takes a connection.
        ACCEPT = IORING_OP_ACCEPT;
        /// Cancels an order.
        ASYNC_CANCEL = IORING_OP_ASYNC_CANCEL;
        /// A time limit for the order before.
        LINK_TIMEOUT = IORING_OP_LINK_TIMEOUT;
        /// Makes a connection.
        CONNECT = IORING_OP_CONNECT;
        /// Reserves room in a file.
        FALLOCATE = IORING_OP_FALLOCATE;
        /// Opens a file.
        OPENAT = IORING_OP_OPENAT;
        /// Closes a descriptor.
        CLOSE = IORING_OP_CLOSE;
        /// Changes the registered files.
        FILES_UPDATE = IORING_OP_FILES_UPDATE;
        /// Says what a file is.
        STATX = IORING_OP_STATX;
        /// Reads.
        READ = IORING_OP_READ;
        /// Writes.
        WRITE = IORING_OP_WRITE;
        /// Says how a file will be used.
        FADVISE = IORING_OP_FADVISE;
        /// Says how memory will be used.
        MADVISE = IORING_OP_MADVISE;
        /// Sends bytes.
        SEND = IORING_OP_SEND;
        /// Receives bytes.
        RECV = IORING_OP_RECV;
        /// Opens a file, with more to say about how.
        OPENAT2 = IORING_OP_OPENAT2;
        /// Changes what an epoll watches.
        EPOLL_CTL = IORING_OP_EPOLL_CTL;
        /// Moves bytes between a pipe and a file.
        SPLICE = IORING_OP_SPLICE;
        /// Gives the kernel a group of buffers.
        PROVIDE_BUFFERS = IORING_OP_PROVIDE_BUFFERS;
        /// Takes them back.
        REMOVE_BUFFERS = IORING_OP_REMOVE_BUFFERS;
        /// Copies bytes from one pipe to another.
        TEE = IORING_OP_TEE;
        /// Ends one direction of a connection, or both.
        SHUTDOWN = IORING_OP_SHUTDOWN;
        /// Renames a file.
        RENAMEAT = IORING_OP_RENAMEAT;
        /// Removes a name.
        UNLINKAT = IORING_OP_UNLINKAT;
        /// Makes a directory.
        MKDIRAT = IORING_OP_MKDIRAT;
        /// Makes a symbolic link.
        SYMLINKAT = IORING_OP_SYMLINKAT;
        /// Gives a file one more name.
        LINKAT = IORING_OP_LINKAT;
        /// Tells another ring something.
        MSG_RING = IORING_OP_MSG_RING;
        /// Sets an attribute of an open file.
        FSETXATTR = IORING_OP_FSETXATTR;
        /// Sets an attribute of a file.
        SETXATTR = IORING_OP_SETXATTR;
        /// Fetches an attribute of an open file.
        FGETXATTR = IORING_OP_FGETXATTR;
        /// Fetches an attribute of a file.
        GETXATTR = IORING_OP_GETXATTR;
        /// Makes a socket.
        SOCKET = IORING_OP_SOCKET;
        /// A command of the file's own kind.
        URING_CMD = IORING_OP_URING_CMD;
        /// Sends bytes where they are, without a copy.
        SEND_ZC = IORING_OP_SEND_ZC;
        /// Sends a message where it is, without a copy.
        SENDMSG_ZC = IORING_OP_SENDMSG_ZC;
        /// Reads whenever there is something.
        READ_MULTISHOT = IORING_OP_READ_MULTISHOT;
        /// Waits for a child.
        WAITID = IORING_OP_WAITID;
        /// Waits on a word of memory.
        FUTEX_WAIT = IORING_OP_FUTEX_WAIT;
        /// Wakes who waits on one.
        FUTEX_WAKE = IORING_OP_FUTEX_WAKE;
        /// Waits on one of several words.
        FUTEX_WAITV = IORING_OP_FUTEX_WAITV;
        /// Makes a descriptor of a registered file.
        FIXED_FD_INSTALL = IORING_OP_FIXED_FD_INSTALL;
        /// Sets a file's length.
        FTRUNCATE = IORING_OP_FTRUNCATE;
        /// Gives a socket an address.
        BIND = IORING_OP_BIND;
        /// Has a socket wait for connections.
        LISTEN = IORING_OP_LISTEN;
    }
    /// What [`io_uring_register`] does: io_uring_register(2).
    IoUringRegisterOp: u32 = io_uring_register_op {
        /// Registers buffers.
        BUFFERS = IORING_REGISTER_BUFFERS;
        /// Lets them go.
        UNREGISTER_BUFFERS = IORING_UNREGISTER_BUFFERS;
        /// Registers files.
        FILES = IORING_REGISTER_FILES;
        /// Lets them go.
        UNREGISTER_FILES = IORING_UNREGISTER_FILES;
        /// Registers an eventfd to be told of results.
        EVENTFD = IORING_REGISTER_EVENTFD;
        /// Lets it go.
        UNREGISTER_EVENTFD = IORING_UNREGISTER_EVENTFD;
        /// Changes the registered files.
        FILES_UPDATE = IORING_REGISTER_FILES_UPDATE;
        /// Registers an eventfd to be told of results that come late.
        EVENTFD_ASYNC = IORING_REGISTER_EVENTFD_ASYNC;
        /// Asks which operations there are.
        PROBE = IORING_REGISTER_PROBE;
        /// Registers who the caller is.
        PERSONALITY = IORING_REGISTER_PERSONALITY;
        /// Lets that go.
        UNREGISTER_PERSONALITY = IORING_UNREGISTER_PERSONALITY;
        /// Says which operations are allowed.
        RESTRICTIONS = IORING_REGISTER_RESTRICTIONS;
        /// Begins, after `R_DISABLED`.
        ENABLE_RINGS = IORING_REGISTER_ENABLE_RINGS;
        /// Registers files with tags.
        FILES2 = IORING_REGISTER_FILES2;
        /// Changes them.
        FILES_UPDATE2 = IORING_REGISTER_FILES_UPDATE2;
        /// Registers buffers with tags.
        BUFFERS2 = IORING_REGISTER_BUFFERS2;
        /// Changes them.
        BUFFERS_UPDATE = IORING_REGISTER_BUFFERS_UPDATE;
        /// Says on which processors the workers run.
        IOWQ_AFF = IORING_REGISTER_IOWQ_AFF;
        /// Lets them run on all.
        UNREGISTER_IOWQ_AFF = IORING_UNREGISTER_IOWQ_AFF;
        /// Says how many workers there may be.
        IOWQ_MAX_WORKERS = IORING_REGISTER_IOWQ_MAX_WORKERS;
        /// Registers the ring itself.
        RING_FDS = IORING_REGISTER_RING_FDS;
        /// Lets it go.
        UNREGISTER_RING_FDS = IORING_UNREGISTER_RING_FDS;
        /// Registers a ring of buffers.
        PBUF_RING = IORING_REGISTER_PBUF_RING;
        /// Lets it go.
        UNREGISTER_PBUF_RING = IORING_UNREGISTER_PBUF_RING;
        /// Cancels orders, and waits for their end.
        SYNC_CANCEL = IORING_REGISTER_SYNC_CANCEL;
        /// Says which indices new files may get.
        FILE_ALLOC_RANGE = IORING_REGISTER_FILE_ALLOC_RANGE;
        /// Asks how far a ring of buffers is used.
        PBUF_STATUS = IORING_REGISTER_PBUF_STATUS;
    }
}

/// Where mmap finds the ring of orders: io_uring_setup(2).
pub const IORING_OFF_SQ_RING: u64 = io_uring::IORING_OFF_SQ_RING as u64;
/// Where mmap finds the ring of results, which may be the same mapping
/// (`SINGLE_MMAP`).
pub const IORING_OFF_CQ_RING: u64 = io_uring::IORING_OFF_CQ_RING as u64;
/// Where mmap finds the orders themselves, an array of [`IoUringSqe`].
pub const IORING_OFF_SQES: u64 = io_uring::IORING_OFF_SQES as u64;

/// What a ring is to be, and what it became: the kernel's `io_uring_params`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct IoUringParams {
    /// How many orders there is room for: the kernel writes it.
    pub sq_entries: u32,
    /// How many results there is room for.
    pub cq_entries: u32,
    /// How it is made.
    pub flags: IoUringSetupFlags,
    /// With `SQ_AFF`: on which processor.
    pub sq_thread_cpu: u32,
    /// With `SQPOLL`: after how many milliseconds without orders the thread sleeps.
    pub sq_thread_idle: u32,
    /// What the kernel can: it writes it.
    pub features: IoUringFeatures,
    /// With `ATTACH_WQ`: the other ring.
    pub wq_fd: u32,
    /// Zeros.
    pub resv: [u32; 3],
    /// Where things are in the ring of orders: the kernel writes it.
    pub sq_off: IoSqringOffsets,
    /// Where things are in the ring of results: the kernel writes it.
    pub cq_off: IoCqringOffsets,
}

/// Where things are in the ring of orders, in bytes from its beginning: the kernel's
/// `io_sqring_offsets`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct IoSqringOffsets {
    /// The first order that the kernel has not taken: it moves it.
    pub head: u32,
    /// Behind the last order: the program moves it.
    pub tail: u32,
    /// What makes an index of either.
    pub ring_mask: u32,
    /// How many entries it has.
    pub ring_entries: u32,
    /// What the kernel has to say.
    pub flags: u32,
    /// How many orders were no indices.
    pub dropped: u32,
    /// The ring: indices of orders.
    pub array: u32,
    /// Nothing.
    pub resv1: u32,
    /// With `NO_MMAP`: where the orders are.
    pub user_addr: u64,
}

/// Where things are in the ring of results, in bytes from its beginning: the kernel's
/// `io_cqring_offsets`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct IoCqringOffsets {
    /// The first result that the program has not taken: it moves it.
    pub head: u32,
    /// Behind the last result: the kernel moves it.
    pub tail: u32,
    /// What makes an index of either.
    pub ring_mask: u32,
    /// How many entries it has.
    pub ring_entries: u32,
    /// How many results found no room.
    pub overflow: u32,
    /// The ring: an array of [`IoUringCqe`].
    pub cqes: u32,
    /// What the program has to say.
    pub flags: u32,
    /// Nothing.
    pub resv1: u32,
    /// With `NO_MMAP`: where the rings are.
    pub user_addr: u64,
}

/// An order: the kernel's `io_uring_sqe`, of whose unions each is named like its first
/// member, or `op_flags`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct IoUringSqe {
    /// What to do.
    pub opcode: IoUringOp,
    /// How.
    pub flags: IoUringSqeFlags,
    /// With what priority.
    pub ioprio: u16,
    /// At which descriptor.
    pub fd: i32,
    /// From which byte of the file on, or a second address.
    pub off: u64,
    /// The address of the buffer, or of several.
    pub addr: u64,
    /// How many bytes, or buffers.
    pub len: u32,
    /// The operation's own flags.
    pub op_flags: u32,
    /// What comes back with the result.
    pub user_data: u64,
    /// The index or the group of registered buffers.
    pub buf_index: u16,
    /// As whom.
    pub personality: u16,
    /// A second descriptor, or an index.
    pub splice_fd_in: i32,
    /// A third address.
    pub addr3: u64,
    /// Zero.
    pub pad2: u64,
}

/// Does nothing.
impl Default for IoUringOp {
    fn default() -> IoUringOp {
        IoUringOp::NOP
    }
}

/// A result: the kernel's `io_uring_cqe`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct IoUringCqe {
    /// What the order had there.
    pub user_data: u64,
    /// What the system call would have returned; an error is a negative number.
    pub res: i32,
    /// More about it.
    pub flags: u32,
}

// The structs above against the kernel's.
const _: () = {
    assert!(size_of::<IoUringParams>() == size_of::<io_uring::io_uring_params>());
    assert!(size_of::<IoUringSqe>() == size_of::<io_uring::io_uring_sqe>());
    assert!(size_of::<IoUringCqe>() == size_of::<io_uring::io_uring_cqe>());
};

syscalls! {
    /// Makes a ring with room for at least `entries` orders, as `params` says, and
    /// writes there what became of it: io_uring_setup(2).
    ///
    /// # Errors
    ///
    /// `EPERM` if the system forbids it, `EINVAL` for no or too many `entries` or
    /// flags that do not go together, `ENOSYS`, `EMFILE`, `ENFILE`, `ENOMEM`.
    ///
    /// # Safety
    ///
    /// With `NO_MMAP`, the addresses in `params` must be memory that nothing else uses
    /// as long as there is the ring. `REGISTERED_FD_ONLY` is not allowed: its result
    /// is no descriptor.
    unsafe sys io_uring_setup(entries: u32, params: &mut IoUringParams) -> Result<OwnedFd>;

    /// Has the kernel take `to_submit` orders from the ring, and with `GETEVENTS`
    /// waits until there are `min_complete` results: io_uring_enter(2). Returns how
    /// many orders it took. `argument` is the address of a signal mask, or with
    /// `EXT_ARG` of more, and `size` how long it is; null and 0 for none.
    ///
    /// # Errors
    ///
    /// `EBADF` and `EOPNOTSUPP` if `ring` is none, `EINTR` if a signal came first,
    /// `EAGAIN` for want of memory, `EBUSY` while results wait for room, `EBADFD` if
    /// the ring is not enabled, `EFAULT`, `EINVAL`, …
    ///
    /// # Safety
    ///
    /// What the orders say must be something that the program may do, and the memory
    /// that they name must be left alone until their results are there. `argument`
    /// must be what `flags` make it.
    unsafe sys io_uring_enter(
        ring: BorrowedFd<'_>,
        to_submit: u32,
        min_complete: u32,
        flags: IoUringEnterFlags,
        argument: Address,
        size: usize
    ) -> Result<u32>;

    /// Tells the kernel of files or buffers that many orders will name, or whatever
    /// else `op` says: io_uring_register(2). Returns 0 or what `op` makes of it.
    ///
    /// # Errors
    ///
    /// `EBADF` and `EOPNOTSUPP` if `ring` is none, `EINVAL` for an `op` that there is
    /// not or what it does not take, `EBUSY` if there is such a thing already, `ENXIO`
    /// if there is none to take away, `EFAULT`, `EMFILE`, `ENOMEM`, …
    ///
    /// # Safety
    ///
    /// `argument` and `count` must be what `op` takes, and registered memory must be
    /// left alone while orders use it.
    unsafe sys io_uring_register(
        ring: BorrowedFd<'_>,
        op: IoUringRegisterOp,
        argument: Address,
        count: u32
    ) -> Result<u32>;
}
