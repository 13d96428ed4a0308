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

	"github.com/twmb/franz-go/pkg/kgo"
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
	create := flags.Int("create", 0, "first create the topics with so many partitions; 0: they are there")
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
	for _, topic := range topics {
		if *create > 0 {
			newTopic(c, topic, int32(*create))
		}
	}
	next := map[string]int{}
	start := time.Now()
	for n := 0; *records == 0 || n < *records; n++ {
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
