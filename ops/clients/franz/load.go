package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

// load produces self-verifying records, idempotently, through whatever happens to the broker, and prints a line
// `a TOPIC PARTITION OFFSET KEY SEQUENCE` for each acknowledgement as it comes. It ends after -records, or when killed.
func load(bootstrap string, arguments []string) {
	if len(arguments) < 2 {
		fatal("franz load BOOTSTRAP ID TOPICS [-flag value]...")
	}
	id, topics := arguments[0], strings.Split(arguments[1], ",")
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	records := flags.Int("records", 0, "how many to send; 0: until killed")
	keys := flags.Int("keys", 50, "different keys per topic")
	rate := flags.Int("rate", 0, "records per second; 0: as fast as it goes")
	size := flags.Int("size", 100, "bytes of filler per record")
	burst := flags.Int("burst", 0, "every so many records one of 64 to 200 KiB; 0: none")
	codec := flags.String("codec", "none", "compression")
	quiet := flags.Bool("quiet", false, "print no acknowledgements, only the sum")
	create := flags.Duration("create", 0, "create a further topic so often, and write to it; 0: never")
	_ = flags.Parse(arguments[2:])

	c := client(bootstrap, kgo.ProducerBatchCompression(codecs[*codec]), kgo.ProducerLinger(time.Millisecond),
		kgo.ProducerBatchMaxBytes(1_000_000), kgo.MaxBufferedRecords(20_000), kgo.UnknownTopicRetries(-1))
	var acked, sum atomic.Int64
	var printing sync.Mutex
	done := func(r *kgo.Record, err error) {
		if err != nil {
			fatal("a record was refused:", err)
		}
		crc, key, sequence, _ := parse(r.Value)
		acked.Add(1)
		sum.Add(int64(crc))
		if !*quiet {
			printing.Lock()
			fmt.Fprintf(out, "a %s %d %d %s %d\n", r.Topic, r.Partition, r.Offset, key, sequence)
			out.Flush()
			printing.Unlock()
		}
	}
	next := map[string]int{}
	start, lastTopic := time.Now(), time.Now()
	for n := 0; *records == 0 || n < *records; n++ {
		if *create > 0 && time.Since(lastTopic) > *create {
			lastTopic = time.Now()
			topics = append(topics, newTopic(c, fmt.Sprintf("%s-made-%d", id, lastTopic.UnixMilli())))
			if len(topics) > 8 {
				topics = append(topics[:2], topics[3:]...)
			}
		}
		topic := topics[n%len(topics)]
		key := fmt.Sprintf("%s-%d", id, rand.Intn(*keys))
		bytes := *size
		if *burst > 0 && n%*burst == *burst-1 {
			bytes = 65536 + rand.Intn(131072)
		}
		place := topic + " " + key
		r := &kgo.Record{Topic: topic, Key: []byte(key), Value: value(key, next[place], bytes)}
		next[place]++
		c.Produce(context.Background(), r, done)
		if *rate > 0 {
			time.Sleep(time.Until(start.Add(time.Duration(n) * time.Second / time.Duration(*rate))))
		}
	}
	if err := c.Flush(context.Background()); err != nil {
		fatal(err)
	}
	out.Flush()
	fmt.Fprintf(os.Stderr, "load %s: %d records acknowledged in %.1f s\n", id, acked.Load(), time.Since(start).Seconds())
	fmt.Printf("sum %s %d %d\n", id, acked.Load(), sum.Load())
}

// newTopic creates a topic with segments so small that they roll all the time; it retries until the broker is there.
func newTopic(c *kgo.Client, name string) string {
	request := kmsg.NewPtrCreateTopicsRequest()
	request.TimeoutMillis = 10_000
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, 3, 1
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
			return name
		}
		time.Sleep(20 * time.Millisecond)
	}
}
