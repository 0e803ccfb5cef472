//! Opens many connections to an echo server at once, on one thread, sends on each what no
//! other sends, and checks that it comes back: `echo_client ADDRESS [CONNECTIONS [BYTES]]`.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use core::ffi::CStr;

use freestand::env::Args;
use freestand::io::{self, Epoll, EpollEvent, EpollFlags, Read, Write};
use freestand::net::{SocketAddr, TcpStream};
use freestand::process::ExitCode;
use freestand::sys::{self, Errno, Resource, Result, Rlimit};
use freestand::{eprintln, println};

freestand::entry!(main);

/// What a connection sends at once at most.
const PIECE: usize = 4096;

/// A connection, and how much has gone through it.
struct Connection {
    stream: TcpStream,
    number: usize,
    sent: usize,
    received: usize,
}

/// The byte at `at` of what connection `number` sends: of no short period, and another
/// for each.
fn byte(number: usize, at: usize) -> u8 {
    let mixed = (number as u32 ^ (at as u32) << 12).wrapping_mul(0x9E37_79B1);
    (mixed >> 24) as u8
}

/// Why it was not an echo.
enum Failure {
    System(Errno),
    /// The server sent other bytes, or fewer.
    Wrong,
}

impl Connection {
    /// Sends some and receives some. Returns what to wait for then, `None` when all
    /// `bytes` are back.
    fn exchange(&mut self, bytes: usize) -> core::result::Result<Option<EpollFlags>, Failure> {
        let mut piece = [0; PIECE];
        let some = &mut piece[..(bytes - self.sent).min(PIECE)];
        for (at, place) in some.iter_mut().enumerate() {
            *place = byte(self.number, self.sent + at);
        }
        if !some.is_empty() {
            self.sent += or_none(self.stream.write(some))?.unwrap_or(0);
        }
        match or_none(self.stream.read(&mut piece))? {
            Some(0) if bytes > 0 => return Err(Failure::Wrong),
            read => {
                for &received in &piece[..read.unwrap_or(0)] {
                    if self.received == bytes || received != byte(self.number, self.received) {
                        return Err(Failure::Wrong);
                    }
                    self.received += 1;
                }
            }
        }
        Ok(match self.received {
            received if received == bytes => None,
            _ if self.sent < bytes => Some(EpollFlags::IN | EpollFlags::OUT),
            _ => Some(EpollFlags::IN),
        })
    }
}

/// How much a call has moved, `None` if it is to be made again.
fn or_none(result: Result<usize>) -> core::result::Result<Option<usize>, Failure> {
    match result {
        Ok(moved) => Ok(Some(moved)),
        Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
        Err(errno) => Err(Failure::System(errno)),
    }
}

/// Sees to it that there may be this many descriptors.
fn allow_descriptors(count: u64) -> Result<()> {
    let now = sys::getrlimit(Resource::NOFILE)?;
    if now.rlim_cur >= count {
        return Ok(());
    }
    let more = Rlimit {
        rlim_cur: count,
        rlim_max: now.rlim_max.max(count),
    };
    sys::setrlimit(Resource::NOFILE, &more)
}

/// The number that an argument is.
fn number(arg: Option<&CStr>, or: usize) -> Option<usize> {
    arg.map_or(Some(or), |arg| arg.to_str().ok()?.parse().ok())
}

fn main(args: Args) -> ExitCode {
    let mut args = args.skip(1);
    let address = args.next().and_then(|arg| arg.to_str().ok()?.parse().ok());
    let (count, bytes) = (number(args.next(), 1000), number(args.next(), 1024));
    let (Some(address), Some(count), Some(bytes)) = (address, count, bytes) else {
        eprintln!("usage: echo_client ADDRESS [CONNECTIONS [BYTES]], as 127.0.0.1:7007 1000 64");
        return ExitCode::FAILURE;
    };
    // Standard streams, the epoll, and what whoever started this has left open.
    if let Err(errno) = allow_descriptors(count as u64 + 16) {
        let text = errno.text();
        eprintln!("echo_client: {count} connections: {text}: raise the limit (ulimit -Hn)");
        return ExitCode::FAILURE;
    }
    match run(address, count, bytes) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(errno) => {
            eprintln!("echo_client: {}", errno.text());
            ExitCode::FAILURE
        }
    }
}

/// Returns how many connections have failed.
fn run(address: SocketAddr, count: usize, bytes: usize) -> Result<usize> {
    let epoll = Epoll::new()?;
    let mut connections = Vec::with_capacity(count);
    for number in 0..count {
        let stream = TcpStream::connect(address).inspect_err(|errno| {
            let remedy = match *errno {
                Errno::ECONNREFUSED => ": start the server there first",
                Errno::EADDRNOTAVAIL => ": all ports are in use: take fewer connections",
                _ => "",
            };
            eprintln!("echo_client: connection {number} to {address} fails{remedy}");
        })?;
        stream.set_nonblocking(true)?;
        epoll.add(&stream, EpollFlags::IN | EpollFlags::OUT, number as u64)?;
        connections.push(Some(Connection {
            stream,
            number,
            sent: 0,
            received: 0,
        }));
    }
    println!("{count} connections are open");

    let (mut left, mut failed) = (count, 0);
    let mut events = [EpollEvent::default(); 64];
    while left > 0 {
        let happened = io::retry(|| epoll.wait(&mut events, None))?;
        for event in &events[..happened] {
            let number = event.data() as usize;
            let Some(connection) = &mut connections[number] else {
                continue;
            };
            match connection.exchange(bytes) {
                Ok(Some(events)) => {
                    epoll.modify(&connection.stream, events, event.data())?;
                    continue;
                }
                Ok(None) => {}
                Err(failure) => {
                    let text = match failure {
                        Failure::System(errno) => errno.text(),
                        Failure::Wrong => "what came back is not what was sent",
                    };
                    eprintln!("echo_client: connection {number}: {text}");
                    failed += 1;
                }
            }
            epoll.delete(&connection.stream)?;
            left -= 1;
        }
    }
    println!(
        "{} of {count} echoes of {bytes} bytes are right",
        count - failed
    );
    Ok(failed)
}
