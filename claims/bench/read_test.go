//go:build bench

package bench

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/cli"
)

var megabytes = flag.Int64("megabytes", 180, "size of the generated file")

const rounds = 5

// TestMain makes this binary the command, and a reader that does nothing else:
// each has a memory of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"countersign": func() {
			os.Exit(cli.Run(context.Background(), os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
		},
		"read837": func() { os.Exit(read(os.Args[1])) },
	})
}

// read takes in a whole file and says how many claims and lines it has.
func read(path string) int {
	f, err := os.Open(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer f.Close()
	lines := 0
	file, err := x12.ReadClaims(f, func(s x12.Submitted) error { lines += len(s.Claim.Lines); return nil })
	if err != nil || len(file.Refusals) > 0 {
		fmt.Fprintln(os.Stderr, err, file.Refusals)
		return 1
	}
	fmt.Println(file.Claims, lines)
	return 0
}

// A process that ended: what it printed, how it exited, what it took.
type ended struct {
	out, errs       string
	exit            int
	wall, processor time.Duration
	peak            int64 // bytes of memory
}

func run(b *testing.B, name string, args ...string) ended {
	b.Helper()
	cmd := exec.Command(name, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	err := cmd.Run()
	e := ended{out: out.String(), errs: errs.String(), wall: time.Since(began)}
	if cmd.ProcessState == nil {
		b.Fatalf("%s: %v", name, err)
	}
	e.exit, e.processor = cmd.ProcessState.ExitCode(), cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		e.peak = usage.Maxrss << 10
	}
	return e
}

// BenchmarkClaimFiles is run once, with -benchtime 1x. The rate of reading is
// by processor time, both passes and the digest included: reading uses one core,
// so on an idle machine it is the rate by the clock, which is printed beside it.
func BenchmarkClaimFiles(b *testing.B) {
	fmt.Printf("load %s\n", load())
	path := filepath.Join(b.TempDir(), "large.837")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	size, claims, err := writeFile(f, *megabytes*1_000_000)
	if err != nil || f.Close() != nil {
		b.Fatal(err)
	}
	var rates, clock []float64
	var peak int64
	for range rounds {
		e := run(b, "read837", path)
		if count, _, _ := strings.Cut(e.out, " "); e.exit != 0 || count != strconv.Itoa(claims) {
			b.Fatalf("read %q claims, wrote %d: %.500s", e.out, claims, e.errs)
		}
		rates, clock = append(rates, float64(size)/1e6/e.processor.Seconds()), append(clock, float64(size)/1e6/e.wall.Seconds())
		peak = max(peak, e.peak)
	}
	fmt.Printf("%.1f MB, %d claims, read in two passes; by the clock %.1f MB/s\n", float64(size)/1e6, claims, middle(clock))
	check := checked(b)
	atLeast("read-837", middle(rates), "MB/s", 50)
	atMost("read-837-memory", float64(peak)/1e6, "MB", 100)
	if check > 0 {
		atMost("claim-check-820", check, "s", 1)
	}
}

// checked is how long "claim check" of a public file of 820 claims takes, from
// start to exit. As it is, its set is refused for its mistakes; so the same with
// its mistakes mended, of which every claim is read and edited, is
// checked too, with and without a list of codes as long as CMS's; the longest of
// the three counts.
func checked(b *testing.B) float64 {
	corpus := os.Getenv("COUNTERSIGN_CORPUS")
	if corpus == "" {
		fmt.Println("COUNTERSIGN_CORPUS is not set: claim check is not measured")
		return 0
	}
	path := filepath.Join(corpus, "x12-imsweb", "837_5010", "x12_many_claims.txt")
	text, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	copied := filepath.Join(b.TempDir(), "mended.837")
	if err := os.WriteFile(copied, []byte(mended(string(text))), 0o600); err != nil {
		b.Fatal(err)
	}
	codes := filepath.Join(b.TempDir(), "icd10cm_order_2016.txt")
	if err := os.WriteFile(codes, manyCodes(74_000), 0o600); err != nil {
		b.Fatal(err)
	}
	var longest float64
	for _, check := range []struct {
		args []string
		want string
	}{{[]string{path}, " 0 claims"}, {[]string{copied}, " 820 claims"}, {[]string{copied, "--codes", codes}, " 820 claims"}} {
		var took []float64
		for range rounds {
			e := run(b, "countersign", append([]string{"claim", "check"}, check.args...)...)
			took = append(took, e.wall.Seconds())
			if e.exit > 2 || !strings.Contains(e.errs, check.want) {
				b.Fatalf("exit %d, want%s: %.500s", e.exit, check.want, e.errs)
			}
		}
		longest = max(longest, middle(took))
	}
	return longest
}

// manyCodes is an order file with as many codes, which mean nothing.
func manyCodes(n int) []byte {
	var out bytes.Buffer
	for i := range n {
		fmt.Fprintf(&out, "%05d %c%02d%03d  1 %-60s %s\n", i%100_000, 'A'+i%26, i/26%100, i/2600, "of the length of a short description", strings.Repeat("and of a long one ", 8))
	}
	return out.Bytes()
}

// mended corrects the marks in diagnoses, the numbers of levels and lines, and
// the count of segments.
func mended(text string) string {
	var out strings.Builder
	level, hospital, segments := 0, 0, 0
	for _, s := range strings.Split(strings.NewReplacer("*BK*", "*BK:", "*BF*", "*BF:").Replace(text), "~") {
		s = strings.TrimSpace(s)
		segments++
		switch {
		case s == "":
			continue
		case strings.HasPrefix(s, "ST*"):
			segments = 1
		case strings.HasPrefix(s, "HL*") && strings.Contains(s, "*20*"):
			level++
			hospital = level
			s = fmt.Sprintf("HL*%d**20*1", level)
		case strings.HasPrefix(s, "HL*"):
			level++
			s = fmt.Sprintf("HL*%d*%d*22*0", level, hospital)
		case strings.HasPrefix(s, "LX*"):
			s = "LX*1"
		case strings.HasPrefix(s, "SE*"):
			s = fmt.Sprintf("SE*%d*987654", segments)
		}
		out.WriteString(s + "~\n")
	}
	return out.String()
}

func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}

func middle(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

func atLeast(name string, measured float64, unit string, target float64) {
	line(name, measured, unit, target, measured >= target)
}

func atMost(name string, measured float64, unit string, target float64) {
	line(name, measured, unit, target, measured <= target)
}

func line(name string, measured float64, unit string, target float64, ok bool) {
	verdict := "short"
	if ok {
		verdict = "ok"
	}
	fmt.Printf("bench %s %.3g %s target %g %s\n", name, measured, unit, target, verdict)
}
