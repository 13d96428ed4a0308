package main

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"time"
)

// value makes a record that verifies itself, `CRC KEY SEQUENCE FILLER`, as python/check.py describes.
func value(key string, sequence, size int) []byte {
	filler := strings.Repeat(fmt.Sprintf("%s/%d/", key, sequence), size/(len(key)+3)+1)[:size]
	rest := fmt.Sprintf("%s %d %s", key, sequence, filler)
	return fmt.Appendf(nil, "%08x %s", crc32.ChecksumIEEE([]byte(rest)), rest)
}

// parse returns a value's checksum, key and sequence number, or an error if it is not what somebody wrote.
func parse(data []byte) (crc uint32, key string, sequence int, err error) {
	head, rest, found := bytes.Cut(data, []byte(" "))
	claimed, err := strconv.ParseUint(string(head), 16, 32)
	if !found || err != nil {
		return 0, "", 0, fmt.Errorf("not one of our records: %.60q", data)
	}
	if crc = crc32.ChecksumIEEE(rest); crc != uint32(claimed) {
		return 0, "", 0, fmt.Errorf("checksum of %.60q is wrong", data)
	}
	fields := bytes.SplitN(rest, []byte(" "), 3)
	if len(fields) != 3 {
		return 0, "", 0, fmt.Errorf("not one of our records: %.60q", data)
	}
	sequence, err = strconv.Atoi(string(fields[1]))
	return crc, string(fields[0]), sequence, err
}

func backoff(attempt int) time.Duration {
	return min(time.Duration(attempt)*20*time.Millisecond, 250*time.Millisecond)
}
