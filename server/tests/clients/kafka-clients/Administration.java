import static org.apache.kafka.clients.admin.AlterConfigOp.OpType.APPEND;
import static org.apache.kafka.clients.admin.AlterConfigOp.OpType.DELETE;
import static org.apache.kafka.clients.admin.AlterConfigOp.OpType.SET;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;

import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionReplica;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.requests.ListOffsetsResponse;
import org.apache.kafka.common.serialization.StringSerializer;

/** All that the admin client has for brokers without transactions and security, each with an assertion. */
final class Administration {
    private static final long TIME = 1_700_000_000_000L;
    private static final int RECORDS = 10;

    private final String bootstrap, topic;
    private final TopicPartition first;
    private final ConfigResource settings;
    private final Admin admin;

    Administration(String bootstrap, String topic) {
        this.bootstrap = bootstrap;
        this.topic = topic;
        first = new TopicPartition(topic, 0);
        settings = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        admin = Admin.create(Client.config(bootstrap));
    }

    private interface Step {
        void run() throws Exception;
    }

    void run() throws Exception {
        try (admin) {
            step("describe cluster and features", this::cluster);
            step("create topics", this::createTopics);
            step("describe topics by name and by id", this::describeTopics);
            step("create partitions", this::createPartitions);
            step("describe and alter topic configs", this::topicConfigs);
            step("describe and alter broker configs", this::brokerConfigs);
            step("describe producers", this::producers);
            step("list offsets", this::offsets);
            step("delete records", this::deleteRecords);
            step("describe log dirs", this::logDirs);
            step("alter, list and delete group offsets", this::groupOffsets);
            step("list, describe and delete groups", this::groups);
            step("remove members from a group", this::removeMembers);
            step("delete topics by name and by id", this::deleteTopics);
        }
    }

    private static void step(String name, Step step) throws Exception {
        try {
            step.run();
        } catch (Exception | AssertionError failed) {
            throw new AssertionError(name, failed);
        }
        System.out.println(name);
    }

    /** The call must fail so. */
    private static void refused(Class<? extends ApiException> why, KafkaFuture<?> call) throws Exception {
        try {
            call.get();
        } catch (ExecutionException failed) {
            Client.check(why.isInstance(failed.getCause()), failed.getCause());
            return;
        }
        throw new AssertionError("done, instead of " + why.getSimpleName());
    }

    private static void equal(Object found, Object expected) {
        Client.check(found.equals(expected), "found " + found + ", expected " + expected);
    }

    private void cluster() throws Exception {
        var cluster = admin.describeCluster(new DescribeClusterOptions().includeAuthorizedOperations(true));
        Client.check(!cluster.clusterId().get().isEmpty(), "the cluster has an id");
        equal(cluster.nodes().get().size(), 1);
        equal(cluster.controller().get(), cluster.nodes().get().iterator().next());
        equal(cluster.controller().get().host() + ":" + cluster.controller().get().port(), bootstrap);
        for (var feature : admin.describeFeatures().featureMetadata().get().finalizedFeatures().entrySet()) {
            Client.check(feature.getValue().maxVersionLevel() > 0, feature);
        }
    }

    private void createTopics() throws Exception {
        var created = new NewTopic(topic, 2, (short) 1).configs(Map.of("retention.ms", "3600000"));
        admin.createTopics(List.of(created), new CreateTopicsOptions().validateOnly(true)).all().get();
        Client.check(!admin.listTopics().names().get().contains(topic), "validateOnly creates nothing");
        var result = admin.createTopics(List.of(created));
        result.all().get();
        equal(result.numPartitions(topic).get(), 2);
        equal(result.replicationFactor(topic).get(), 1);
        equal(result.config(topic).get().get("retention.ms").value(), "3600000");
        refused(TopicExistsException.class, admin.createTopics(List.of(created)).all());
        var odd = new NewTopic(topic + "-odd", 1, (short) 1).configs(Map.of("colour", "red"));
        refused(InvalidConfigurationException.class, admin.createTopics(List.of(odd)).all());
        var many = new NewTopic(topic + "-many", 1, (short) 3);
        refused(InvalidReplicationFactorException.class, admin.createTopics(List.of(many)).all());
        refused(InvalidTopicException.class, admin.createTopics(List.of(new NewTopic("a/b", 1, (short) 1))).all());
    }

    private void describeTopics() throws Exception {
        var described = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
        equal(described.partitions().size(), 2);
        for (var partition : described.partitions()) {
            equal(partition.leader(), partition.replicas().get(0));
            equal(partition.isr(), partition.replicas());
        }
        var id = described.topicId();
        var byId = admin.describeTopics(TopicCollection.ofTopicIds(List.of(id))).allTopicIds().get().get(id);
        equal(byId.name(), topic);
        refused(UnknownTopicOrPartitionException.class, admin.describeTopics(List.of("nowhere")).allTopicNames());
        refused(UnknownTopicIdException.class,
                admin.describeTopics(TopicCollection.ofTopicIds(List.of(org.apache.kafka.common.Uuid.randomUuid()))).allTopicIds());
    }

    private void createPartitions() throws Exception {
        admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(3))).all().get();
        equal(admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size(), 3);
        refused(InvalidPartitionsException.class, admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(2))).all());
    }

    private ConfigEntry setting(ConfigResource resource, String name) throws Exception {
        var options = new DescribeConfigsOptions().includeSynonyms(true).includeDocumentation(true);
        return admin.describeConfigs(List.of(resource), options).all().get().get(resource).get(name);
    }

    private KafkaFuture<Void> alter(ConfigResource resource, AlterConfigOp.OpType type, String name, String value) {
        var change = new AlterConfigOp(new ConfigEntry(name, value), type);
        return admin.incrementalAlterConfigs(Map.of(resource, List.of(change))).all();
    }

    private void topicConfigs() throws Exception {
        equal(setting(settings, "retention.ms").source(), ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG);
        Client.check(!setting(settings, "retention.ms").documentation().isEmpty(), "settings are documented");
        alter(settings, SET, "retention.ms", "7200000").get();
        equal(setting(settings, "retention.ms").value(), "7200000");
        equal(setting(settings, "retention.ms").synonyms().get(0).value(), "7200000");
        alter(settings, APPEND, "cleanup.policy", "compact").get();
        equal(setting(settings, "cleanup.policy").value(), "delete,compact");
        alter(settings, DELETE, "cleanup.policy", "").get();
        equal(setting(settings, "cleanup.policy").value(), "delete");
        equal(setting(settings, "cleanup.policy").isDefault(), true);
        refused(InvalidConfigurationException.class, alter(settings, SET, "retention.ms", "soon"));
        refused(UnknownTopicOrPartitionException.class,
                alter(new ConfigResource(ConfigResource.Type.TOPIC, "nowhere"), SET, "retention.ms", "1"));
        refused(UnknownTopicOrPartitionException.class,
                admin.describeConfigs(List.of(new ConfigResource(ConfigResource.Type.TOPIC, "nowhere"))).all());
    }

    private void brokerConfigs() throws Exception {
        var node = admin.describeCluster().controller().get().idString();
        var broker = new ConfigResource(ConfigResource.Type.BROKER, node);
        equal(setting(broker, "node.id").value(), node);
        equal(setting(broker, "node.id").isReadOnly(), true);
        alter(broker, SET, "log.retention.ms", "86400000").get();
        equal(setting(broker, "log.retention.ms").value(), "86400000");
        equal(setting(broker, "log.retention.ms").source(), ConfigEntry.ConfigSource.DYNAMIC_BROKER_CONFIG);
        Client.check(admin.listConfigResources().all().get().contains(broker), "the broker's settings are listed");
        alter(broker, DELETE, "log.retention.ms", "").get();
        var all = new ConfigResource(ConfigResource.Type.BROKER, "");
        alter(all, SET, "log.retention.ms", "86400000").get();
        equal(setting(broker, "log.retention.ms").source(), ConfigEntry.ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG);
        alter(all, DELETE, "log.retention.ms", "").get();
    }

    /** Ten records in the first partition, a millisecond apart; of their producer, the broker knows the last. */
    private void producers() throws Exception {
        var string = new StringSerializer();
        try (var producer = new KafkaProducer<>(Client.config(bootstrap), string, string)) {
            for (int n = 0; n < RECORDS; n++) producer.send(new ProducerRecord<>(topic, 0, TIME + n, "key", "value " + n));
            producer.flush();
            var active = admin.describeProducers(List.of(first)).all().get().get(first).activeProducers();
            equal(active.size(), 1);
            equal(active.get(0).lastSequence(), RECORDS - 1);
        }
    }

    private ListOffsetsResult.ListOffsetsResultInfo offset(OffsetSpec spec) throws Exception {
        return admin.listOffsets(Map.of(first, spec)).partitionResult(first).get();
    }

    private void offsets() throws Exception {
        equal(offset(OffsetSpec.earliest()).offset(), 0L);
        equal(offset(OffsetSpec.latest()).offset(), (long) RECORDS);
        equal(offset(OffsetSpec.forTimestamp(TIME + 4)).offset(), 4L);
        equal(offset(OffsetSpec.forTimestamp(TIME + 4)).timestamp(), TIME + 4);
        equal(offset(OffsetSpec.forTimestamp(TIME + RECORDS)).offset(), ListOffsetsResponse.UNKNOWN_OFFSET);
        equal(offset(OffsetSpec.maxTimestamp()).offset(), RECORDS - 1L);
        equal(offset(OffsetSpec.earliestLocal()).offset(), 0L);
        equal(offset(OffsetSpec.latestTiered()).offset(), ListOffsetsResponse.UNKNOWN_OFFSET);
    }

    private void deleteRecords() throws Exception {
        var below = admin.deleteRecords(Map.of(first, RecordsToDelete.beforeOffset(4)));
        equal(below.lowWatermarks().get(first).get().lowWatermark(), 4L);
        equal(offset(OffsetSpec.earliest()).offset(), 4L);
        var beyond = admin.deleteRecords(Map.of(first, RecordsToDelete.beforeOffset(RECORDS + 1)));
        refused(OffsetOutOfRangeException.class, beyond.all());
    }

    private void logDirs() throws Exception {
        var node = admin.describeCluster().controller().get().id();
        var folders = admin.describeLogDirs(List.of(node)).allDescriptions().get().get(node);
        equal(folders.size(), 1);
        var folder = folders.values().iterator().next();
        Client.check(folder.error() == null, folder.error());
        Client.check(folder.replicaInfos().get(first).size() > 0, "the first partition has bytes");
        Client.check(folder.totalBytes().getAsLong() >= folder.usableBytes().getAsLong(), "the disk has a size");
        var replica = new TopicPartitionReplica(topic, 0, node);
        var place = admin.describeReplicaLogDirs(List.of(replica)).values().get(replica).get();
        equal(place.getCurrentReplicaLogDir(), folders.keySet().iterator().next());
    }

    private Map<TopicPartition, OffsetAndMetadata> committed(String group) throws Exception {
        return admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
    }

    private void groupOffsets() throws Exception {
        var second = new TopicPartition(topic, 1);
        var at = new OffsetAndMetadata(7, java.util.Optional.empty(), "seven");
        admin.alterConsumerGroupOffsets(topic, Map.of(first, at, second, new OffsetAndMetadata(0))).all().get();
        equal(committed(topic).get(first), at);
        admin.deleteConsumerGroupOffsets(topic, Set.of(second)).all().get();
        equal(committed(topic).keySet(), Set.of(first));
    }

    private List<String> listed() throws Exception {
        var ids = new ArrayList<String>();
        for (var listing : admin.listGroups().all().get()) ids.add(listing.groupId());
        return ids;
    }

    private void groups() throws Exception {
        Client.check(listed().contains(topic), "the group is listed");
        var consumers = new ArrayList<String>();
        for (var found : admin.listGroups(ListGroupsOptions.forConsumerGroups()).all().get()) consumers.add(found.groupId());
        Client.check(consumers.contains(topic), "as one of consumers, too");
        var described = admin.describeConsumerGroups(List.of(topic)).all().get().get(topic);
        equal(described.groupState(), org.apache.kafka.common.GroupState.EMPTY);
        equal(described.members(), List.of());
        admin.deleteConsumerGroups(List.of(topic)).all().get();
        Client.check(!listed().contains(topic), "the group is gone");
        refused(GroupIdNotFoundException.class, admin.deleteConsumerGroups(List.of(topic)).all());
        refused(GroupIdNotFoundException.class, admin.describeConsumerGroups(List.of(topic)).all());
    }

    private void removeMembers() throws Exception {
        var config = Client.config(bootstrap);
        config.put("group.id", topic);
        config.put("group.instance.id", "one");
        config.put("enable.auto.commit", false);
        var bytes = new org.apache.kafka.common.serialization.ByteArrayDeserializer();
        try (var consumer = new org.apache.kafka.clients.consumer.KafkaConsumer<>(config, bytes, bytes)) {
            consumer.subscribe(List.of(topic));
            while (consumer.assignment().isEmpty()) consumer.poll(java.time.Duration.ofMillis(100));
            var described = admin.describeConsumerGroups(List.of(topic)).all().get().get(topic);
            equal(described.groupState(), org.apache.kafka.common.GroupState.STABLE);
            var member = described.members().iterator().next();
            equal(member.groupInstanceId().get(), "one");
            equal(member.assignment().topicPartitions().size(), 3);
            refused(GroupNotEmptyException.class, admin.deleteConsumerGroups(List.of(topic)).all());
            var removed = new RemoveMembersFromConsumerGroupOptions(List.of(new MemberToRemove("one")));
            admin.removeMembersFromConsumerGroup(topic, removed).all().get();
            equal(admin.describeConsumerGroups(List.of(topic)).all().get().get(topic).members(), List.of());
        }
        admin.deleteConsumerGroups(List.of(topic)).all().get();
    }

    private void deleteTopics() throws Exception {
        var id = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).topicId();
        admin.deleteTopics(TopicCollection.ofTopicIds(List.of(id))).all().get();
        Client.check(!admin.listTopics().names().get().contains(topic), "the topic is gone");
        admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get();
        admin.deleteTopics(List.of(topic)).all().get();
        refused(UnknownTopicOrPartitionException.class, admin.deleteTopics(List.of(topic)).all());
    }
}
