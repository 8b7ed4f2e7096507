import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicReference;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The Java client: one verb, one process. */
final class Client {
    private static final short ONE_REPLICA = 1;

    public static void main(String[] args) throws Exception {
        switch (args[0]) {
            case "version" -> System.out.println("kafka-clients " + version());
            case "codecs" -> System.out.println("none gzip snappy lz4 zstd");
            case "create" -> create(args[1], args[2], Integer.parseInt(args[3]));
            case "produce" -> produce(args[1], args[2], Path.of(args[3]), args[4]);
            case "group" -> new Group(args[1], args[2], args[3], Integer.parseInt(args[5]), args.length > 6)
                    .consume(Path.of(args[4]));
            case "committed" -> System.out.println(committed(args[1], args[3]));
            case "admin" -> new Administration(args[1], args[2]).run();
            case "load" -> load(args).produce(Integer.parseInt(args[4]), Long.parseLong(args[5]));
            case "read-load" -> load(args).read();
            default -> {
                System.out.println("unsupported: there is no verb " + args[0]);
                System.exit(4);
            }
        }
    }

    private static Load load(String[] args) {
        return new Load(args[1], args[2], Integer.parseInt(args[3]));
    }

    private static String version() throws IOException {
        var properties = new Properties();
        try (var resource = Admin.class.getResourceAsStream("/kafka/kafka-version.properties")) {
            properties.load(resource);
        }
        return properties.getProperty("version");
    }

    static Map<String, Object> config(String bootstrap) {
        return new HashMap<>(Map.of("bootstrap.servers", bootstrap));
    }

    private static void create(String bootstrap, String topic, int partitions) throws Exception {
        try (Admin admin = Admin.create(config(bootstrap))) {
            admin.createTopics(List.of(new NewTopic(topic, partitions, ONE_REPLICA))).all().get();
            check(admin.listTopics().names().get().contains(topic), topic + " is listed");
        }
    }

    /** Idempotent, as the client is by default. */
    private static void produce(String bootstrap, String topic, Path file, String codec) throws Exception {
        var config = config(bootstrap);
        config.put("acks", "all");
        config.put("compression.type", codec);
        config.put("linger.ms", 5);
        var refused = new AtomicReference<Exception>();
        var bytes = new ByteArraySerializer();
        try (var producer = new KafkaProducer<>(config, bytes, bytes); var lines = Files.lines(file)) {
            lines.forEach(line -> {
                var field = line.split("\t", 2);
                producer.send(new ProducerRecord<>(topic, utf8(field[0]), utf8(field[1])), (sent, error) -> {
                    if (error != null) refused.compareAndSet(null, error);
                });
            });
        }
        if (refused.get() != null) throw refused.get();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static long committed(String bootstrap, String group) throws Exception {
        try (Admin admin = Admin.create(config(bootstrap))) {
            var offsets = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
            return offsets.values().stream().mapToLong(OffsetAndMetadata::offset).sum();
        }
    }

    static void check(boolean holds, Object what) {
        if (!holds) throw new AssertionError(what);
    }
}
