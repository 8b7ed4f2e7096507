package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	batch = 500
	poll  = 100 * time.Millisecond
)

// consume has two members write what they consume and commit exactly that; the second leaves half-way if asked to.
func consume(ctx context.Context, bootstrap, topic, group, file string, count int, half bool) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	shared := &writer{out: bufio.NewWriter(out)}
	leavesAt := count
	if half {
		leavesAt = count / 2
	}
	members := make(chan error, 2)
	for _, until := range []int{count, leavesAt} {
		go func() { members <- member(ctx, bootstrap, topic, group, shared, until) }()
	}
	err = first(<-members, <-members, shared.out.Flush())
	return first(err, check(shared.written == count, "all records came", shared.written, count))
}

// member consumes until all members together have `until` records, then leaves.
func member(ctx context.Context, bootstrap, topic, group string, shared *writer, until int) error {
	var assigned atomic.Bool
	client, err := kgo.NewClient(
		kgo.SeedBrokers(bootstrap), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.HeartbeatInterval(500*time.Millisecond),
		// Nothing is taken away between a poll and the commit of what it gave.
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, given map[string][]int32) {
			if len(given[topic]) > 0 {
				assigned.Store(true)
			}
		}),
	)
	if err != nil {
		return err
	}
	defer client.CloseAllowingRebalance()
	for shared.count() < until {
		if ctx.Err() != nil {
			return fmt.Errorf("%d records, then no more in time", shared.count())
		}
		if err := step(ctx, client, shared, until); err != nil {
			return err
		}
	}
	return check(assigned.Load(), "each member gets partitions")
}

// step is one poll, and the commit of what was written of it.
func step(ctx context.Context, client *kgo.Client, shared *writer, until int) error {
	polling, cancel := context.WithTimeout(ctx, poll)
	defer cancel()
	defer client.AllowRebalance()
	polled := client.PollRecords(polling, batch)
	for _, fetch := range polled.Errors() {
		if !errors.Is(fetch.Err, context.DeadlineExceeded) {
			return fmt.Errorf("partition %d: %w", fetch.Partition, fetch.Err)
		}
	}
	var written []*kgo.Record
	for _, record := range polled.Records() {
		if !shared.write(record, until) {
			break
		}
		written = append(written, record)
	}
	return commit(ctx, client, written)
}

// commit tries again while the group is between two assignments: a cooperative member consumes on.
func commit(ctx context.Context, client *kgo.Client, written []*kgo.Record) error {
	for len(written) > 0 {
		err := client.CommitRecords(ctx, written...)
		if !errors.Is(err, kerr.RebalanceInProgress) {
			return err
		}
		time.Sleep(poll)
	}
	return nil
}
