//! Who is let in, and to whom a node speaks.

use std::{fs, path::PathBuf};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use sse_layer::backplane::{Backplane, Failure, nats::Nats};

use crate::{
    engines,
    node::{ALL, NOWHERE, Node, why},
};

/// Certificates in a folder that goes with it.
struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// An authority, a server's certificate of it, and another authority.
    fn new(name: &str) -> Self {
        let folder = format!("sse-layer-nats-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir_all(&folder).unwrap();
        for authority in ["ca", "other-ca"] {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::new([]).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let certificate = params.self_signed(&key).unwrap();
            fs::write(folder.join(format!("{authority}.pem")), certificate.pem()).unwrap();
            if authority == "ca" {
                let issuer = Issuer::new(params, key);
                let key = KeyPair::generate().unwrap();
                let params = CertificateParams::new([String::from("127.0.0.1")]).unwrap();
                let certificate = params.signed_by(&key, &issuer).unwrap();
                fs::write(folder.join("server.pem"), certificate.pem()).unwrap();
                fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
            }
        }
        Self { folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn config(&self) -> String {
        let (certificate, key) = (self.file("server.pem"), self.file("server.key"));
        format!("tls {{ cert_file: {certificate:?}, key_file: {key:?} }}")
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

async fn works(node: &Node) {
    node.listen("t").await.unwrap();
    let place = node.put("t", "x").await.unwrap();
    node.seen.until(|told| told.len() == 1).await;
    assert!(node.frontier(NOWHERE).await.unwrap().sequence > place.sequence);
    assert_eq!(node.kept("t").await, ["x"]);
    assert_eq!(node.newest("t", ALL).await.unwrap().messages.len(), 1);
}

async fn is_refused(engine: Nats) {
    let error = Node::open(engine).await.err().unwrap();
    assert_eq!(error.failure(), Failure::Refused, "{}", why(&error));
    let text = format!("{error} {error:?} {}", why(&error));
    assert!(!text.contains("wr0ng"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_lets_in() {
    let config = "authorization { user: me, password: \"p@ss/w:rd\" }";
    let Some(server) = engines::Nats::start_with(config) else {
        return;
    };
    let addr = server.addr();
    let url = format!("nats://me:p%40ss%2Fw%3Ard@{addr}");
    works(&Node::open(Nats::new(&url).unwrap()).await.unwrap()).await;
    is_refused(Nats::new(&format!("nats://me:wr0ng@{addr}")).unwrap()).await;
    is_refused(Nats::new(&format!("nats://{addr}")).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_lets_in() {
    let Some(server) = engines::Nats::start_with("authorization { token: s3cr3t }") else {
        return;
    };
    let addr = server.addr();
    let engine = Nats::new(&format!("nats://s3cr3t@{addr}")).unwrap();
    works(&Node::open(engine).await.unwrap()).await;
    is_refused(Nats::new(&format!("nats://{addr}")).unwrap().token("wr0ng")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_trusts_its_own_authority_only() {
    let certificates = Certificates::new("authority");
    let Some(server) = engines::Nats::start_with(&certificates.config()) else {
        return;
    };
    for scheme in ["tls", "nats"] {
        let url = format!("{scheme}://{}", server.addr());
        let engine = || Nats::new(&url).unwrap();
        let trusting = engine().root_certificates(certificates.file("ca.pem"));
        let node = Node::open(trusting).await.unwrap();
        node.put("t", "x").await.unwrap();
        for file in ["other-ca.pem", "missing.pem"] {
            let engine = engine().root_certificates(certificates.file(file));
            let error = Node::open(engine).await.err().unwrap();
            assert_eq!(error.failure(), Failure::Refused, "{file}: {}", why(&error));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_not_spoken_to_where_it_is_asked_for() {
    let Some(server) = engines::Nats::start() else {
        return;
    };
    let url = format!("tls://{}", server.addr());
    assert!(Node::open(Nats::new(&url).unwrap()).await.is_err());
}

/// The permissions of the documentation, and a user without one of them.
fn permissions(without: &str) -> String {
    let page = include_str!("../../src/backplane/nats/wire.md");
    let told = page.split("```text\npermissions:").nth(1).unwrap();
    let told = told
        .split("```")
        .next()
        .unwrap()
        .replace(without, "nothing");
    format!("authorization {{ users: [{{ user: node, password: s3cr3t, permissions: {told} }}] }}")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_permissions_of_the_documentation_are_enough() {
    let Some(server) = engines::Nats::start_with(&permissions("(none of them)")) else {
        return;
    };
    let engine = Nats::new(&server.url()).unwrap();
    let node = Node::open(engine.user_and_password("node", "s3cr3t"))
        .await
        .unwrap();
    works(&node).await;
    let log = fs::read_to_string(server.folder().join("log")).unwrap();
    assert!(!log.contains("Violation"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_user_may_not_do_is_refused_at_once() {
    for without in [
        "sse.in.>",
        "$JS.API.STREAM.INFO.sse",
        "$JS.API.CONSUMER.CREATE.sse",
    ] {
        let Some(server) = engines::Nats::start_with(&permissions(without)) else {
            return;
        };
        let engine = Nats::new(&server.url())
            .unwrap()
            .user_and_password("node", "s3cr3t");
        let opened = Node::open(engine).await;
        let error = match opened {
            // A node that may not publish can still listen and read.
            Ok(node) => node.put("t", "x").await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(
            error.failure(),
            Failure::Refused,
            "{without}: {}",
            why(&error)
        );
        assert!(
            why(&error).contains("Permissions Violation"),
            "{}",
            why(&error)
        );
    }
    let Some(server) = engines::Nats::start_with(&permissions("sse.out.>")) else {
        return;
    };
    let engine = Nats::new(&server.url())
        .unwrap()
        .user_and_password("node", "s3cr3t");
    let node = Node::open(engine).await.unwrap();
    let error = node.listen("t").await.unwrap_err();
    assert_eq!(error.failure(), Failure::Refused, "{}", why(&error));
}
