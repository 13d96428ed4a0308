package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// delivered is one record as its first reader printed it.
type delivered struct {
	key, sequence int32 // key is a number in judgement.keys; -1: nobody read it
	crc           uint32
}

type sum struct {
	records int
	crcs    int64
}

// judgement compares what all members of a group printed (member.go) with what loads sent.
type judgement struct {
	logs     [][]delivered
	keys     map[string]int32
	names    []string
	again    int
	problems []string
}

// judge reads the outputs of a group's members, and the lines `sum LOAD RECORDS CRCS` of the loads from its standard input.
// Each record was read, and every time with the same content; while a member owns a partition it reads that without holes;
// what is read twice is where one ownership ends and another begins, never amid one; without the repetitions each key's
// numbers are 0, 1, 2, ... in order; the records of each load and the sum of their checksums are what the load says.
func judge(readers []string) {
	j := judgement{keys: map[string]int32{}}
	for _, reader := range readers {
		j.read(reader)
	}
	sums := j.inOrder()
	records := 0
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var load string
		var sent sum
		if n, _ := fmt.Sscanf(lines.Text(), "sum %s %d %d", &load, &sent.records, &sent.crcs); n != 3 {
			fatal("not a sum:", lines.Text())
		}
		if sums[load] != sent {
			j.wrong("load %s sent %v, read was %v", load, sent, sums[load])
		}
		fmt.Printf("load %s: %d records sent and read, checksums add up to %d\n", load, sent.records, sent.crcs)
		records += sent.records
	}
	for i, problem := range j.problems {
		if i == 20 {
			fmt.Printf("... and %d more\n", len(j.problems)-i)
			break
		}
		fmt.Println(problem)
	}
	fmt.Printf("judged %d records of %d keys in %d partitions, by %d readers, %d read again after a death: %d wrong\n",
		records, len(j.names), len(j.logs), len(readers), j.again, len(j.problems))
	if len(j.problems) > 0 {
		os.Exit(1)
	}
}

func (j *judgement) wrong(format string, what ...any) {
	j.problems = append(j.problems, fmt.Sprintf(format, what...))
}

// ownership is how far a member is with a partition, from when it was given to it.
type ownership struct {
	next  int
	phase phase
}

// phase is what of an ownership was read by others too: something at its beginning, nothing, something at its end.
type phase int

const (
	begun phase = iota
	alone
	ending
)

func (j *judgement) read(reader string) {
	f, err := os.Open(reader)
	if err != nil {
		fatal(err)
	}
	defer f.Close()
	owned := map[int]*ownership{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		kind, rest, _ := strings.Cut(line, " ")
		switch kind {
		case "r":
			j.take(reader, rest, owned)
		case "assigned":
			for _, partition := range strings.FieldsFunc(rest, func(r rune) bool { return r < '0' || r > '9' }) {
				number, _ := strconv.Atoi(partition)
				delete(owned, number)
			}
		case "c", "revoked", "lost":
		default:
			j.wrong("%s said %s", reader, line)
		}
	}
}

func (j *judgement) take(reader, line string, owned map[int]*ownership) {
	fields := strings.Split(line, " ")
	if len(fields) < 5 || len(fields[4]) < 8 {
		return // the torn last line of a member that was killed
	}
	partition, _ := strconv.Atoi(fields[0])
	offset, _ := strconv.Atoi(fields[1])
	sequence, _ := strconv.Atoi(fields[3])
	crc, _ := strconv.ParseUint(fields[4], 16, 32)
	own := owned[partition]
	if own == nil {
		own = &ownership{next: offset}
		owned[partition] = own
	}
	if offset != own.next {
		j.wrong("%s: partition %d: %d where %d comes next", reader, partition, offset, own.next)
	}
	own.next = offset + 1
	record := delivered{j.key(fields[2]), int32(sequence), uint32(crc)}
	switch held := j.place(partition, offset); {
	case held.key < 0:
		*held = record
		if own.phase == ending {
			j.wrong("%s: partition %d was read twice before %d, amid an ownership", reader, partition, offset)
		}
		own.phase = alone
	case *held != record:
		j.wrong("%s: partition %d at %d: %v, somebody else read %v", reader, partition, offset, record, *held)
	default:
		j.again++
		if own.phase == alone {
			own.phase = ending
		}
	}
}

func (j *judgement) key(name string) int32 {
	number, known := j.keys[name]
	if !known {
		number = int32(len(j.names))
		// The line it is part of must not stay.
		name = strings.Clone(name)
		j.keys[name] = number
		j.names = append(j.names, name)
	}
	return number
}

func (j *judgement) place(partition, offset int) *delivered {
	for len(j.logs) <= partition {
		j.logs = append(j.logs, nil)
	}
	for len(j.logs[partition]) <= offset {
		j.logs[partition] = append(j.logs[partition], delivered{key: -1})
	}
	return &j.logs[partition][offset]
}

// inOrder checks each key's numbers, and returns what was read of each load, whose id is its keys' name but the number.
func (j *judgement) inOrder() map[string]sum {
	sums := map[string]sum{}
	next := make([]int32, len(j.names))
	for partition, log := range j.logs {
		for offset, r := range log {
			if r.key < 0 {
				j.wrong("nobody read partition %d at %d", partition, offset)
				continue
			}
			name := j.names[r.key]
			if r.sequence != next[r.key] {
				j.wrong("partition %d at %d: key %s: number %d where %d belongs", partition, offset, name, r.sequence, next[r.key])
			}
			next[r.key] = r.sequence + 1
			load := name[:strings.LastIndexByte(name, '-')]
			sums[load] = sum{sums[load].records + 1, sums[load].crcs + int64(r.crc)}
		}
	}
	return sums
}
