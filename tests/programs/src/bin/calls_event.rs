//! poll, select, epoll, eventfd, io_uring.

#![no_std]
#![no_main]

use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};

use freestand::sys::{
    BorrowedFd, EpollCreateFlags, EpollEvent, EpollFlags, EpollOp, Errno, EventFdFlags, FdFlags,
    FdSet, IORING_OFF_CQ_RING, IORING_OFF_SQ_RING, IORING_OFF_SQES, IoUringCqe, IoUringEnterFlags,
    IoUringFeatures, IoUringOp, IoUringParams, IoUringRegisterOp, IoUringSqe, IoUringSqeFlags,
    MapFlags, MaskHow, OwnedFd, PollFd, PollFlags, Prot, Resource, Result, Rlimit, SigAction,
    SigHandler, SigInfo, SigSet, Signal, Timespec, Timeval, UContext, fcntl_getfd, getpid,
    getrlimit, kill, mmap, pipe, read, rt_sigaction, rt_sigprocmask, setrlimit, write,
};
use test_programs::{err, ok, ok_if_there};

freestand::entry!(main);

fn main() {
    poll();
    select();
    epoll();
    eventfd();
    masks();
    io_uring();
}

const LONG: Timespec = Timespec {
    tv_sec: 1000,
    tv_nsec: 0,
};
const NO_TIME: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};
const WRONG_TIME: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 1_000_000_000,
};

/// A descriptor that is not open, with a small number.
fn closed() -> BorrowedFd<'static> {
    let number = pipe().unwrap()[0].as_fd().as_raw_fd();
    // SAFETY: nothing is opened while the calls are made that take it.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// What `call` makes of it if the process may have `count` descriptors.
fn with_descriptors<T>(count: u64, call: impl FnOnce() -> T) -> T {
    let limit = getrlimit(Resource::NOFILE).unwrap();
    let low = Rlimit {
        rlim_cur: count,
        ..limit
    };
    setrlimit(Resource::NOFILE, &low).unwrap();
    let result = call();
    setrlimit(Resource::NOFILE, &limit).unwrap();
    result
}

fn poll() {
    let [reader, writer] = pipe().unwrap();
    let mut fds = [
        PollFd::new(reader.as_fd(), PollFlags::IN | PollFlags::RDNORM),
        PollFd::new(writer.as_fd(), PollFlags::OUT),
        PollFd::new(closed(), PollFlags::IN),
    ];
    assert_eq!(ok!(poll(&mut fds[..1], 0)), 0);
    assert_eq!(ok!(poll(&mut fds[..1], 1)), 0);
    assert_eq!(ok!(poll(&mut fds, -1)), 2);
    assert_eq!(
        fds.map(|fd| fd.revents),
        [PollFlags::empty(), PollFlags::OUT, PollFlags::NVAL]
    );
    write(writer.as_fd(), b"x").unwrap();
    assert_eq!(ok!(poll(&mut fds, 1000)), 3);
    assert_eq!(fds[0].revents, PollFlags::IN | PollFlags::RDNORM);

    let mut time = LONG;
    assert_eq!(ok!(ppoll(&mut fds[..2], Some(&mut time), None)), 2);
    assert!(NO_TIME < time && time <= LONG, "{time:?}");
    read(reader.as_fd(), &mut [0]).unwrap();
    let mut time = Timespec {
        tv_sec: 0,
        tv_nsec: 1,
    };
    assert_eq!(ok!(ppoll(&mut fds[..1], Some(&mut time), None)), 0);
    assert_eq!(time, NO_TIME);
    assert_eq!(ok!(ppoll(&mut fds[1..], None, Some(&SigSet::all()))), 2);
    err!(EINVAL, ppoll(&mut fds, Some(&mut { WRONG_TIME }), None));

    with_descriptors(2, || {
        err!(EINVAL, poll(&mut fds, 0));
        err!(EINVAL, ppoll(&mut fds, None, None));
    });

    drop(writer);
    let mut fds = [PollFd::new(reader.as_fd(), PollFlags::IN)];
    assert_eq!(ok!(poll(&mut fds, -1)), 1);
    assert_eq!(fds[0].revents, PollFlags::HUP);
}

fn select() {
    let [reader, writer] = pipe().unwrap();
    let mut readable = FdSet::new();
    readable.insert(reader.as_fd()).unwrap();
    let mut writable = FdSet::new();
    writable.insert(writer.as_fd()).unwrap();
    let nfds = readable.nfds().max(writable.nfds());

    let (mut r, mut w) = (readable, writable);
    assert_eq!(ok!(select(nfds, Some(&mut r), Some(&mut w), None, None)), 1);
    assert_eq!((r, w), (FdSet::new(), writable));

    let (mut r, mut w) = (readable, writable);
    let mut time = Timeval {
        tv_sec: 0,
        tv_usec: 1,
    };
    assert_eq!(
        ok!(select(
            nfds,
            Some(&mut r),
            None,
            Some(&mut w),
            Some(&mut time)
        )),
        0
    );
    assert_eq!((r, w), (FdSet::new(), FdSet::new()));
    assert_eq!(time, Timeval::default());

    write(writer.as_fd(), b"x").unwrap();
    let (mut r, mut w) = (readable, writable);
    let mut time = Timeval {
        tv_sec: 1000,
        tv_usec: 999_999,
    };
    assert_eq!(
        ok!(select(
            nfds,
            Some(&mut r),
            Some(&mut w),
            None,
            Some(&mut time)
        )),
        2
    );
    assert_eq!((r, w), (readable, writable));
    assert!((900..=1000).contains(&time.tv_sec), "{time:?}");

    let mut time = LONG;
    assert_eq!(
        ok!(pselect6(
            nfds,
            Some(&mut r),
            Some(&mut w),
            None,
            Some(&mut time),
            None
        )),
        2
    );
    assert_eq!((r, w), (readable, writable));
    assert!(NO_TIME < time && time <= LONG, "{time:?}");
    read(reader.as_fd(), &mut [0]).unwrap();
    assert_eq!(
        ok!(pselect6(
            nfds,
            Some(&mut r),
            None,
            None,
            Some(&mut { NO_TIME }),
            Some(&SigSet::all())
        )),
        0
    );
    // Only what is below `nfds` is looked at.
    let least = reader.as_fd().as_raw_fd() as usize;
    let mut r = readable;
    assert_eq!(
        ok!(pselect6(
            least,
            Some(&mut r),
            None,
            None,
            Some(&mut { NO_TIME }),
            None
        )),
        0
    );

    let mut gone = FdSet::new();
    gone.insert(closed()).unwrap();
    let before = gone;
    err!(
        EBADF,
        select(gone.nfds(), Some(&mut gone), None, None, None)
    );
    err!(
        EBADF,
        pselect6(gone.nfds(), Some(&mut gone), None, None, None, None)
    );
    assert_eq!(gone, before);
    err!(
        EINVAL,
        select(
            nfds,
            None,
            None,
            None,
            Some(&mut Timeval {
                tv_sec: 0,
                tv_usec: -1
            })
        )
    );
    err!(
        EINVAL,
        pselect6(nfds, None, None, None, Some(&mut { WRONG_TIME }), None)
    );
    // The sets have 1024 places.
    for nfds in [1025, usize::MAX] {
        err!(EINVAL, select(nfds, Some(&mut gone), None, None, None));
        err!(
            EINVAL,
            pselect6(nfds, Some(&mut gone), None, None, None, None)
        );
    }
    ok!(select(
        1024,
        None,
        None,
        None,
        Some(&mut Timeval::default())
    ));
}

fn epoll() {
    let [first, to_first] = pipe().unwrap();
    let [second, to_second] = pipe().unwrap();
    let old = ok!(epoll_create(1));
    assert_eq!(fcntl_getfd(old.as_fd()), Ok(FdFlags::empty()));
    let epoll = ok!(epoll_create1(EpollCreateFlags::CLOEXEC));
    let epoll = epoll.as_fd();
    assert_eq!(fcntl_getfd(epoll), Ok(FdFlags::CLOEXEC));
    err!(EINVAL, epoll_create(0));
    err!(EINVAL, epoll_create1(EpollCreateFlags::from_bits_retain(1)));

    let one = EpollEvent::new(EpollFlags::IN, 0x0123_4567_89ab_cdef);
    let other = EpollEvent::new(EpollFlags::IN | EpollFlags::ET, u64::MAX);
    ok!(epoll_ctl(epoll, EpollOp::ADD, first.as_fd(), Some(&one)));
    ok!(epoll_ctl(epoll, EpollOp::ADD, second.as_fd(), Some(&other)));
    err!(
        EEXIST,
        epoll_ctl(epoll, EpollOp::ADD, first.as_fd(), Some(&one))
    );
    err!(EBADF, epoll_ctl(epoll, EpollOp::ADD, closed(), Some(&one)));
    err!(EINVAL, epoll_ctl(epoll, EpollOp::ADD, epoll, Some(&one)));
    err!(EFAULT, epoll_ctl(epoll, EpollOp::MOD, first.as_fd(), None));

    let mut events = [EpollEvent::default(); 3];
    assert_eq!(ok!(epoll_wait(epoll, &mut events, 0)), 0);
    assert_eq!(ok!(epoll_pwait(epoll, &mut events, 1, None)), 0);
    write(to_first.as_fd(), b"x").unwrap();
    write(to_second.as_fd(), b"x").unwrap();
    assert_eq!(ok!(epoll_wait(epoll, &mut events, -1)), 2);
    events[..2].sort_unstable_by_key(|event| event.data());
    assert_eq!(
        events.map(|event| (event.events(), event.data())),
        [
            (EpollFlags::IN, 0x0123_4567_89ab_cdef),
            (EpollFlags::IN, u64::MAX),
            (EpollFlags::empty(), 0),
        ]
    );
    // The second is told once, the first for as long as it lasts.
    assert_eq!(
        ok!(epoll_pwait(epoll, &mut events, 1000, Some(&SigSet::all()))),
        1
    );
    assert_eq!(events[0].data(), one.data());

    let out = EpollEvent::new(EpollFlags::OUT, 7);
    ok!(epoll_ctl(epoll, EpollOp::MOD, first.as_fd(), Some(&out)));
    assert_eq!(ok!(epoll_wait(epoll, &mut events, 0)), 0);
    ok!(epoll_ctl(epoll, EpollOp::DEL, first.as_fd(), None));
    err!(ENOENT, epoll_ctl(epoll, EpollOp::DEL, first.as_fd(), None));
    ok!(epoll_ctl(epoll, EpollOp::ADD, to_first.as_fd(), Some(&out)));
    assert_eq!(ok!(epoll_wait(epoll, &mut events[..1], -1)), 1);
    assert_eq!(events[0], out);

    err!(EINVAL, epoll_wait(epoll, &mut [], 0));
    err!(EINVAL, epoll_wait(first.as_fd(), &mut events, 0));
    err!(EBADF, epoll_pwait(closed(), &mut events, 0, None));

    let Some(count) = ok_if_there!(epoll_pwait2(epoll, &mut events, Some(&LONG), None)) else {
        return;
    };
    assert_eq!((count, events[0]), (1, out));
    ok!(epoll_ctl(epoll, EpollOp::DEL, to_first.as_fd(), None));
    let short = Timespec {
        tv_sec: 0,
        tv_nsec: 1,
    };
    assert_eq!(
        ok!(epoll_pwait2(
            epoll,
            &mut events,
            Some(&short),
            Some(&SigSet::all())
        )),
        0
    );
    err!(
        EINVAL,
        epoll_pwait2(epoll, &mut events, Some(&WRONG_TIME), None)
    );
    err!(EINVAL, epoll_pwait2(epoll, &mut [], None, None));
}

fn eventfd() {
    /// Fetches the counter.
    fn fetch(fd: &OwnedFd) -> Result<u64> {
        let mut bytes = [0; 8];
        read(fd.as_fd(), &mut bytes).map(|_| u64::from_ne_bytes(bytes))
    }

    let counter = ok!(eventfd(7));
    write(counter.as_fd(), &(1_u64 << 40).to_ne_bytes()).unwrap();
    assert_eq!(fetch(&counter), Ok((1 << 40) + 7));
    assert_eq!(fcntl_getfd(counter.as_fd()), Ok(FdFlags::empty()));

    let flags = EventFdFlags::SEMAPHORE | EventFdFlags::NONBLOCK | EventFdFlags::CLOEXEC;
    let semaphore = ok!(eventfd2(2, flags));
    assert_eq!(fcntl_getfd(semaphore.as_fd()), Ok(FdFlags::CLOEXEC));
    assert_eq!(fetch(&semaphore), Ok(1));
    assert_eq!(fetch(&semaphore), Ok(1));
    assert_eq!(fetch(&semaphore), Err(Errno::EAGAIN));

    err!(EINVAL, eventfd2(0, EventFdFlags::from_bits_retain(2)));
    with_descriptors(0, || err!(EMFILE, eventfd(0)));
}

/// A signal that is held back comes while a call waits whose mask lets it.
fn masks() {
    static CAUGHT: AtomicU32 = AtomicU32::new(0);

    extern "C" fn count(_: Signal, _: &SigInfo, _: &mut UContext) {
        CAUGHT.fetch_add(1, Ordering::Relaxed);
    }

    let action = SigAction {
        sa_handler: SigHandler::Function(count),
        ..SigAction::default()
    };
    // SAFETY: it only counts.
    unsafe { rt_sigaction(Signal::USR1, Some(&action)) }.unwrap();
    rt_sigprocmask(MaskHow::BLOCK, Some(&SigSet::of(&[Signal::USR1]))).unwrap();
    let mut caught = 0;
    let mut comes = || {
        assert_eq!(CAUGHT.load(Ordering::Relaxed), caught);
        caught += 1;
        kill(getpid(), Signal::USR1).unwrap();
    };

    let none = SigSet::empty();
    let epoll = ok!(epoll_create(1));
    let mut events = [EpollEvent::default()];
    comes();
    assert_eq!(ok!(poll(&mut [], 1)), 0);
    err!(EINTR, ppoll(&mut [], None, Some(&none)));
    comes();
    err!(EINTR, pselect6(0, None, None, None, None, Some(&none)));
    comes();
    err!(
        EINTR,
        epoll_pwait(epoll.as_fd(), &mut events, -1, Some(&none))
    );
    comes();
    let waits = freestand::sys::epoll_pwait2(epoll.as_fd(), &mut events, None, Some(&none));
    assert!(
        matches!(waits, Err(Errno::EINTR | Errno::ENOSYS)),
        "{waits:?}"
    );
}

/// A ring, mapped.
struct Ring {
    fd: OwnedFd,
    params: IoUringParams,
    orders: *mut u8,
    results: *mut u8,
    entries: *mut IoUringSqe,
}

impl Ring {
    fn new(fd: OwnedFd, params: IoUringParams) -> Ring {
        let map = |length: usize, offset| {
            let prot = Prot::READ | Prot::WRITE;
            let fd = Some(fd.as_fd());
            // SAFETY: the kernel chooses where.
            unsafe { mmap(ptr::null_mut(), length, prot, MapFlags::SHARED, fd, offset) }
                .unwrap()
                .cast::<u8>()
        };
        assert!(params.features.contains(IoUringFeatures::NODROP));
        let (sq, cq) = (params.sq_off, params.cq_off);
        let orders = map(
            sq.array as usize + params.sq_entries as usize * size_of::<u32>(),
            IORING_OFF_SQ_RING,
        );
        let results = map(
            cq.cqes as usize + params.cq_entries as usize * size_of::<IoUringCqe>(),
            IORING_OFF_CQ_RING,
        );
        let entries = map(
            params.sq_entries as usize * size_of::<IoUringSqe>(),
            IORING_OFF_SQES,
        );
        Ring {
            fd,
            params,
            orders,
            results,
            entries: entries.cast(),
        }
    }

    /// A number of a ring that both sides read.
    fn shared(ring: &*mut u8, offset: u32) -> &AtomicU32 {
        // SAFETY: the kernel says that there is one, in what is mapped.
        unsafe { &*ring.add(offset as usize).cast::<AtomicU32>() }
    }

    /// Puts an order into the ring.
    fn order(&self, order: IoUringSqe) {
        let sq = self.params.sq_off;
        let tail = Ring::shared(&self.orders, sq.tail);
        let position = tail.load(Ordering::Relaxed);
        let index = position & Ring::shared(&self.orders, sq.ring_mask).load(Ordering::Relaxed);
        // SAFETY: the index is that of an order which the kernel has not been told of.
        unsafe { self.entries.add(index as usize).write(order) };
        let place = sq.array + index * size_of::<u32>() as u32;
        Ring::shared(&self.orders, place).store(index, Ordering::Relaxed);
        tail.store(position + 1, Ordering::Release);
    }

    /// Takes a result out of the ring.
    fn result(&self) -> Option<IoUringCqe> {
        let cq = self.params.cq_off;
        let head = Ring::shared(&self.results, cq.head);
        let position = head.load(Ordering::Relaxed);
        if position == Ring::shared(&self.results, cq.tail).load(Ordering::Acquire) {
            return None;
        }
        let index = position & Ring::shared(&self.results, cq.ring_mask).load(Ordering::Relaxed);
        let at = cq.cqes as usize + index as usize * size_of::<IoUringCqe>();
        // SAFETY: the kernel has written it.
        let result = unsafe { self.results.add(at).cast::<IoUringCqe>().read() };
        head.store(position + 1, Ordering::Release);
        Some(result)
    }
}

fn io_uring() {
    let mut params = IoUringParams::default();
    let Some(fd) = ok_if_there!(unsafe io_uring_setup(3, &mut params)) else {
        // Then there are not the others either.
        let nothing = (ptr::null_mut(), 0);
        let none = IoUringEnterFlags::empty();
        assert!(
            ok_if_there!(unsafe io_uring_enter(closed(), 0, 0, none, nothing.0, nothing.1))
                .is_none()
        );
        let op = IoUringRegisterOp::UNREGISTER_FILES;
        assert!(ok_if_there!(unsafe io_uring_register(closed(), op, nothing.0, 0)).is_none());
        return;
    };
    assert_eq!((params.sq_entries, params.cq_entries), (4, 8));
    err!(EINVAL, unsafe io_uring_setup(0, &mut IoUringParams::default()));

    let ring = Ring::new(fd, params);
    let fd = ring.fd.as_fd();
    let [reader, writer] = pipe().unwrap();
    let mut buffer = [0; 8];
    ring.order(IoUringSqe {
        user_data: 1 << 40,
        ..IoUringSqe::default()
    });
    ring.order(IoUringSqe {
        opcode: IoUringOp::READ,
        fd: reader.as_fd().as_raw_fd(),
        off: u64::MAX,
        addr: buffer.as_mut_ptr().expose_provenance() as u64,
        len: buffer.len() as u32,
        user_data: 2,
        ..IoUringSqe::default()
    });
    let null = ptr::null_mut();
    let none = IoUringEnterFlags::empty();
    assert_eq!(ok!(unsafe io_uring_enter(fd, 2, 0, none, null, 0)), 2);
    let nop = ring.result().unwrap();
    assert_eq!((nop.user_data, nop.res), (1 << 40, 0));
    // The pipe is empty as yet.
    assert!(ring.result().is_none());
    write(writer.as_fd(), b"text").unwrap();
    let wait = IoUringEnterFlags::GETEVENTS;
    assert_eq!(ok!(unsafe io_uring_enter(fd, 0, 1, wait, null, 0)), 0);
    let came = ring.result().unwrap();
    assert_eq!((came.user_data, came.res), (2, 4));
    assert_eq!(&buffer, b"text\0\0\0\0");
    err!(EBADF, unsafe io_uring_enter(closed(), 0, 0, none, null, 0));
    err!(EOPNOTSUPP, unsafe io_uring_enter(reader.as_fd(), 0, 0, none, null, 0));

    // A registered file is read by its index.
    let mut files = [reader.as_fd().as_raw_fd()];
    let files = files.as_mut_ptr().cast();
    ok!(unsafe io_uring_register(fd, IoUringRegisterOp::FILES, files, 1));
    err!(EBUSY, unsafe io_uring_register(fd, IoUringRegisterOp::FILES, files, 1));
    write(writer.as_fd(), b"more").unwrap();
    ring.order(IoUringSqe {
        opcode: IoUringOp::READ,
        flags: IoUringSqeFlags::FIXED_FILE,
        fd: 0,
        off: u64::MAX,
        addr: buffer.as_mut_ptr().expose_provenance() as u64,
        len: buffer.len() as u32,
        ..IoUringSqe::default()
    });
    assert_eq!(ok!(unsafe io_uring_enter(fd, 1, 1, wait, null, 0)), 1);
    assert_eq!(ring.result().map(|result| result.res), Some(4));
    assert_eq!(&buffer, b"more\0\0\0\0");
    ok!(unsafe io_uring_register(fd, IoUringRegisterOp::UNREGISTER_FILES, null, 0));
    err!(ENXIO, unsafe io_uring_register(fd, IoUringRegisterOp::UNREGISTER_FILES, null, 0));
}
