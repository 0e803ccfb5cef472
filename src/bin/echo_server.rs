//! Sends back what it receives, to as many clients at once as it may have descriptors for,
//! on one thread: `echo_server ADDRESS`. It prints where it listens.
//!
//! Each connection has one buffer. As long as there is something in it that the client
//! does not take, nothing more is read from that client, so that who does not read makes
//! nobody wait but himself.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;

use freestand::env::Args;
use freestand::io::{self, Epoll, EpollEvent, EpollFlags, Read, Write};
use freestand::net::{TcpListener, TcpStream};
use freestand::process::ExitCode;
use freestand::sys::{AsFd, Errno, Result};
use freestand::{eprintln, println};

freestand::entry!(main);

/// The listener's token; a connection's is its descriptor.
const LISTENER: u64 = u64::MAX;

struct Connection {
    stream: TcpStream,
    /// What has been received and not sent back: `bytes[start..end]`.
    bytes: [u8; 4096],
    start: usize,
    end: usize,
}

impl Connection {
    /// Receives some if there is nothing to send back, and sends some back. Returns what
    /// to wait for then, `None` at the end.
    fn echo(&mut self) -> Result<Option<EpollFlags>> {
        if self.start == self.end {
            (self.start, self.end) = match self.stream.read(&mut self.bytes)? {
                0 => return Ok(None),
                read => (0, read),
            };
        }
        self.start += self.stream.write(&self.bytes[self.start..self.end])?;
        Ok(Some(self.waits_for()))
    }

    fn waits_for(&self) -> EpollFlags {
        if self.start == self.end {
            EpollFlags::IN
        } else {
            EpollFlags::OUT
        }
    }
}

struct Server {
    epoll: Epoll,
    listener: TcpListener,
    /// Whether connections are accepted: there are descriptors left.
    accepts: bool,
    /// By their descriptors.
    connections: Vec<Option<Connection>>,
}

impl Server {
    fn new(listener: TcpListener) -> Result<Server> {
        listener.set_nonblocking(true)?;
        let epoll = Epoll::new()?;
        epoll.add(&listener, EpollFlags::IN, LISTENER)?;
        Ok(Server {
            epoll,
            listener,
            accepts: true,
            connections: Vec::new(),
        })
    }

    /// Serves for as long as nothing fails that is not one client's.
    fn run(&mut self) -> Result<()> {
        let mut events = [EpollEvent::default(); 64];
        loop {
            let happened = io::retry(|| self.epoll.wait(&mut events, None))?;
            for event in &events[..happened] {
                match event.data() {
                    LISTENER => self.accept()?,
                    token => self.serve(token as usize)?,
                }
            }
        }
    }

    fn accept(&mut self) -> Result<()> {
        match self.listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(true)?;
                let fd = stream.as_fd().as_raw_fd() as usize;
                self.epoll.add(&stream, EpollFlags::IN, fd as u64)?;
                if self.connections.len() <= fd {
                    self.connections.resize_with(fd + 1, || None);
                }
                self.connections[fd] = Some(Connection {
                    stream,
                    bytes: [0; 4096],
                    start: 0,
                    end: 0,
                });
                Ok(())
            }
            // The connection stays where it is, and would be told of again and again.
            Err(Errno::EMFILE | Errno::ENFILE) => {
                eprintln!("echo_server: too many open files: more clients wait (see ulimit -n)");
                self.set_accepts(false)
            }
            // The client has gone, or another of these has been faster.
            Err(Errno::ECONNABORTED | Errno::EAGAIN) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    fn set_accepts(&mut self, accepts: bool) -> Result<()> {
        self.accepts = accepts;
        let events = if accepts {
            EpollFlags::IN
        } else {
            EpollFlags::empty()
        };
        self.epoll.modify(&self.listener, events, LISTENER)
    }

    fn serve(&mut self, fd: usize) -> Result<()> {
        let Some(Some(connection)) = self.connections.get_mut(fd) else {
            return Ok(());
        };
        let echoed = match connection.echo() {
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(Some(connection.waits_for())),
            echoed => echoed,
        };
        match echoed {
            Ok(Some(events)) => self.epoll.modify(&connection.stream, events, fd as u64),
            // It is over, or the client has gone: either closes it.
            Ok(None) | Err(_) => {
                self.connections[fd] = None;
                if self.accepts {
                    return Ok(());
                }
                self.set_accepts(true)
            }
        }
    }
}

fn main(mut args: Args) -> ExitCode {
    let Some(Ok(address)) = args.nth(1).map(|arg| arg.to_str()) else {
        eprintln!("usage: echo_server ADDRESS, as 127.0.0.1:7007 or [::1]:0 for a free port");
        return ExitCode::FAILURE;
    };
    let listener = match TcpListener::bind(address) {
        Ok(listener) => listener,
        Err(errno) => {
            let text = errno.text();
            let remedy = match errno {
                Errno::EINVAL => "an address is numbers, as 127.0.0.1:7007",
                Errno::EADDRINUSE => "take another port, or 0 for any that is free",
                Errno::EACCES => "take a port from 1024 on",
                _ => "take an address of this machine, as 127.0.0.1:0",
            };
            eprintln!("echo_server: cannot listen at {address}: {text}: {remedy}");
            return ExitCode::FAILURE;
        }
    };
    let result = listener.local_addr().and_then(|address| {
        println!("listening at {address}");
        io::stdout().flush()?;
        Server::new(listener)?.run()
    });
    if let Err(errno) = result {
        eprintln!("echo_server: {}", errno.text());
    }
    ExitCode::FAILURE
}
