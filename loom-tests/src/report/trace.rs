//! Reads the failing execution that a scenario has left behind: lines of JSON, see [`crate::trace`].

use std::path::Path;

use serde::Deserialize;

/// A failing execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The scenario.
    pub scenario: String,
    /// `loom` or `shuttle`.
    pub checker: String,
    /// Which execution it was, from 1.
    pub execution: u64,
    /// How the threads are called.
    pub threads: Vec<String>,
    /// How many steps came after those that are here.
    pub lost: usize,
    /// What the threads did, in order.
    pub steps: Vec<Step>,
    /// Who is stuck at the end.
    pub blocked: Vec<Blocked>,
}

/// Something that a thread did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which thread: an index into [`Trace::threads`].
    pub thread: usize,
    /// What.
    pub action: Action,
    /// To which object, and where in the source.
    pub place: Option<Place>,
}

/// What a thread does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Asks for a lock: `lock`, `read` or `write`.
    Requested(String),
    /// Has it.
    Acquired(String),
    /// Gives it back.
    Released(String),
    /// Sleeps until it is woken.
    Waiting,
    /// Goes on.
    Woken,
    /// Wakes one that sleeps.
    Notified,
    /// Calls an operation of a kernel.
    Called(String),
    /// Starts a thread.
    Spawned(usize),
    /// Waits for the end of a thread.
    Joining(usize),
    /// That thread has ended.
    Joined(usize),
    /// Ends.
    Ended,
}

/// An object and a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its number in this execution.
    pub object: usize,
    /// What it guards: `mailbox::State<u32>`.
    pub guards: String,
    /// The file and the line.
    pub site: String,
}

/// A thread that is stuck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// Which.
    pub thread: usize,
    /// Why.
    pub why: Why,
    /// At what; `None` if it waits for a thread.
    pub place: Option<Place>,
}

/// Why a thread does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// These threads hold the lock that it asks for; itself, if it is among them.
    Lock(Vec<usize>),
    /// Nobody wakes it.
    Asleep,
    /// It waits for the end of these threads.
    Join(Vec<usize>),
}

/// A line of the file, whichever it is.
#[derive(Deserialize)]
struct Line {
    thread: usize,
    step: Option<String>,
    blocked: Option<String>,
    access: Option<String>,
    operation: Option<String>,
    other: Option<usize>,
    by: Option<Vec<usize>>,
    object: Option<usize>,
    guards: Option<String>,
    site: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    scenario: String,
    checker: String,
    execution: u64,
    threads: Vec<String>,
    lost: usize,
}

impl Trace {
    /// Reads a file.
    ///
    /// # Errors
    /// It is missing or malformed; the message names the line.
    pub fn read(file: &Path) -> Result<Self, String> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if !file.exists() {
            return Err(format!("{name} was not written"));
        }
        let text = std::fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
        Self::parse(&text).map_err(|error| format!("{name}: {error}"))
    }

    /// Reads the text of a file. One thread may have failed without a step: a decision that takes no lock.
    ///
    /// # Errors
    /// It is malformed; the message names the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut lines = (1..).zip(text.lines());
        let (_, first) = lines.next().ok_or("it is empty")?;
        let Header { scenario, checker, execution, threads, lost } =
            serde_json::from_str(first).map_err(|error| format!("line 1: {error}"))?;
        let mut trace =
            Self { scenario, checker, execution, threads, lost, steps: Vec::new(), blocked: Vec::new() };
        for (number, line) in lines {
            trace.line(line).map_err(|error| format!("line {number}: {error}"))?;
        }
        if trace.steps.is_empty() && trace.threads.len() > 1 {
            return Err("several threads, and no step".to_owned());
        }
        Ok(trace)
    }

    fn line(&mut self, text: &str) -> Result<(), String> {
        let line: Line = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let threads = [line.thread].into_iter().chain(line.other).chain(line.by.iter().flatten().copied());
        if let Some(unknown) = threads.into_iter().find(|thread| *thread >= self.threads.len()) {
            return Err(format!("there is no thread {unknown}"));
        }
        match (&line.step, &line.blocked) {
            (Some(step), None) => self.steps.push(line.step(step)?),
            (None, Some(why)) => self.blocked.push(line.blocked(why)?),
            _ => return Err("neither a step nor who is blocked".to_owned()),
        }
        Ok(())
    }
}

impl Line {
    fn step(&self, step: &str) -> Result<Step, String> {
        let access = || self.access.clone().ok_or("no `access`");
        let other = || self.other.ok_or("no `other`");
        let action = match step {
            "requested" => Action::Requested(access()?),
            "acquired" => Action::Acquired(access()?),
            "released" => Action::Released(access()?),
            "waiting" => Action::Waiting,
            "woken" => Action::Woken,
            "notified" => Action::Notified,
            "called" => Action::Called(self.operation.clone().ok_or("no `operation`")?),
            "spawned" => Action::Spawned(other()?),
            "joining" => Action::Joining(other()?),
            "joined" => Action::Joined(other()?),
            "ended" => Action::Ended,
            unknown => return Err(format!("no step is called `{unknown}`")),
        };
        let of_threads =
            matches!(action, Action::Spawned(_) | Action::Joining(_) | Action::Joined(_) | Action::Ended);
        let place = if of_threads { None } else { Some(self.place()?) };
        Ok(Step { thread: self.thread, action, place })
    }

    fn blocked(&self, why: &str) -> Result<Blocked, String> {
        let by = || self.by.clone().ok_or("no `by`");
        let why = match why {
            "lock" => Why::Lock(by()?),
            "asleep" => Why::Asleep,
            "join" => Why::Join(by()?),
            unknown => return Err(format!("nobody is blocked by `{unknown}`")),
        };
        let place = if matches!(why, Why::Join(_)) { None } else { Some(self.place()?) };
        Ok(Blocked { thread: self.thread, why, place })
    }

    fn place(&self) -> Result<Place, String> {
        Ok(Place {
            object: self.object.ok_or("no `object`")?,
            guards: self.guards.clone().ok_or("no `guards`")?,
            site: self.site.clone().ok_or("no `site`")?,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A short one, of this execution.
    pub(in super::super) fn a_trace(execution: u64) -> Trace {
        let trace = Trace::parse(&[HEADER, STEP].join("\n")).expect("it is well-formed");
        Trace { execution, ..trace }
    }

    const HEADER: &str =
        r#"{"scenario":"a::b","checker":"loom","execution":7,"threads":["main","1"],"lost":0}"#;
    const STEP: &str = r#"{"thread":1,"step":"requested","access":"lock","object":0,"guards":"u32","created":"x:1","site":"a.rs:3"}"#;

    fn refused(lines: &[&str], says: &str) {
        let error = Trace::parse(&lines.join("\n")).expect_err("it is malformed");
        assert!(error.contains(says), "{error}");
    }

    #[test]
    fn a_trace_is_read() {
        let blocked = r#"{"thread":1,"blocked":"lock","by":[0],"object":0,"guards":"u32","created":"x:1","site":"a.rs:3"}"#;
        let trace = Trace::parse(&[HEADER, STEP, blocked].join("\n")).expect("it is well-formed");
        assert_eq!((trace.execution, trace.steps.len()), (7, 1));
        assert_eq!(trace.steps[0].action, Action::Requested("lock".to_owned()));
        assert_eq!(trace.blocked[0].why, Why::Lock(vec![0]));
        assert_eq!(trace.blocked[0].place.as_ref().map(|place| place.site.as_str()), Some("a.rs:3"));
    }

    #[test]
    fn what_is_malformed_is_refused_and_the_line_named() {
        refused(&["", STEP], "line 1");
        refused(&["not json"], "line 1");
        refused(&[HEADER], "no step");
        refused(&[HEADER, "{\"thread\":0,"], "line 2");
        refused(&[HEADER, r#"{"thread":0}"#], "line 2: neither");
        refused(&[HEADER, r#"{"thread":2,"step":"ended"}"#], "line 2: there is no thread 2");
        refused(
            &[HEADER, STEP, r#"{"thread":0,"step":"joining","other":9}"#],
            "line 3: there is no thread 9",
        );
        refused(&[HEADER, r#"{"thread":0,"step":"flew"}"#], "`flew`");
        refused(&[HEADER, r#"{"thread":0,"step":"woken"}"#], "no `object`");
        refused(&[HEADER, STEP, r#"{"thread":1,"blocked":"lock","by":[0]}"#], "line 3: no `object`");
        assert!(Trace::parse("").is_err());
    }

    #[test]
    fn a_missing_file_is_named_without_its_folder() {
        let error = Trace::read(Path::new("/no/such/S1.jsonl")).expect_err("it is not there");
        assert!(error.starts_with("S1.jsonl was not written"), "{error}");
    }
}
