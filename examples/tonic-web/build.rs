//! Compiles the protocol.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    // In Rust: protoc would have to be installed, or built with a C++ compiler.
    let protocol = protox::compile(["prices/v1/prices.proto"], ["proto"])?;
    tonic_prost_build::configure()
        .build_transport(false)
        .type_attribute(
            ".prices.v1.Price",
            "#[derive(serde::Serialize)] #[serde(rename_all = \"camelCase\")]",
        )
        // The types of google.protobuf are prost's, and have no JSON.
        .field_attribute(
            ".prices.v1.Price.time",
            "#[serde(serialize_with = \"crate::timestamp::to_json\")]",
        )
        .compile_fds(protocol)?;
    Ok(())
}
