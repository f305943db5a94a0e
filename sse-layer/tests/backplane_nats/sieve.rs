//! A proxy between a node and its server that keeps back what a test picks of what the server sends.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// A message on its way to the node.
pub(crate) struct Passing<'a> {
    pub(crate) subject: &'a str,
    /// Tells the node's subscriptions from one another.
    pub(crate) subscription: &'a str,
    /// The subject for the answer, or nothing.
    pub(crate) reply: &'a str,
    /// The headers and the payload.
    pub(crate) content: &'a [u8],
}

type Rule = Box<dyn FnMut(&Passing<'_>) -> bool + Send>;

/// Passes on whatever is not kept back. Its threads end with it.
pub(crate) struct Sieve {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    rule: Mutex<Rule>,
    open: Mutex<Vec<TcpStream>>,
    ended: AtomicBool,
}

impl Sieve {
    pub(crate) fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            rule: Mutex::new(Box::new(|_| false)),
            open: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                if accepting.ended.load(Ordering::Acquire) {
                    break;
                }
                accepting.take(client.unwrap(), target);
            }
        });
        Self { addr, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.addr)
    }

    /// Keeps back the messages of which this is so, from now on.
    pub(crate) fn keep_back(&self, is_so: impl FnMut(&Passing<'_>) -> bool + Send + 'static) {
        *self.shared.rule.lock().unwrap() = Box::new(is_so);
    }

    /// Keeps back the first of these messages.
    pub(crate) fn keep_back_one(&self, is_so: impl Fn(&Passing<'_>) -> bool + Send + 'static) {
        let mut is_done = false;
        self.keep_back(move |passing| {
            let is_it = !is_done && is_so(passing);
            is_done |= is_it;
            is_it
        });
    }

    pub(crate) fn keep_nothing_back(&self) {
        self.keep_back(|_| false);
    }

    /// Cuts all connections. New ones are passed on.
    pub(crate) fn cut(&self) {
        for open in self.shared.open.lock().unwrap().drain(..) {
            let _ = open.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Sieve {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Release);
        self.cut();
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.addr);
    }
}

impl Shared {
    fn take(self: &Arc<Self>, client: TcpStream, target: SocketAddr) {
        let Ok(server) = TcpStream::connect(target) else {
            return;
        };
        for stream in [&client, &server] {
            stream.set_nodelay(true).unwrap();
            self.open.lock().unwrap().push(stream.try_clone().unwrap());
        }
        let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
        });
        let shared = Arc::clone(self);
        thread::spawn(move || {
            let _ = shared.sift(BufReader::new(server), &client);
            let _ = client.shutdown(Shutdown::Both);
        });
    }

    fn sift(
        &self,
        mut server: BufReader<TcpStream>,
        mut client: &TcpStream,
    ) -> std::io::Result<()> {
        let mut line = String::new();
        while server.read_line(&mut line)? > 0 {
            let mut content = Vec::new();
            // MSG <subject> <subscription> [reply] <size>, and HMSG with the headers' size before.
            let tokens: Vec<_> = line.split_ascii_whitespace().collect();
            let mut is_kept = false;
            if let ["MSG" | "HMSG", subject, subscription, rest @ .., size] = &*tokens {
                content.resize(size.parse::<usize>().unwrap() + 2, 0);
                server.read_exact(&mut content)?;
                let sizes = usize::from(tokens[0] == "HMSG");
                let reply = rest.len().checked_sub(sizes + 1).map_or("", |at| rest[at]);
                is_kept = (self.rule.lock().unwrap())(&Passing {
                    subject,
                    subscription,
                    reply,
                    content: &content,
                });
            }
            if !is_kept {
                client.write_all(line.as_bytes())?;
                client.write_all(&content)?;
            }
            line.clear();
        }
        Ok(())
    }
}
