// franz-go against a broker: checks of its own, a group member, loads that report every acknowledgement, and a verifier
// that compares them with what the broker then holds.
//
//	franz checks BOOTSTRAP
//	franz member BOOTSTRAP GROUP TOPIC STRATEGY [INSTANCE]
//	franz load   BOOTSTRAP ID TOPICS [-flag value]...
//	franz churn  BOOTSTRAP ID
//	franz judge  READERS... < SUMS
//	franz verify BOOTSTRAP TOPICS ACKS...
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	if len(os.Args) < 3 {
		fatal("franz checks|member|load|churn|judge|verify BOOTSTRAP ...")
	}
	bootstrap, rest := os.Args[2], os.Args[3:]
	switch os.Args[1] {
	case "checks":
		checks(bootstrap)
	case "member":
		member(bootstrap, rest)
	case "load":
		load(bootstrap, rest)
	case "churn":
		churn(bootstrap, rest)
	case "judge":
		judge(os.Args[2:])
	case "verify":
		verify(bootstrap, rest)
	default:
		fatal("unknown command " + os.Args[1])
	}
}

func fatal(what ...any) {
	fmt.Fprintln(os.Stderr, what...)
	os.Exit(1)
}

// client connects with what all commands want: patience with a broker that is being killed.
func client(bootstrap string, options ...kgo.Opt) *kgo.Client {
	common := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(bootstrap, ",")...),
		kgo.MetadataMinAge(100_000_000),
		kgo.RetryBackoffFn(backoff),
	}
	c, err := kgo.NewClient(append(common, options...)...)
	if err != nil {
		fatal(err)
	}
	return c
}

// out is standard output, buffered; lines that somebody waits for are flushed by their writer.
var out = bufio.NewWriterSize(os.Stdout, 1<<16)
