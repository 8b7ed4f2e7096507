//! Configuration: precedence, refusals that help, and what the table prints.
#![cfg(not(any(loom, shuttle)))]

use chronik_server::config::{
    Config, ConfigError, HostPort, Loader, SETTINGS, Source, Value, WalFlush, reference, report, sample_file,
};

fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn from_toml(text: &str) -> Result<Config, ConfigError> {
    Loader::new().toml(text, "chronik.toml")?.finish().map(|loaded| loaded.config)
}

fn message<T: std::fmt::Debug>(result: Result<T, ConfigError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn nothing_given_is_a_server_on_the_loopback_address() {
    let loaded = Loader::new().finish().unwrap();
    assert_eq!(loaded.config, Config::default());
    assert_eq!(loaded.config.listeners, [HostPort::new("127.0.0.1", 9092)]);
    assert_eq!(loaded.config.retention_ms(), Some(7 * 24 * 3_600_000));
    assert!(loaded.sources.is_empty());
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let load = || {
        Loader::new()
            .toml("num.partitions = 2\nnode.id = 2\nmin.insync.replicas = 2", "chronik.toml")
            .unwrap()
    };
    let variables = env(&[("CHRONIK_NUM_PARTITIONS", "3"), ("CHRONIK_NODE_ID", "3"), ("HOME", "/root")]);
    let loaded =
        load().environment(variables).unwrap().assignment("num.partitions=4").unwrap().finish().unwrap();
    let config = &loaded.config;
    assert_eq!((config.min_insync_replicas, config.node_id, config.num_partitions), (2, 3, 4));
    assert_eq!(loaded.source_of("min.insync.replicas"), &Source::File("chronik.toml".to_owned()));
    assert_eq!(loaded.source_of("node.id"), &Source::Environment("CHRONIK_NODE_ID".to_owned()));
    assert_eq!(loaded.source_of("num.partitions"), &Source::Flag("--set".to_owned()));
    assert_eq!(loaded.source_of("log.dirs"), &Source::Default);
}

#[test]
fn every_setting_has_a_variable_of_its_own() {
    for setting in SETTINGS {
        let value = (setting.get)(&Config::default());
        let variable = Config::variable(setting);
        let loaded = Loader::new().environment([(variable.clone(), value)]).unwrap().finish().unwrap();
        assert_eq!(loaded.source_of(setting.name), &Source::Environment(variable));
    }
}

#[test]
fn tables_quoted_keys_and_dotted_keys_are_the_same() {
    for text in [
        "wal.segment.bytes = 1048576",
        "[wal.segment]\nbytes = 1048576",
        "[wal]\n\"segment.bytes\" = 1048576",
    ] {
        assert_eq!(from_toml(text).unwrap().wal_segment_bytes, 1_048_576, "{text}");
    }
}

#[test]
fn a_setting_in_two_spellings_is_refused() {
    let error = message(from_toml("\"node.id\" = 1\n[node]\nid = 2"));
    assert_eq!(error, "node.id is given twice (file chronik.toml); remove one of them");
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest_known_one() {
    let error = message(from_toml("log.retention.hour = 1"));
    assert_eq!(
        error,
        "unknown setting 'log.retention.hour' (file chronik.toml); did you mean 'log.retention.hours'?"
    );
    let error = message(Loader::new().environment(env(&[("CHRONIK_LOG_DIR", "/tmp")])));
    assert!(error.contains("(environment CHRONIK_LOG_DIR); did you mean 'log.dirs'?"), "{error}");
    let error = message(Loader::new().assignment("zzz=1"));
    assert!(
        error.contains("unknown setting 'zzz' (flag --set); `chronik-server check-config --reference`"),
        "{error}"
    );
}

#[test]
fn what_kubernetes_puts_into_the_environment_is_no_setting() {
    let injected = env(&[
        ("CHRONIK_PORT", "tcp://10.0.0.1:9092"),
        ("CHRONIK_PORT_9092_TCP_ADDR", "10.0.0.1"),
        ("CHRONIK_SERVICE_HOST", "10.0.0.1"),
    ]);
    assert!(Loader::new().environment(injected).is_ok());
}

#[test]
fn a_value_out_of_range_is_refused_with_the_range() {
    let cases = [
        ("num.partitions=0", "num.partitions = '0' (flag --set): it must be from 1 to 10000"),
        ("node.id=-1", "it must be at least 0"),
        ("node.id=99999999999", "it must be from -2147483648 to 2147483647"),
        ("node.id=one", "it must be a whole number"),
        ("auto.create.topics.enable=maybe", "it must be true or false"),
        ("wal.flush=never", "it must be commit, interval or os"),
        ("listeners=localhost", "'localhost' must be host:port, such as 127.0.0.1:9092 or [::1]:9092"),
        ("listeners=SSL://h:1", "'SSL' is not supported; only PLAINTEXT is"),
        ("listeners=", "it must be not empty"),
        ("listeners", "--set listeners: write --set name=value"),
        (
            "controller.quorum.voters=1@a:1,b:2",
            "(flag --set): 'b:2' must be id@host:port, such as 1@10.0.0.1:9192",
        ),
    ];
    for (assignment, expected) in cases {
        let error = message(Loader::new().assignment(assignment));
        assert!(error.ends_with(expected), "{assignment}: {error}");
    }
}

#[test]
fn retention_is_in_milliseconds_first_then_minutes_then_hours() {
    let retention = |text| from_toml(text).unwrap().retention_ms();
    assert_eq!(retention("log.retention.hours = 1"), Some(3_600_000));
    assert_eq!(retention("log.retention.hours = 1\nlog.retention.minutes = 1"), Some(60_000));
    assert_eq!(retention("log.retention.minutes = 1\nlog.retention.ms = 5"), Some(5));
    assert_eq!(retention("log.retention.hours = 1\nlog.retention.ms = -1"), None);
    assert_eq!(from_toml("log.roll.hours = 2").unwrap().roll_ms(), 7_200_000);
    assert_eq!(from_toml("log.retention.bytes = -1").unwrap().retention_bytes(), None);
}

#[test]
fn listeners_take_kafkas_form_and_ours() {
    let listeners = |text| from_toml(text).unwrap().listeners;
    let both = [HostPort::new("10.0.0.1", 1), HostPort::new("::1", 2)];
    assert_eq!(listeners("listeners = [\"PLAINTEXT://10.0.0.1:1\", \"[::1]:2\"]"), both);
    assert_eq!(listeners("listeners = \"10.0.0.1:1, plaintext://[::1]:2\""), both);
    assert_eq!(HostPort::read(&both[1].to_string()), Ok(both[1].clone()));
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let cases = [
        ("listeners = \"PLAINTEXT://:9092\"", "set advertised.listeners"),
        (
            "listeners = \"0.0.0.0:1\"\nadvertised.listeners = \"0.0.0.0:1\"",
            "clients cannot connect to 0.0.0.0:1",
        ),
        ("advertised.listeners = [\"a:1\", \"b:1\"]", "give one for each"),
        ("log.dirs = \"/a,/b\"", "exactly one"),
        ("inter.node.keepalive.ms = 2000", "one sign of life is late"),
        (
            "node.id = 4\ncontroller.quorum.voters = \"1@a:1,2@b:1,3@c:1\"",
            "controller.quorum.voters names the nodes 1, 2, 3, and node.id = 4 is none of them",
        ),
        ("queued.max.bytes = 1048576", "would wait for ever"),
        ("message.max.bytes = 1048576\nlog.segment.bytes = 16384", "fits in no segment"),
    ];
    for (text, expected) in cases {
        let error = message(from_toml(text));
        assert!(error.contains(expected), "{text}: {error}");
    }
    assert!(from_toml("listeners = \"0.0.0.0:9092\"\nadvertised.listeners = \"broker:9092\"").is_ok());
}

#[test]
fn a_node_listens_for_the_others_on_the_port_of_its_entry_unless_told_otherwise() {
    let listening = |entry: &str, more: &str| {
        let text = format!("controller.quorum.voters = \"1@{entry},2@elsewhere:1\"\n{more}");
        from_toml(&text).unwrap().inter_node_address().unwrap().to_string()
    };
    for (entry, expected) in [
        ("broker-1:7", "0.0.0.0:7"),
        ("10.0.0.1:7", "0.0.0.0:7"),
        ("[2001:db8::1]:7", "[::]:7"),
        ("127.0.0.2:7", "127.0.0.2:7"),
        ("localhost:7", "localhost:7"),
        ("[::1]:7", "[::1]:7"),
    ] {
        assert_eq!(listening(entry, ""), expected);
    }
    assert_eq!(listening("broker-1:7", "inter.node.listener = \"10.0.0.1:8\""), "10.0.0.1:8");
    assert_eq!(from_toml("").unwrap().inter_node_address(), None, "a cluster of its own");
}

#[test]
fn a_node_that_can_have_others_says_where_they_reach_it() {
    let reached = |text: &str| {
        let config = from_toml(text).unwrap();
        let bound = config.inter_node_address().unwrap();
        (bound.to_string(), config.inter_node_endpoint(&bound).to_string())
    };
    let same = |address: &str| (address.to_owned(), address.to_owned());
    assert_eq!(reached("inter.node.listener = \"10.0.0.1:8\""), same("10.0.0.1:8"), "it is to grow");
    let joins = "controller.quorum.bootstrap.servers = \"broker-1:9092\"";
    assert_eq!(reached(&format!("{joins}\nlisteners = \"10.0.0.2:9092\"")), same("10.0.0.2:9192"));
    let everywhere = "listeners = \"0.0.0.0:9092\"\nadvertised.listeners = \"broker-4:9092\"";
    let expected = ("0.0.0.0:9192".to_owned(), "broker-4:9192".to_owned());
    assert_eq!(reached(&format!("{joins}\n{everywhere}")), expected);
    let both = format!("{joins}\ncontroller.quorum.voters = \"1@a:1\"");
    assert!(message(from_toml(&both)).contains("start --join"), "either begins a cluster or joins one");
}

#[test]
fn a_file_that_is_not_toml_is_refused_with_the_place() {
    let error = message(from_toml("node.id = 1\nnum partitions"));
    assert!(
        error.starts_with("the configuration file chronik.toml is not valid TOML:")
            && error.contains("line 2")
    );
    let error = message(Loader::new().file(std::path::Path::new("no/such/file.toml")));
    assert!(error.starts_with("cannot read the configuration file no/such/file.toml:"), "{error}");
}

#[test]
fn the_report_is_a_file_that_means_the_same() {
    let loaded = Loader::new().assignment("wal.flush=interval").unwrap().assignment("log.roll.ms=5").unwrap();
    let loaded = loaded.finish().unwrap();
    assert_eq!(from_toml(&report(&loaded)).unwrap(), loaded.config);
    assert_eq!(loaded.config.wal_flush, WalFlush::Interval);
    let line = report(&loaded).lines().find(|line| line.starts_with("wal.flush =")).unwrap().to_owned();
    assert!(line.starts_with("wal.flush = \"interval\"") && line.ends_with("# flag --set"), "{line}");
}

#[test]
fn the_sample_file_is_accepted_as_it_is_and_with_every_line_in_force() {
    assert_eq!(from_toml(&sample_file()).unwrap(), Config::default());
    let in_force: String = sample_file()
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if rest.starts_with(|first: char| first.is_ascii_lowercase()) => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    assert_eq!(from_toml(&in_force).unwrap(), Config::default());
    assert!(
        in_force.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).count() == SETTINGS.len()
    );
}

#[test]
fn the_reference_names_every_setting() {
    let text = reference();
    assert!(SETTINGS.iter().all(|setting| text.contains(&format!("**`{}`**", setting.name))));
}

#[test]
fn what_other_nodes_go_by_stands_in_no_configuration() {
    let error = message(from_toml("leader.replication.throttled.rate = 1000000"));
    assert!(error.contains("cannot be configured") && error.contains("configs alter"), "{error}");
}

#[test]
fn every_default_is_a_value_that_the_setting_takes() {
    for setting in SETTINGS {
        let mut config = Config::default();
        (setting.set)(&mut config, &(setting.get)(&Config::default()))
            .unwrap_or_else(|error| panic!("{}: {error}", setting.name));
        assert_eq!(config, Config::default());
    }
}
