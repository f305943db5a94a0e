//! Who is let in, and to whom a node speaks.

use std::{fs, path::PathBuf, time::Duration};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::json;
use sse_layer::backplane::{Backplane, Failure, nats::Nats};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::{
    engines::{self, Cluster},
    identity::{Identity, Kind},
    node::{ALL, NOWHERE, Node, PATIENCE, eventually, why},
};

/// Certificates in a folder that goes with it.
struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// An authority, a server's and a node's certificate of it, and another authority with a node's
    /// certificate of that one.
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
            let issuer = Issuer::new(params, key);
            let issued = match authority {
                "ca" => ["server", "node"].as_slice(),
                _ => &["other-node"],
            };
            for name in issued {
                let key = KeyPair::generate().unwrap();
                let params = CertificateParams::new([String::from("127.0.0.1")]).unwrap();
                let certificate = params.signed_by(&key, &issuer).unwrap();
                fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
                fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
            }
        }
        Self { folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn config(&self) -> String {
        self.config_with("")
    }

    fn config_with(&self, more: &str) -> String {
        let (certificate, key) = (self.file("server.pem"), self.file("server.key"));
        format!("tls {{ cert_file: {certificate:?}, key_file: {key:?}, {more} }}")
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
async fn an_nkey_lets_in() {
    let (me, other) = (Identity::new(Kind::User), Identity::new(Kind::User));
    let config = format!("authorization {{ users: [{{ nkey: {} }}] }}", me.name());
    let Some(server) = engines::Nats::start_with(&config) else {
        return;
    };
    let engine = || Nats::new(&server.url()).unwrap();
    works(&Node::open(engine().nkey(me.seed())).await.unwrap()).await;
    is_refused(engine().nkey(other.seed())).await;
    is_refused(engine().nkey("wr0ng")).await;
    is_refused(engine()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credentials_file_lets_in() {
    let operator = Identity::new(Kind::Operator);
    let (system, account) = (Identity::new(Kind::Account), Identity::new(Kind::Account));
    let (me, other) = (Identity::new(Kind::User), Identity::new(Kind::User));
    let no_limit = json!({
        "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true,
        "conn": -1, "leaf": -1, "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1,
    });
    let account_claims = json!({ "type": "account", "version": 2, "limits": no_limit });
    let user_claims =
        json!({ "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1 });
    let config = format!(
        "operator: {}\nsystem_account: {}\nresolver: MEMORY\nresolver_preload {{ {}: {}, {}: {} }}",
        operator.says(&operator, &json!({ "type": "operator", "version": 2 })),
        system.name(),
        system.name(),
        operator.says(&system, &json!({ "type": "account", "version": 2 })),
        account.name(),
        operator.says(&account, &account_claims),
    );
    let Some(server) = engines::Nats::start_with(&config) else {
        return;
    };
    let file = server.folder().join("node.creds");
    let write = |token: String, key: &Identity| {
        let text = format!(
            "-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n\
            -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
            key.seed()
        );
        fs::write(&file, text).unwrap();
    };
    let engine = || Nats::new(&server.url()).unwrap().credentials_file(&file);
    write(account.says(&me, &user_claims), &me);
    works(&Node::open(engine()).await.unwrap()).await;
    // The key is not that of whom the token speaks of; and nobody whom the server knows says so.
    write(account.says(&me, &user_claims), &other);
    is_refused(engine()).await;
    write(Identity::new(Kind::Account).says(&me, &user_claims), &me);
    is_refused(engine()).await;
    fs::write(&file, "wr0ng").unwrap();
    is_refused(engine()).await;
    fs::remove_file(&file).unwrap();
    is_refused(engine()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_lets_in() {
    let certificates = Certificates::new("node");
    let more = format!("ca_file: {:?}, verify: true", certificates.file("ca.pem"));
    let Some(server) = engines::Nats::start_with(&certificates.config_with(&more)) else {
        return;
    };
    let engine = || {
        let engine = Nats::new(&server.url()).unwrap();
        engine.root_certificates(certificates.file("ca.pem"))
    };
    let with = |name: &str| {
        let file = |kind| certificates.file(&format!("{name}.{kind}"));
        engine().client_certificate(file("pem"), file("key"))
    };
    works(&Node::open(with("node")).await.unwrap()).await;
    is_refused(with("other-node")).await;
    is_refused(with("missing")).await;
    is_refused(engine()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_another_tells_of_is_not_spoken_to_without_tls_either() {
    let certificates = Certificates::new("told");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let told = listener.local_addr().unwrap().to_string();
    let config = |at| match at {
        0 => certificates.config(),
        _ => format!("client_advertise: \"{told}\""),
    };
    let Some(mut cluster) = Cluster::start_with(2, config) else {
        return;
    };
    // A server tells whoever connects of the others that it knows of.
    let addr = cluster[0].addr();
    let is_known = async || {
        let mut greeting = String::new();
        let server = TcpStream::connect(addr).await.unwrap();
        BufReader::new(server)
            .read_line(&mut greeting)
            .await
            .unwrap();
        greeting.contains(&told)
    };
    let known = async {
        while !is_known().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, known).await.unwrap();
    let url = format!("tls://me:s3cr3t@{addr}");
    let node = eventually(|| {
        let engine = Nats::new(&url).unwrap();
        Node::open(engine.root_certificates(certificates.file("ca.pem")))
    })
    .await;
    cluster[0].kill();
    let (mut stream, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    let greeting = "INFO {\"server_id\":\"x\",\"version\":\"2.9.10\",\"max_payload\":1000000}\r\n";
    stream.write_all(greeting.as_bytes()).await.unwrap();
    let said = timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap();
    assert_eq!(said, 22, "the first byte of a TLS handshake");
    drop(node);
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

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_refused_leaves_the_others_alone() {
    let denied = "permissions: { subscribe: { deny: \"sse.out.secret\" } }";
    let user = format!("{{ user: node, password: s3cr3t, {denied} }}");
    let config = format!("authorization {{ users: [{user}] }}");
    let Some(server) = engines::Nats::start_with(&config) else {
        return;
    };
    let engine = Nats::new(&server.url()).unwrap();
    let node = Node::open(engine.user_and_password("node", "s3cr3t"))
        .await
        .unwrap();
    for _ in 0..20 {
        let (refused, taken) = tokio::join!(node.listen("secret"), node.listen("open"));
        assert_eq!(refused.unwrap_err().failure(), Failure::Refused);
        taken.unwrap();
    }
}
