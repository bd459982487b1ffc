package contracts

import (
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/workflows"
)

// The edits of build two. A claim orders one more errand before it decides,
// which no history of build one has. A license looks twice, which it may begin
// to do in the middle of its life because the patch names the order: one name
// for all orders would stay what it was at the first of them.
var (
	anotherErrand = []string{"workflows/claim.go",
		"	for {\n		g, err := c.gather(ctx)\n",
		`	if err := workflow.ExecuteActivity(brief(ctx), reaching.ClaimsWaitingFor, c.accepted.Submission).Get(ctx, nil); err != nil {
		return "", err
	}
	for {
		g, err := c.gather(ctx)
`}
	lookTwice = `	if err := workflow.ExecuteLocalActivity(quick(ctx), reaching.OpenWork, license).Get(ctx, &open); err != nil {
		return err
	}
	`
	lookOnce = "	tell(ctx, open, Reconsider{Cause: order})\n"
	patched  = []string{"workflows/license.go", lookOnce,
		"	if workflow.GetVersion(ctx, \"look-twice/\"+order.String(), workflow.DefaultVersion, 1) >= 1 {\n" + lookTwice + "}\n" + lookOnce}
	unpatched = []string{"workflows/license.go", lookOnce, lookTwice + lookOnce}
)

// TestRollingUpgrade takes the workers from one build to the next with
// contracts in flight, as docs/temporal.md tells an operator to.
func TestRollingUpgrade(t *testing.T) {
	t.Parallel()
	f := openFleet(t, nil)
	one, two := f.build("one"), f.build("two", append(anotherErrand, patched...)...)
	gateway, first := f.start(one, "gateway", ""), f.start(one, "worker", "one")
	gateway.ready()
	f.through(gateway)
	f.begin()
	first.ready() // and so the current build, without a command
	f.heard(3)

	ana, ben := f.member("DPX900001"), f.member("DPX900002")
	paid := f.submit(f.visit("ONE-1", ana, ruskin))
	f.in(paid, claims.Paid)
	pended := f.submit(f.visit("ONE-2", ana, ruskin, "76"))
	f.in(pended, claims.Pended)
	f.in(f.submit(f.visit("ONE-3", ben, amaranth)), claims.Paid)
	left := f.submit(f.visit("ONE-4", ben, amaranth, "76"))
	f.in(left, claims.Pended)
	auth := f.request("auth-b.json")
	f.decided(auth, 1)
	license := workflows.LicenseID(f.licenses[ruskin])
	f.revokeOn(f.day.AddDays(300)) // so that the license's contract is there, and nothing is covered yet
	f.until("the license's contract", func() (bool, error) { return len(f.historyOf(license).builds) > 0, nil })

	second := f.start(two, "worker", "two")
	second.ready()
	if !strings.Contains(second.logs.String(), "until it is promoted: countersignd builds promote two") {
		t.Errorf("build two does not say that it waits:\n%s", second.logs.String())
	}
	f.listed(two, "two", "new", "promote it: countersignd builds promote two")
	before := f.submit(f.visit("ONE-5", f.member("DPX900003"), amaranth))
	f.in(before, claims.Paid)
	f.wantBuilds("a claim before build two is promoted", f.contract(before), "one")

	f.builds(two, "promote", "two")
	f.listed(two, "two", "current", "")
	f.listed(two, "one", "draining", "keep a worker of it")
	after := f.submit(f.visit("TWO-1", f.member("DPX900004"), amaranth))
	f.in(after, claims.Paid)
	f.wantBuilds("a claim after build two is promoted", f.contract(after), "two")

	// What began on build one is decided there; the license has gone over.
	f.approve(auth, 1)
	f.decided(auth, 2)
	f.wantBuilds("the authorization", f.contract(auth), "one")
	f.approve(pended, 1)
	f.in(pended, claims.Paid)
	f.wantBuilds("the pended claim", f.contract(pended), "one")
	f.revokeOn(f.day)
	f.decided(auth, 3)
	f.wantBuilds("the authorization in the end", f.contract(auth), "one")
	f.wantBuilds("the license", license, "one", "two")
	if got := f.historyOf(license).markers; got != 1 {
		t.Errorf("the license's patch left %d markers, want 1: for the order under build two", got)
	}

	// One pended claim is left on build one, and its worker is gone.
	first.drain()
	f.approve(left, 1)
	f.until("the stranded claim to be told of", func() (bool, error) {
		time.Sleep(time.Second)
		return strings.Contains(f.builds(two, "list"), "start a worker of it, or: countersignd builds move one"), nil
	})
	if h := f.historyOf(f.contract(left)); len(h.broken) > 0 || strings.Join(h.builds, " ") != "one" {
		t.Errorf("without its worker the claim went on: %+v", h)
	}
	if got := f.builds(two, "move", "one"); got != "Moved 1 contracts of one to the current build.\n" {
		t.Errorf("move says %q", got)
	}
	f.in(left, claims.Paid)
	f.wantBuilds("the claim that was moved", f.contract(left), "one", "two")
	f.listed(two, "one", "drained", "its workers may stop")

	f.recorded()
	f.unbroken()
	if l := f.left(); len(l.decisions) != l.signed {
		t.Errorf("%d decisions settled, %d signed", len(l.decisions), l.signed)
	}
	second.drain()
	gateway.drain()
}

// TestUpgradeUnderOneName shows what the names of builds are for: the same
// upgrade breaks the contracts in flight where both builds have one name. A
// license, which goes over in any case, breaks where its change is no patch.
func TestUpgradeUnderOneName(t *testing.T) {
	t.Parallel()
	f := openFleet(t, nil)
	one, two := f.build("one"), f.build("two", append(anotherErrand, unpatched...)...)
	gateway, first := f.start(one, "gateway", ""), f.start(one, "worker", "same")
	gateway.ready()
	f.through(gateway)
	f.begin()
	first.ready()
	f.heard(3)
	ana := f.member("DPX900001")
	f.in(f.submit(f.visit("ONE-1", ana, ruskin)), claims.Paid)
	pended := f.submit(f.visit("ONE-2", ana, ruskin, "76"))
	f.in(pended, claims.Pended)
	license := workflows.LicenseID(f.licenses[ruskin])
	f.revokeOn(f.day.AddDays(300))
	f.until("the license's contract", func() (bool, error) { return len(f.historyOf(license).builds) > 0, nil })
	first.drain()

	f.start(two, "worker", "same").ready()
	f.revokeOn(f.day)
	f.approve(pended, 1)
	for what, id := range map[string]string{"claim": f.contract(pended), "license": license} {
		f.until("the "+what+" to break", func() (bool, error) {
			return strings.Contains(strings.Join(f.historyOf(id).broken, " "), "NonDeterministicError"), nil
		})
	}
}

// listed waits until "builds list" has a line for a build.
func (f *fleet) listed(program, build, state, todo string) {
	f.Helper()
	f.until(build+" to be "+state, func() (bool, error) {
		time.Sleep(200 * time.Millisecond)
		for line := range strings.Lines(f.builds(program, "list")) {
			if w := strings.Fields(line); w[0] == build && w[1] == state && strings.Contains(line, todo) {
				return true, nil
			}
		}
		return false, nil
	})
}

// revokeOn has the board revoke Ruskin's license as of a day, once more.
func (f *fleet) revokeOn(day credentials.Date) {
	f.Helper()
	effective, err := time.Parse("2006-01-02 -0700", string(day)+" -0800")
	f.must(err)
	_, err = f.clerk.Revoke(f.ctx, f.licenses[ruskin], effective, "unprofessional-conduct")
	f.must(err)
}
