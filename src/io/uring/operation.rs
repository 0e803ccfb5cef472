//! What the kernel can be asked for.

use core::time::Duration;
use core::{fmt, ptr};

use linux_raw_sys::io_uring::IORING_FSYNC_DATASYNC;

use super::{Buffer, BufferMut, Id};
use crate::sys::{
    AsFd, IoUringOp, IoUringSqe, IoUringSqeFlags, MsgFlags, PollFlags, SocketFlags, Timespec,
};

/// What the kernel is asked for, with the descriptor and the buffer that it is about: the
/// [`Ring`](super::Ring) keeps both until it is done.
pub struct Operation<F, B> {
    /// All but the addresses, which are those of what is below once it stays in place.
    entry: IoUringSqe,
    file: Option<F>,
    buffer: Option<B>,
    /// Where the buffer's bytes are, once it stays in place.
    bytes: Option<fn(&mut B) -> *mut [u8]>,
    time: Option<Timespec>,
    skip: usize,
    take: usize,
}

/// The offset that is the file's own position: io_uring_enter(2).
const OWN_POSITION: u64 = u64::MAX;

impl<F: AsFd, B: Buffer> Operation<F, B> {
    /// What is about no descriptor and no buffer.
    const fn new(opcode: IoUringOp) -> Operation<F, B> {
        Operation {
            entry: IoUringSqe {
                opcode,
                flags: IoUringSqeFlags::empty(),
                ioprio: 0,
                fd: -1,
                off: 0,
                addr: 0,
                len: 0,
                op_flags: 0,
                user_data: 0,
                buf_index: 0,
                personality: 0,
                splice_fd_in: 0,
                addr3: 0,
                pad2: 0,
            },
            file: None,
            buffer: None,
            bytes: None,
            time: None,
            skip: 0,
            take: usize::MAX,
        }
    }

    /// What is about a descriptor.
    fn of(opcode: IoUringOp, file: F) -> Operation<F, B> {
        Operation {
            file: Some(file),
            ..Operation::new(opcode)
        }
    }

    /// What reads the buffer.
    fn from_buffer(opcode: IoUringOp, file: F, buffer: B) -> Operation<F, B> {
        Operation {
            buffer: Some(buffer),
            bytes: Some(|buffer| ptr::from_ref(buffer.as_ref()).cast_mut()),
            ..Operation::of(opcode, file)
        }
    }

    /// What writes the buffer.
    fn to_buffer(opcode: IoUringOp, file: F, buffer: B) -> Operation<F, B>
    where
        B: BufferMut,
    {
        Operation {
            buffer: Some(buffer),
            bytes: Some(|buffer| ptr::from_mut(buffer.as_mut())),
            ..Operation::of(opcode, file)
        }
    }

    fn with_time(opcode: IoUringOp, duration: Duration) -> Operation<F, B> {
        let mut operation = Operation::new(opcode);
        operation.time = Some(duration.into());
        operation.entry.len = 1;
        operation
    }

    /// Nothing: there is a completion, and its result is 0.
    pub fn nop() -> Operation<F, B> {
        Operation::new(IoUringOp::NOP)
    }

    /// Reads into the buffer, from byte `offset` of the file on, or from its own position:
    /// read(2), pread(2). What has no positions, such as a pipe, pays no heed to an offset.
    /// The result is how many bytes came, 0 at the end.
    pub fn read(file: F, buffer: B, offset: Option<u64>) -> Operation<F, B>
    where
        B: BufferMut,
    {
        let mut operation = Operation::to_buffer(IoUringOp::READ, file, buffer);
        operation.entry.off = offset.unwrap_or(OWN_POSITION);
        operation
    }

    /// Writes what is in the buffer, from byte `offset` of the file on, or from its own
    /// position: write(2), pwrite(2). The result is how many bytes were taken, which may be
    /// fewer than there are: [`skip`](Operation::skip) is for the rest. A pipe that nobody
    /// reads is `EPIPE`, and a SIGPIPE to the program as by write(2).
    pub fn write(file: F, buffer: B, offset: Option<u64>) -> Operation<F, B> {
        let mut operation = Operation::from_buffer(IoUringOp::WRITE, file, buffer);
        operation.entry.off = offset.unwrap_or(OWN_POSITION);
        operation
    }

    /// Is done when what was written is on the device: fsync(2). Writes that are still
    /// under way do not count: [`link`](Operation::link) them, or [`drain`](Operation::drain).
    pub fn fsync(file: F) -> Operation<F, B> {
        Operation::of(IoUringOp::FSYNC, file)
    }

    /// As [`fsync`](Operation::fsync), without what is not needed to find it: fdatasync(2).
    pub fn fdatasync(file: F) -> Operation<F, B> {
        let mut operation = Operation::fsync(file);
        operation.entry.op_flags = IORING_FSYNC_DATASYNC;
        operation
    }

    /// Takes a connection of a socket that listens: accept4(2). It is the completion's
    /// [`accepted`](super::Completion::accepted), and does not survive execve, whatever
    /// `flags` says.
    pub fn accept(listener: F, flags: SocketFlags) -> Operation<F, B> {
        let mut operation = Operation::of(IoUringOp::ACCEPT, listener);
        operation.entry.op_flags = (flags | SocketFlags::CLOEXEC).bits();
        operation
    }

    /// Sends what is in the buffer: send(2), without SIGPIPE if nobody receives any more.
    /// The result is how many bytes were taken.
    pub fn send(socket: F, buffer: B, flags: MsgFlags) -> Operation<F, B> {
        let mut operation = Operation::from_buffer(IoUringOp::SEND, socket, buffer);
        operation.entry.op_flags = (flags | MsgFlags::NOSIGNAL).bits();
        operation
    }

    /// Receives into the buffer: recv(2). The result is how many bytes came; 0 is the end
    /// of a stream.
    pub fn recv(socket: F, buffer: B, flags: MsgFlags) -> Operation<F, B>
    where
        B: BufferMut,
    {
        let mut operation = Operation::to_buffer(IoUringOp::RECV, socket, buffer);
        operation.entry.op_flags = flags.bits();
        operation
    }

    /// Waits for one of these events at the descriptor, once: poll(2). The result is the
    /// bits of those that came.
    pub fn poll(file: F, events: PollFlags) -> Operation<F, B> {
        let mut operation = Operation::of(IoUringOp::POLL_ADD, file);
        operation.entry.op_flags = u32::from(events.bits());
        operation
    }

    /// Waits so long, by `CLOCK_MONOTONIC`. That it is over is the error `ETIME`.
    pub fn timeout(duration: Duration) -> Operation<F, B> {
        Operation::with_time(IoUringOp::TIMEOUT, duration)
    }

    /// A limit for the operation pushed before, which is [`link`](Operation::link)ed to this
    /// one: it is cancelled after so long, and its error is `ECANCELED`. This one's is
    /// `ETIME` then, and `ECANCELED` if the other was done in time.
    pub fn link_timeout(duration: Duration) -> Operation<F, B> {
        Operation::with_time(IoUringOp::LINK_TIMEOUT, duration)
    }

    /// Cancels another operation, whose error is `ECANCELED` if it comes in time. The
    /// result is 0 if it does; errors are `ENOENT` if the operation is done, or was not
    /// submitted before, and `EALREADY` if it can only be waited for.
    pub fn cancel(operation: Id) -> Operation<F, B> {
        let mut cancel = Operation::new(IoUringOp::ASYNC_CANCEL);
        cancel.entry.addr = operation.0;
        cancel
    }

    /// Has the completion carry this number, for whoever takes it to know it by.
    pub fn user_data(mut self, user_data: u64) -> Operation<F, B> {
        self.entry.user_data = user_data;
        self
    }

    /// Passes over the first `count` bytes of the buffer; if there are not so many, nothing
    /// is left.
    pub fn skip(mut self, count: usize) -> Operation<F, B> {
        self.skip = count;
        self
    }

    /// Has at most `count` bytes of the buffer, from where [`skip`](Operation::skip) leads.
    pub fn take(mut self, count: usize) -> Operation<F, B> {
        self.take = count;
        self
    }

    /// The operation that is pushed next begins when this one is done, and is cancelled
    /// if this one fails, which a short transfer is too. Both must be submitted at once.
    pub fn link(mut self) -> Operation<F, B> {
        self.entry.flags |= IoUringSqeFlags::IO_LINK;
        self
    }

    /// As [`link`](Operation::link), but the next begins even if this one fails.
    pub fn hard_link(mut self) -> Operation<F, B> {
        self.entry.flags |= IoUringSqeFlags::IO_HARDLINK;
        self
    }

    /// Begins when all that was submitted before is done.
    pub fn drain(mut self) -> Operation<F, B> {
        self.entry.flags |= IoUringSqeFlags::IO_DRAIN;
        self
    }

    /// What it is about, back.
    pub fn into_parts(self) -> (Option<F>, Option<B>) {
        (self.file, self.buffer)
    }

    /// The number that its completion is to carry.
    pub(super) fn number(&self) -> u64 {
        self.entry.user_data
    }

    /// Whether its result is a descriptor.
    pub(super) fn makes_a_descriptor(&self) -> bool {
        self.entry.opcode == IoUringOp::ACCEPT
    }

    /// The entry for the queue: good for as long as `self` stays where it is and is left
    /// alone.
    pub(super) fn entry(&mut self, id: Id) -> IoUringSqe {
        let mut entry = IoUringSqe {
            user_data: id.0,
            ..self.entry
        };
        if let Some(file) = &self.file {
            entry.fd = file.as_fd().as_raw_fd();
        }
        if let (Some(buffer), Some(bytes)) = (&mut self.buffer, self.bytes) {
            let bytes = bytes(buffer);
            let skip = self.skip.min(bytes.len());
            // The kernel, too, transfers less than 2 GiB at a time.
            let length = (bytes.len() - skip).min(self.take).min(i32::MAX as usize);
            let start = bytes.cast::<u8>().wrapping_add(skip);
            entry.addr = start.expose_provenance() as u64;
            entry.len = length as u32;
        }
        if let Some(time) = &mut self.time {
            entry.addr = (&raw mut *time).expose_provenance() as u64;
        }
        entry
    }
}

impl<F, B> fmt::Debug for Operation<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation")
            .field("opcode", &self.entry.opcode)
            .field("flags", &self.entry.flags)
            .field("user_data", &self.entry.user_data)
            .finish_non_exhaustive()
    }
}
