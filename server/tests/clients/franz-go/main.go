// franz-go: one verb, one process.
package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	module   = "github.com/twmb/franz-go"
	patience = 2 * time.Minute
)

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
		fmt.Println("franz-go", version())
	case "codecs":
		fmt.Println("none gzip snappy lz4 zstd")
	case "create":
		return create(ctx, args[0], args[1], number(args[2]))
	case "produce":
		return produce(ctx, args[0], args[1], args[2], args[3])
	case "group":
		return consume(ctx, args[0], args[1], args[2], args[3], number(args[4]), slices.Contains(args[5:], "half"))
	case "committed":
		return committed(ctx, args[0], args[2])
	case "admin":
		return administer(ctx, args[0], args[1])
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

func admin(bootstrap string) (*kadm.Client, error) {
	return kadm.NewOptClient(kgo.SeedBrokers(bootstrap))
}

func create(ctx context.Context, bootstrap, topic string, partitions int) error {
	client, err := admin(bootstrap)
	if err != nil {
		return err
	}
	defer client.Close()
	if _, err = client.CreateTopic(ctx, int32(partitions), 1, nil, topic); err != nil {
		return err
	}
	topics, err := client.ListTopics(ctx)
	return first(err, check(topics.Has(topic), "the topic is listed"))
}

// Idempotent, as the client is by default.
func produce(ctx context.Context, bootstrap, topic, file, codec string) error {
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ProducerBatchCompression(codecs[codec]))
	if err != nil {
		return err
	}
	defer client.Close()
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var refused kgo.FirstErrPromise
	for line := range bytes.Lines(data) {
		key, value, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte("\t"))
		client.Produce(ctx, &kgo.Record{Topic: topic, Key: key, Value: value}, refused.Promise())
	}
	return first(client.Flush(ctx), refused.Err())
}

func committed(ctx context.Context, bootstrap, group string) error {
	client, err := admin(bootstrap)
	if err != nil {
		return err
	}
	defer client.Close()
	offsets, err := client.FetchOffsets(ctx, group)
	sum := int64(0)
	offsets.Each(func(found kadm.OffsetResponse) { sum += found.At })
	fmt.Println(sum)
	return first(err, offsets.Error())
}

// writer is what the members of a group have consumed together.
type writer struct {
	mutex   sync.Mutex
	out     *bufio.Writer
	written int
}

// write writes one record unless there are `until` already.
func (w *writer) write(record *kgo.Record, until int) bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.written >= until {
		return false
	}
	fmt.Fprintf(w.out, "%s\t%s\n", record.Key, record.Value)
	w.written++
	return true
}

func (w *writer) count() int {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.written
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
	return fmt.Errorf("it does not hold that %s: %v", what, found)
}
