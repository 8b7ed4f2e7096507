import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The load of bad days: what is sent goes on through everything, and all of it is read afterwards. */
final class Load {
    private static final int PATIENCE_MS = 240_000;

    private final String bootstrap;
    private final String topic;
    private final int partitions;
    private final PrintStream out = new PrintStream(System.out, false);

    Load(String bootstrap, String topic, int partitions) {
        this.bootstrap = bootstrap;
        this.topic = topic;
        this.partitions = partitions;
    }

    /** A record for each partition in turn, numbered, until standard input ends; a line for what became of each. Idempotent, as the client is by default. */
    void produce(int bytes, long everyMicros) throws Exception {
        var config = Client.config(bootstrap);
        config.put("acks", "all");
        config.put("request.timeout.ms", 3_000);
        config.put("delivery.timeout.ms", PATIENCE_MS);
        config.put("max.block.ms", PATIENCE_MS);
        var serializer = new ByteArraySerializer();
        try (var producer = new KafkaProducer<>(config, serializer, serializer)) {
            var over = new Thread(this::waitForTheEnd);
            over.setDaemon(true);
            over.start();
            for (long sequence = 0; over.isAlive(); sequence++) {
                for (int partition = 0; partition < partitions; partition++) send(producer, partition, sequence, bytes);
                out.flush();
                Thread.sleep(Duration.ofNanos(everyMicros * 1_000).toMillis());
            }
        }
        out.flush();
    }

    private void send(KafkaProducer<byte[], byte[]> producer, int partition, long sequence, int bytes) {
        var value = ByteBuffer.allocate(Math.max(bytes, 12)).putInt(partition).putLong(sequence);
        Arrays.fill(value.array(), value.position(), value.capacity(), (byte) '.');
        long sent = System.nanoTime();
        producer.send(new ProducerRecord<>(topic, partition, null, value.array()), (at, error) -> {
            long micros = (System.nanoTime() - sent) / 1_000;
            if (error == null) print("acknowledged " + partition + " " + sequence + " " + at.offset() + " " + micros);
            else print("failed " + partition + " " + sequence + " " + error);
        });
    }

    /** Whole lines: callbacks come on a thread of the client's. */
    private void print(String line) {
        synchronized (out) {
            out.println(line);
        }
    }

    private void waitForTheEnd() {
        try {
            while (System.in.read() >= 0) continue;
        } catch (IOException ended) {
            System.err.println(ended);
        }
    }

    /** A line for each record that there is: partition, offset, number. */
    void read() {
        var config = Client.config(bootstrap);
        config.put("auto.offset.reset", "none");
        config.put("enable.auto.commit", "false");
        var deserializer = new ByteArrayDeserializer();
        try (var consumer = new KafkaConsumer<>(config, deserializer, deserializer)) {
            List<TopicPartition> all = IntStream.range(0, partitions).mapToObj(n -> new TopicPartition(topic, n)).toList();
            consumer.assign(all);
            consumer.seekToBeginning(all);
            Map<TopicPartition, Long> left = new HashMap<>(consumer.endOffsets(all));
            long deadline = System.nanoTime() + Duration.ofMillis(PATIENCE_MS).toNanos();
            while (!left.isEmpty()) {
                Client.check(System.nanoTime() < deadline, "all is read in time; left: " + left);
                for (var record : consumer.poll(Duration.ofMillis(100))) {
                    var value = ByteBuffer.wrap(record.value());
                    Client.check(value.getInt() == record.partition(), "a record is in its own partition");
                    out.println(record.partition() + " " + record.offset() + " " + value.getLong());
                }
                left.entrySet().removeIf(end -> consumer.position(end.getKey()) >= end.getValue());
            }
        }
        out.flush();
    }
}
