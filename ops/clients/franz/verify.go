package main

import (
	"context"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

type place struct {
	topic     string
	partition int32
}

// held is one record as the broker gave it back.
type held struct {
	offset   int64
	key      string
	sequence int
	crc      uint32
}

// verify reads the topics whole (a name that ends in * is a prefix) and checks against files of acknowledgements:
// every acknowledged record is at its offset, intact; offsets have no gap; each key's numbers are 0, 1, 2, ... in order,
// each once, so nothing was doubled by a resend; topics whose creation or deletion was acknowledged are there or not; a
// group's offset is no older than the newest acknowledged one and no later than the log's end. Prints one line; exit
// status 1 if anything is wrong.
func verify(bootstrap string, arguments []string) {
	if len(arguments) < 1 {
		fatal("franz verify BOOTSTRAP TOPICS ACKS...")
	}
	c := client(bootstrap)
	logs, problems := readTopics(c, bootstrap, strings.Split(arguments[0], ","))
	records, keys := 0, 0
	for at, log := range logs {
		records += len(log)
		next := map[string]int{}
		for i, r := range log {
			if i > 0 && r.offset != log[i-1].offset+1 {
				problems = append(problems, fmt.Sprintf("%v: offset %d follows %d", at, r.offset, log[i-1].offset))
			}
			if r.sequence != next[r.key] {
				problems = append(problems, fmt.Sprintf("%v: key %s: number %d at offset %d where %d belongs", at, r.key, r.sequence, r.offset, next[r.key]))
			}
			next[r.key] = r.sequence + 1
		}
		keys += len(next)
	}
	promised := readPromises(arguments[1:])
	problems = append(problems, promised.compareRecords(logs)...)
	problems = append(problems, promised.compareTopics(logs)...)
	problems = append(problems, promised.compareCommits(kadm.NewClient(c), logs)...)
	for i, problem := range problems {
		if i == 20 {
			fmt.Printf("... and %d more\n", len(problems)-i)
			break
		}
		fmt.Println(problem)
	}
	fmt.Printf("verified %d records of %d keys in %d partitions, %d offsets of groups, against %d acknowledgements: %d wrong\n",
		records, keys, len(logs), len(promised.commits), promised.acknowledgements, len(problems))
	if len(problems) > 0 {
		os.Exit(1)
	}
}

// readTopics reads every partition from its start to its end.
func readTopics(c *kgo.Client, bootstrap string, patterns []string) (map[place][]held, []string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	admin := kadm.NewClient(c)
	all, err := admin.ListTopics(ctx)
	if err != nil {
		fatal(err)
	}
	var names []string
	for _, name := range all.Names() {
		for _, pattern := range patterns {
			prefix, isPrefix := strings.CutSuffix(pattern, "*")
			if name == pattern || isPrefix && strings.HasPrefix(name, prefix) {
				names = append(names, name)
			}
		}
	}
	logs := map[place][]held{}
	if len(names) == 0 {
		return logs, nil
	}
	ends, err := admin.ListEndOffsets(ctx, names...)
	if err != nil {
		fatal(err)
	}
	starts, err := admin.ListStartOffsets(ctx, names...)
	if err != nil {
		fatal(err)
	}
	missing := int64(0)
	from := map[string]map[int32]kgo.Offset{}
	ends.Each(func(end kadm.ListedOffset) {
		start, _ := starts.Lookup(end.Topic, end.Partition)
		if end.Err != nil || start.Err != nil {
			fatal(end.Topic, end.Partition, end.Err, start.Err)
		}
		logs[place{end.Topic, end.Partition}] = nil
		missing += end.Offset - start.Offset
		if from[end.Topic] == nil {
			from[end.Topic] = map[int32]kgo.Offset{}
		}
		from[end.Topic][end.Partition] = kgo.NewOffset().At(start.Offset)
	})
	reader := client(bootstrap, kgo.ConsumePartitions(from), kgo.FetchMaxWait(200*time.Millisecond))
	defer reader.Close()
	var problems []string
	for missing > 0 {
		fetches := reader.PollFetches(ctx)
		if ctx.Err() != nil {
			problems = append(problems, fmt.Sprintf("%d records below the end offsets never came", missing))
			break
		}
		fetches.EachError(func(topic string, partition int32, err error) {
			fmt.Fprintln(os.Stderr, "fetch:", topic, partition, err)
		})
		fetches.EachRecord(func(r *kgo.Record) {
			missing--
			crc, key, sequence, err := parse(r.Value)
			if err == nil && key != string(r.Key) {
				err = fmt.Errorf("the value is of key %s", key)
			}
			if err != nil {
				problems = append(problems, fmt.Sprintf("%s/%d at %d: %v", r.Topic, r.Partition, r.Offset, err))
			}
			at := place{r.Topic, r.Partition}
			logs[at] = append(logs[at], held{r.Offset, key, sequence, crc})
		})
	}
	for _, log := range logs {
		sort.Slice(log, func(i, j int) bool { return log[i].offset < log[j].offset })
	}
	return logs, problems
}
