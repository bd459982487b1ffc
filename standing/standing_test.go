package standing

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/problem"
)

const (
	npi  = credentials.NPI("1234567893")
	good = "npi=1234567893&state=CA&service=99213&on=2026-03-01"
)

var (
	noon    = time.Date(2026, 6, 1, 12, 0, 0, 500_000_000, time.UTC)
	signer  = credentials.NewSigner("", ed25519.NewKeyFromSeed(bytes.Repeat([]byte{4}, ed25519.SeedSize)))
	license = credentials.License{Handle: credentials.Handle{1}, NPI: npi, Jurisdiction: "CA", From: "2025-01-01", Until: "2026-12-31"}
	revoke  = credentials.Order{Handle: credentials.Handle{2}, License: license.Handle, Action: credentials.OrderRevoke,
		Effective: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Reason: "R-1"}
)

// record has a license, known in January, and its revocation, known from May on; it was read at noon.
func record() Record {
	var r Record
	r.Feeds = []credentials.FeedMark{{Board: "did:web:board.test", Position: 21, Read: noon, Fresh: true}}
	r.Licenses = []credentials.KnownLicense{{License: license, Index: 10, Since: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}}
	r.Orders = []credentials.KnownOrder{{Order: revoke, Index: 20, Since: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)}}
	r.Documents = []Document{{Handle: license.Handle, Token: "license"}, {Handle: revoke.Handle, Order: true, Token: "order"}}
	return r
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

// serve opens a door on a record, and returns its address and what it logs.
func serve(t *testing.T, edit func(*Door, *Record)) (string, *lockedBuffer) {
	t.Helper()
	r, log := record(), new(lockedBuffer)
	d := &Door{Signer: signer, Patience: 5 * time.Minute, Now: func() time.Time { return noon }, Log: slog.New(slog.NewTextHandler(log, nil))}
	if edit != nil {
		edit(d, &r)
	}
	if d.Read == nil {
		d.Read = func(context.Context, credentials.NPI, string) (Record, error) { return r, nil }
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+Path, d.Handler())
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL, log
}

func TestDoor(t *testing.T) {
	for name, tt := range map[string]struct {
		query   string
		edit    func(*Door, *Record)
		want    credentials.Answer
		missing string
		files   int // besides the answer, with entries and receipts
	}{
		"revoked":                      {good, nil, credentials.MayNot, "", 6},
		"the day before":               {strings.Replace(good, "03-01", "02-28", 1), nil, credentials.May, "", 6},
		"before it was known":          {good + "&known=2026-04-30T23:59:59Z", nil, credentials.May, "", 3},
		"before it was known, by day":  {good + "&known=2026-04-30", nil, credentials.May, "", 3},
		"in another offset":            {good + "&known=2026-04-30T19%3A00%3A00-05%3A00", nil, credentials.MayNot, "", 6},
		"when it was known, by day":    {good + "&known=2026-05-01", nil, credentials.MayNot, "", 6},
		"today, by day":                {good + "&known=2026-06-01", nil, credentials.MayNot, "", 6},
		"by position":                  {good + "&known=20", nil, credentials.May, "", 3},
		"by the next":                  {good + "&known=21", nil, credentials.MayNot, "", 6},
		"by one that was not read":     {strings.Replace(good, "03-01", "02-28", 1) + "&known=22", nil, credentials.Unknown, credentials.MissingFeed, 6},
		"before the license was known": {good + "&known=2025-12-31", nil, credentials.MayNot, "", 0},
		"another clinician":            {strings.Replace(good, "1234567893", "1999999984", 1), nil, credentials.MayNot, "", 0},
		"no board":                     {good, func(_ *Door, r *Record) { *r = Record{} }, credentials.Unknown, credentials.MissingBoard, 0},
		"stale":                        {strings.Replace(good, "03-01", "02-28", 1), func(_ *Door, r *Record) { r.Feeds[0].Read = noon.Add(-6 * time.Minute) }, credentials.Unknown, credentials.MissingFeed, 6},
		"stale, asked for long before": {good + "&known=2026-04-30", func(_ *Door, r *Record) { r.Feeds[0].Read = noon.Add(-6 * time.Minute) }, credentials.May, "", 3},
		"the feed is from the future":  {strings.Replace(good, "03-01", "02-28", 1), func(_ *Door, r *Record) { r.Feeds[0].Read = noon.Add(2 * time.Minute) }, credentials.Unknown, credentials.MissingFeed, 6},
		"the feed was not heard out":   {strings.Replace(good, "03-01", "02-28", 1), func(_ *Door, r *Record) { r.Feeds[0].Fresh = false }, credentials.Unknown, credentials.MissingFeed, 6},
		"the clock is wrong":           {strings.Replace(good, "03-01", "02-28", 1), func(d *Door, _ *Record) { d.Clock = func() error { return errors.New("wrong") } }, credentials.Unknown, credentials.MissingFeed, 6},
		"an act is on its way":         {strings.Replace(good, "03-01", "02-28", 1), func(_ *Door, r *Record) { r.Wait(noon) }, credentials.Unknown, credentials.MissingFeed, 6},
		"and was not yet":              {good + "&known=2026-04-30", func(_ *Door, r *Record) { r.Wait(noon); r.Wait(noon.Add(time.Second)) }, credentials.May, "", 3},
		"a witness's clock is ahead":   {good, func(_ *Door, r *Record) { r.Orders[0].Since = noon.Truncate(time.Second).Add(3 * time.Second) }, credentials.MayNot, "", 6},
		"restricted": {good, func(_ *Door, r *Record) {
			r.Orders[0].Action, r.Orders[0].Restrictions = credentials.OrderRestrict, []string{"NO-OPIOIDS"}
		}, credentials.Unknown, credentials.MissingReview, 6},
		"orders that are not understood": {good, func(_ *Door, r *Record) { r.Orders[0].Action = "censure" }, credentials.Unknown, credentials.MissingOrders, 6},
	} {
		url, log := serve(t, tt.edit)
		a, err := Ask(t.Context(), http.DefaultClient, url, tt.query)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c, err := credentials.Open[credentials.StandingAnswer](a.Credential, credentials.KindStandingAnswer, credentials.ResolveDIDKey)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		s := c.Subject
		if a.Answer != tt.want || s.Answer != tt.want || s.Missing != tt.missing || a.Missing != tt.missing || s.Standing.Reason != a.Reason || c.Handle() != s.Handle || s.Rules != credentials.StandingRules {
			t.Errorf("%s: %s, missing %q (%+v); want %s, %q", name, a.Answer, a.Missing, s, tt.want, tt.missing)
		}
		if len(a.Files) != tt.files+1 || a.Files[dossier.Answers+"/"+s.Handle.String()+".jwt"] == nil {
			t.Errorf("%s: %d files, want %d", name, len(a.Files), tt.files+1)
		}
		if log.Len() > 0 {
			t.Errorf("%s: logged %s", name, log)
		}
	}
}

// Whatever is wrong with a question is said in one line of problem details that does not repeat it.
func TestDoorRefuses(t *testing.T) {
	url, log := serve(t, nil)
	without := func(name string) string {
		var kept []string
		for _, p := range strings.Split(good, "&") {
			if !strings.HasPrefix(p, name+"=") {
				kept = append(kept, p)
			}
		}
		return strings.Join(kept, "&")
	}
	for query, want := range map[string]string{
		"": "on: ", without("npi"): "npi: ", without("state"): "state: ", without("service"): "service: ", without("on"): "on: ",
		good + "&npi=1234567893": "twice", good + "&known=2026-05-01&known=2026-05-01": "twice", good + "&knwon=2026-05-01": "none of",
		good + "&known=": "known: ", good + "&known=0": "known: ", good + "&known=-1": "known: ", good + "&known=021": "known: ",
		good + "&known=99999999999999999999": "known: ", good + "&known=9007199254740992": "known: ",
		good + "&known=2026-06-01T12:00:01Z": "future", good + "&known=2026-06-02": "future", good + "&known=2026-05-01T00:00:00": "known: ",
		good + "&known=2026-05-01T00:00:00.5Z": "known: ", good + "&known=yesterday": "known: ",
		strings.Replace(good, "1234567893", "CANARY", 1): "npi: ", strings.Replace(good, "=CA", "=Ca", 1): "state: ", strings.Replace(good, "99213", "a%20b", 1): "service: ",
		strings.Replace(good, "2026-03-01", "2026-02-30", 1): "on: ", strings.Replace(good, "2026-03-01", "2300-01-01", 1): "on: ",
		good + "&%zz=1": "read", good + ";x=1": "read", good + "&known=" + strings.Repeat("1", 600): "512",
	} {
		resp, err := http.Get(url + Path + "?" + query)
		if err != nil {
			t.Fatal(err)
		}
		var p problem.Problem
		err = json.NewDecoder(resp.Body).Decode(&p)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusBadRequest || p.Status != 400 || resp.Header.Get("Content-Type") != problem.Media ||
			p.Type != "urn:countersign:problem:question" || !strings.Contains(p.Detail, want) || strings.Contains(p.Detail, "CANARY") {
			t.Errorf("%s: %d %+v, %v; want %q", query, resp.StatusCode, p, err, want)
		}
	}
	if log.Len() > 0 {
		t.Errorf("logged %s", log)
	}
}

// A house that cannot read its own records gives no answer, says so to the caller, and to the log without the question.
func TestDoorIsUnavailable(t *testing.T) {
	url, log := serve(t, func(d *Door, _ *Record) {
		d.Read = func(context.Context, credentials.NPI, string) (Record, error) {
			return Record{}, errors.New("the books are away")
		}
	})
	_, err := Ask(t.Context(), http.DefaultClient, url, good)
	var p *problem.Problem
	if !errors.As(err, &p) || p.Status != http.StatusServiceUnavailable {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(log.String(), "the books are away") || strings.Contains(log.String(), string(npi)) || strings.Contains(log.String(), "99213") {
		t.Errorf("logged %s", log)
	}
	if _, err := Ask(t.Context(), http.DefaultClient, "http://127.0.0.1:1", good); err == nil || strings.Contains(err.Error(), string(npi)) {
		t.Errorf("nobody there: %v", err)
	}
}

// However many ask at once, no more are answered than there is room for; the rest are told to come again.
func TestDoorIsBusy(t *testing.T) {
	hold := make(chan struct{})
	entered := make(chan struct{}, maxAtOnce)
	url, _ := serve(t, func(d *Door, r *Record) {
		d.Read = func(context.Context, credentials.NPI, string) (Record, error) {
			entered <- struct{}{}
			<-hold
			return *r, nil
		}
	})
	var all sync.WaitGroup
	for range maxAtOnce {
		all.Go(func() {
			if _, err := Ask(context.Background(), http.DefaultClient, url, good); err != nil {
				t.Error(err)
			}
		})
	}
	for range maxAtOnce {
		<-entered
	}
	resp, err := http.Get(url + Path + "?" + good)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("one too many: %d", resp.StatusCode)
	}
	close(hold)
	all.Wait()
}

// No question is read in two ways, and none is read that the rules would refuse.
func FuzzParseQuestion(f *testing.F) {
	for _, q := range []string{good, good + "&known=2026-05-01", good + "&known=17", good + "&known=2026-04-30T19%3A00%3A00-05%3A00", "npi=1&npi=2", "%"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		q, open, err := ParseQuestion(query, noon.Truncate(time.Second))
		if err != nil {
			return
		}
		if err := q.Check(); err != nil {
			t.Errorf("read %q as what cannot be asked: %v", query, err)
		}
		if q.Known.After(noon) {
			t.Errorf("%q asks for the future", query)
		}
		known := ""
		if !open {
			if known = q.Known.Format(time.RFC3339); q.Position > 0 {
				b, _ := json.Marshal(q.Position)
				known = string(b)
			}
		}
		again, openAgain, err := ParseQuestion(Query(q.NPI, q.State, q.Service, q.On, known), noon.Truncate(time.Second))
		if err != nil || again != q || open != openAgain {
			t.Errorf("%q is %+v, written again %+v, %v", query, q, again, err)
		}
	})
}
