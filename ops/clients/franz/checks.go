package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sort"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const sharedTopic = "written-by-all"

// suite holds what every check needs; a check returns an error that says what was wrong.
type suite struct {
	bootstrap string
	ctx       context.Context
	admin     *kadm.Client
}

func checks(bootstrap string) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	s := suite{bootstrap, ctx, kadm.NewClient(client(bootstrap))}
	type check struct {
		name string
		run  func() error
	}
	list := []check{{"admin", s.adminTopics}}
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		list = append(list, check{"round trip " + codec, func() error { return s.roundTrip(codec) }})
	}
	list = append(list, check{"headers and nulls", s.headersAndNulls}, check{"large records", s.large},
		check{"time lookup", s.timeLookup}, check{"group resume", s.groupResume},
		check{"delete records", s.deleteRecords}, check{"offset for leader epoch", s.leaderEpoch}, check{"written by all", s.writtenByAll})
	failed := 0
	for _, c := range list {
		start := time.Now()
		if err := c.run(); err != nil {
			failed++
			fmt.Printf("FAIL %s: %v\n", c.name, err)
			continue
		}
		fmt.Printf("ok %s (%.1f s)\n", c.name, time.Since(start).Seconds())
	}
	if failed > 0 {
		os.Exit(1)
	}
}

func (s suite) create(topic string, partitions int32) error {
	created, err := s.admin.CreateTopic(s.ctx, partitions, 1, nil, topic)
	return errors.Join(err, created.Err)
}

func (s suite) produce(codec string, records ...*kgo.Record) error {
	c := client(s.bootstrap, kgo.ProducerBatchCompression(codecs[codec]))
	defer c.Close()
	return c.ProduceSync(s.ctx, records...).FirstErr()
}

func keyed(topic, prefix string, count, size int) (records []*kgo.Record) {
	for i := range count {
		key := fmt.Sprintf("%s-%d", prefix, i%20)
		records = append(records, &kgo.Record{Topic: topic, Key: []byte(key), Value: value(key, i/20, size)})
	}
	return records
}

func (s suite) read(topic string, count int, options ...kgo.Opt) ([]*kgo.Record, error) {
	ctx, cancel := context.WithTimeout(s.ctx, 30*time.Second)
	defer cancel()
	c := client(s.bootstrap, append([]kgo.Opt{kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxWait(200 * time.Millisecond)}, options...)...)
	defer c.Close()
	var records []*kgo.Record
	for len(records) < count {
		fetches := c.PollRecords(ctx, count-len(records))
		if err := fetches.Err(); err != nil {
			return records, fmt.Errorf("after %d of %d: %w", len(records), count, err)
		}
		records = append(records, fetches.Records()...)
	}
	return records, nil
}

func ordered(records []*kgo.Record) error {
	sort.SliceStable(records, func(i, j int) bool {
		a, b := records[i], records[j]
		return a.Partition < b.Partition || a.Partition == b.Partition && a.Offset < b.Offset
	})
	next := map[string]int{}
	for _, r := range records {
		_, key, sequence, err := parse(r.Value)
		if err != nil || key != string(r.Key) || sequence != next[key] {
			return fmt.Errorf("%d/%d: key %s number %d, expected %d: %v", r.Partition, r.Offset, key, sequence, next[key], err)
		}
		next[key]++
	}
	return nil
}

func (s suite) readOrdered(topic string, count int, options ...kgo.Opt) error {
	records, err := s.read(topic, count, options...)
	return errors.Join(err, ordered(records))
}

func (s suite) adminTopics() error {
	if err := s.create("franz-admin", 2); err != nil {
		return err
	}
	if err := s.create("franz-admin", 2); !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("created twice: %v", err)
	}
	if err := s.create("bad/name", 2); !errors.Is(err, kerr.InvalidTopicException) {
		return fmt.Errorf("a bad name: %v", err)
	}
	if added, err := s.admin.CreatePartitions(s.ctx, 3, "franz-admin"); err != nil || added.Error() != nil {
		return errors.Join(err, added.Error())
	}
	set := kadm.AlterConfig{Op: kadm.SetConfig, Name: "max.message.bytes", Value: kadm.StringPtr("2000000")}
	if changed, err := s.admin.AlterTopicConfigs(s.ctx, []kadm.AlterConfig{set}, "franz-admin"); err != nil || changed[0].Err != nil {
		return fmt.Errorf("alter: %v %v", err, changed)
	}
	configs, err := s.admin.DescribeTopicConfigs(s.ctx, "franz-admin")
	if err != nil {
		return err
	}
	text := fmt.Sprint(configs)
	for _, config := range configs[0].Configs {
		if config.Key == "max.message.bytes" && config.MaybeValue() == "2000000" {
			text = ""
		}
	}
	topics, err := s.admin.ListTopics(s.ctx, "franz-admin")
	if err != nil || text != "" || len(topics["franz-admin"].Partitions) != 5 {
		return fmt.Errorf("described: %v %v %s", err, topics, text)
	}
	deleted, err := s.admin.DeleteTopic(s.ctx, "franz-admin")
	return errors.Join(err, deleted.Err)
}

func (s suite) roundTrip(codec string) error {
	topic := "franz-" + codec
	if err := errors.Join(s.create(topic, 3), s.produce(codec, keyed(topic, topic, 500, 80)...)); err != nil {
		return err
	}
	return s.readOrdered(topic, 500)
}

func (s suite) headersAndNulls() error {
	topic := "franz-headers"
	headers := []kgo.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "a", Value: []byte("2")}, {Key: "none", Value: nil}}
	err := errors.Join(s.create(topic, 1), s.produce("none", &kgo.Record{Topic: topic, Key: []byte("k"), Value: []byte("v"), Headers: headers}),
		s.produce("none", &kgo.Record{Topic: topic, Value: []byte("v")}), s.produce("none", &kgo.Record{Topic: topic, Key: []byte("k")}))
	if err != nil {
		return err
	}
	r, err := s.read(topic, 3)
	if err != nil {
		return err
	}
	if fmt.Sprint(r[0].Headers) != fmt.Sprint(headers) || r[1].Key != nil || r[2].Value != nil || string(r[2].Key) != "k" {
		return fmt.Errorf("read %v, %v, %v", r[0].Headers, r[1], r[2])
	}
	return nil
}

func (s suite) large() error {
	var records []*kgo.Record
	for i := range 8 {
		key := fmt.Sprintf("large-%d", i)
		records = append(records, &kgo.Record{Topic: "franz-large", Key: []byte(key), Value: value(key, 0, 900_000)})
	}
	if err := errors.Join(s.create("franz-large", 1), s.produce("none", records...)); err != nil {
		return err
	}
	return s.readOrdered("franz-large", 8)
}

func (s suite) timeLookup() error {
	topic, start := "franz-time", int64(1_700_000_000_000)
	var records []*kgo.Record
	for i := range int64(50) {
		records = append(records, &kgo.Record{Topic: topic, Value: []byte("v"), Timestamp: time.UnixMilli(start + i*1000)})
	}
	if err := errors.Join(s.create(topic, 1), s.produce("none", records...)); err != nil {
		return err
	}
	for at, expected := range map[int64]int64{0: 0, start + 10_001: 11, start + 49_000: 49, start + 50_000: 50} {
		listed, err := s.admin.ListOffsetsAfterMilli(s.ctx, at, topic)
		if found, _ := listed.Lookup(topic, 0); err != nil || found.Err != nil || found.Offset != expected {
			return fmt.Errorf("at %d: %v %v, expected %d", at, err, found, expected)
		}
	}
	newest, err := s.admin.ListMaxTimestampOffsets(s.ctx, topic)
	if found, _ := newest.Lookup(topic, 0); err != nil || found.Offset != 49 || found.Timestamp != start+49_000 {
		return fmt.Errorf("newest: %v %v", err, found)
	}
	return nil
}

func (s suite) groupResume() error {
	topic := "franz-group"
	if err := errors.Join(s.create(topic, 3), s.produce("lz4", keyed(topic, "g", 400, 64)...)); err != nil {
		return err
	}
	seen := map[string]int{}
	for _, share := range []int{150, 100, 150} {
		records, err := s.read(topic, share, kgo.ConsumerGroup("franz-resume"), kgo.DisableAutoCommit(), kgo.OnPartitionsRevoked(
			func(ctx context.Context, c *kgo.Client, _ map[string][]int32) { _ = c.CommitUncommittedOffsets(ctx) }))
		if err != nil {
			return err
		}
		for _, r := range records {
			seen[fmt.Sprint(r.Partition, "/", r.Offset)]++
		}
	}
	if len(seen) != 400 {
		return fmt.Errorf("%d different records of 400", len(seen))
	}
	groups, err := s.admin.DescribeGroups(s.ctx, "franz-resume")
	if err != nil || groups["franz-resume"].State != "Empty" {
		return fmt.Errorf("described: %v %v", err, groups)
	}
	lag, err := s.admin.Lag(s.ctx, "franz-resume")
	if err != nil || lag["franz-resume"].Lag.Total() != 0 {
		return fmt.Errorf("lag: %v %v", err, lag)
	}
	deleted, err := s.admin.DeleteGroups(s.ctx, "franz-resume")
	return errors.Join(err, deleted["franz-resume"].Err)
}

func (s suite) deleteRecords() error {
	topic := "franz-trim"
	if err := errors.Join(s.create(topic, 1), s.produce("none", keyed(topic, "t", 100, 64)...)); err != nil {
		return err
	}
	offsets := kadm.Offsets{}
	offsets.AddOffset(topic, 0, 40, -1)
	if deleted, err := s.admin.DeleteRecords(s.ctx, offsets); err != nil || deleted.Error() != nil {
		return errors.Join(err, deleted.Error())
	}
	records, err := s.read(topic, 60)
	if err == nil && (records[0].Offset != 40 || records[59].Offset != 99) {
		err = fmt.Errorf("%d to %d", records[0].Offset, records[59].Offset)
	}
	return err
}

func (s suite) leaderEpoch() error {
	request := kadm.OffsetForLeaderEpochRequest{}
	request.Add("franz-none", 0, 0)
	answers, err := s.admin.OffsetForLeaderEpoch(s.ctx, request)
	if err != nil {
		return err
	}
	ends, err := s.admin.ListEndOffsets(s.ctx, "franz-none")
	end, _ := ends.Lookup("franz-none", 0)
	answer := answers["franz-none"][0]
	if err != nil || answer.Err != nil || answer.EndOffset != end.Offset {
		return fmt.Errorf("%v %v, the log's end is %d", err, answer, end.Offset)
	}
	return nil
}

func (s suite) writtenByAll() error {
	if err := s.create(sharedTopic, 4); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return err
	}
	ends, err := s.admin.ListEndOffsets(s.ctx, sharedTopic)
	if err != nil {
		return err
	}
	before := 0
	ends.Each(func(end kadm.ListedOffset) { before += int(end.Offset) })
	for codec := range codecs {
		if err := s.produce(codec, keyed(sharedTopic, "franz-"+codec, 40, 64)...); err != nil {
			return err
		}
	}
	return s.readOrdered(sharedTopic, before+40*len(codecs))
}
