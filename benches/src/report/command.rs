/// The command that was given, so that a reader can give it again.
pub(super) fn command_line() -> String {
    let mut arguments = std::env::args();
    let program = arguments.next().unwrap_or_default();
    let name = std::path::Path::new(&program)
        .file_name()
        .map_or(program.clone(), |name| name.to_string_lossy().into_owned());
    let mut command = format!("cargo run --release -p sse-benches --bin {name} --");
    for argument in arguments {
        command += " ";
        command += &argument;
    }
    command
}
