package operator_test

import (
	"maps"
	"sync/atomic"
	"testing"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
	"github.com/countersign-health/countersign/tracing/tracetest"
)

// A round that makes several entries final hangs on the trace of the first and
// names the others, and the witnesses are asked within it. What was
// appended without a trace has none.
func TestRoundNamesItsTraces(t *testing.T) {
	lt := ledgertest.New(t)
	l := lt.Open(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
	p, kept := tracetest.New(t, 1)
	mustReceipt(t, l, mustAppend(t, l, "untraced", ledgertest.Entry(t, "untraced")))
	if got := kept.GetSpans(); len(got) != 0 {
		t.Errorf("got %v, want no span", got)
	}
	for _, w := range lt.Witnesses[1:] {
		w.Break(down)
	}
	appended := map[trace.SpanID]bool{}
	var last int64
	for _, name := range []string{"a", "b", "c"} {
		inside, span := p.Tracer("t").Start(ctx, "append "+name)
		a, err := l.Append(inside, business(name), ledgertest.Entry(t, name).Marshal())
		if err != nil {
			t.Fatal(err)
		}
		span.End()
		appended[span.SpanContext().SpanID()], last = true, a.Index
	}
	for _, w := range lt.Witnesses {
		w.Break(nil)
	}
	mustReceipt(t, l, last)

	rounds := awaitRounds(t, kept, appended)
	links, asked := 0, 0
	for id, round := range rounds {
		links += len(round.Links)
		for _, s := range kept.GetSpans() {
			if s.Name == "POST witness" && s.Parent.SpanID() == id && s.SpanContext.TraceID() == round.SpanContext.TraceID() {
				asked++
			}
		}
	}
	// The first round may have begun before the others came. It waits for its
	// quorum, so that those are together in one.
	if links == 0 || asked < 3*len(rounds) {
		t.Errorf("%d rounds have %d links and asked %d times, want a link and 3 witnesses each", len(rounds), links, asked)
	}

	inside, span := p.Tracer("t").Start(ctx, "append a again")
	if _, err := l.Append(inside, business("a"), ledgertest.Entry(t, "a").Marshal()); err != nil {
		t.Fatal(err)
	}
	span.End()
	kept.Reset() // what is final is forgotten, and is not remembered when it comes again
	mustReceipt(t, l, mustAppend(t, l, "later", ledgertest.Entry(t, "later")))
	for _, s := range kept.GetSpans() {
		if s.Name == "publish checkpoint" {
			t.Errorf("a later round is in an earlier trace: %v", s)
		}
	}
}

// awaitRounds waits until rounds have named all who appended.
func awaitRounds(t *testing.T, kept *sdk.InMemoryExporter, appended map[trace.SpanID]bool) map[trace.SpanID]sdk.SpanStub {
	t.Helper()
	left := maps.Clone(appended)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		rounds := map[trace.SpanID]sdk.SpanStub{}
		for _, s := range kept.GetSpans() {
			if s.Name != "publish checkpoint" {
				continue
			}
			rounds[s.SpanContext.SpanID()] = s
			delete(left, s.Parent.SpanID())
			for _, link := range s.Links {
				delete(left, link.SpanContext.SpanID())
			}
		}
		if len(left) == 0 {
			return rounds
		}
	}
	t.Fatalf("no round names %v: %v", left, kept.GetSpans())
	return nil
}

// A round that is over before the sequencer hears that its commit was made
// names the entry's trace all the same.
func TestRoundThatIsQuick(t *testing.T) {
	db := sqldbtest.Open(t, sqldbtest.Postgres(t))
	l := ledgertest.New(t).Open(t, db)
	p, kept := tracetest.New(t, 1)
	mustReceipt(t, l, mustAppend(t, l, "untraced", ledgertest.Entry(t, "untraced")))
	var first atomic.Bool
	db.WrapCommit(func(commit func() error) error {
		err := commit()
		if first.CompareAndSwap(false, true) {
			if _, err := l.Receipt(ctx, 2, 10*time.Second); err != nil {
				t.Error(err)
			}
		}
		return err
	})
	inside, span := p.Tracer("t").Start(ctx, "append")
	if _, err := l.Append(inside, business("a"), ledgertest.Entry(t, "a").Marshal()); err != nil {
		t.Fatal(err)
	}
	span.End()
	awaitRounds(t, kept, map[trace.SpanID]bool{span.SpanContext().SpanID(): true})
}
