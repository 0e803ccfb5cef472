//! Load for an echo server: `load 127.0.0.1:PORT [MESSAGES]`. 64 connections have one
//! message of 64 bytes under way each, all on one thread.

use std::{
    env,
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    os::fd::AsRawFd,
    time::Instant,
};

use task_peers::{epoll::Epoll, *};

const CONNECTIONS: usize = 64;
const MESSAGE: [u8; 64] = [0x5a; 64];

struct Connection {
    stream: TcpStream,
    sent: Instant,
    /// How much of the message has come back.
    received: usize,
}

impl Connection {
    fn send(&mut self) {
        self.sent = Instant::now();
        self.received = 0;
        self.stream.write_all(&MESSAGE).expect("the server reads");
    }
}

fn main() {
    let address = env::args()
        .nth(1)
        .unwrap_or_else(|| fail("usage: load ADDRESS [MESSAGES]"));
    let total = count(200_000);
    let epoll = Epoll::new().expect("there is a descriptor");
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(&address).expect("the server listens");
        stream.set_nodelay(true).expect("it is TCP");
        stream.set_nonblocking(true).expect("it can be");
        let fd = stream.as_raw_fd();
        epoll.add(fd).expect("there is memory");
        let connection = Connection {
            stream,
            sent: Instant::now(),
            received: 0,
        };
        connections.push((fd, connection));
    }
    let begin = Instant::now();
    let mut sent = 0;
    for (_, connection) in connections.iter_mut().take(total) {
        connection.send();
        sent += 1;
    }
    let mut latencies = Vec::with_capacity(total);
    let mut buffer = [0; 4096];
    while latencies.len() < total {
        for fd in epoll.wait().expect("it waits") {
            // They were made one after the other, and so are in order.
            let index = connections
                .binary_search_by_key(&fd, |&(fd, _)| fd)
                .expect("it is one");
            let connection = &mut connections[index].1;
            match connection.stream.read(&mut buffer) {
                Ok(0) => fail("load: the server has closed a connection"),
                Ok(read) => connection.received += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => fail(&format!("load: {error}")),
            }
            if connection.received == MESSAGE.len() {
                latencies.push(micros(connection.sent.elapsed()));
                if sent < total {
                    sent += 1;
                    connection.send();
                }
            }
        }
    }
    result("echo_per_s", total as f64 / begin.elapsed().as_secs_f64());
    result("echo_p50_us", quantile(&mut latencies, 0.5));
    result("echo_p99_us", quantile(&mut latencies, 0.99));
}
