//! The life of a member in every version of every API.

use bytes::Bytes;
use chronik_kafka::message::find_coordinator::FindCoordinatorRequest;
use chronik_kafka::message::leave_group::MemberIdentity;
use chronik_kafka::message::offset_fetch::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use chronik_kafka::message::sync_group::SyncGroupRequestAssignment;
use chronik_kafka::message::{
    DeleteGroupsRequest, DescribeGroupsRequest, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest,
    ListGroupsRequest, OffsetCommitRequest, OffsetFetchRequest, SyncGroupRequest,
};
use chronik_kafka::{ApiKey, ErrorCode, Str};

use crate::member::{Member, QUICK, commit_request, subscription};
use crate::support::Server;
use crate::support::raw::Raw;

/// The versions of an API, over and over.
fn versions(api: ApiKey) -> impl Iterator<Item = i16> {
    api.versions().iter().collect::<Vec<_>>().into_iter().cycle()
}

#[test]
fn a_member_lives_its_life_in_every_version() {
    let server = Server::with(&QUICK);
    let mut raw = Raw::connect(&server);
    raw.create_topic("orders", 1, &[]);
    let joins = versions(ApiKey::JoinGroup).zip(versions(ApiKey::SyncGroup));
    let rest = versions(ApiKey::Heartbeat).zip(versions(ApiKey::LeaveGroup));
    for (round, ((join, sync), (heartbeat, leave))) in joins.zip(rest).take(10).enumerate() {
        let group = Str::from(format!("group-{round}"));
        let (member, generation) = joined(&server, &mut raw, &group, join);
        let synced = raw.ask(
            sync,
            &SyncGroupRequest {
                group_id: group.clone(),
                generation_id: generation,
                member_id: member.clone(),
                assignments: vec![SyncGroupRequestAssignment {
                    member_id: member.clone(),
                    assignment: Bytes::from_static(b"all"),
                }],
                ..Default::default()
            },
        );
        assert_eq!(
            (synced.error_code, &synced.assignment[..]),
            (ErrorCode::NONE, &b"all"[..]),
            "sync {sync}"
        );
        let request = HeartbeatRequest {
            group_id: group.clone(),
            generation_id: generation,
            member_id: member.clone(),
            ..Default::default()
        };
        assert_eq!(raw.ask(heartbeat, &request).error_code, ErrorCode::NONE, "heartbeat {heartbeat}");
        offsets_in_every_version(&mut raw, &group, &member, generation);
        let identity = MemberIdentity { member_id: member.clone(), ..Default::default() };
        let (member_id, members) =
            if leave < 3 { (member, vec![]) } else { (Str::default(), vec![identity]) };
        let left = raw.ask(leave, &LeaveGroupRequest { group_id: group.clone(), member_id, members });
        assert_eq!(left.error_code, ErrorCode::NONE, "leave {leave}");
        let delete = DeleteGroupsRequest { groups_names: vec![group.clone()] };
        let version = i16::try_from(round % 4).expect("small");
        assert_eq!(raw.ask(version, &delete).results[0].error_code, ErrorCode::NONE);
    }
}

fn joined(server: &Server, raw: &mut Raw, group: &str, version: i16) -> (Str, i32) {
    let mut request = JoinGroupRequest {
        rebalance_timeout_ms: if version == 0 { -1 } else { 10_000 },
        reason: None,
        ..Member::connect(server, group).join_request()
    };
    let mut answer = raw.ask(version, &request);
    if version >= 4 {
        assert_eq!(answer.error_code, ErrorCode::MEMBER_ID_REQUIRED, "join {version} (KIP-394)");
        request.member_id = answer.member_id;
        answer = raw.ask(version, &request);
    }
    assert_eq!((answer.error_code, answer.generation_id), (ErrorCode::NONE, 1), "join {version}");
    assert_eq!((answer.leader.as_str(), answer.members.len()), (answer.member_id.as_str(), 1));
    assert_eq!(answer.members[0].metadata, subscription());
    assert_eq!(answer.protocol_name.as_deref(), Some("range"));
    assert_eq!(answer.protocol_type.as_deref(), (version >= 7).then_some("consumer"));
    (answer.member_id, answer.generation_id)
}

fn offsets_in_every_version(raw: &mut Raw, group: &Str, member: &Str, generation: i32) {
    let topic_id = raw.topic("orders", false).topic_id;
    for version in ApiKey::OffsetCommit.versions().iter() {
        let mut request = OffsetCommitRequest {
            group_id: group.clone(),
            generation_id_or_member_epoch: generation,
            member_id: member.clone(),
            ..commit_request("orders", 0, version.into())
        };
        if version < 6 {
            request.topics[0].partitions[0].committed_leader_epoch = -1;
        }
        request.topics[0].topic_id = topic_id; // for versions that do not send the name
        let answer = raw.ask(version, &request);
        assert_eq!(answer.topics[0].partitions[0].error_code, ErrorCode::NONE, "commit {version}");
    }
    for version in ApiKey::OffsetFetch.versions().iter() {
        let (name, partition_indexes): (Str, _) = ("orders".into(), vec![0, 7]);
        let asked =
            OffsetFetchRequestTopic { name: name.clone(), partition_indexes: partition_indexes.clone() };
        let topics = OffsetFetchRequestTopics { name, topic_id, partition_indexes };
        let batched = version >= 8;
        let of_group = OffsetFetchRequestGroup {
            group_id: group.clone(),
            topics: Some(vec![topics]),
            ..Default::default()
        };
        let answer = raw.ask(
            version,
            &OffsetFetchRequest {
                group_id: if batched { Str::default() } else { group.clone() },
                topics: if batched { None } else { Some(vec![asked]) },
                groups: if batched { vec![of_group] } else { vec![] },
                require_stable: version >= 7,
            },
        );
        let found: Vec<(i64, Option<Str>)> = if batched {
            answer.groups[0].topics[0]
                .partitions
                .iter()
                .map(|p| (p.committed_offset, p.metadata.clone()))
                .collect()
        } else {
            answer.topics[0].partitions.iter().map(|p| (p.committed_offset, p.metadata.clone())).collect()
        };
        let latest = i64::from(ApiKey::OffsetCommit.versions().iter().last().expect("a version"));
        assert_eq!(found, [(latest, Some("note".into())), (-1, Some("".into()))], "fetch {version}");
    }
}

#[test]
fn groups_are_described_and_listed_in_every_version() {
    let server = Server::with(&QUICK);
    let mut member = Member::alone(&server, "g");
    let mut raw = Raw::connect(&server);
    for version in ApiKey::DescribeGroups.versions().iter() {
        let request = DescribeGroupsRequest {
            groups: vec!["g".into(), "x".into()],
            include_authorized_operations: version >= 3,
        };
        let groups = raw.ask(version, &request).groups;
        let (known, unknown) = (&groups[0], &groups[1]);
        assert_eq!((known.error_code, known.group_state.as_str()), (ErrorCode::NONE, "Stable"), "{version}");
        assert_eq!((known.protocol_type.as_str(), known.protocol_data.as_str()), ("consumer", "range"));
        assert_eq!(
            (known.members[0].client_id.as_str(), known.members[0].client_host.as_str()),
            ("raw", "/127.0.0.1")
        );
        assert_eq!(known.members[0].member_assignment, &b"all"[..]);
        let code = if version < 6 { ErrorCode::NONE } else { ErrorCode::GROUP_ID_NOT_FOUND };
        assert_eq!(
            (unknown.error_code, unknown.group_state.as_str()),
            (code, "Dead"),
            "{version} (KIP-1043)"
        );
        assert_eq!(known.authorized_operations == i32::MIN, version < 3);
    }
    for version in ApiKey::ListGroups.versions().iter() {
        let groups = raw.ask(version, &ListGroupsRequest::default()).groups;
        assert_eq!(groups.len(), 1);
        assert_eq!((groups[0].group_id.as_str(), groups[0].protocol_type.as_str()), ("g", "consumer"));
        assert_eq!(groups[0].group_state.as_str(), if version < 4 { "" } else { "Stable" });
        assert_eq!(groups[0].group_type.as_str(), if version < 5 { "" } else { "classic" });
    }
    let filtered = |states: &[&str], types: &[&str]| ListGroupsRequest {
        states_filter: states.iter().map(|state| Str::from(*state)).collect(),
        types_filter: types.iter().map(|kind| Str::from(*kind)).collect(),
    };
    assert_eq!(raw.ask(5, &filtered(&["Stable"], &["Classic"])).groups.len(), 1);
    assert_eq!(raw.ask(5, &filtered(&["Empty"], &[])).groups.len(), 0);
    assert_eq!(raw.ask(5, &filtered(&[], &["consumer"])).groups.len(), 0);
    assert_eq!(member.heartbeat(), ErrorCode::NONE);
}

#[test]
fn a_group_has_a_coordinator_in_every_version() {
    let server = Server::start();
    let mut raw = Raw::connect(&server);
    for version in ApiKey::FindCoordinator.versions().iter() {
        let batched = version >= 4;
        let request = FindCoordinatorRequest {
            key: if batched { Str::default() } else { "g".into() },
            key_type: 0,
            coordinator_keys: if batched { vec!["g".into(), "h".into()] } else { vec![] },
        };
        let answer = raw.ask(version, &request);
        let ports: Vec<i32> = if batched {
            answer.coordinators.iter().map(|coordinator| coordinator.port).collect()
        } else {
            vec![answer.port]
        };
        assert!(ports.iter().all(|port| *port == i32::from(server.kafka.port())), "{version}: {ports:?}");
        assert_eq!(ports.len(), if batched { 2 } else { 1 });
    }
}
