//! Whether a new voter is answered for when it is committed, or before (KIP-1186).

use chronik_kafka::ErrorCode;
use chronik_kafka::message::add_raft_voter::{AddRaftVoterRequest, AddRaftVoterResponse, Listener};

use super::{A, Vectors};

pub(super) fn compare(vectors: &mut Vectors) {
    let listener = Listener { name: "CONTROLLER".into(), host: "h".into(), port: 65_535 };
    let request = AddRaftVoterRequest {
        cluster_id: Some("c".into()),
        timeout_ms: 77,
        voter_id: 4,
        voter_directory_id: A,
        listeners: vec![listener],
        ack_when_committed: false,
    };
    vectors.request(
        1,
        "01 00000000 00000000 00000000000000000000000000000000 01 01 00",
        (
            &request,
            "0263 0000004d 00000004 0102030405060708090a0b0c0d0e0f10 \
             02 0b434f4e54524f4c4c4552 0268 ffff 00 00 00",
        ),
    );
    let response = AddRaftVoterResponse {
        throttle_time_ms: 9,
        error_code: ErrorCode::DUPLICATE_VOTER,
        error_message: Some("m".into()),
    };
    vectors.response(1, "00000000 0000 01 00", (&response, "00000009 007e 026d 00"));
}
