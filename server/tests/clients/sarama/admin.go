package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

const (
	records    = 10
	timeMillis = 1_700_000_000_000
)

// administration is what the cluster admin has for brokers without transactions and security.
type administration struct {
	sarama.ClusterAdmin
	bootstrap, topic string
}

func administer(bootstrap, topic string) error {
	admin, err := sarama.NewClusterAdmin([]string{bootstrap}, config())
	if err != nil {
		return err
	}
	defer admin.Close()
	a := administration{admin, bootstrap, topic}
	steps := []struct {
		name string
		run  func() error
	}{
		{"describe cluster", a.cluster},
		{"create topics", a.createTopics},
		{"create partitions", a.createPartitions},
		{"describe and alter topic configs", a.topicConfigs},
		{"describe and alter broker configs", a.brokerConfigs},
		{"list offsets", a.offsets},
		{"delete records", a.deleteRecords},
		{"describe log dirs", a.logDirs},
		{"alter, list and delete group offsets", a.groupOffsets},
		{"list, describe and delete groups", a.groups},
		{"delete topic", a.deleteTopic},
	}
	for _, step := range steps {
		if err := step.run(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Println(step.name)
	}
	return nil
}

// refused checks that a call failed so.
func refused(err error, why sarama.KError) error {
	return check(errors.Is(err, why), "it is refused with "+why.Error(), err)
}

func (a administration) cluster() error {
	brokers, controller, err := a.DescribeCluster()
	if err = first(err, check(len(brokers) == 1, "there is one broker", brokers)); err != nil {
		return err
	}
	only := brokers[0]
	return check(only.ID() == controller && only.Addr() == a.bootstrap, "it is the one asked", only)
}

func text(value string) *string { return &value }

func (a administration) createTopics() error {
	detail := &sarama.TopicDetail{
		NumPartitions: 2, ReplicationFactor: 1, ConfigEntries: map[string]*string{"retention.ms": text("3600000")},
	}
	validated := a.CreateTopic(a.topic, detail, true)
	topics, err := a.ListTopics()
	_, listed := topics[a.topic]
	if err = first(validated, err, check(!listed, "validation creates nothing"), a.CreateTopic(a.topic, detail, false)); err != nil {
		return err
	}
	topics, err = a.ListTopics()
	described, describing := a.DescribeTopics([]string{a.topic, "nowhere"})
	if err = first(
		err, check(topics[a.topic].NumPartitions == 2, "it is listed", topics[a.topic]),
		check(*topics[a.topic].ConfigEntries["retention.ms"] == "3600000", "with its setting", topics[a.topic]),
		describing, check(len(described[0].Partitions) == 2, "it is described", described[0]),
		refused(described[1].Err, sarama.ErrUnknownTopicOrPartition),
	); err != nil {
		return err
	}
	odd := &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1, ConfigEntries: map[string]*string{"colour": text("red")}}
	many := &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 3}
	return first(
		refused(a.CreateTopic(a.topic, detail, false), sarama.ErrTopicAlreadyExists),
		refused(a.CreateTopic(a.topic+"-odd", odd, false), sarama.ErrInvalidConfig),
		refused(a.CreateTopic(a.topic+"-many", many, false), sarama.ErrInvalidReplicationFactor),
	)
}

func (a administration) createPartitions() error {
	if err := a.CreatePartitions(a.topic, 3, nil, false); err != nil {
		return err
	}
	topics, err := a.ListTopics()
	return first(
		err, check(topics[a.topic].NumPartitions == 3, "there are three", topics[a.topic]),
		refused(a.CreatePartitions(a.topic, 2, nil, false), sarama.ErrInvalidPartitions),
	)
}

func (a administration) setting(kind sarama.ConfigResourceType, resource, name string) (sarama.ConfigEntry, error) {
	asked := []*sarama.ConfigResource{{Type: kind, Name: resource}}
	options := sarama.DescribeConfigsOptions{IncludeSynonyms: true, IncludeDocumentation: true}
	found, err := a.DescribeConfigs(asked, options)
	if err != nil {
		return sarama.ConfigEntry{}, err
	}
	for _, entry := range found[0].Configs {
		if entry.Name == name {
			return entry, nil
		}
	}
	return sarama.ConfigEntry{}, fmt.Errorf("%s of %s is not described: %s", name, resource, found[0].ErrorMsg)
}

func (a administration) topicConfigs() error {
	set := func(topic, value string) error {
		change := map[string]sarama.IncrementalAlterConfigsEntry{
			"retention.ms": {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value},
		}
		return a.IncrementalAlterConfig(sarama.TopicResource, topic, change, false)
	}
	if err := set(a.topic, "7200000"); err != nil {
		return err
	}
	found, err := a.setting(sarama.TopicResource, a.topic, "retention.ms")
	if err = first(
		err, check(found.Value == "7200000" && !found.Default, "it is set", found),
		check(found.Documentation != nil && len(found.Synonyms) > 1, "it is documented and has synonyms", found),
		a.AlterConfig(sarama.TopicResource, a.topic, map[string]*string{"max.message.bytes": text("1000000")}, false),
	); err != nil {
		return err
	}
	found, err = a.setting(sarama.TopicResource, a.topic, "retention.ms")
	return first(
		err, check(found.Value == "604800000" && found.Default, "what AlterConfigs does not name goes", found),
		refused(set(a.topic, "soon"), sarama.ErrInvalidConfig),
		refused(set("nowhere", "1"), sarama.ErrUnknownTopicOrPartition),
	)
}

func (a administration) brokerConfigs() error {
	_, controller, err := a.DescribeCluster()
	if err != nil {
		return err
	}
	node := fmt.Sprint(controller)
	change := func(op sarama.IncrementalAlterConfigsOperation, value *string) error {
		entries := map[string]sarama.IncrementalAlterConfigsEntry{"log.retention.ms": {Operation: op, Value: value}}
		return a.IncrementalAlterConfig(sarama.BrokerResource, node, entries, false)
	}
	if err = change(sarama.IncrementalAlterConfigsOperationSet, text("86400000")); err != nil {
		return err
	}
	found, err := a.setting(sarama.BrokerResource, node, "log.retention.ms")
	return first(
		err, check(found.Value == "86400000" && found.Source == sarama.SourceDynamicBroker, "it is dynamic", found),
		change(sarama.IncrementalAlterConfigsOperationDelete, nil),
	)
}

// offsets leaves ten records in the first partition, a millisecond apart.
func (a administration) offsets() error {
	config := config()
	config.Producer.Return.Successes = true
	config.Producer.Partitioner = sarama.NewManualPartitioner
	producer, err := sarama.NewSyncProducer([]string{a.bootstrap}, config)
	if err != nil {
		return err
	}
	defer producer.Close()
	for n := range records {
		message := &sarama.ProducerMessage{Topic: a.topic, Value: sarama.StringEncoder("x"), Timestamp: time.UnixMilli(int64(timeMillis + n))}
		_, offset, err := producer.SendMessage(message)
		if err = first(err, check(offset == int64(n), "offsets are dense", offset)); err != nil {
			return err
		}
	}
	for asked, expected := range map[int64]int64{
		sarama.OffsetOldest: 0, sarama.OffsetNewest: records, timeMillis + 4: 4, timeMillis + records: -1,
	} {
		found, err := a.ListOffsets(map[string]map[int32]int64{a.topic: {0: asked}}, nil)
		if err != nil {
			return err
		}
		result := found[a.topic][0]
		holds := result.Offset == expected && errors.Is(result.Err, sarama.ErrNoError)
		if err = check(holds, "the offset is as expected", asked, expected, result); err != nil {
			return err
		}
	}
	return nil
}

func (a administration) deleteRecords() error {
	if err := a.DeleteRecords(a.topic, map[int32]int64{0: 4}); err != nil {
		return err
	}
	found, err := a.ListOffsets(map[string]map[int32]int64{a.topic: {0: sarama.OffsetOldest}}, nil)
	beyond := a.DeleteRecords(a.topic, map[int32]int64{0: records + 1})
	return first(
		err, check(found[a.topic][0].Offset == 4, "four are gone", found[a.topic][0]),
		check(beyond != nil, "there are no more to delete"),
	)
}

func (a administration) logDirs() error {
	_, controller, err := a.DescribeCluster()
	if err != nil {
		return err
	}
	folders, err := a.DescribeLogDirs([]int32{controller})
	if err = first(err, check(len(folders[controller]) == 1, "there is one folder", folders)); err != nil {
		return err
	}
	folder := folders[controller][0]
	for _, topic := range folder.Topics {
		if topic.Topic == a.topic {
			return first(
				check(folder.ErrorCode == sarama.ErrNoError && folder.TotalBytes >= folder.UsableBytes, "the disk has a size", folder),
				check(len(topic.Partitions) == 3, "it has the three partitions", topic),
			)
		}
	}
	return fmt.Errorf("%s is in no folder", a.topic)
}

func (a administration) committed(partition int32) (*sarama.OffsetFetchResponseBlock, error) {
	fetched, err := a.ListConsumerGroupOffsets(a.topic, map[string][]int32{a.topic: {partition}})
	if err != nil {
		return nil, err
	}
	return fetched.GetBlock(a.topic, partition), nil
}

func (a administration) groupOffsets() error {
	offsets := map[int32]sarama.OffsetAndMetadata{0: {Offset: 7, LeaderEpoch: -1, Metadata: "seven"}, 1: {LeaderEpoch: -1}}
	_, err := a.AlterConsumerGroupOffsets(a.topic, map[string]map[int32]sarama.OffsetAndMetadata{a.topic: offsets}, nil)
	if err != nil {
		return err
	}
	found, err := a.committed(0)
	if err = first(
		err, check(found.Offset == 7 && found.Metadata == "seven", "it is kept", found),
		a.DeleteConsumerGroupOffset(a.topic, a.topic, 1),
	); err != nil {
		return err
	}
	found, err = a.committed(1)
	return first(err, check(found.Offset == -1, "the other is gone", found))
}

func (a administration) groups() error {
	listed, err := a.ListConsumerGroups()
	_, found := listed[a.topic]
	described, describing := a.DescribeConsumerGroups([]string{a.topic})
	if err = first(
		err, check(found, "it is listed", listed), describing,
		check(described[0].State == "Empty" && len(described[0].Members) == 0, "it is empty", described),
		a.DeleteConsumerGroup(a.topic),
	); err != nil {
		return err
	}
	listed, err = a.ListConsumerGroups()
	_, found = listed[a.topic]
	return first(
		err, check(!found, "it is gone", listed),
		refused(a.DeleteConsumerGroup(a.topic), sarama.ErrGroupIDNotFound),
	)
}

func (a administration) deleteTopic() error {
	if err := a.DeleteTopic(a.topic); err != nil {
		return err
	}
	topics, err := a.ListTopics()
	_, listed := topics[a.topic]
	return first(err, check(!listed, "it is gone"), refused(a.DeleteTopic(a.topic), sarama.ErrUnknownTopicOrPartition))
}
