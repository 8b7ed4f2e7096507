//! What a node says once it serves.

use super::start::Addresses;
use crate::config::{Config, HostPort};

/// Where the client commands look by themselves.
const DEFAULT_SERVER: (&str, u16) = ("127.0.0.1", 9092);

/// Where everything is, and how to send a first record with `program`.
pub(super) fn text(config: &Config, addresses: &Addresses, program: &str) -> String {
    let kafka: Vec<String> = addresses.kafka.iter().map(HostPort::to_string).collect();
    let console =
        addresses.admin.map_or_else(|| "off (admin.listener)".to_owned(), |admin| format!("http://{admin}"));
    let server = match addresses.kafka.first() {
        Some(first) if (first.host.as_str(), first.port) != DEFAULT_SERVER => format!(" -b {first}"),
        _ => String::new(),
    };
    format!(
        "\n  Chronik {version} serves Kafka clients\n\n  \
           kafka    {kafka}\n  \
           console  {console}   (also /metrics, /health/live, /health/ready)\n  \
           data     {data}\n  \
           node     {node}\n\n  \
           a record in    echo hello | {program} produce greetings{server}\n  \
           and out        {program} consume greetings --exit-at-end{server}\n  \
           stop           Ctrl-C\n",
        version = env!("CARGO_PKG_VERSION"),
        kafka = kafka.join(", "),
        data = config.data_dir().display(),
        node = config.node_id,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_name_the_server_unless_it_is_where_they_look() {
        let config = Config::default();
        let at = |port| Addresses { kafka: vec![HostPort::new("127.0.0.1", port)], admin: None };
        assert!(text(&config, &at(9092), "chronik-server").contains("| chronik-server produce greetings\n"));
        assert!(
            text(&config, &at(1234), "./c")
                .contains("./c consume greetings --exit-at-end -b 127.0.0.1:1234\n")
        );
        assert!(text(&config, &at(1), "c").contains("console  off (admin.listener)"));
    }
}
