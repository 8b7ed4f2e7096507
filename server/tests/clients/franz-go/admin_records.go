package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	records    = 10
	timeMillis = 1_700_000_000_000
)

func (a administration) first() kadm.TopicsSet {
	set := make(kadm.TopicsSet)
	set.Add(a.topic, 0)
	return set
}

// producers leaves ten records in the first partition, a millisecond apart.
func (a administration) producers(ctx context.Context) error {
	producer, err := kgo.NewClient(kgo.SeedBrokers(a.bootstrap), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer producer.Close()
	for n := range records {
		record := kgo.KeySliceRecord([]byte("key"), fmt.Appendf(nil, "value %d", n))
		record.Topic, record.Timestamp = a.topic, time.UnixMilli(int64(timeMillis+n))
		if err := producer.ProduceSync(ctx, record).FirstErr(); err != nil {
			return err
		}
	}
	found, err := a.DescribeProducers(ctx, a.first())
	if err != nil {
		return err
	}
	active := found.SortedProducers()
	if err = check(len(active) == 1, "there is one", active); err != nil {
		return err
	}
	return check(active[0].LastSequence == records-1, "its last sequence number is known", active)
}

func (a administration) offsets(ctx context.Context) error {
	for _, expected := range []struct {
		name   string
		list   func(context.Context, ...string) (kadm.ListedOffsets, error)
		offset int64
	}{
		{"start", a.ListStartOffsets, 0},
		{"end", a.ListEndOffsets, records},
		{"committed", a.ListCommittedOffsets, records},
		{"largest timestamp", a.ListMaxTimestampOffsets, records - 1},
		{"local start", a.ListLocalLogStartOffsets, 0},
		{"remote", a.ListLatestRemoteOffsets, -1},
		{"a timestamp", a.after(timeMillis + 4), 4},
		{"too late", a.after(timeMillis + records), records}, // the client puts the end in place of none
	} {
		listed, err := expected.list(ctx, a.topic)
		found, _ := listed.Lookup(a.topic, 0)
		if err = first(err, found.Err, check(found.Offset == expected.offset, expected.name, found)); err != nil {
			return err
		}
	}
	return nil
}

func (a administration) after(millis int64) func(context.Context, ...string) (kadm.ListedOffsets, error) {
	return func(ctx context.Context, topics ...string) (kadm.ListedOffsets, error) {
		return a.ListOffsetsAfterMilli(ctx, millis, topics...)
	}
}

func (a administration) epochs(ctx context.Context) error {
	topics, err := a.ListTopics(ctx, a.topic)
	if err != nil {
		return err
	}
	epoch := topics[a.topic].Partitions[0].LeaderEpoch
	request := kadm.OffsetForLeaderEpochRequest{}
	request.Add(a.topic, 0, epoch)
	found, err := a.OffsetForLeaderEpoch(ctx, request)
	if err != nil {
		return err
	}
	end := found[a.topic][0]
	return first(end.Err, check(end.LeaderEpoch == epoch && end.EndOffset == records, "the epoch ends at the end", end))
}

func (a administration) deleteRecords(ctx context.Context) error {
	below := make(kadm.Offsets)
	below.AddOffset(a.topic, 0, 4, -1)
	deleted, err := a.DeleteRecords(ctx, below)
	found, _ := deleted.Lookup(a.topic, 0)
	if err = first(err, found.Err, check(found.LowWatermark == 4, "four are gone", found)); err != nil {
		return err
	}
	beyond := make(kadm.Offsets)
	beyond.AddOffset(a.topic, 0, records+1, -1)
	deleted, err = a.DeleteRecords(ctx, beyond)
	found, _ = deleted.Lookup(a.topic, 0)
	return first(err, refused(found.Err, kerr.OffsetOutOfRange))
}

func (a administration) logDirs(ctx context.Context) error {
	described, err := a.DescribeAllLogDirs(ctx, a.first())
	if err != nil {
		return err
	}
	for _, folders := range described {
		for _, folder := range folders {
			partition, found := folder.Topics.Lookup(a.topic, 0)
			return first(
				folder.Err, check(found && partition.Size > 0, "the partition has bytes", partition),
				check(folder.TotalBytes >= folder.UsableBytes && folder.UsableBytes > 0, "the disk has a size", folder),
			)
		}
	}
	return errors.New("there is no folder")
}
