//! A trace as lines of JSON.

use std::fmt::Write;
use std::panic::Location;

use concurrency_models::sync::event::{Access, Event, Kind};

use super::blocked::{Blocked, at_the_end};
use super::{Action, Trace};

/// The objects of an execution, numbered by their first events: the same in every run.
#[derive(Default)]
pub(super) struct Numbers(Vec<u64>);

impl Numbers {
    pub(super) fn of(&mut self, serial: u64) -> usize {
        self.0.iter().position(|known| *known == serial).unwrap_or_else(|| {
            self.0.push(serial);
            self.0.len() - 1
        })
    }
}

pub(super) fn write(trace: &Trace, scenario: &str, checker: &str) -> String {
    let mut numbers = Numbers::default();
    let threads: Vec<String> = (0..trace.threads.max(1)).map(|thread| quoted(&name(thread))).collect();
    let mut text = format!(
        "{{\"scenario\":{},\"checker\":{},\"execution\":{},\"threads\":[{}],\"lost\":{}}}\n",
        quoted(scenario),
        quoted(checker),
        trace.execution,
        threads.join(","),
        trace.lost
    );
    for step in &trace.steps {
        let action = match step.action {
            Action::Event(event) => event_fields(&event, &mut numbers),
            Action::Spawned(other) => format!("\"step\":\"spawned\",\"other\":{other}"),
            Action::Joining(other) => format!("\"step\":\"joining\",\"other\":{other}"),
            Action::Joined(other) => format!("\"step\":\"joined\",\"other\":{other}"),
            Action::Ended => "\"step\":\"ended\"".to_owned(),
        };
        line(&mut text, &format!("\"thread\":{},{action}", step.thread));
    }
    for (thread, blocked) in at_the_end(trace) {
        let why = match blocked {
            Blocked::OnLock { event, holders } => {
                let holders: Vec<String> = holders.iter().map(u32::to_string).collect();
                format!(
                    "\"blocked\":\"lock\",\"by\":[{}],{}",
                    holders.join(","),
                    place_fields(&event, &mut numbers)
                )
            }
            Blocked::Asleep(event) => {
                format!("\"blocked\":\"asleep\",{}", place_fields(&event, &mut numbers))
            }
            Blocked::OnThread(other) => format!("\"blocked\":\"join\",\"by\":[{other}]"),
        };
        line(&mut text, &format!("\"thread\":{thread},{why}"));
    }
    text
}

fn line(text: &mut String, fields: &str) {
    let _never_fails = writeln!(text, "{{{fields}}}");
}

fn name(thread: u32) -> String {
    if thread == 0 { "main".to_owned() } else { thread.to_string() }
}

fn event_fields(event: &Event, numbers: &mut Numbers) -> String {
    let (step, more) = match event.kind {
        Kind::Requested(access) => ("requested", access_field(access)),
        Kind::Acquired(access) => ("acquired", access_field(access)),
        Kind::Released(access) => ("released", access_field(access)),
        Kind::Waiting => ("waiting", String::new()),
        Kind::Woken => ("woken", String::new()),
        Kind::Notified => ("notified", String::new()),
        Kind::Called(operation) => ("called", format!("\"operation\":{},", quoted(operation))),
    };
    format!("\"step\":\"{step}\",{more}{}", place_fields(event, numbers))
}

fn access_field(access: Access) -> String {
    let access = match access {
        Access::Lock => "lock",
        Access::Read => "read",
        Access::Write => "write",
    };
    format!("\"access\":\"{access}\",")
}

fn place_fields(event: &Event, numbers: &mut Numbers) -> String {
    format!(
        "\"object\":{},\"guards\":{},\"created\":{},\"site\":{}",
        numbers.of(event.object.serial),
        quoted(&without_paths(event.object.guards)),
        quoted(&place(event.object.created)),
        quoted(&place(event.site))
    )
}

fn place(location: &Location<'_>) -> String {
    format!("{}:{}", location.file(), location.line())
}

/// `concurrency_models::mailbox::State<alloc::string::String>` as `mailbox::State<String>`: the module of a kernel stays, other paths go.
pub(super) fn without_paths(type_name: &str) -> String {
    let mut short = String::new();
    let mut word = String::new();
    for character in type_name.chars().chain([' ']) {
        if character.is_alphanumeric() || character == '_' || character == ':' {
            word.push(character);
            continue;
        }
        match word.strip_prefix("concurrency_models::") {
            Some(kernel) => short.push_str(kernel),
            None => short.push_str(word.rsplit("::").next().unwrap_or_default()),
        }
        word.clear();
        short.push(character);
    }
    short.trim_end().to_owned()
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control < ' ' => {
                let _never_fails = write!(quoted, "\\u{:04x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_shortly() {
        assert_eq!(
            without_paths("concurrency_models::mailbox::State<alloc::string::String>"),
            "mailbox::State<String>"
        );
        assert_eq!(without_paths("(alloc::vec::Vec<u8>, bool)"), "(Vec<u8>, bool)");
    }

    #[test]
    fn a_text_is_quoted() {
        assert_eq!(quoted("a \"b\" \\ \n"), r#""a \"b\" \\ \u000a""#);
    }
}
