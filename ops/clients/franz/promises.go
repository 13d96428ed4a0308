package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
)

// promises are the lines that loads printed (load.go, churn.go, member.go), by kind.
type promises struct {
	acknowledgements int
	records          []record
	// partitions of topics that were created; a topic whose deletion began is in doomed, once it ended in gone.
	created      map[string]int
	doomed, gone map[string]bool
	// the newest offset that each group committed
	commits map[commit]int64
}

type record struct {
	place
	offset   int64
	key      string
	sequence int
}

type commit struct {
	group string
	place
}

func readPromises(files []string) promises {
	p := promises{created: map[string]int{}, doomed: map[string]bool{}, gone: map[string]bool{}, commits: map[commit]int64{}}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			fatal(err)
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if p.read(lines.Text()) {
				p.acknowledgements++
			}
		}
		f.Close()
	}
	return p
}

// read takes one line; false for what promises nothing: a sum, an announcement, the torn last line of a load that was
// killed.
func (p *promises) read(line string) bool {
	var r record
	var c commit
	var topic string
	var number int64
	scanned := func(format string, into ...any) bool {
		n, _ := fmt.Sscanf(line, format, into...)
		return n == len(into)
	}
	kind, _, _ := strings.Cut(line, " ")
	switch {
	case kind == "a" && scanned("a %s %d %d %s %d", &r.topic, &r.partition, &r.offset, &r.key, &r.sequence):
		p.records = append(p.records, r)
	case kind == "t" && scanned("t %s %d", &topic, &number):
		p.created[topic] = int(number)
	case kind == "x" && scanned("x %s", &topic):
		p.gone[topic] = true
	case kind == "c" && scanned("c %s %s %d %d", &c.group, &c.topic, &c.partition, &number):
		p.commits[c] = max(p.commits[c], number)
	case kind == "d" && scanned("d %s", &topic):
		p.doomed[topic] = true
		return false
	default:
		return false
	}
	return true
}

func (p *promises) compareRecords(logs map[place][]held) (problems []string) {
	for _, r := range p.records {
		if p.doomed[r.topic] {
			continue
		}
		log := logs[r.place]
		i := sort.Search(len(log), func(i int) bool { return log[i].offset >= r.offset })
		if i == len(log) || log[i].offset != r.offset {
			problems = append(problems, fmt.Sprintf("LOST: acknowledged %v", r))
		} else if log[i].key != r.key || log[i].sequence != r.sequence {
			problems = append(problems, fmt.Sprintf("CHANGED: acknowledged %v, held %s %d", r, log[i].key, log[i].sequence))
		}
	}
	return problems
}

func (p *promises) compareTopics(logs map[place][]held) (problems []string) {
	partitions := map[string]int{}
	for at := range logs {
		partitions[at.topic]++
	}
	for topic, promised := range p.created {
		if held := partitions[topic]; held != promised && !p.doomed[topic] {
			problems = append(problems, fmt.Sprintf("LOST: topic %s was created with %d partitions, has %d", topic, promised, held))
		}
	}
	for topic := range p.gone {
		if partitions[topic] > 0 {
			problems = append(problems, fmt.Sprintf("BACK: topic %s was deleted", topic))
		}
	}
	return problems
}

func (p *promises) compareCommits(admin *kadm.Client, logs map[place][]held) (problems []string) {
	groups := map[string]bool{}
	for c := range p.commits {
		groups[c.group] = true
	}
	for group := range groups {
		fetched, err := admin.FetchOffsets(context.Background(), group)
		if err != nil {
			fatal(group, err)
		}
		for c, promised := range p.commits {
			if c.group != group || p.doomed[c.topic] {
				continue
			}
			held, found := fetched.Lookup(c.topic, c.partition)
			end := int64(0)
			if log := logs[c.place]; len(log) > 0 {
				end = log[len(log)-1].offset + 1
			}
			if !found || held.Err != nil || held.At < promised {
				problems = append(problems, fmt.Sprintf("LOST: %v committed %d, has %v %v", c, promised, held.At, held.Err))
			} else if held.At > end {
				problems = append(problems, fmt.Sprintf("AHEAD: %v has %d, the log ends at %d", c, held.At, end))
			}
		}
	}
	return problems
}
