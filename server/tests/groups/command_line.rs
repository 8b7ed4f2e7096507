//! `chronik-server groups`: what operators see, and what they change.

use std::process::{Command, Output};

use chronik_kafka::ErrorCode;

use crate::member::{Member, QUICK, commit, committed};
use crate::support::Server;
use crate::support::batches::batch_at;
use crate::support::raw::Raw;

/// What `groups ARGS` says, and on standard error.
fn groups(server: &Server, args: &[&str]) -> (bool, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chronik-server"));
    command.arg("groups").args(args).env("CHRONIK_BOOTSTRAP_SERVER", server.kafka.to_string());
    let Output { status, stdout, stderr } = command.output().expect("started");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.success(), text(stdout), text(stderr))
}

/// The words of the line that begins with `first`.
fn row(printed: &str, first: &[&str]) -> Vec<String> {
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<String>>();
    let found = printed
        .lines()
        .map(words)
        .find(|row| row.iter().zip(first).filter(|(a, b)| a == *b).count() == first.len());
    found.unwrap_or_else(|| panic!("no row {first:?} in\n{printed}"))
}

fn with_records() -> Server {
    let server = Server::with(&QUICK);
    let mut raw = Raw::connect(&server);
    raw.create_topic("orders", 2, &[]);
    for time in 0..10 {
        let produced = raw.produce("orders", 0, batch_at(1_000_000 + time * 1_000, &["x"]));
        assert_eq!(produced.error_code, ErrorCode::NONE);
    }
    server
}

#[test]
fn groups_are_listed_and_described() {
    let server = with_records();
    let mut member = Member::connect(&server, "readers");
    member.join();
    let id = member.id.clone();
    let assignment = "\0\0\0\0\0\u{1}\0\u{6}orders\0\0\0\u{2}\0\0\0\0\0\0\0\u{1}";
    member.sync(&[(&id, assignment)]).expect("assigned");
    assert_eq!(member.commit("orders", 0, 4), ErrorCode::NONE);
    commit(&mut Raw::connect(&server), "idle", "orders", 0, 1);
    assert_eq!(groups(&server, &["list"]).1, "idle\nreaders\n");
    assert_eq!(groups(&server, &["list", "--state", "empty"]).1, "idle\n");
    let (_, described, _) = groups(&server, &["describe", "readers"]);
    assert!(described.starts_with("group readers: Stable, 1 member, range\n"), "{described}");
    assert_eq!(row(&described, &["orders", "0"])[..5], ["orders", "0", "4", "10", "6"]);
    assert_eq!(
        row(&described, &["orders", "1"]),
        ["orders", "1", "-", "0", "-", id.as_str(), "127.0.0.1", "raw"]
    );
    let (_, members, _) = groups(&server, &["describe", "readers", "--members"]);
    assert_eq!(row(&members, &[id.as_str()]), [id.as_str(), "-", "127.0.0.1", "raw", "orders:0,1"]);
    let (ok, _, said) = groups(&server, &["describe", "nobody"]);
    assert!(!ok && said.contains("GROUP_ID_NOT_FOUND"), "{said}");
}

#[test]
fn offsets_are_reset_and_only_if_that_is_said() {
    let server = with_records();
    let mut raw = Raw::connect(&server);
    commit(&mut raw, "g", "orders", 0, 4);
    let mut reset = |args: &[&str]| {
        let (ok, printed, said) = groups(&server, &[&["reset-offsets", "g"][..], args].concat());
        assert!(ok, "{said}");
        let new = row(&printed, &["orders", "0"])[3].parse::<i64>().expect("an offset");
        (new, committed(&mut raw, "g", "orders", 0), said)
    };
    let (new, now, said) = reset(&["--topic", "orders", "--to-latest"]);
    assert_eq!((new, now), (10, 4));
    assert!(said.contains("--execute"), "{said}");
    for (goal, expected) in [
        (&["--to-latest"][..], 10),
        (&["--shift-by", "-3"][..], 7),
        (&["--shift-by", "2"][..], 9),
        (&["--to-offset", "5"][..], 5),
        (&["--to-timestamp", "1002500"][..], 3),
        (&["--to-timestamp", "9999999"][..], 10),
        (&["--to-earliest"][..], 0),
        (&["--to-offset", "99"][..], 10),
    ] {
        let (new, now, _) = reset(&[&["--all-topics", "--execute"][..], goal].concat());
        assert_eq!((new, now), (expected, expected), "{goal:?}");
    }
    let (ok, printed, _) =
        groups(&server, &["reset-offsets", "new", "--topic", "orders:1", "--to-earliest", "--execute"]);
    assert!(ok && !printed.contains("orders  0"), "{printed}");
    assert!(!groups(&server, &["reset-offsets", "g", "--topic", "orders"]).0, "where to?");
}

#[test]
fn a_group_with_members_is_neither_reset_nor_deleted() {
    let server = with_records();
    let mut member = Member::alone(&server, "g");
    let (ok, _, said) =
        groups(&server, &["reset-offsets", "g", "--topic", "orders", "--to-latest", "--execute"]);
    assert!(!ok && said.contains("inactive"), "{said}");
    let (ok, _, said) = groups(&server, &["delete", "g"]);
    assert!(!ok && said.contains("NON_EMPTY_GROUP"), "{said}");
    assert_eq!(member.leave(), ErrorCode::NONE);
    assert_eq!(groups(&server, &["delete", "g"]), (true, "deleted group 'g'\n".to_owned(), String::new()));
    assert_eq!(groups(&server, &["list"]).1, "");
}
