package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

var balancers = map[string]kgo.GroupBalancer{
	"range": kgo.RangeBalancer(), "roundrobin": kgo.RoundRobinBalancer(),
	"sticky": kgo.StickyBalancer(), "cooperative-sticky": kgo.CooperativeStickyBalancer(),
}

// member joins a group and prints, until SIGTERM, `r PARTITION OFFSET KEY SEQUENCE CRC` for each record, `assigned`
// and `revoked` with partitions, and `c GROUP TOPIC PARTITION OFFSET` for each offset it committed. It commits before it
// gives partitions up, so only an unclean death makes duplicates.
func member(bootstrap string, arguments []string) {
	if len(arguments) < 3 {
		fatal("franz member BOOTSTRAP GROUP TOPIC STRATEGY [INSTANCE]")
	}
	group, topic, strategy := arguments[0], arguments[1], arguments[2]
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	commit := func(ctx context.Context, c *kgo.Client) error {
		offsets := c.UncommittedOffsets()
		if err := c.CommitUncommittedOffsets(ctx); err != nil {
			return err
		}
		for partition, offset := range offsets[topic] {
			fmt.Fprintln(out, "c", group, topic, partition, offset.Offset)
		}
		out.Flush()
		return nil
	}
	options := []kgo.Opt{
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.Balancers(balancers[strategy]),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		kgo.SessionTimeout(6 * time.Second), kgo.HeartbeatInterval(300 * time.Millisecond), kgo.FetchMaxWait(200 * time.Millisecond),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, p map[string][]int32) { say("assigned", p[topic]) }),
		kgo.OnPartitionsRevoked(func(ctx context.Context, c *kgo.Client, p map[string][]int32) {
			if err := commit(ctx, c); err != nil {
				fmt.Fprintln(out, "commit failed:", err)
			}
			say("revoked", p[topic])
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, p map[string][]int32) { say("lost", p[topic]) }),
	}
	if len(arguments) > 3 {
		options = append(options, kgo.InstanceID(arguments[3]))
	}
	c := client(bootstrap, options...)
	for ctx.Err() == nil {
		fetches := c.PollRecords(ctx, 2000)
		fetches.EachError(func(topic string, partition int32, err error) {
			if ctx.Err() == nil {
				fmt.Fprintln(os.Stderr, "fetch:", topic, partition, err)
			}
		})
		fetches.EachRecord(func(r *kgo.Record) {
			crc, key, sequence, err := parse(r.Value)
			if err != nil {
				fmt.Fprintln(out, "bad", r.Partition, r.Offset, err)
			}
			fmt.Fprintf(out, "r %d %d %s %d %08x\n", r.Partition, r.Offset, key, sequence, crc)
		})
		out.Flush()
		patience, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		if err := commit(patience, c); err != nil {
			fmt.Fprintln(os.Stderr, "commit:", err)
		}
		cancel()
		c.AllowRebalance()
	}
	c.CloseAllowingRebalance()
	out.Flush()
}
