package main

import (
	"context"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

func (a administration) groupOffsets(ctx context.Context) error {
	at := make(kadm.Offsets)
	at.Add(kadm.Offset{Topic: a.topic, Partition: 0, At: 7, LeaderEpoch: -1, Metadata: "seven"})
	at.AddOffset(a.topic, 1, 0, -1)
	if err := a.CommitAllOffsets(ctx, a.topic, at); err != nil {
		return err
	}
	fetched, err := a.FetchOffsets(ctx, a.topic)
	found, _ := fetched.Lookup(a.topic, 0)
	if err = first(err, fetched.Error(), check(found.At == 7 && found.Metadata == "seven", "it is kept", found)); err != nil {
		return err
	}
	second := make(kadm.TopicsSet)
	second.Add(a.topic, 1)
	deleted, err := a.DeleteOffsets(ctx, a.topic, second)
	if err = first(err, deleted.Error()); err != nil {
		return err
	}
	fetched, err = a.FetchOffsets(ctx, a.topic)
	_, kept := fetched.Lookup(a.topic, 1)
	return first(err, check(!kept, "the other is gone", fetched))
}

func (a administration) groups(ctx context.Context) error {
	listed, err := a.ListGroups(ctx)
	described, describing := a.DescribeGroups(ctx, a.topic)
	group := described[a.topic]
	if err = first(
		err, check(listed[a.topic].State == "Empty", "it is listed, and empty", listed),
		describing, group.Err, check(group.State == "Empty" && len(group.Members) == 0, "and so described", group),
	); err != nil {
		return err
	}
	lags, err := a.Lag(ctx, a.topic)
	if err = first(err, lags.Error(), check(lags[a.topic].Lag.Total() == 3, "it lags behind by three", lags)); err != nil {
		return err
	}
	deleted, err := a.DeleteGroups(ctx, a.topic)
	if err = first(err, deleted.Error()); err != nil {
		return err
	}
	listed, err = a.ListGroups(ctx)
	_, again := a.DeleteGroup(ctx, a.topic)
	_, kept := listed[a.topic]
	return first(err, check(!kept, "it is gone", listed), refused(again, kerr.GroupIDNotFound))
}
