//! The first bytes of a connection, from both sides.

use bytes::Bytes;

use super::NodeId;
use super::error::ConnectionError;
use super::frame::Kind;
use super::hello::{Hello, Purpose, Refusal, VERSIONS, Versions};
use super::message::Message;
use super::reader::{Frame, FrameReader};
use super::surroundings::Surroundings;
use super::writer::FrameWriter;
use crate::limits;

/// What both know of each other afterwards.
#[derive(Clone, Copy, Debug)]
pub(super) struct Agreed {
    /// Of the protocol.
    pub(super) version: u16,
    /// Who the other one is.
    pub(super) peer: Hello,
}

/// Of the node that dials `to`.
pub(super) async fn dial(
    node: &Surroundings,
    (to, purpose): (NodeId, Purpose),
    reader: &mut FrameReader,
    writer: &mut FrameWriter,
) -> Result<Agreed, ConnectionError> {
    let hello = node.identity.hello(to, purpose);
    speak(writer, Kind::Hello, hello.encode()).await?;
    let theirs = versions(reader).await?;
    let peer = match reader.frame(|kind| matches!(kind, Kind::Hello | Kind::Refusal)).await? {
        Frame { kind: Kind::Hello, payload, .. } => {
            Hello::decode(&payload).ok_or(ConnectionError::NotANode)?
        }
        Frame { payload, .. } => return Err(ConnectionError::RefusedBy(Refusal::text(&payload))),
    };
    let version = common(theirs).map_err(ConnectionError::Refused)?;
    node.identity.admit(&peer).map_err(ConnectionError::Refused)?;
    if peer.node_id != to || peer.purpose != purpose {
        return Err(ConnectionError::NotANode); // it has accepted what it cannot be
    }
    Ok(Agreed { version, peer })
}

/// Of the node that was dialed. A refusal is told to the other side.
pub(super) async fn accept(
    node: &Surroundings,
    reader: &mut FrameReader,
    writer: &mut FrameWriter,
) -> Result<Agreed, ConnectionError> {
    let theirs = versions(reader).await?;
    let judged = match common(theirs) {
        Ok(version) => heard(node, reader).await?.map(|peer| Agreed { version, peer }),
        Err(refusal) => Err(refusal),
    };
    match judged {
        Ok(agreed) => {
            let hello = node.identity.hello(agreed.peer.node_id, agreed.peer.purpose);
            speak(writer, Kind::Hello, hello.encode()).await?;
            Ok(agreed)
        }
        Err(refusal) => {
            speak(writer, Kind::Refusal, refusal.encode()).await?;
            writer.end().await;
            linger(node, reader).await;
            Err(ConnectionError::Refused(refusal))
        }
    }
}

/// Who dials, and whether it may.
async fn heard(
    node: &Surroundings,
    reader: &mut FrameReader,
) -> Result<Result<Hello, Refusal>, ConnectionError> {
    let frame = reader.frame(|kind| kind == Kind::Hello).await?;
    let hello = Hello::decode(&frame.payload).ok_or(ConnectionError::NotANode)?;
    let judged = node.identity.admit(&hello);
    Ok(judged.and_then(|()| node.handler.refuses(&hello).map_or(Ok(hello), Err)))
}

/// Waits for the other side to go: were the stream closed with bytes of it unread, TCP would throw the refusal away.
async fn linger(node: &Surroundings, reader: &mut FrameReader) {
    tokio::select! {
        biased;
        () = async { while reader.exactly::<1>().await.is_ok() {} } => {}
        () = node.clock.sleep(limits::PEER_LINGER) => {}
    }
}

fn common(theirs: Versions) -> Result<u16, Refusal> {
    VERSIONS.common(theirs).ok_or(Refusal::Version { ours: VERSIONS, theirs })
}

async fn versions(reader: &mut FrameReader) -> Result<Versions, ConnectionError> {
    Versions::of_preamble(reader.exactly().await?).ok_or(ConnectionError::NotANode)
}

async fn speak(writer: &mut FrameWriter, kind: Kind, payload: Bytes) -> Result<(), ConnectionError> {
    writer.pieces(&[&VERSIONS.preamble()]).await?;
    writer.frame(&Message::new(kind, payload)).await
}
