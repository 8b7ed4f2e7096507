// sarama: one verb, one process.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/IBM/sarama"
)

const (
	module   = "github.com/IBM/sarama"
	patience = 2 * time.Minute
)

var codecs = map[string]sarama.CompressionCodec{
	"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy,
	"lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := run(ctx, os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, verb string, args []string) error {
	switch verb {
	case "version":
		fmt.Println("sarama", version())
	case "codecs":
		fmt.Println("none gzip snappy lz4 zstd")
	case "create":
		return create(args[0], args[1], number(args[2]))
	case "produce":
		return produce(args[0], args[1], args[2], args[3])
	case "group":
		return consume(ctx, args[0], args[1], args[2], args[3], number(args[4]), slices.Contains(args[5:], "half"))
	case "committed":
		return committed(args[0], args[2])
	case "admin":
		return administer(args[0], args[1])
	default:
		fmt.Println("unsupported: there is no verb", verb)
		os.Exit(4)
	}
	return nil
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, dep := range info.Deps {
		if dep.Path == module {
			return dep.Version
		}
	}
	return "?"
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return n
}

// config has the newest versions of requests that both sides have.
func config() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion
	return config
}

func create(bootstrap, topic string, partitions int) error {
	admin, err := sarama.NewClusterAdmin([]string{bootstrap}, config())
	if err != nil {
		return err
	}
	defer admin.Close()
	detail := &sarama.TopicDetail{NumPartitions: int32(partitions), ReplicationFactor: 1}
	if err = admin.CreateTopic(topic, detail, false); err != nil {
		return err
	}
	topics, err := admin.ListTopics()
	_, listed := topics[topic]
	return first(err, check(listed, "the topic is listed"))
}

func produce(bootstrap, topic, file, codec string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	config := config()
	config.Producer.Idempotent, config.Net.MaxOpenRequests = true, 1
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Compression = codecs[codec]
	producer, err := sarama.NewAsyncProducer([]string{bootstrap}, config)
	if err != nil {
		return err
	}
	refused := make(chan error)
	go func() {
		var errs []error
		for failed := range producer.Errors() {
			errs = append(errs, failed.Err)
		}
		refused <- first(errs...)
	}()
	for line := range bytes.Lines(data) {
		key, value, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte("\t"))
		producer.Input() <- &sarama.ProducerMessage{
			Topic: topic, Key: sarama.ByteEncoder(key), Value: sarama.ByteEncoder(value),
		}
	}
	producer.AsyncClose() // sends what it has, then closes Errors
	return <-refused
}

func committed(bootstrap, group string) error {
	admin, err := sarama.NewClusterAdmin([]string{bootstrap}, config())
	if err != nil {
		return err
	}
	defer admin.Close()
	fetched, err := admin.ListConsumerGroupOffsets(group, nil)
	if err != nil {
		return err
	}
	sum := int64(0)
	for _, partitions := range fetched.Blocks {
		for _, found := range partitions {
			sum += found.Offset
		}
	}
	fmt.Println(sum)
	return nil
}

// first is the first error that is one.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func check(holds bool, what string, found ...any) error {
	if holds {
		return nil
	}
	return fmt.Errorf("it does not hold that %s: %+v", what, found)
}
