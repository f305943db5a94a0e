//! Who may come in, and by which way.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use sse_layer::backplane::{Backplane, Failure, redis::Redis};

use super::{
    engines,
    node::{BOUNDS, Node, text},
};

const DOCS: &str = include_str!("../../src/backplane/redis/wire.md");

/// Why a node does not get in: what it has come to, and all that is said about it.
async fn refusal(engine: Redis) -> (Failure, String) {
    let Err(error) = Node::with(engine, BOUNDS).await else {
        panic!("it was let in");
    };
    let cause = std::error::Error::source(&error).unwrap();
    (
        error.failure(),
        format!("{error} {error:?} {cause} {cause:?}"),
    )
}

#[tokio::test]
async fn a_node_without_the_password_is_told_and_not_tried_again() {
    let Some(server) = engines::Redis::start_with(&["--requirepass", "s3cr3t"]) else {
        return;
    };
    for login in [":wr0ng", "nobody:wr0ng"] {
        let (failure, said) = refusal(Redis::new(&server.url_for(login)).unwrap()).await;
        assert_eq!(failure, Failure::Refused, "{said}");
        assert!(
            said.contains("WRONGPASS") && !said.contains("wr0ng"),
            "{said}"
        );
    }
    let (failure, said) = refusal(Redis::new(&server.url()).unwrap()).await;
    assert_eq!(failure, Failure::Refused, "{said}");
    assert!(said.contains("NOAUTH"), "{said}");
    for login in [":s3cr3t", "default:s%33cr3t"] {
        let engine = Redis::new(&server.url_for(login)).unwrap();
        assert!(!format!("{engine:?}").contains("s3cr3t"));
        let node = Node::of(engine).await;
        assert!(!format!("{:?}", node.engine).contains("s3cr3t"));
        node.publish("a", "1").await;
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_and_not_tried_again() {
    let nowhere = engines::free_port();
    let (failure, said) = refusal(Redis::new(&format!("redis://{nowhere}")).unwrap()).await;
    assert_eq!(failure, Failure::Unavailable, "{said}");
    assert!(said.contains(&nowhere.to_string()), "{said}");
}

#[tokio::test]
async fn the_rights_that_the_docs_name_are_enough() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let command = DOCS.split("```sh\n").nth(1).unwrap();
    let command = command.split("```").next().unwrap();
    server.shell(command);
    let node = Node::at(&server.url_for("node:s3cr3t")).await;
    node.listen("a").await;
    let place = node.publish_with("a", "1", Some("k")).await.unwrap();
    assert_eq!(node.publish_with("a", "1", Some("k")).await.unwrap(), place);
    for _ in 0..200 {
        node.publish("a", &"x".repeat(10_000)).await;
    }
    node.messages(201).await;
    node.read("a", 0).await;
    node.engine.newest("a", super::node::ALL).await.unwrap();
    let ahead = sse_layer::backplane::Place {
        sequence: place.sequence + 1_000_000_000,
        ..place
    };
    assert_eq!(node.engine.frontier(ahead).await.unwrap(), ahead);
    node.engine.leave("a");
    node.listen("a").await;
    // And nothing else.
    let foreign = Redis::new(&server.url_for("node:s3cr3t")).unwrap();
    let (failure, said) = refusal(foreign.prefix("another").unwrap()).await;
    assert_eq!(failure, Failure::Refused, "{said}");
    assert!(said.contains("NoPerm"), "{said}");
}

#[tokio::test]
async fn a_topic_that_may_not_be_listened_to_takes_no_other_with_it() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    server.cli(&[
        "ACL",
        "SETUSER",
        "some",
        "on",
        ">p",
        "~*",
        "+@all",
        "resetchannels",
    ]);
    server.cli(&[
        "ACL",
        "SETUSER",
        "some",
        "&{sse}:node:*",
        "&{sse}:live:open*",
    ]);
    let node = Node::at(&server.url_for("some:p")).await;
    let topics = ["open 1", "closed", "open 2"];
    let (one, closed, two) = tokio::join!(
        node.engine.listen(topics[0]),
        node.engine.listen(topics[1]),
        node.engine.listen(topics[2]),
    );
    one.unwrap();
    two.unwrap();
    assert_eq!(closed.unwrap_err().failure(), Failure::Refused);
    let publisher = Node::at(&server.url()).await;
    for topic in topics {
        publisher.publish(topic, topic).await;
    }
    let handed: Vec<_> = node
        .messages(2)
        .await
        .iter()
        .map(|(.., m)| text(m))
        .collect();
    assert_eq!(handed, ["open 1", "open 2"]);
    // Publishing there is refused as well, and nothing of it is done.
    let error = node.try_publish("closed", "x").await.unwrap_err();
    assert_eq!(error.failure(), Failure::Refused);
    assert_eq!(publisher.texts("closed", 0).await, ["closed"]);
}

/// An authority's certificate, and by it one for `localhost` with its key, all in PEM.
fn certificates() -> [String; 3] {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // One whose subject is its issuer would be taken for one that has signed itself.
    params
        .distinguished_name
        .push(DnType::CommonName, "an authority");
    let key = KeyPair::generate().unwrap();
    let ca = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    [ca.pem(), certificate.pem(), key.serialize_pem()]
}

#[tokio::test]
async fn a_server_is_reached_by_tls_if_its_authority_is_known() {
    let [ca, certificate, key] = certificates();
    let Some(server) = engines::Redis::start_tls(&ca, &certificate, &key) else {
        return;
    };
    let engine = || Redis::new(&server.url()).unwrap();
    let node = Node::of(engine().root_certificates(ca.as_bytes()).unwrap()).await;
    node.listen("a").await;
    node.publish("a", "1").await;
    node.messages(1).await;
    let [other, ..] = certificates();
    for engine in [
        engine(),
        engine().root_certificates(other.as_bytes()).unwrap(),
    ] {
        let (failure, said) = refusal(engine).await;
        assert_eq!(failure, Failure::Unavailable, "{said}");
        assert!(
            said.contains("UnknownIssuer") || said.contains("BadSignature"),
            "{said}"
        );
    }
    // The name is looked at, too.
    let address = server.url().replace("localhost", "127.0.0.1");
    let engine = Redis::new(&address).unwrap();
    let (_, said) = refusal(engine.root_certificates(ca.as_bytes()).unwrap()).await;
    assert!(said.contains("NotValidForName"), "{said}");
    // And whoever does not speak TLS is not let in.
    let plain = server.url().replace("rediss", "redis");
    let (failure, said) = refusal(Redis::new(&plain).unwrap()).await;
    assert_eq!(failure, Failure::Unavailable, "{said}");
}

#[test]
fn certificates_that_are_none_are_an_error() {
    let engine = || Redis::new("rediss://h").unwrap();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for pem in ["", "nothing", broken] {
        assert!(engine().root_certificates(pem.as_bytes()).is_err(), "{pem}");
    }
    let [ca, ..] = certificates();
    let plain = Redis::new("redis://h").unwrap();
    assert!(plain.root_certificates(ca.as_bytes()).is_err());
    assert!(engine().root_certificates(ca.as_bytes()).is_ok());
}

#[tokio::test]
async fn a_database_and_a_prefix_are_as_the_url_says() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let node = Node::at(&format!("{}/3?prefix=my+app", server.url())).await;
    node.listen("a").await;
    node.publish("a", "1").await;
    node.messages(1).await;
    assert_eq!(server.cli(&["-n", "3", "EXISTS", "{my app}:topic:a"]), "1");
    assert_eq!(server.cli(&["DBSIZE"]), "0");
}

#[tokio::test]
async fn an_engine_is_opened_once() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let node = Node::at(&server.url()).await;
    let error = node
        .engine
        .open(node.inbox.clone(), BOUNDS)
        .await
        .unwrap_err();
    assert_eq!(error.failure(), Failure::Refused);
    node.publish("a", "1").await;
    // And before that, nothing is there.
    let closed = Redis::new(&server.url()).unwrap();
    closed.leave("a");
    assert_eq!(
        closed.listen("a").await.unwrap_err().failure(),
        Failure::Unavailable
    );
}
