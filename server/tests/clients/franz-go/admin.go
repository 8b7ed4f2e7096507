package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// administration is what kadm has for brokers without transactions and security.
type administration struct {
	*kadm.Client
	bootstrap, topic string
}

func administer(ctx context.Context, bootstrap, topic string) error {
	client, err := admin(bootstrap)
	if err != nil {
		return err
	}
	defer client.Close()
	a := administration{client, bootstrap, topic}
	ctx = kadm.WithAuthorizedOps(ctx) // without, metadata comes from the client's cache
	steps := []struct {
		name string
		run  func(context.Context) error
	}{
		{"describe cluster and API versions", a.cluster},
		{"create topics", a.createTopics},
		{"create partitions", a.createPartitions},
		{"describe and alter topic configs", a.topicConfigs},
		{"describe and alter broker configs", a.brokerConfigs},
		{"describe producers", a.producers},
		{"list offsets", a.offsets},
		{"offsets of leader epochs", a.epochs},
		{"delete records", a.deleteRecords},
		{"describe log dirs", a.logDirs},
		{"commit, fetch and delete group offsets", a.groupOffsets},
		{"list, describe and delete groups", a.groups},
		{"delete topics", a.deleteTopics},
	}
	for _, step := range steps {
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Println(step.name)
	}
	return nil
}

// refused checks that a call failed so.
func refused(err error, why *kerr.Error) error {
	return check(errors.Is(err, why), "it is refused with "+why.Message, err)
}

func (a administration) cluster(ctx context.Context) error {
	metadata, err := a.BrokerMetadata(ctx)
	if err != nil {
		return err
	}
	versions, err := a.ApiVersions(ctx)
	if err != nil {
		return err
	}
	broker := metadata.Brokers[0]
	served := versions[broker.NodeID]
	_, _, fetches := served.KeyVersions(int16(kmsg.Fetch))
	return first(
		check(len(metadata.Brokers) == 1 && metadata.Controller == broker.NodeID, "there is one broker", metadata),
		check(fmt.Sprintf("%s:%d", broker.Host, broker.Port) == a.bootstrap, "it is the one asked", broker),
		check(metadata.Cluster != "", "the cluster has an id"),
		served.Err, check(fetches, "it serves Fetch"),
	)
}

func (a administration) createTopics(ctx context.Context) error {
	configs := map[string]*string{"retention.ms": kadm.StringPtr("3600000")}
	validated, err := a.ValidateCreateTopics(ctx, 2, 1, configs, a.topic)
	topics, listing := a.ListTopics(ctx)
	if err = first(err, validated.Error(), listing, check(!topics.Has(a.topic), "validation creates nothing")); err != nil {
		return err
	}
	created, err := a.CreateTopic(ctx, 2, 1, configs, a.topic)
	if err = first(err, check(created.NumPartitions == 2, "it has two partitions", created)); err != nil {
		return err
	}
	topics, listing = a.ListTopics(ctx)
	_, again := a.CreateTopic(ctx, 2, 1, nil, a.topic)
	_, odd := a.CreateTopic(ctx, 1, 1, map[string]*string{"colour": kadm.StringPtr("red")}, a.topic+"-odd")
	_, many := a.CreateTopic(ctx, 1, 3, nil, a.topic+"-many")
	return first(
		listing, check(topics[a.topic].ID == created.ID, "it is listed with its id", topics[a.topic], created),
		refused(again, kerr.TopicAlreadyExists), refused(odd, kerr.InvalidConfig),
		refused(many, kerr.InvalidReplicationFactor),
	)
}

func (a administration) createPartitions(ctx context.Context) error {
	grown, err := a.UpdatePartitions(ctx, 3, a.topic)
	if err = first(err, grown.Error()); err != nil {
		return err
	}
	topics, err := a.ListTopics(ctx, a.topic)
	fewer, fewerErr := a.UpdatePartitions(ctx, 2, a.topic)
	return first(
		err, check(len(topics[a.topic].Partitions) == 3, "there are three", topics),
		fewerErr, refused(fewer.Error(), kerr.InvalidPartitions),
	)
}

// setting is one of those that were described.
func setting(found kadm.ResourceConfigs, err error, key string) (kadm.Config, error) {
	if err != nil {
		return kadm.Config{}, err
	}
	for _, config := range found[0].Configs {
		if config.Key == key {
			return config, found[0].Err
		}
	}
	return kadm.Config{}, first(found[0].Err, fmt.Errorf("%s is not described", key))
}

func (a administration) topicSetting(ctx context.Context, key string) (kadm.Config, error) {
	found, err := a.DescribeTopicConfigs(ctx, a.topic)
	return setting(found, err, key)
}

func (a administration) alter(ctx context.Context, topic string, op kadm.IncrementalOp, key, value string) error {
	altered, err := a.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: op, Name: key, Value: &value}}, topic)
	if err != nil {
		return err
	}
	return altered[0].Err
}

func (a administration) topicConfigs(ctx context.Context) error {
	err := a.alter(ctx, a.topic, kadm.SetConfig, "retention.ms", "7200000")
	if err != nil {
		return err
	}
	set, err := a.topicSetting(ctx, "retention.ms")
	if err = first(err, check(set.MaybeValue() == "7200000", "it is set", set)); err != nil {
		return err
	}
	if err = a.alter(ctx, a.topic, kadm.AppendConfig, "cleanup.policy", "compact"); err != nil {
		return err
	}
	both, err := a.topicSetting(ctx, "cleanup.policy")
	if err = first(err, check(both.MaybeValue() == "delete,compact", "it is appended to", both)); err != nil {
		return err
	}
	value := "1000000"
	state, err := a.AlterTopicConfigsState(ctx, []kadm.AlterConfig{{Name: "max.message.bytes", Value: &value}}, a.topic)
	if err = first(err, state[0].Err); err != nil {
		return err
	}
	replaced, err := a.topicSetting(ctx, "cleanup.policy")
	return first(
		err, check(replaced.Source == kmsg.ConfigSourceDefaultConfig, "what is not named goes", replaced),
		refused(a.alter(ctx, a.topic, kadm.SetConfig, "retention.ms", "soon"), kerr.InvalidConfig),
		refused(a.alter(ctx, "nowhere", kadm.SetConfig, "retention.ms", "1"), kerr.UnknownTopicOrPartition),
	)
}

func (a administration) brokerConfigs(ctx context.Context) error {
	metadata, err := a.BrokerMetadata(ctx)
	if err != nil {
		return err
	}
	node := metadata.Controller
	value := "86400000"
	altered, err := a.AlterBrokerConfigs(ctx, []kadm.AlterConfig{{Name: "log.retention.ms", Value: &value}}, node)
	if err = first(err, altered[0].Err); err != nil {
		return err
	}
	described, err := a.DescribeBrokerConfigs(ctx, node)
	set, err := setting(described, err, "log.retention.ms")
	if err = first(err, check(set.Source == kmsg.ConfigSourceDynamicBrokerConfig, "it is dynamic", set)); err != nil {
		return err
	}
	resources, err := a.ListConfigResources(ctx, kadm.ConfigResourceBroker)
	if err = first(err, resources.Err, check(len(resources.Resources) > 0, "it is listed")); err != nil {
		return err
	}
	altered, err = a.AlterBrokerConfigs(ctx, []kadm.AlterConfig{{Op: kadm.DeleteConfig, Name: "log.retention.ms"}}, node)
	return first(err, altered[0].Err)
}

func (a administration) deleteTopics(ctx context.Context) error {
	if _, err := a.DeleteTopic(ctx, a.topic); err != nil {
		return err
	}
	topics, err := a.ListTopics(ctx)
	_, again := a.DeleteTopic(ctx, a.topic)
	return first(err, check(!topics.Has(a.topic), "it is gone"), refused(again, kerr.UnknownTopicOrPartition))
}
