//! rdkafka against the real server: one verb, one process. What the verbs are, says `server/tests/clients/run`.
#![cfg_attr(
    not(any(loom, shuttle)),
    expect(clippy::disallowed_methods, reason = "a client stands outside the seams")
)]

#[cfg(not(any(loom, shuttle)))]
mod admin;
#[cfg(not(any(loom, shuttle)))]
mod client;
#[cfg(not(any(loom, shuttle)))]
mod group;

#[cfg(not(any(loom, shuttle)))]
fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match *args.as_slice() {
        ["version"] => println!("rdkafka ({})", client::librdkafka()),
        ["codecs"] => println!("none gzip snappy lz4 zstd"),
        ["create", bootstrap, topic, partitions] => admin::create(bootstrap, topic, partitions.parse()?)?,
        ["produce", bootstrap, topic, file, codec] => client::produce(bootstrap, topic, file, codec)?,
        ["group", bootstrap, topic, group, file, count, ref half @ ..] => {
            let half = *half == ["half"];
            group::consume(&client::config(bootstrap), topic, group, file, count.parse()?, half)?;
        }
        ["committed", bootstrap, topic, group] => println!("{}", client::committed(bootstrap, topic, group)?),
        ["admin", bootstrap, topic] => admin::administer(bootstrap, topic)?,
        _ => {
            println!("unsupported: there is no {args:?}");
            std::process::exit(4);
        }
    }
    Ok(())
}

#[cfg(any(loom, shuttle))]
fn main() {}
