//! Every bound of the server, by name. Units last.

/// Bytes of a topic's name (Kafka: `Topic.MAX_NAME_LENGTH`).
pub const MAX_TOPIC_NAME_BYTES: usize = 249;
/// Largest `segment.bytes`: positions in a segment are 31 bits.
pub const MAX_SEGMENT_BYTES: u64 = i32::MAX as u64;
/// Partitions of one topic, and of one request to create topics.
pub const MAX_PARTITIONS_PER_TOPIC: i32 = 10_000;
/// Partitions of a cluster. A snapshot of its metadata has to fit what the log takes and what goes to another node, 64 MiB each: one of this many topics with one partition each has some
/// 50 MB, if all have the longest name, four settings of their own, and are being reassigned.
pub const MAX_PARTITIONS: usize = 50_000;
/// Partitions in one answer to DescribeTopicPartitions (Kafka: `max.request.partition.size.limit`).
pub const MAX_DESCRIBED_PARTITIONS: usize = 2_000;
/// Records that an answer to a produce names as refused, of one batch.
pub const MAX_RECORD_ERRORS: usize = 1_000;
/// How often a change of settings is proposed again because somebody else was faster.
pub const MAX_CONFIG_ATTEMPTS: usize = 100;
/// Partitions that have metrics of their own, beside those that sum them up.
pub const MAX_METRIC_PARTITIONS: usize = 10_000;
/// Events that wait for the Raft loop: ticks, messages, what the disk says.
pub const MAX_RAFT_EVENTS: usize = 1_024;
/// raft's unit of time.
pub const RAFT_TICK: std::time::Duration = std::time::Duration::from_millis(40);
/// Ticks between two heartbeats of a Raft leader.
pub const RAFT_HEARTBEAT_TICKS: usize = 2;
/// Ticks of silence after which a member may stand for election; at most twice as many.
pub const RAFT_ELECTION_TICKS: usize = 6;
/// Bytes of one metadata command.
pub const MAX_COMMAND_BYTES: usize = 1 << 20;
/// Bytes of entries in one Raft message, unless one entry is larger.
pub const RAFT_MESSAGE_BYTES: usize = 128 << 10;
/// Messages of entries on their way to one member: the most that it has to write at once, as one metadata record of the log.
pub const RAFT_IN_FLIGHT_MESSAGES: usize = 8;
/// Bytes of entries that are proposed and not committed: beyond, proposals have to wait.
pub const RAFT_UNCOMMITTED_BYTES: u64 = 8 << 20;
/// Bytes of entries after which a record of the Raft log takes no further request.
pub const MAX_RAFT_RECORD_BYTES: usize = 1 << 20;
/// Entries applied since its last snapshot after which the Raft log is compacted.
pub const RAFT_COMPACT_ENTRIES: u64 = 4_096;
/// The same in bytes of entries (Kafka: `metadata.log.max.record.bytes.between.snapshots`).
pub const RAFT_COMPACT_BYTES: u64 = 20 << 20;
/// Entries before the snapshot that stay in memory, for members that are a little behind.
pub const RAFT_KEEP_ENTRIES: u64 = 1_024;
/// How long a proposal waits for a leader and a majority.
pub const PROPOSE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(20);
/// Partitions that get their preferred leader at a time (Kafka: `MAX_ELECTIONS_PER_IMBALANCE`).
pub const MAX_LEADERS_REBALANCED: usize = 1_000;
/// How long whoever leads the metadata has to say how its group stands.
pub const DESCRIBE_QUORUM_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(2);
/// Nodes that vote on the metadata; those beyond get it, and have no vote.
pub const MAX_VOTERS: usize = 7;
/// Entries that a learner may lack of the metadata when it gets a vote.
pub const VOTER_LAG_ENTRIES: u64 = 100;
/// Between two looks whether Raft's membership is what the metadata says.
pub const MEMBERSHIP_INTERVAL: std::time::Duration = std::time::Duration::from_millis(200);
/// How long a majority may be silent before it is believed not to be there: some election timeouts.
pub const QUORUM_PATIENCE: std::time::Duration = std::time::Duration::from_secs(1);
/// How long a change of Raft's membership may take.
pub const MEMBERSHIP_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);
/// How long a node knows nobody who leads before it asks the others whether it was removed; one that knows that it was asks at once.
pub const REMOVED_PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);
/// How long another node has to answer that.
pub const REMOVED_QUESTION_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(1);
/// Between two rounds of questions of a node that is to begin.
pub const BEGIN_INTERVAL: std::time::Duration = std::time::Duration::from_millis(100);
/// How long a node that is asked whether another one may begin has for its answer.
pub const BEGIN_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(2);
/// After how long a node that cannot begin says again what it waits for.
pub const BEGIN_REMINDER: std::time::Duration = std::time::Duration::from_secs(5);
/// How long a request to take a node into the cluster waits, whatever it says.
pub const MAX_ADD_NODE_TIMEOUT: std::time::Duration = std::time::Duration::from_mins(10);
/// How long a request to take a node out of the cluster waits: it does not say.
pub const REMOVE_NODE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(20);
/// Between two attempts of a node that is new to be taken into its cluster.
pub const JOIN_RETRY: std::time::Duration = std::time::Duration::from_secs(1);
/// How long a node of the cluster has to answer a node that is new.
pub const JOIN_REQUEST_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);
/// Between two attempts to find somebody who takes a proposal.
pub const PROPOSE_RETRY: std::time::Duration = std::time::Duration::from_millis(100);
/// Between two attempts to write metadata, or to make logs, on a disk that is full.
pub const METADATA_RETRY: std::time::Duration = std::time::Duration::from_millis(500);
/// Between two heartbeats of a broker to whoever leads the metadata, and between two looks at who has been silent.
pub const BROKER_HEARTBEAT_INTERVAL: std::time::Duration = std::time::Duration::from_millis(100);
/// How long a broker may lead, counted from when a heartbeat left that was granted.
pub const BROKER_LEASE: std::time::Duration = std::time::Duration::from_millis(600);
/// How much longer it counts where it was granted: more than two clocks differ in that time.
pub const BROKER_LEASE_MARGIN: std::time::Duration = std::time::Duration::from_millis(10);
/// Heartbeats of a broker that have no answer yet.
pub const MAX_BROKER_HEARTBEATS: usize = 6;
/// Heartbeats of a life that has ended which are refused before it is told that nothing is known of its end.
pub const MAX_BROKER_HEARTBEATS_REFUSED: u32 = 20;
/// Heartbeats and suspicions that wait for the supervisor; beyond, they are refused.
pub const MAX_FENCING_EVENTS: usize = 1_024;
/// Suspicions that wait for a broker to be fenced; beyond, they are refused, and come again.
pub const MAX_SUSPICIONS: usize = 256;
/// How long one request for another leader waits for its answer.
pub const ELECT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(1);
/// Between two complaints that this node is fenced still.
pub const FENCED_REMINDER: std::time::Duration = std::time::Duration::from_secs(3);
/// Between two heartbeats of a node to each other one, and between two looks at whose leaders are silent.
pub const NODE_HEARTBEAT_INTERVAL: std::time::Duration = std::time::Duration::from_millis(100);
/// Silence after which the leader of a partition is suspected: less than its lease by the time between two looks and that between two heartbeats, so that the suspicion is there when that ends.
pub const LEADER_TIMEOUT: std::time::Duration = std::time::Duration::from_millis(400);
/// Elections that a node asks for at the same time.
pub const ELECTION_WORKERS: usize = 4;
/// Suspicions that wait for one of them; what finds no room is found again.
pub const MAX_QUEUED_ELECTIONS: usize = 64;
/// Ticks that wait for the timeout monitor: one that is behind needs no second.
pub const MAX_MONITOR_EVENTS: usize = 2;
/// Between two attempts to find somebody who leads the metadata.
pub const ELECT_RETRY: std::time::Duration = std::time::Duration::from_millis(50);
/// How long a suspicion looks for somebody who leads the metadata.
pub const ELECT_PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);
/// Requests for a producer id that wait for a block of them.
pub const MAX_PRODUCER_ID_REQUESTS: usize = 1_024;
/// Producer ids that a broker reserves at a time (Kafka: `ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE`).
pub const PRODUCER_ID_BLOCK: i64 = 1_000;
/// Groups of bulk that are synced at the same time: with two, one waits for its segment while the other waits for the WAL.
pub const MAX_BULK_IN_FLIGHT: usize = 2;
/// Bytes of one commit group, beyond which the rest waits for the next.
pub const MAX_GROUP_BYTES: usize = 16 << 20;
/// Bytes that an operation without a batch counts for in a commit group.
pub const SMALL_OP_BYTES: usize = 256;
/// Requests of one connection that may be under way: the reader stops reading beyond.
pub const MAX_IN_FLIGHT_PER_CONNECTION: usize = 64;
/// Batches of one connection that were refused, behind which others may come.
pub const MAX_REFUSED_BATCHES: usize = 10_000;
/// How long a producer has to send a batch again that was refused; what comes behind it is refused, too.
pub const REFUSED_BATCH_COUNTS: std::time::Duration = std::time::Duration::from_secs(10);
/// Bytes read from a socket at once, for small requests; a large one is read into its own buffer.
pub const READ_BUFFER_BYTES: usize = 4 << 10;
/// Buffers handed to one vectored write (`IOV_MAX` is 1024).
pub const MAX_WRITE_SLICES: usize = 64;
/// A client that holds memory and for this long sends nothing of its request, or takes nothing of its response, loses the connection.
pub const STALL: std::time::Duration = std::time::Duration::from_secs(60);
/// The same while others wait for memory: so it is not for a few to keep everybody else from being served.
pub const STALL_IN_NEED: std::time::Duration = std::time::Duration::from_secs(2);
/// Between two looks at a client that moves nothing.
pub const STALL_LOOK: std::time::Duration = std::time::Duration::from_secs(1);
/// How long one turn of a loop may take, waiting apart, before the watchdog's threshold begins to count.
pub const LOOP_INTERVAL: std::time::Duration = std::time::Duration::from_secs(5);
/// Jobs that wait for the file worker; the log has at most one of each kind out.
pub const MAX_FILE_JOBS: usize = 16;
/// Between two looks of the maintenance task at the log.
pub const MAINTENANCE_TICK: std::time::Duration = std::time::Duration::from_secs(1);
/// Bytes of WAL after which a checkpoint is taken at once: what a recovery reads at most, roughly.
pub const CHECKPOINT_WAL_BYTES: u64 = 1 << 30;
/// Between two attempts to prepare a segment of the write-ahead log on a disk that is full.
pub const PREPARE_RETRY: std::time::Duration = std::time::Duration::from_secs(1);
/// Between two complaints about a full disk.
pub const FULL_DISK_REMINDER: std::time::Duration = std::time::Duration::from_secs(30);
/// How long the admin server may take to finish its answers.
pub const ADMIN_STOP: std::time::Duration = std::time::Duration::from_secs(1);
/// Bytes of a piece of a page of the admin server that is long: less than what the allocator asks the operating system for by itself (128 KiB).
pub const PAGE_PIECE_BYTES: usize = 64 << 10;
/// Bytes of a client's or an instance's name that its member ids begin with: an id must fit a record.
pub const MAX_MEMBER_ID_PREFIX_BYTES: usize = 255;
/// Appends of the group coordinator that wait for the log; beyond, requests that need one are refused (COORDINATOR_NOT_AVAILABLE).
pub const MAX_GROUP_APPENDS: usize = 16_384;
/// Partitions of `__consumer_offsets` that are read at a time when this node begins to lead them.
pub const GROUP_LOADS: usize = 4;
/// Bytes of `__consumer_offsets` read at a time when groups are loaded.
pub const GROUP_LOAD_BYTES: usize = 1 << 20;
/// Between two looks at all groups, for metrics and for topics that were deleted.
pub const GROUP_LOOK_INTERVAL: std::time::Duration = std::time::Duration::from_secs(5);
/// Series of metrics by group, topic and partition; groups beyond are counted and not named.
pub const MAX_GROUP_SERIES: usize = 20_000;
/// Bytes of the first frame between two nodes, or of a refusal.
pub const MAX_PEER_HELLO_BYTES: usize = 4 << 10;
/// Bytes of a heartbeat to a node, which says the same of all partitions in a few words.
pub const MAX_PEER_HEARTBEAT_BYTES: usize = 1 << 10;
/// Bytes of a Raft message to a node: a snapshot of the metadata is the largest.
pub const MAX_PEER_RAFT_BYTES: usize = 64 << 20;
/// Bytes of a request to a node and of its answer.
pub const MAX_PEER_REQUEST_BYTES: usize = 4 << 20;
/// Bytes of a piece of a stream to a node: the largest batch that a client may send (`socket.request.max.bytes`), and some.
pub const MAX_PEER_DATA_BYTES: usize = 128 << 20;
/// Bytes of batches in one piece of a stream, unless one batch is larger.
pub const STREAM_RECORDS_BYTES: usize = 1 << 20;
/// Bytes that may be under way from a leader to a follower.
pub const STREAM_WINDOW_BYTES: u64 = 16 << 20;
/// What waits for one end of a stream: more than the window lets be under way.
pub const MAX_STREAM_EVENTS: usize = 32 << 10;
/// Partitions in one message with which a follower asks for them.
pub const MAX_STREAM_POSITIONS: usize = 16 << 10;
/// A leader that does not answer a follower is asked again.
pub const STREAM_ASK_AGAIN: std::time::Duration = std::time::Duration::from_millis(300);
/// Partitions that are named when operators are told who is in sync; others are counted.
pub const MAX_PARTITIONS_NAMED: usize = 6;
/// Between two looks at who lags behind, and who has caught up.
pub const STREAM_LOOK: std::time::Duration = std::time::Duration::from_millis(500);
/// Changes of in-sync sets in one proposal.
pub const MAX_PARTITION_CHANGES: usize = 1_000;
/// Memory for a payload is taken as its bytes come: this much at first, then at most as much again as has come.
pub const PEER_READ_BYTES: usize = 64 << 10;
/// Reads or writes of a connection between nodes until its other direction has a turn; tokio gives a task 128.
pub const PEER_TURN: u32 = 16;
/// Raft messages that wait for the connection to a node; beyond, the oldest is dropped.
pub const MAX_PEER_RAFT_MESSAGES: usize = 256;
/// Requests and pieces of streams that wait for the connection to a node; beyond, whoever sends waits.
pub const MAX_PEER_DATA_MESSAGES: usize = 64;
/// Requests of one node that are carried out at a time; further ones are answered at once: overloaded.
pub const MAX_PEER_REQUESTS: usize = 64;
/// Bytes of these requests.
pub const MAX_PEER_REQUESTS_BYTES: usize = 32 << 20;
/// Answers that wait to be written to a node; one that reads none beyond loses the connection.
pub const MAX_PEER_RESPONSES: usize = 2 * MAX_PEER_REQUESTS;
/// Connections accepted from nodes, those included that have not said yet who they are.
pub const MAX_PEER_CONNECTIONS: usize = 256;
/// Before a node is dialed for the second time.
pub const PEER_BACKOFF_MIN: std::time::Duration = std::time::Duration::from_millis(50);
/// Between two attempts at most; a node that comes back is found within this time.
pub const PEER_BACKOFF_MAX: std::time::Duration = std::time::Duration::from_millis(500);
/// A connection that lasted this long was good: the next attempt comes soon.
pub const PEER_STEADY: std::time::Duration = std::time::Duration::from_secs(5);
/// How long a node that was refused has to read why.
pub const PEER_LINGER: std::time::Duration = std::time::Duration::from_millis(200);
/// For so long after a connection was lost nobody complains that the node cannot be reached: it may be restarted.
pub const PEER_RESTART: std::time::Duration = std::time::Duration::from_secs(5);
/// Between two complaints about a node that cannot be reached or is refused.
pub const PEER_REMINDER: std::time::Duration = std::time::Duration::from_secs(60);

/// Bytes reserved, beside a frame of `length` bytes, for what it decodes to. Nearly every request needs less; one that needs more asks for it when it
/// has been decoded, and no request needs more than 64 times its frame.
pub const fn decoding_headroom(length: usize) -> usize {
    let small = if length < 16 << 10 { length } else { 16 << 10 };
    2 * small + 1024
}
