//! A server that sends what it is told to, whatever was asked.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What is sent on each connection once a request has come: once, then again and again.
#[derive(Clone, Copy)]
pub(super) struct Script {
    pub(super) once: &'static [u8],
    pub(super) endless: &'static [u8],
    /// Whether the connection is closed then.
    pub(super) closes: bool,
}

pub(super) async fn serve(script: Script) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(play(tcp, script));
        }
    });
    url
}

/// Ends when the client has gone.
async fn play(mut tcp: TcpStream, script: Script) -> std::io::Result<()> {
    let mut request = [0; 4096];
    if tcp.read(&mut request).await? == 0 {
        return Ok(());
    }
    tcp.write_all(script.once).await?;
    while !script.endless.is_empty() {
        tcp.write_all(script.endless).await?;
    }
    while !script.closes && tcp.read(&mut request).await? > 0 {}
    Ok(())
}
