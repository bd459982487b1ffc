package run

import (
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/cmd/countersignd/config"
	"github.com/countersign-health/countersign/worker"
)

// What an operator is told to do errs on the side of keeping a worker.
func TestStateOfBuild(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	here, gone := now.Add(-time.Minute), now.Add(-2*time.Minute)
	for _, x := range []struct {
		b           worker.Build
		state, todo string
	}{
		{worker.Build{Current: true, Pinned: 3, Asked: here}, "current", ""},
		{worker.Build{Current: true, Asked: gone}, "current", "new contracts wait"},
		{worker.Build{Asked: here}, "new", "builds promote b"},
		{worker.Build{}, "new", "start a worker"},
		{worker.Build{Left: true, Pinned: 1, Asked: here}, "draining", "keep a worker"},
		{worker.Build{Left: true, Pinned: 1, Asked: gone}, "stranded", "builds move b"},
		{worker.Build{Left: true, Asked: here}, "draining", "until the cluster is sure"},
		{worker.Build{Left: true, Drained: true, Asked: here}, "drained", "may stop"},
		{worker.Build{Left: true, Drained: true, Pinned: 1, Asked: here}, "draining", "keep a worker"},
	} {
		x.b.ID = "b"
		state, todo := stateOf(x.b, now)
		if state != x.state || !strings.Contains(todo, x.todo) || (x.todo == "") != (todo == "") {
			t.Errorf("%+v: got %q, %q; want %q, %q", x.b, state, todo, x.state, x.todo)
		}
	}
}

// A build is named by its program, or as the file says.
func TestBuildID(t *testing.T) {
	id, err := buildID(&config.Worker{})
	again, _ := buildID(&config.Worker{})
	if err != nil || id != again || !config.BuildName.MatchString(id) || !strings.Contains(id, "-") {
		t.Errorf("got %q, then %q (%v)", id, again, err)
	}
	if id, err := buildID(&config.Worker{BuildID: "v2"}); id != "v2" || err != nil {
		t.Errorf("got %q (%v), want v2", id, err)
	}
}
