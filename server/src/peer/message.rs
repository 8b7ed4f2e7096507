//! What goes into a frame, ready to be written; and the beginnings of requests and answers.
//!
//! ```text
//! request   | correlation id u64 | kind u16  | body |
//! response  | correlation id u64 | status u8 | body |
//! ```

use bytes::{Buf, Bytes};
use smallvec::SmallVec;

use super::frame::{FrameError, Header, Kind};

/// Bytes before the body of a request.
pub const REQUEST_PREFIX_BYTES: usize = 10;
/// Bytes before the body of an answer.
pub const RESPONSE_PREFIX_BYTES: usize = 9;

/// A frame to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it is.
    pub kind: Kind,
    /// Before the body.
    pub prefix: SmallVec<[u8; 16]>,
    /// Somebody else's bytes.
    pub body: Bytes,
}

impl Message {
    /// A frame that is only a body.
    pub fn new(kind: Kind, body: Bytes) -> Self {
        Self { kind, prefix: SmallVec::new(), body }
    }

    /// Nothing.
    pub fn keepalive() -> Self {
        Self::new(Kind::Keepalive, Bytes::new())
    }

    /// A request.
    pub fn request(correlation_id: u64, kind: u16, body: Bytes) -> Self {
        let mut prefix = SmallVec::from_slice(&correlation_id.to_be_bytes());
        prefix.extend_from_slice(&kind.to_be_bytes());
        Self { kind: Kind::Request, prefix, body }
    }

    /// An answer.
    pub fn response(correlation_id: u64, status: Status, body: Bytes) -> Self {
        let mut prefix = SmallVec::from_slice(&correlation_id.to_be_bytes());
        prefix.push(status as u8);
        Self { kind: Kind::Response, prefix, body }
    }

    /// Bytes of its payload.
    pub fn payload_bytes(&self) -> usize {
        self.prefix.len() + self.body.len()
    }

    /// What stands before the payload.
    ///
    /// # Errors
    /// The payload is too large for its kind.
    pub fn header(&self) -> Result<Header, FrameError> {
        Header::of(self.kind, &[&self.prefix, &self.body])
    }
}

/// How a request went, as far as the transport can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// The body is the answer.
    Answered = 0,
    /// There are too many requests under way; it has not been carried out.
    Overloaded = 1,
    /// The node does not know this kind of request; it has not been carried out.
    Unsupported = 2,
    /// The answer is larger than an answer may be; the request has been carried out.
    AnswerTooLarge = 3,
}

impl Status {
    const ALL: [Self; 4] = [Self::Answered, Self::Overloaded, Self::Unsupported, Self::AnswerTooLarge];
}

/// A request that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Told with the answer.
    pub correlation_id: u64,
    /// What it means is the owner's.
    pub kind: u16,
    /// So is this.
    pub body: Bytes,
}

impl Request {
    /// Reads the payload of a request; `None` if it is too short.
    pub fn decode(mut payload: Bytes) -> Option<Self> {
        let correlation_id = payload.try_get_u64().ok()?;
        let kind = payload.try_get_u16().ok()?;
        Some(Self { correlation_id, kind, body: payload })
    }
}

/// An answer that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Of the request.
    pub correlation_id: u64,
    /// How it went; `None` if only a later version knows the status.
    pub status: Option<Status>,
    /// The answer.
    pub body: Bytes,
}

impl Response {
    /// Reads the payload of an answer; `None` if it is too short.
    pub fn decode(mut payload: Bytes) -> Option<Self> {
        let correlation_id = payload.try_get_u64().ok()?;
        let code = payload.try_get_u8().ok()?;
        let status = Status::ALL.into_iter().find(|status| *status as u8 == code);
        Some(Self { correlation_id, status, body: payload })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn payload(message: &Message) -> Bytes {
        [&message.prefix[..], &message.body[..]].concat().into()
    }

    #[test]
    fn requests_and_answers_come_as_they_went() {
        let message = Message::request(300, 7, Bytes::from_static(b"body"));
        assert_eq!(payload(&message)[..], *b"\0\0\0\0\0\0\x01\x2c\0\x07body");
        assert_eq!(message.prefix.len(), REQUEST_PREFIX_BYTES);
        let request = Request::decode(payload(&message));
        let body = Bytes::from_static(b"body");
        assert_eq!(request, Some(Request { correlation_id: 300, kind: 7, body }));
        for status in Status::ALL {
            let message = Message::response(1, status, Bytes::from_static(b"yes"));
            assert_eq!(message.prefix.len(), RESPONSE_PREFIX_BYTES);
            let body = Bytes::from_static(b"yes");
            let response = Response { correlation_id: 1, status: Some(status), body };
            assert_eq!(Response::decode(payload(&message)), Some(response));
        }
        let later = Response::decode(Bytes::from_static(&[0, 0, 0, 0, 0, 0, 0, 1, 200]));
        assert_eq!(later.expect("long enough").status, None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_message_or_none(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let request = Request::decode(bytes.clone().into());
            prop_assert_eq!(request.is_some(), bytes.len() >= REQUEST_PREFIX_BYTES);
            let response = Response::decode(bytes.clone().into());
            prop_assert_eq!(response.is_some(), bytes.len() >= RESPONSE_PREFIX_BYTES);
        }
    }
}
