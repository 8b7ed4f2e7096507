"""What `run` does with kafka-python: `kafka_python.py BOOTSTRAP WHAT [TOPIC [FILE [CODEC]]]`.

A file has a record a line: key, tab, value. Partitions are assigned by hand: consumer groups are another matter.
"""

import sys

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


def codecs(_bootstrap):
    found = [name for name in ("gzip", "snappy", "lz4", "zstd") if getattr(kafka.codec, f"has_{name}")()]
    print("none", *found)


if __name__ == "__main__":
    bootstrap, what, *rest = sys.argv[1:]
    actions = (create, delete, produce, read, idempotent, times, codecs)
    {action.__name__: action for action in actions}[what](bootstrap, *rest)
