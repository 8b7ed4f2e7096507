package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// consume has two members write what they consume and commit exactly that; the second leaves half-way if asked to.
func consume(ctx context.Context, bootstrap, topic, group, file string, count int, half bool) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	leavesAt := count
	if half {
		leavesAt = count / 2
	}
	ends := map[int]chan struct{}{count: make(chan struct{}), leavesAt: make(chan struct{})}
	shared := &writer{out: bufio.NewWriter(out), ends: ends}
	members := make(chan error, 2)
	for _, until := range []int{count, leavesAt} {
		go func() { members <- consumeUntil(ctx, bootstrap, topic, group, shared, until) }()
	}
	err = first(<-members, <-members, shared.out.Flush())
	return first(err, check(shared.written == count, "all records came", shared.written, count))
}

// consumeUntil is one member: it leaves when all members together have `until` records.
func consumeUntil(ctx context.Context, bootstrap, topic, group string, shared *writer, until int) error {
	config := config()
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Group.Heartbeat.Interval = 500 * time.Millisecond
	config.Consumer.Return.Errors = true
	client, err := sarama.NewConsumerGroup([]string{bootstrap}, group, config)
	if err != nil {
		return err
	}
	errs := make(chan error)
	go func() {
		var all []error
		for err := range client.Errors() {
			all = append(all, err)
		}
		errs <- first(all...)
	}()
	// Each member has its own end, and both that of `ctx`.
	sessions, end := context.WithCancel(ctx)
	go func() {
		select {
		case <-shared.ends[until]:
		case <-ctx.Done():
		}
		end()
	}()
	member := &member{shared: shared, until: until}
	for sessions.Err() == nil {
		if err = client.Consume(sessions, []string{topic}, member); err != nil && sessions.Err() == nil {
			break
		}
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("%d records, then no more in time", shared.count())
	} else if sessions.Err() != nil {
		err = nil
	}
	return first(err, client.Close(), <-errs, check(member.assigned, "each member gets partitions"))
}

// member handles the sessions of one member; a session is one assignment.
type member struct {
	shared   *writer
	until    int
	assigned bool
}

func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	for _, partitions := range session.Claims() {
		m.assigned = m.assigned || len(partitions) > 0
	}
	return nil
}

// Cleanup is called when nothing is consumed any more and before the partitions go to somebody else.
func (m *member) Cleanup(session sarama.ConsumerGroupSession) error {
	session.Commit()
	return nil
}

func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case record, open := <-claim.Messages():
			if !open {
				return nil
			}
			if !m.shared.write(record, m.until) {
				return nil
			}
			session.MarkMessage(record, "")
		case <-session.Context().Done():
			return nil
		}
	}
}

// writer is what the members of a group have consumed together.
type writer struct {
	mutex   sync.Mutex
	out     *bufio.Writer
	written int
	ends    map[int]chan struct{} // each closed when so many are written
}

// write writes one record unless there are `until` already.
func (w *writer) write(record *sarama.ConsumerMessage, until int) bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.written >= until {
		return false
	}
	fmt.Fprintf(w.out, "%s\t%s\n", record.Key, record.Value)
	w.written++
	if end, ok := w.ends[w.written]; ok {
		close(end)
	}
	return true
}

func (w *writer) count() int {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.written
}
