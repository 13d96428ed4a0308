package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	churnPartitions = 3
	churnKept       = 6
	churnGroups     = 40
)

// churn creates topics, writes to each, commits offsets of it to a group, and deletes the oldest again, without pause and
// until it is killed. It announces what it begins and prints what was acknowledged:
//
//	b TOPIC                              before a topic is created; d TOPIC before one is deleted
//	t TOPIC PARTITIONS                   once it is created; x TOPIC once it is deleted
//	a TOPIC PARTITION OFFSET KEY NUMBER  a record
//	c GROUP TOPIC PARTITION OFFSET       a committed offset
func churn(bootstrap string, arguments []string) {
	if len(arguments) != 1 {
		fatal("franz churn BOOTSTRAP ID")
	}
	id := arguments[0]
	c := client(bootstrap, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.UnknownTopicRetries(-1))
	admin := kadm.NewClient(c)
	var topics []string
	for n := 0; ; n++ {
		topic := fmt.Sprintf("%s-%d", id, n)
		say("b", topic)
		newTopic(c, topic, churnPartitions)
		say("t", topic, churnPartitions)
		commitTo(admin, fmt.Sprintf("%s-group-%d", id, n%churnGroups), writeTo(c, topic))
		if topics = append(topics, topic); len(topics) > churnKept {
			removeTopic(admin, topics[0])
			topics = topics[1:]
		}
	}
}

// say prints a line that somebody waits for.
func say(words ...any) {
	fmt.Fprintln(out, words...)
	out.Flush()
}

// writeTo sends a few records, one too large for a journal; returns the ends of the partitions.
func writeTo(c *kgo.Client, topic string) kadm.Offsets {
	ends := kadm.Offsets{}
	for partition := range int32(churnPartitions) {
		key := fmt.Sprintf("%s-%d", topic, partition)
		for number, size := range []int{100, 70_000, 2000} {
			r := &kgo.Record{Topic: topic, Partition: partition, Key: []byte(key), Value: value(key, number, size)}
			if err := c.ProduceSync(context.Background(), r).FirstErr(); err != nil {
				fatal("a record was refused:", err)
			}
			say("a", topic, partition, r.Offset, key, number)
			ends.AddOffset(topic, partition, r.Offset+1, -1)
		}
	}
	return ends
}

// commitTo commits as a client without membership, as administrators do.
func commitTo(admin *kadm.Client, group string, offsets kadm.Offsets) {
	committed, err := admin.CommitOffsets(context.Background(), group, offsets)
	if err == nil {
		err = committed.Error()
	}
	if err != nil {
		fatal("a commit was refused:", err)
	}
	offsets.Each(func(o kadm.Offset) { say("c", group, o.Topic, o.Partition, o.At) })
}

func removeTopic(admin *kadm.Client, topic string) {
	say("d", topic)
	deleted, err := admin.DeleteTopic(context.Background(), topic)
	if err == nil {
		err = deleted.Err
	}
	if err != nil {
		fatal("a deletion was refused:", err)
	}
	say("x", topic)
}

// newTopic creates a topic with segments so small that they roll all the time; it retries until the broker is there.
func newTopic(c *kgo.Client, name string, partitions int32) {
	request := kmsg.NewPtrCreateTopicsRequest()
	request.TimeoutMillis = 10_000
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, partitions, 1
	config := kmsg.NewCreateTopicsRequestTopicConfig()
	config.Name, config.Value = "segment.bytes", kmsg.StringPtr("1048576")
	topic.Configs = append(topic.Configs, config)
	request.Topics = append(request.Topics, topic)
	for {
		response, err := request.RequestWith(context.Background(), c)
		if err == nil {
			err = kerr.ErrorForCode(response.Topics[0].ErrorCode)
		}
		if err == nil || err == kerr.TopicAlreadyExists {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}
