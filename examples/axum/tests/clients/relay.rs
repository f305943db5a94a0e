//! The way from a browser to a server, which can be cut, and then lead to another one.

use std::{
    io,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

pub(crate) struct Relay {
    pub(crate) url: String,
    way: Arc<Way>,
    cut_at: Mutex<Option<Instant>>,
}

struct Way {
    /// The address of the server. Connections end when another is sent.
    server: watch::Sender<String>,
    streams: Mutex<Vec<Stream>>,
}

/// A request for the stream that the page lives on.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) last_event_id: Option<String>,
    asked: Instant,
}

impl Relay {
    pub(crate) async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let way = Arc::new(Way {
            server: watch::Sender::new(server.to_owned()),
            streams: Mutex::default(),
        });
        let relayed = Arc::clone(&way);
        tokio::spawn(async move {
            while let Ok((browser, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&relayed).relay(browser));
            }
        });
        Self {
            url,
            way,
            cut_at: Mutex::default(),
        }
    }

    /// Cuts all connections. Who connects anew gets there.
    pub(crate) fn cut(&self) {
        *self.cut_at.lock().unwrap() = Some(Instant::now());
        self.way.server.send_modify(|_| {});
    }

    /// Leads to another server from now on.
    pub(crate) fn lead_to(&self, server: &str) {
        self.way.server.send_replace(server.to_owned());
    }

    pub(crate) fn streams(&self) -> Vec<Stream> {
        self.way.streams.lock().unwrap().clone()
    }

    /// How long the browser has waited before it came back after a cut.
    pub(crate) fn wait(&self) -> Duration {
        let cut_at = self.cut_at.lock().unwrap().unwrap();
        self.streams().last().unwrap().asked - cut_at
    }
}

impl Way {
    async fn relay(self: Arc<Self>, browser: TcpStream) {
        let mut server = self.server.subscribe();
        let address = server.borrow_and_update().clone();
        let there_and_back = async {
            // Where no server is, the browser finds its connection closed.
            let (mut answers, requests) = TcpStream::connect(address).await?.into_split();
            let (asked, mut shown) = browser.into_split();
            tokio::select! {
                there = self.pass_on(asked, requests) => there,
                back = copy(&mut answers, &mut shown) => back.map(|_| ()),
            }
        };
        tokio::select! {
            _ = server.changed() => {}
            _ = there_and_back => {}
        }
    }

    async fn pass_on(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
        // A browser sends one request after the other, each in a piece that fits in here.
        let mut request = vec![0; 16 * 1024];
        loop {
            let read = from.read(&mut request).await?;
            if read == 0 {
                return Ok(());
            }
            self.note(&String::from_utf8_lossy(&request[..read]));
            to.write_all(&request[..read]).await?;
        }
    }

    fn note(&self, request: &str) {
        if !request.starts_with("GET /sse/live") {
            return;
        }
        let id = request.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("last-event-id")
                .then(|| value.to_owned())
        });
        self.streams.lock().unwrap().push(Stream {
            last_event_id: id,
            asked: Instant::now(),
        });
    }
}
