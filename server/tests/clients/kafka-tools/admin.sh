# Every tool that a server without transactions and security has an answer for, with an assertion on what it prints.

kafka_configs() { tool ConfigCommand --bootstrap-server "$bootstrap" "$@"; }
kafka_get_offsets() { tool GetOffsetShell --bootstrap-server "$bootstrap" "$@"; }

says() { # says PATTERN COMMAND...: it succeeds, and prints a line like that
    local pattern=$1 said
    shift
    said=$("$@" 2>&1) || { printf '%s\n' "$* fails:" "$said"; return 1; }
    grep -qE -- "$pattern" <<<"$said" || { printf '%s\n' "$* does not say '$pattern', but:" "$said"; return 1; }
}

says_not() { # says_not PATTERN COMMAND...: it succeeds, and prints no line like that
    local pattern=$1 said
    shift
    said=$("$@" 2>&1) || { printf '%s\n' "$* fails:" "$said"; return 1; }
    ! grep -E -- "$pattern" <<<"$said"
}

complains() { # complains PATTERN COMMAND...: whatever its status is; some tools always succeed
    local said
    said=$("${@:2}" 2>&1) || true
    grep -qE -- "$1" <<<"$said" || { printf '%s\n' "${*:2} does not complain of '$1', but:" "$said"; return 1; }
}

administer() { # BOOTSTRAP TOPIC
    bootstrap=$1 topic=$2
    local step
    for step in broker_api_versions cluster topics producer_perf_test get_offsets log_dirs topic_configs broker_configs \
        consumer_perf_test other_configs groups reset_offsets delete_groups producers delete_records deleted; do
        "$step"
        echo "$step"
    done
}

broker_api_versions() { says 'Fetch\(1\): 4 to [0-9]+ \[usable: [0-9]+\]' tool BrokerApiVersionsCommand --bootstrap-server "$bootstrap"; }

cluster() {
    says '^Cluster ID: .+' tool ClusterTool cluster-id --bootstrap-server "$bootstrap"
    says "^[0-9]+ +${bootstrap%:*} +${bootstrap#*:} " tool ClusterTool list-endpoints --bootstrap-server "$bootstrap"
}

topics() {
    says "Created topic $topic" kafka_topics --create --topic "$topic" --partitions 2 --config retention.ms=3600000
    says 'PartitionCount: 2.ReplicationFactor: 1.Configs: retention.ms=3600000' kafka_topics --describe --topic "$topic"
    says '^' kafka_topics --alter --topic "$topic" --partitions 3
    says 'Partition: 2.Leader: ([0-9]+).Replicas: \1.Isr: \1' kafka_topics --describe --topic "$topic"
    says_not . kafka_topics --describe --under-replicated-partitions
    complains 'already exists' kafka_topics --create --topic "$topic"
    complains InvalidReplicationFactor kafka_topics --create --topic "$topic-many" --replication-factor 3
    complains InvalidPartitions kafka_topics --alter --topic "$topic" --partitions 1
}

producer_perf_test() {
    says '^1000 records sent' tool ProducerPerformance --bootstrap-server "$bootstrap" --topic "$topic" --num-records 1000 \
        --record-size 100 --throughput -1
}

sum_of_offsets() { kafka_get_offsets --topic "$topic" "$@" | awk -F : '{sum += $3} END {print sum}'; }

get_offsets() {
    says '^1000$' sum_of_offsets
    says '^0$' sum_of_offsets --time earliest
    says "^$topic:[0-9]:[0-9]+$" kafka_get_offsets --topic "$topic" --time max-timestamp
    says '^0$' sum_of_offsets --time 1000000000000
}

log_dirs() {
    says "\"partition\":\"$topic-2\",\"size\":[0-9]+,\"offsetLag\":0" \
        tool LogDirsCommand --bootstrap-server "$bootstrap" --describe --topic-list "$topic"
}

topic_configs() {
    local of="--entity-type topics --entity-name $topic"
    says "Completed updating config for topic $topic" kafka_configs $of --alter --add-config retention.ms=7200000
    says '^ *retention.ms=7200000 .*synonyms=\{DYNAMIC_TOPIC_CONFIG:retention.ms=7200000, ' kafka_configs $of --describe
    says '^ *cleanup.policy=delete ' kafka_configs $of --describe --all
    says Completed kafka_configs $of --alter --delete-config retention.ms
    says_not retention.ms kafka_configs $of --describe
    complains InvalidConfiguration kafka_configs $of --alter --add-config retention.ms=soon
}

broker_configs() {
    local node of
    node=$(tool ClusterTool list-endpoints --bootstrap-server "$bootstrap" | awk 'NR == 2 {print $1}')
    of="--entity-type brokers --entity-name $node"
    says "Completed updating config for broker $node" kafka_configs $of --alter --add-config log.retention.ms=86400000
    says '^ *log.retention.ms=86400000 .*DYNAMIC_BROKER_CONFIG' kafka_configs $of --describe
    says "^ *node.id=$node " kafka_configs $of --describe --all
    says Completed kafka_configs $of --alter --delete-config log.retention.ms
    says Completed kafka_configs --entity-type brokers --entity-default --alter --add-config log.retention.ms=86400000
    says 'DYNAMIC_DEFAULT_BROKER_CONFIG:log.retention.ms=86400000' kafka_configs --entity-type brokers --entity-default --describe
    says Completed kafka_configs --entity-type brokers --entity-default --alter --delete-config log.retention.ms
}

consumer_perf_test() {
    says ', 1000, ' tool ConsumerPerformance --bootstrap-server "$bootstrap" --topic "$topic" --num-records 1000 --group "$topic"
}

# While there is a group, so that there is something to describe.
other_configs() {
    says '^' kafka_configs --entity-type groups --describe
    says '^' kafka_configs --entity-type client-metrics --describe
}

groups() {
    says "^$topic$" kafka_consumer_groups --list
    says "^$topic +Empty" kafka_consumer_groups --list --state
    says "^$topic +Classic +consumer" tool GroupsCommand --bootstrap-server "$bootstrap" --list
    says "^$topic .*Empty +0$" kafka_consumer_groups --describe --group "$topic" --state
    says "^$topic +$topic +0 +([0-9]+) +\1 +0 " kafka_consumer_groups --describe --group "$topic"
    says 'has no active members' kafka_consumer_groups --describe --group "$topic" --members
}

reset_offsets() {
    local of="--group $topic --topic $topic --reset-offsets"
    says "^$topic +$topic +0 +0$" kafka_consumer_groups $of --to-earliest --dry-run
    says "^$topic +$topic +0 +5$" kafka_consumer_groups $of --to-offset 5 --execute
    says "^$topic +$topic +0 +7$" kafka_consumer_groups $of --shift-by 2 --execute
    says "^$topic +$topic +0 +7 " kafka_consumer_groups --describe --group "$topic"
    says "^$topic +$topic +0 +0$" kafka_consumer_groups $of --by-duration PT1H --execute
    says "^$topic +1 +Successful" kafka_consumer_groups --group "$topic" --topic "$topic:1" --delete-offsets
    says_not "^$topic +$topic +1 +[0-9]" kafka_consumer_groups --describe --group "$topic"
}

delete_groups() {
    says "'$topic'.* was successful" kafka_consumer_groups --delete --group "$topic"
    says_not "^$topic$" kafka_consumer_groups --list
    complains 'not found' kafka_consumer_groups --describe --group "$topic"
}

producers() {
    says '^[0-9]+.+None' tool TransactionsCommand --bootstrap-server "$bootstrap" describe-producers --topic "$topic" --partition 0
}

delete_records() {
    local below
    below=$(mktemp)
    echo "{\"partitions\": [{\"topic\": \"$topic\", \"partition\": 0, \"offset\": 5}], \"version\": 1}" >"$below"
    says "$topic-0.low_watermark: 5" tool DeleteRecordsCommand --bootstrap-server "$bootstrap" --offset-json-file "$below"
    rm "$below"
    says "^$topic:0:5$" kafka_get_offsets --topic "$topic" --time earliest
}

deleted() {
    says '^' kafka_topics --delete --topic "$topic"
    says_not "^$topic$" kafka_topics --list
    complains 'does not exist' kafka_topics --describe --topic "$topic"
}
