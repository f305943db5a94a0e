//! The same load over HTTP/2: many streams on each connection.
//!
//! It is not as lean as the client for HTTP/1.1, since the protocol is a library's here; what it costs
//! is its own and not the server's.

use std::{
    cell::RefCell,
    io,
    rc::Rc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use h2::client::{ResponseFuture, SendRequest};
use http::{Request, header};
use tokio::{
    net::{TcpSocket, TcpStream},
    runtime::{Builder, Runtime},
    task::LocalSet,
    time::{sleep, timeout},
};

use super::{Events, Fault, Head, Opening, Sign, Sources, Target, Watcher};

/// Many event streams on few connections, on one thread.
#[derive(Debug)]
pub struct H2Client {
    // Before the runtime, which it needs to be dropped.
    tasks: Option<LocalSet>,
    runtime: Runtime,
    told: Told,
    target: Target,
    sources: Sources,
    streams_a_connection: usize,
    streams: usize,
}

/// What streams have to tell until the watcher is there to be told.
type Told = Rc<RefCell<Vec<(usize, What, Instant)>>>;

#[derive(Debug)]
enum What {
    Opened,
    Sign(Sign),
    Ended(Option<Fault>),
}

impl H2Client {
    /// A client for `target` without connections.
    ///
    /// # Errors
    ///
    /// What the system refuses.
    pub fn new(target: Target, sources: Sources, streams_a_connection: usize) -> io::Result<Self> {
        Ok(Self {
            tasks: Some(LocalSet::new()),
            runtime: Builder::new_current_thread().enable_all().build()?,
            told: Told::default(),
            target,
            sources,
            streams_a_connection: streams_a_connection.max(1),
            streams: 0,
        })
    }

    /// Opens `count` streams, connection after connection, and waits for the head of each.
    pub fn open(
        &mut self,
        count: usize,
        opening: Opening,
        watcher: &mut dyn Watcher,
        progress: &mut dyn FnMut(usize),
    ) {
        let mut opened = 0;
        while opened < count {
            let streams = self.streams_a_connection.min(count - opened);
            let numbers = self.streams..self.streams + streams;
            self.streams += streams;
            opened += streams;
            let source = self.sources.take();
            let begun = begin(&self.target, source, numbers, &self.told, opening.patience);
            if let Some(tasks) = &self.tasks {
                tasks.block_on(&self.runtime, begun);
            }
            self.tell(watcher);
            progress(opened);
        }
    }

    /// Reads what comes within `patience`.
    pub fn turn(&mut self, patience: Duration, watcher: &mut dyn Watcher) {
        if let Some(tasks) = &self.tasks {
            // A timer is made within the runtime.
            tasks.block_on(&self.runtime, async { sleep(patience).await });
        }
        self.tell(watcher);
    }

    /// Closes all.
    pub fn close_all(&mut self) {
        let _entered = self.runtime.enter();
        self.tasks = None;
    }

    fn tell(&self, watcher: &mut dyn Watcher) {
        for (number, what, when) in self.told.take() {
            match what {
                What::Opened => watcher.opened(number, when),
                What::Sign(sign) => watcher.sign(number, sign, when),
                What::Ended(fault) => watcher.ended(number, fault, when),
            }
        }
    }
}

async fn begin(
    target: &Target,
    source: Option<std::net::SocketAddr>,
    numbers: std::ops::Range<usize>,
    told: &Told,
    patience: Duration,
) {
    let asked = timeout(
        patience,
        ask(target, source, numbers.clone(), told, patience),
    );
    let fault = match asked.await {
        Ok(Ok(())) => return,
        Ok(Err(fault)) => fault.to_string(),
        Err(_) => Fault::TimedOut.to_string(),
    };
    // Whatever met the connection has met all of its streams.
    for number in numbers {
        let fault = Fault::Connect(io::Error::other(fault.clone()));
        told.borrow_mut()
            .push((number, What::Ended(Some(fault)), Instant::now()));
    }
}

async fn ask(
    target: &Target,
    source: Option<std::net::SocketAddr>,
    numbers: std::ops::Range<usize>,
    told: &Told,
    patience: Duration,
) -> Result<(), Fault> {
    let stream = connect(target, source).await.map_err(Fault::Connect)?;
    let (client, connection) = h2::client::handshake(stream).await.map_err(broken)?;
    tokio::task::spawn_local(async move {
        // Its streams tell how it ended.
        let _ = connection.await;
    });
    let heads = numbers.map(|number| {
        let (client, told) = (client.clone(), told.clone());
        async move {
            let answered = timeout(patience, request(client, target));
            let response = match answered.await {
                Ok(Ok(response)) => response,
                Ok(Err(fault)) => return tell_end(&told, number, Some(fault)),
                Err(_) => return tell_end(&told, number, Some(Fault::TimedOut)),
            };
            told.borrow_mut()
                .push((number, What::Opened, Instant::now()));
            tokio::task::spawn_local(async move {
                let fault = read(response, number, &told).await;
                tell_end(&told, number, fault);
            });
        }
    });
    join_all(heads).await;
    Ok(())
}

async fn connect(target: &Target, source: Option<std::net::SocketAddr>) -> io::Result<TcpStream> {
    let stream = match source {
        None => TcpStream::connect(target.address).await?,
        Some(source) => {
            let socket = TcpSocket::new_v4()?;
            socket.set_reuseaddr(true)?;
            socket.bind(source)?;
            socket.connect(target.address).await?
        }
    };
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn request(
    client: SendRequest<bytes::Bytes>,
    target: &Target,
) -> Result<h2::RecvStream, Fault> {
    let mut client = client.ready().await.map_err(broken)?;
    let request = Request::get(format!("http://{}{}", target.host, target.path))
        .header(header::ACCEPT, "text/event-stream")
        .body(())
        .map_err(|_| Fault::Malformed("a path that can't be asked for"))?;
    let (response, _): (ResponseFuture, _) = client.send_request(request, true).map_err(broken)?;
    let (head, body) = response.await.map_err(broken)?.into_parts();
    let content_type = head.headers.get(header::CONTENT_TYPE);
    let kind = content_type.map_or("", |kind| kind.to_str().unwrap_or("?"));
    Head {
        status: head.status.as_u16(),
        content_type: kind
            .split(';')
            .next()
            .unwrap_or("")
            .trim()
            .to_ascii_lowercase(),
    }
    .check()?;
    Ok(body)
}

async fn read(mut body: h2::RecvStream, number: usize, told: &Told) -> Option<Fault> {
    let mut events = Events::default();
    while let Some(data) = body.data().await {
        let data = match data {
            Ok(data) => data,
            Err(error) => return Some(broken(error)),
        };
        if let Err(error) = body.flow_control().release_capacity(data.len()) {
            return Some(broken(error));
        }
        let now = Instant::now();
        let mut told = told.borrow_mut();
        if let Err(fault) = events.read(&data, |sign| told.push((number, What::Sign(sign), now))) {
            return Some(fault);
        }
    }
    None
}

fn tell_end(told: &Told, number: usize, fault: Option<Fault>) {
    told.borrow_mut()
        .push((number, What::Ended(fault), Instant::now()));
}

fn broken(error: h2::Error) -> Fault {
    Fault::Broken(io::Error::other(error))
}
