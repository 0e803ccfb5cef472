//! io_uring. Where there is none, both scenes say with which error, and that is all.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

use freestand::fs::{self, File};
use freestand::io::uring::{Buffer, BufferMut, Full, Lent, Operation, Queues, Ring};
use freestand::io::{EventFd, PipeReader, PipeWriter, Write, pipe};
use freestand::println;
use freestand::sync::Mutex;
use freestand::sys::{
    self, AddressFamily, AsFd, BorrowedFd, Errno, EventFdFlags, FdFlags, IoUringSqe, MsgFlags,
    OwnedFd, PollFd, PollFlags, Protocol, Result, SocketFlags, SocketType,
};
use freestand::time::{Duration, Instant};

use crate::{descriptors, end_of_storm, in_two_threads, storm};

/// Most of the scenes' rings.
type Simple<'fd> = Ring<BorrowedFd<'fd>, Vec<u8>>;
type Op<'fd> = Operation<BorrowedFd<'fd>, Vec<u8>>;

const SHORT: Duration = Duration::from_millis(3);
const HOUR: Duration = Duration::from_secs(3600);

/// Whether there is io_uring here; says if there is not.
fn is_there() -> bool {
    match Simple::new(1) {
        Ok(ring) => {
            assert_eq!((ring.capacity(), ring.pending()), (2, 0));
            true
        }
        Err(errno) => {
            println!("no io_uring: {errno:?}");
            false
        }
    }
}

pub fn all() {
    if !is_there() {
        return;
    }
    assert_eq!(Simple::new(0).err(), Some(Errno::EINVAL));
    assert_eq!(Simple::new(1 << 20).err(), Some(Errno::EINVAL));
    goes_round();
    is_full();
    no_completion_is_lost();
    reads_and_writes();
    takes_any_buffer();
    fails_in_its_completion();
    links();
    waits();
    cancels();
    connects();
    an_accepted_connection_is_closed();
    is_interrupted();
    can_be_waited_for();
}

pub fn in_flight() {
    if !is_there() {
        return;
    }
    a_dropped_ring_waits();
    a_dropped_ring_wins_every_race();
    what_was_not_submitted_never_happens();
    nothing_is_left();
}

/// The next completion's number and result.
#[track_caller]
fn next(ring: &mut Simple<'_>) -> (u64, Result<u32>) {
    ring.submit_and_wait(1).unwrap();
    let done = ring.completions().next().unwrap();
    (done.user_data, done.result)
}

/// The next `N` completions' results, by their numbers from 0 on.
#[track_caller]
fn results<const N: usize>(ring: &mut Simple<'_>) -> [Result<u32>; N] {
    let mut results = [Ok(u32::MAX); N];
    ring.submit_and_wait(N).unwrap();
    let mut count = 0;
    for done in ring.completions() {
        results[done.user_data as usize] = done.result;
        count += 1;
    }
    assert_eq!(count, N);
    results
}

/// What comes of an operation alone, and its buffer.
fn one<'fd>(ring: &mut Simple<'fd>, operation: Op<'fd>) -> (Result<u32>, Vec<u8>) {
    ring.push(operation).unwrap();
    ring.submit_and_wait(1).unwrap();
    let done = ring.completions().next().unwrap();
    (done.result, done.buffer.unwrap_or_default())
}

/// The queues' positions and the slots' generations go on and on.
fn goes_round() {
    let mut ring = Simple::new(4).unwrap();
    for round in 0..3000 {
        for number in 0..3 {
            let operation = Operation::nop().user_data(round << 32 | number);
            ring.push(operation).unwrap();
        }
        assert_eq!(ring.pending(), 3);
        ring.submit_and_wait(100).unwrap();
        let mut seen = 0;
        for done in ring.completions() {
            assert_eq!((done.user_data >> 32, done.result), (round, Ok(0)));
            assert!(done.file.is_none() && done.buffer.is_none() && done.accepted.is_none());
            seen |= 1 << (done.user_data & 3);
        }
        assert_eq!((seen, ring.pending()), (0b111, 0));
    }
}

fn is_full() {
    let [reader, writer] = ends();
    let mut ring = Simple::new(2).unwrap();
    let read = |number| {
        let buffer = vec![number as u8; 10];
        Operation::read(reader.as_fd(), buffer, None).user_data(number)
    };
    for number in 0..4 {
        ring.push(read(number)).unwrap();
        if number % 2 == 1 {
            // The submission queue is full until the kernel has taken what is in it.
            let Err(Full(operation)) = ring.push(read(7)) else {
                panic!("there is room");
            };
            assert_eq!(operation.into_parts().1, Some(vec![7; 10]));
            ring.submit().unwrap();
        }
    }
    // So is the ring, until one of them is done.
    assert_eq!(ring.pending(), ring.capacity());
    let refused = ring.push(Operation::nop()).map(drop);
    assert_eq!(refused.map_err(Errno::from), Err(Errno::EBUSY));
    sys::write(writer.as_fd(), b"0123456789").unwrap();
    assert_eq!(next(&mut ring).1, Ok(10));
    ring.push(Operation::nop().user_data(9)).unwrap();
    assert_eq!(next(&mut ring), (9, Ok(0)));
}

/// More completions than the queue holds.
fn no_completion_is_lost() {
    let mut queues = Queues::new(4).unwrap();
    let count = 5 * u64::from(queues.capacity());
    for user_data in 0..count {
        let nop = IoUringSqe {
            user_data,
            ..IoUringSqe::default()
        };
        // SAFETY: it does nothing.
        unsafe { queues.push(&nop) }.unwrap();
        queues.submit(0).unwrap();
    }
    assert_eq!(queues.ready(), queues.capacity());
    for expected in 0..count {
        if queues.ready() == 0 {
            queues.submit(1).unwrap();
        }
        let completion = queues.pop().unwrap();
        assert_eq!((completion.user_data, completion.res), (expected, 0));
    }
    assert!(queues.pop().is_none());
}

fn reads_and_writes() {
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open("one")
        .unwrap();
    let fd = file.as_fd();
    let mut ring = Simple::new(4).unwrap();
    let mut one = |operation| one(&mut ring, operation);
    let text = || b"0123456789".to_vec();

    assert_eq!(one(Operation::write(fd, text(), None)), (Ok(10), text()));
    assert_eq!(one(Operation::write(fd, text(), Some(20))).0, Ok(10));
    let part = Operation::write(fd, text(), None).skip(3).take(4);
    assert_eq!(one(part).0, Ok(4));
    assert_eq!(one(Operation::write(fd, text(), None).skip(11)).0, Ok(0));
    assert_eq!(one(Operation::fsync(fd)).0, Ok(0));
    assert_eq!(one(Operation::fdatasync(fd)).0, Ok(0));
    let expected = b"01234567893456\0\0\0\0\0\x000123456789";
    assert_eq!(fs::read("one").unwrap(), expected);

    // Beyond the end there is less, and then nothing.
    let (result, buffer) = one(Operation::read(fd, vec![b'x'; 8], Some(25)));
    assert_eq!((result, &buffer[..]), (Ok(5), &b"56789xxx"[..]));
    assert_eq!(one(Operation::read(fd, vec![0; 8], Some(30))).0, Ok(0));
    let part = Operation::read(fd, vec![b'x'; 8], Some(0)).skip(2).take(3);
    assert_eq!(one(part), (Ok(3), b"xx012xxx".to_vec()));
    // The position is the one that the writes have left.
    assert_eq!(one(Operation::read(fd, vec![0; 8], None)).0, Ok(8));
    assert_eq!(one(Operation::read(fd, vec![0; 0], None)).0, Ok(0));
    fs::remove_file("one").unwrap();
}

fn takes_any_buffer() {
    static mut STATIC: [u8; 4] = [0; 4];
    // SAFETY: it is the only reference.
    let bytes: &'static mut [u8] = unsafe { (&raw mut STATIC).as_mut() }.unwrap();
    pass(bytes, b"text");
    pass(vec![0; 4].into_boxed_slice(), b"text");
    pass(vec![0; 4], b"text");
    let mut bytes = [0; 4];
    // SAFETY: they are left alone until `pass` has returned.
    pass(unsafe { Lent::new(&raw mut bytes) }, b"text");
    assert_eq!(&bytes, b"text");

    let (reader, writer) = pipe().unwrap();
    let mut ring = Ring::new(1).unwrap();
    ring.push(Operation::write(writer, &b"text"[..], None))
        .unwrap();
    ring.submit_and_wait(1).unwrap();
    let done = ring.completions().next().unwrap();
    assert_eq!((done.result, done.buffer), (Ok(4), Some(&b"text"[..])));
    let mut bytes = [0; 4];
    sys::read(reader.as_fd(), &mut bytes).unwrap();
    assert_eq!(&bytes, b"text");
}

/// Reads `text` into the buffer, while the ring is somewhere else than it was.
fn pass<B: BufferMut>(buffer: B, text: &[u8]) {
    let (reader, mut writer) = pipe().unwrap();
    let mut ring = Ring::new(1).unwrap();
    ring.push(Operation::read(&reader, buffer, None)).unwrap();
    ring.submit().unwrap();
    let mut moved = Box::new(ring);
    writer.write_all(text).unwrap();
    moved.submit_and_wait(1).unwrap();
    let done = moved.completions().next().unwrap();
    assert_eq!(done.result, Ok(text.len() as u32));
    assert_eq!(done.buffer.unwrap().as_ref(), text);
}

/// A descriptor that is not open.
fn closed() -> BorrowedFd<'static> {
    // SAFETY: nothing opens as many descriptors as there are numbers.
    unsafe { BorrowedFd::borrow_raw(i32::MAX) }
}

fn fails_in_its_completion() {
    let [reader, writer] = ends();
    let mut ring = Simple::new(8).unwrap();
    for (number, operation) in [
        Operation::read(closed(), vec![0; 1], None),
        Operation::read(writer.as_fd(), vec![0; 1], None),
        Operation::write(reader.as_fd(), vec![0; 1], None),
        Operation::fsync(reader.as_fd()),
        Operation::recv(reader.as_fd(), vec![0; 1], MsgFlags::empty()),
        Operation::accept(reader.as_fd(), SocketFlags::empty()),
        Operation::nop(),
    ]
    .into_iter()
    .enumerate()
    {
        ring.push(operation.user_data(number as u64)).unwrap();
    }
    let expected = [
        Err(Errno::EBADF),
        Err(Errno::EBADF),
        Err(Errno::EBADF),
        Err(Errno::EINVAL),
        Err(Errno::ENOTSOCK),
        Err(Errno::ENOTSOCK),
        Ok(0),
    ];
    assert_eq!(results(&mut ring), expected);
}

/// A pipe's ends.
fn ends() -> [OwnedFd; 2] {
    let (reader, writer) = pipe().unwrap();
    [reader.into(), writer.into()]
}

fn links() {
    let [reader, writer] = ends();
    let (reader, writer) = (reader.as_fd(), writer.as_fd());
    let mut ring = Simple::new(4).unwrap();
    let write = || Operation::write(writer, b"text".to_vec(), None);
    let read = |number| Operation::read(reader, vec![0; 4], None).user_data(number);
    let mut push = |operation| ring.push(operation).map(drop).map_err(Errno::from).unwrap();

    // One after the other; on its own each read would wait for ever.
    push(write().link());
    push(read(1).link());
    push(write().user_data(2).link());
    push(read(3));
    assert_eq!(results(&mut ring), [Ok(4); 4]);

    // What fails takes those behind it along, unless they are linked hard.
    let mut push = |operation| ring.push(operation).map(drop).map_err(Errno::from).unwrap();
    push(Operation::read(closed(), vec![0; 4], None).link());
    push(write().user_data(1).link());
    push(Operation::nop().user_data(2));
    let cancelled = Err(Errno::ECANCELED);
    assert_eq!(
        results(&mut ring),
        [Err(Errno::EBADF), cancelled, cancelled]
    );
    let mut push = |operation| ring.push(operation).map(drop).map_err(Errno::from).unwrap();
    push(Operation::read(closed(), vec![0; 4], None).hard_link());
    push(write().user_data(1));
    push(read(2).drain());
    assert_eq!(results(&mut ring), [Err(Errno::EBADF), Ok(4), Ok(4)]);

    // A limit that is reached, and one that is not.
    let begin = Instant::now();
    let mut push = |operation| ring.push(operation).map(drop).map_err(Errno::from).unwrap();
    push(read(0).link());
    push(Operation::link_timeout(SHORT).user_data(1));
    assert_eq!(results(&mut ring), [cancelled, Err(Errno::ETIME)]);
    assert!(begin.elapsed() >= SHORT);
    let mut push = |operation| ring.push(operation).map(drop).map_err(Errno::from).unwrap();
    push(write().link());
    push(Operation::link_timeout(HOUR).user_data(1));
    assert_eq!(results(&mut ring), [Ok(4), cancelled]);
}

fn waits() {
    let [reader, writer] = ends();
    let mut ring = Simple::new(4).unwrap();
    let begin = Instant::now();
    ring.push(Operation::timeout(SHORT).user_data(5)).unwrap();
    assert_eq!(next(&mut ring), (5, Err(Errno::ETIME)));
    assert!(begin.elapsed() >= SHORT);

    ring.push(Operation::poll(reader.as_fd(), PollFlags::IN))
        .unwrap();
    ring.push(Operation::poll(writer.as_fd(), PollFlags::OUT).user_data(1))
        .unwrap();
    assert_eq!(next(&mut ring), (1, Ok(u32::from(PollFlags::OUT.bits()))));
    assert!(ring.completions().next().is_none());
    sys::write(writer.as_fd(), b"x").unwrap();
    assert_eq!(next(&mut ring), (0, Ok(u32::from(PollFlags::IN.bits()))));
    drop(ring);
    drop(writer);
    sys::read(reader.as_fd(), &mut [0]).unwrap();
    let mut ring = Simple::new(4).unwrap();
    ring.push(Operation::poll(reader.as_fd(), PollFlags::IN))
        .unwrap();
    assert_eq!(next(&mut ring), (0, Ok(u32::from(PollFlags::HUP.bits()))));
}

fn cancels() {
    let [reader, writer] = ends();
    let mut ring = Simple::new(4).unwrap();
    let read = || Operation::read(reader.as_fd(), vec![0; 4], None);
    let first = ring.push(read()).unwrap();
    let second = ring.push(read().user_data(1)).unwrap();
    ring.submit().unwrap();
    ring.push(Operation::cancel(second).user_data(2)).unwrap();
    ring.submit_and_wait(2).unwrap();
    let mut seen = 0;
    for done in ring.completions() {
        match done.user_data {
            1 => assert_eq!(
                (done.result, done.buffer, done.id),
                (Err(Errno::ECANCELED), Some(vec![0; 4]), second)
            ),
            2 => assert_eq!(done.result, Ok(0)),
            other => panic!("{other} is done"),
        }
        seen += 1;
    }
    assert_eq!((seen, ring.pending()), (2, 1));

    // An id is not another's that has the same place.
    let third = ring.push(read().user_data(3)).unwrap();
    ring.push(Operation::cancel(second).user_data(2)).unwrap();
    assert_eq!(next(&mut ring), (2, Err(Errno::ENOENT)));
    assert_ne!(second, third);
    sys::write(writer.as_fd(), b"textmore").unwrap();
    ring.submit_and_wait(2).unwrap();
    assert_eq!(
        ring.completions()
            .filter(|done| done.result == Ok(4))
            .count(),
        2
    );
    ring.push(Operation::cancel(first).user_data(2)).unwrap();
    assert_eq!(next(&mut ring), (2, Err(Errno::ENOENT)));

    // A time that is long, too.
    let hour = ring.push(Operation::timeout(HOUR)).unwrap();
    ring.submit().unwrap();
    ring.push(Operation::cancel(hour).user_data(1)).unwrap();
    assert_eq!(results(&mut ring), [Err(Errno::ECANCELED), Ok(0)]);
}

/// A socket that listens, and one that is connecting to it.
fn meeting() -> [OwnedFd; 2] {
    let socket =
        || sys::socket(AddressFamily::INET, SocketType::STREAM, Protocol::DEFAULT).unwrap();
    let [listener, client] = [socket(), socket()];
    sys::bind(listener.as_fd(), SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
    sys::listen(listener.as_fd(), 1).unwrap();
    [listener, client]
}

fn connect(listener: &OwnedFd, client: &OwnedFd) {
    let address = sys::getsockname(listener.as_fd()).unwrap();
    sys::connect(client.as_fd(), address.ip().unwrap()).unwrap();
}

fn connects() {
    let [listener, client] = meeting();
    let mut ring: Ring<&OwnedFd, Vec<u8>> = Ring::new(4).unwrap();
    ring.push(Operation::accept(&listener, SocketFlags::empty()))
        .unwrap();
    ring.submit().unwrap();
    connect(&listener, &client);
    ring.submit_and_wait(1).unwrap();
    let done = ring.completions().next().unwrap();
    assert!(done.result.is_ok() && ptr::eq(done.file.unwrap(), &listener));
    let server = done.accepted.unwrap();
    assert_eq!(sys::fcntl_getfd(server.as_fd()), Ok(FdFlags::CLOEXEC));

    let none = MsgFlags::empty();
    let mut ring: Ring<&OwnedFd, Vec<u8>> = Ring::new(4).unwrap();
    ring.push(Operation::recv(&server, vec![0; 10], none).user_data(1))
        .unwrap();
    ring.push(Operation::send(&client, b"text".to_vec(), none).user_data(2))
        .unwrap();
    ring.submit_and_wait(2).unwrap();
    for done in ring.completions() {
        assert_eq!(done.result, Ok(4));
        if done.user_data == 1 {
            assert_eq!(&done.buffer.unwrap()[..4], b"text");
        }
    }
    // Nobody is there any more: an end, or an error, and no signal.
    drop(ring);
    drop(client);
    let mut ring: Ring<&OwnedFd, Vec<u8>> = Ring::new(4).unwrap();
    ring.push(Operation::recv(&server, vec![0; 10], none))
        .unwrap();
    ring.submit_and_wait(1).unwrap();
    assert_eq!(ring.completions().next().unwrap().result, Ok(0));
    let mut last = Ok(0);
    while last.is_ok() {
        ring.push(Operation::send(&server, b"text".to_vec(), none))
            .unwrap();
        ring.submit_and_wait(1).unwrap();
        last = ring.completions().next().unwrap().result;
    }
    assert!(
        matches!(last, Err(Errno::EPIPE | Errno::ECONNRESET)),
        "{last:?}"
    );
}

/// Also if nobody takes it: by the completion that is dropped, or by the ring.
fn an_accepted_connection_is_closed() {
    let before = descriptors();
    for takes in [true, false] {
        let [listener, client] = meeting();
        connect(&listener, &client);
        let mut ring: Ring<&OwnedFd, Vec<u8>> = Ring::new(1).unwrap();
        ring.push(Operation::accept(&listener, SocketFlags::empty()))
            .unwrap();
        ring.submit().unwrap();
        assert_eq!(descriptors(), before + 4);
        if takes {
            drop(ring.completions().next().unwrap());
            assert_eq!(descriptors(), before + 3);
        }
        drop(ring);
        assert_eq!(descriptors(), before + 2);
    }
    assert_eq!(descriptors(), before);
}

fn is_interrupted() {
    let [reader, writer] = ends();
    let mut ring = Simple::new(4).unwrap();
    ring.push(Operation::read(reader.as_fd(), vec![0; 4], None))
        .unwrap();
    ring.submit().unwrap();
    storm();
    assert_eq!(ring.submit_and_wait(1), Err(Errno::EINTR));
    end_of_storm();
    assert_eq!(ring.pending(), 1);
    sys::write(writer.as_fd(), b"text").unwrap();
    assert_eq!(next(&mut ring), (0, Ok(4)));
    // There is nothing to wait for.
    ring.submit_and_wait(1).unwrap();
}

/// By poll, as other descriptors are.
fn can_be_waited_for() {
    let [reader, writer] = ends();
    let mut ring = Simple::new(4).unwrap();
    ring.push(Operation::read(reader.as_fd(), vec![0; 4], None))
        .unwrap();
    ring.submit().unwrap();
    let ready = |ring: &Simple<'_>, milliseconds| {
        sys::poll(
            &mut [PollFd::new(ring.as_fd(), PollFlags::IN)],
            milliseconds,
        )
    };
    assert_eq!(ready(&ring, 0), Ok(0));
    sys::write(writer.as_fd(), b"text").unwrap();
    assert_eq!(ready(&ring, -1), Ok(1));
    assert_eq!(next(&mut ring).1, Ok(4));
    assert_eq!(ready(&ring, 0), Ok(0));
}

/// How large a [`Watched`] is.
const SIZE: usize = 64;
/// What is in one that is dropped.
const POISON: [u8; SIZE] = [0xa5; SIZE];

/// The memory of buffers, which outlives them: what is written there when it is nobody's
/// can be seen.
static mut MEMORY: [[u8; SIZE]; 64] = [[0; SIZE]; 64];
/// How many of them have been dropped.
static DROPPED: AtomicU32 = AtomicU32::new(0);

/// A buffer that leaves poison behind.
struct Watched(&'static mut [u8; SIZE]);

impl Watched {
    fn new(index: usize) -> Watched {
        // SAFETY: each is made again only when the one before has been dropped.
        let bytes = unsafe { (&raw mut MEMORY[index]).as_mut() }.unwrap();
        bytes.fill(0);
        Watched(bytes)
    }
}

impl AsRef<[u8]> for Watched {
    fn as_ref(&self) -> &[u8] {
        self.0
    }
}

impl AsMut<[u8]> for Watched {
    fn as_mut(&mut self) -> &mut [u8] {
        self.0
    }
}

// SAFETY: it is a static's memory, of which each value has its own.
unsafe impl Buffer for Watched {}
// SAFETY: as above.
unsafe impl BufferMut for Watched {}

impl Drop for Watched {
    fn drop(&mut self) {
        *self.0 = POISON;
        DROPPED.fetch_add(1, SeqCst);
    }
}

/// Checks that so many buffers have been dropped since, and that nobody has written any of
/// those.
#[track_caller]
fn expect_poison(count: usize) {
    assert_eq!(DROPPED.swap(0, SeqCst), count as u32);
    let memory = (&raw const MEMORY).cast::<[u8; SIZE]>();
    for index in 0..count {
        // SAFETY: there are so many, and nothing in the program refers to it any more.
        let bytes = unsafe { memory.add(index).read_volatile() };
        assert_eq!(bytes, POISON, "buffer {index} was written");
    }
}

fn a_dropped_ring_waits() {
    let (reader, mut writer) = pipe().unwrap();
    for linked in [false, true] {
        let mut ring = Ring::new(32).unwrap();
        for index in 0..64 {
            let mut read = Operation::read(&reader, Watched::new(index), None);
            if linked && index % 4 != 3 {
                read = read.link();
            }
            ring.push(read).unwrap();
            if index % 32 == 31 {
                ring.submit().unwrap();
            }
        }
        drop(ring);
        writer.write_all(&[1; 64 * SIZE]).unwrap();
        expect_poison(64);
        let mut bytes = [0; 64 * SIZE];
        assert_eq!(sys::read(reader.as_fd(), &mut bytes), Ok(64 * SIZE));
    }
}

/// The bytes come while the ring is being dropped.
fn a_dropped_ring_wins_every_race() {
    const ROUNDS: usize = 1000;
    static PIPE: Mutex<Option<(PipeReader, PipeWriter)>> = Mutex::new(None);
    static BEGIN: Mutex<Option<EventFd>> = Mutex::new(None);
    static ENDED: AtomicBool = AtomicBool::new(false);

    fn thread(index: usize) {
        let begin = BEGIN.lock().as_ref().unwrap().try_clone().unwrap();
        let (reader, mut writer) = {
            let pipe = PIPE.lock();
            let (reader, writer) = pipe.as_ref().unwrap();
            (reader.try_clone().unwrap(), writer.try_clone().unwrap())
        };
        if index == 1 {
            loop {
                begin.read().unwrap();
                if ENDED.load(SeqCst) {
                    return;
                }
                writer.write_all(&[1; 4 * SIZE]).unwrap();
            }
        }
        let mut came = 0;
        for round in 0..ROUNDS {
            let mut ring = Ring::new(8).unwrap();
            for index in 0..8 {
                ring.push(Operation::read(&reader, Watched::new(index), None))
                    .unwrap();
            }
            begin.write(1).unwrap();
            ring.submit().unwrap();
            for _ in 0..round % 8 {
                sys::sched_yield();
            }
            for done in ring.completions() {
                assert_eq!(done.result, Ok(SIZE as u32));
                assert_eq!(done.buffer.unwrap().as_ref(), [1; SIZE]);
                came += 1;
            }
            drop(ring);
            // What comes now is for nobody. A round that begins with some of it is a race
            // as well.
            expect_poison(8);
        }
        assert!(came > 0, "no bytes came");
        ENDED.store(true, SeqCst);
        begin.write(1).unwrap();
        // The other may be waiting for room.
        drain(&reader);
        expect_poison_still();
    }

    *PIPE.lock() = Some(pipe().unwrap());
    *BEGIN.lock() = Some(EventFd::new(0, EventFdFlags::SEMAPHORE).unwrap());
    in_two_threads(thread);
}

/// Takes what is in the pipe.
fn drain(reader: &PipeReader) {
    let mut ready = [PollFd::new(reader.as_fd(), PollFlags::IN)];
    while sys::poll(&mut ready, 1) == Ok(1) {
        sys::read(reader.as_fd(), &mut [0; 4096]).unwrap();
    }
}

fn expect_poison_still() {
    DROPPED.store(8, SeqCst);
    expect_poison(8);
}

fn what_was_not_submitted_never_happens() {
    let (reader, mut writer) = pipe().unwrap();
    writer.write_all(&[1; 4 * SIZE]).unwrap();
    let mut ring = Ring::new(8).unwrap();
    for index in 0..4 {
        ring.push(Operation::read(&reader, Watched::new(index), None))
            .unwrap();
    }
    drop(ring);
    expect_poison(4);
    let mut bytes = [0; 5 * SIZE];
    assert_eq!(sys::read(reader.as_fd(), &mut bytes), Ok(4 * SIZE));
}

/// Neither descriptors nor mappings, nor what the operations were about.
fn nothing_is_left() {
    fn round(index: usize) {
        let (reader, writer) = pipe().unwrap();
        let mut ring: Ring<PipeReader, Watched> = Ring::new(4).unwrap();
        ring.push(Operation::read(reader, Watched::new(index), None))
            .unwrap();
        ring.submit().unwrap();
        drop(ring);
        assert_eq!(sys::write(writer.as_fd(), b"x"), Err(Errno::EPIPE));
    }
    let mappings = || {
        let maps = fs::read("/proc/self/maps").unwrap();
        maps.iter().filter(|&&byte| byte == b'\n').count()
    };
    // SAFETY: nothing is a handler's.
    unsafe { ignore_sigpipe() };
    round(0);
    let before = (descriptors(), mappings());
    for index in 0..500 {
        round(index % 64);
    }
    assert_eq!((descriptors(), mappings()), before);
    assert_eq!(DROPPED.swap(0, SeqCst), 501);
}

/// Has a write to a pipe that nobody reads fail, and not end the program.
///
/// # Safety
///
/// As for [`sys::rt_sigaction`].
unsafe fn ignore_sigpipe() {
    let action = sys::SigAction {
        sa_handler: sys::SigHandler::Ignore,
        ..sys::SigAction::default()
    };
    // SAFETY: passed on to the caller; nothing is called.
    unsafe { sys::rt_sigaction(sys::Signal::PIPE, Some(&action)) }.unwrap();
}
