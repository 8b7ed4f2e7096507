import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Two members of one group, a thread each, that write what they consume and commit exactly that. */
final class Group {
    private static final Duration POLL = Duration.ofMillis(100);
    private static final long PATIENCE_MS = 120_000;

    private final String bootstrap, topic, group;
    private final int count;
    /** Whether the second member leaves half-way. */
    private final boolean half;
    private final long deadline = System.currentTimeMillis() + PATIENCE_MS;

    /** Guarded by this object, as `out` is: how many records are written. */
    private int written;
    private OutputStream out;

    Group(String bootstrap, String topic, String group, int count, boolean half) {
        this.bootstrap = bootstrap;
        this.topic = topic;
        this.group = group;
        this.count = count;
        this.half = half;
    }

    void consume(Path file) throws Exception {
        var members = Executors.newFixedThreadPool(2);
        try (var opened = new BufferedOutputStream(Files.newOutputStream(file))) {
            out = opened;
            List<Callable<Boolean>> loops = List.of(() -> member(count), () -> member(half ? count / 2 : count));
            for (var assigned : members.invokeAll(loops)) Client.check(assigned.get(), "each member gets partitions");
        } catch (ExecutionException failed) {
            throw failed.getCause() instanceof Exception cause ? cause : failed;
        } finally {
            members.shutdownNow();
        }
        Client.check(written == count, written + " of " + count + " records");
    }

    /** Consumes until all members together have `until`, then leaves. Whether it was given partitions: they may have had nothing left. */
    private boolean member(int until) throws IOException {
        var assigned = false;
        var bytes = new ByteArrayDeserializer();
        try (var consumer = new KafkaConsumer<>(config(), bytes, bytes)) {
            consumer.subscribe(List.of(topic));
            while (written() < until) {
                Client.check(System.currentTimeMillis() < deadline, written() + " of " + count + " records in time");
                // Partitions are taken away inside `poll` only, and all that it gave is committed before the next.
                Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
                var polled = consumer.poll(POLL);
                assigned |= !consumer.assignment().isEmpty();
                for (var record : polled) {
                    if (!write(record, until)) break;
                    next.put(new TopicPartition(topic, record.partition()), new OffsetAndMetadata(record.offset() + 1));
                }
                if (!next.isEmpty()) consumer.commitSync(next);
            }
        }
        return assigned;
    }

    private synchronized int written() {
        return written;
    }

    private synchronized boolean write(ConsumerRecord<byte[], byte[]> record, int until) throws IOException {
        if (written >= until) return false;
        out.write(record.key());
        out.write('\t');
        out.write(record.value());
        out.write('\n');
        written++;
        return true;
    }

    private Map<String, Object> config() {
        var config = Client.config(bootstrap);
        config.put("group.id", group);
        config.put("enable.auto.commit", false);
        config.put("auto.offset.reset", "earliest");
        config.put("heartbeat.interval.ms", 500);
        return config;
    }
}
