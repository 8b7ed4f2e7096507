"""What `run` does with kafka-python: `kafka_python.py BOOTSTRAP WHAT [TOPIC [FILE [CODEC]]]`.

A file has a record a line: key, tab, value. Partitions are assigned by hand, but for `group`.
"""

import sys
import time

import kafka
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

PARTITIONS = 3
TIME = 1_700_000_000_000


def producer(bootstrap, **settings):
    return KafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5, **settings)


def consumer(bootstrap, topic):
    reader = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, consumer_timeout_ms=20_000)
    partitions = [TopicPartition(topic, number) for number in sorted(reader.partitions_for_topic(topic))]
    reader.assign(partitions)
    return reader, partitions


def create(bootstrap, topic):
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(topic, num_partitions=PARTITIONS, replication_factor=1)])
    assert topic in admin.list_topics()


def delete(bootstrap, topic):
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.delete_topics([topic])
    assert topic not in admin.list_topics()


def produce(bootstrap, topic, file, codec):
    client = producer(bootstrap, compression_type=None if codec == "none" else codec)
    sent = []
    with open(file, "rb") as lines:
        for line in lines:
            key, value = line.rstrip(b"\n").split(b"\t")
            sent.append(client.send(topic, key=key, value=value))
    client.flush()
    next_offset = {}
    for future in sent:  # raises what the server refused
        found = future.get(timeout=30)
        assert found.offset == next_offset.get(found.partition, 0), "offsets are dense"
        next_offset[found.partition] = found.offset + 1


def read(bootstrap, topic, file):
    reader, partitions = consumer(bootstrap, topic)
    reader.seek_to_beginning(*partitions)
    ends = reader.end_offsets(partitions)
    left = sum(ends.values())
    with open(file, "wb") as out:
        while left > 0:
            polled = reader.poll(timeout_ms=20_000)
            assert polled, f"{left} records are missing"
            for records in polled.values():
                left -= len(records)
                out.writelines(record.key + b"\t" + record.value + b"\n" for record in records)


def idempotent(bootstrap, topic):
    client = producer(bootstrap, enable_idempotence=True)
    found = [client.send(topic, value=b"%d" % number) for number in range(1_000)]
    client.flush()
    assert sorted(future.get(timeout=30).offset for future in found) == list(range(1_000))


def times(bootstrap, topic):
    client = producer(bootstrap)
    for number in range(100):
        client.send(topic, value=b"x", partition=0, timestamp_ms=TIME + number)
    client.flush()
    reader, (partition, *_) = consumer(bootstrap, topic)
    assert reader.offsets_for_times({partition: TIME + 42})[partition].offset == 42
    assert reader.beginning_offsets([partition]) == {partition: 0}
    assert reader.end_offsets([partition]) == {partition: 100}


def group(bootstrap, topic):
    """Two members share the partitions; one goes, the other takes over; a third goes on where they were."""
    create(bootstrap, topic)
    client, seen = producer(bootstrap), set()

    def send():
        for number in range(300):
            client.send(topic, value=b"x", partition=number % PARTITIONS)
        client.flush()

    def member():
        settings = dict(group_id=topic, enable_auto_commit=False, auto_offset_reset="earliest")
        return KafkaConsumer(topic, bootstrap_servers=bootstrap, heartbeat_interval_ms=500, **settings)

    def poll(members, count, shares):
        deadline = time.monotonic() + 60
        while len(seen) < count or sorted(len(one.assignment()) for one in members) != shares:
            assert time.monotonic() < deadline, (len(seen), [one.assignment() for one in members])
            for one in members:
                for partition, records in one.poll(timeout_ms=200).items():
                    new = {(partition, record.offset) for record in records}
                    assert not new & seen, "a record came twice"
                    seen.update(new)
        for one in members:
            one.commit()

    send()
    first = member()
    poll([first], 300, [3])
    second = member()
    poll([first, second], 300, [1, 2])
    send()
    poll([first, second], 600, [1, 2])
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    assert topic in [found["group_id"] for found in admin.list_groups()]
    assert len(admin.describe_groups([topic])[topic]["members"]) == 2
    second.close()
    send()
    poll([first], 900, [3])
    first.close()
    third = member()
    send()
    poll([third], 1_200, [3])
    third.close()
    offsets = admin.list_group_offsets(topic)[topic]
    assert sorted(found.offset for found in offsets.values()) == [400, 400, 400], offsets
    admin.delete_groups([topic])
    assert topic not in [found["group_id"] for found in admin.list_groups()]


def codecs(_bootstrap):
    found = [name for name in ("gzip", "snappy", "lz4", "zstd") if getattr(kafka.codec, f"has_{name}")()]
    print("none", *found)


if __name__ == "__main__":
    bootstrap, what, *rest = sys.argv[1:]
    actions = (create, delete, produce, read, idempotent, times, group, codecs)
    {action.__name__: action for action in actions}[what](bootstrap, *rest)
