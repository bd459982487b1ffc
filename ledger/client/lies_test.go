package client_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/client"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

var ctx = context.Background()

func TestErrors(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		lt := ledgertest.New(t)
		c, _ := lt.Serve(t, open())
		e := ledgertest.Entry(t, "a")
		if _, err := c.Append(ctx, "k", e); err != nil {
			t.Fatal(err)
		}
		for _, x := range []struct {
			what      string
			call      func() error
			want      error
			permanent bool
		}{
			{"the key with other bytes", func() error { _, err := c.Append(ctx, "k", ledgertest.Entry(t, "b")); return err }, client.ErrKeyReuse, true},
			{"the bytes under another key", func() error { _, err := c.Append(ctx, "k2", e); return err }, client.ErrKeyReuse, true},
			{"a stranger's", func() error {
				_, err := c.Append(ctx, "s", ledgertest.EntryBy(t, "stranger", ledger.KindLicense, "s"))
				return err
			}, client.ErrRefused, true},
			{"a role that may not", func() error {
				_, err := c.Append(ctx, "h", ledgertest.EntryBy(t, "hospital", ledger.KindLicense, "s"))
				return err
			}, client.ErrRefused, true},
			{"an unknown key", func() error { _, err := c.Lookup(ctx, e.Issuer(), "never used"); return err }, client.ErrNotFound, false},
			{"another's key", func() error { _, err := c.Lookup(ctx, "did:web:other.example", "k"); return err }, client.ErrNotFound, false},
			{"an index to come", func() error { _, _, err := c.Receipt(ctx, 99, nil); return err }, client.ErrNotFinal, false},
			{"another leaf's receipt", func() error { _, _, err := c.Await(ctx, 1, []byte("other")); return err }, client.ErrEvidence, true},
		} {
			err := x.call()
			if !errors.Is(err, x.want) || client.Permanent(err) != x.permanent {
				t.Errorf("%s: got %v (permanent %v), want %v", x.what, err, client.Permanent(err), x.want)
			}
		}
		if got, err := c.Lookup(ctx, e.Issuer(), "k"); err != nil || got != 1 {
			t.Errorf("look up: got %d, %v; want 1", got, err)
		}
	})
}

func TestReads(t *testing.T) {
	lt := ledgertest.New(t)
	c, l := lt.Serve(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
	var last int64
	var want []byte
	for _, e := range []ledger.Entry{ledgertest.EntryBy(t, "board", ledger.KindLicense, "l"), ledgertest.Entry(t, "a"),
		lt.Admission(t, "reviewer", ledger.RoleReviewer, "board", "insurer")} {
		a, err := c.Append(ctx, e.Kind.String(), e)
		if err != nil {
			t.Fatal(err)
		}
		last, want = a.Index, e.Marshal()
	}
	if _, _, err := c.Await(ctx, last, want); err != nil {
		t.Fatal(err)
	}
	head, known, err := c.Head(ctx)
	if err != nil || head.Size != 4 || time.Since(known).Abs() > time.Minute {
		t.Errorf("head: got %+v, %v, %v", head, known, err)
	}
	p, err := c.Entry(ctx, 3)
	if err != nil || !bytes.Equal(p.Leaf, want) || p.Proof.Index != 3 {
		t.Errorf("entry: got %+v, %v", p.Proof, err)
	}
	found, err := c.Subject(ctx, ledgertest.Entry(t, "a").Subject)
	if err != nil || len(found) != 1 || found[0].Proof.Index != 2 {
		t.Errorf("subject: got %d, %v", len(found), err)
	}
	r, err := ledger.NewRegistry(lt.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := c.Participants(ctx, r); err != nil || r.Highest() != 3 {
			t.Errorf("participants: got highest %d, %v; want 3", r.Highest(), err)
		}
	}
	if err := r.Check(ledgertest.EntryBy(t, "reviewer", ledger.KindDetermination, "d")); err != nil {
		t.Error(err)
	}
	server := httptest.NewServer(l.Handler())
	defer server.Close()
	trust := ledger.Trust{Origin: ledgertest.Origin, Genesis: lt.Genesis.Digest()}
	if g, err := client.Genesis(ctx, server.URL, trust); err != nil || g.Digest() != trust.Genesis {
		t.Errorf("genesis: %v", err)
	}
	trust.Genesis[0] ^= 1
	if _, err := client.Genesis(ctx, server.URL, trust); !errors.Is(err, client.ErrEvidence) {
		t.Errorf("another genesis: got %v", err)
	}
}

// An operator that changes its answers is found out, whichever it changes.
func TestLies(t *testing.T) {
	lt := ledgertest.New(t)
	_, l := lt.Serve(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
	honest := httptest.NewServer(l.Handler())
	defer honest.Close()
	var lie func(path string, body []byte) []byte
	target, _ := url.Parse(honest.URL)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = func(r *http.Response) error {
		b, err := io.ReadAll(r.Body)
		if lie != nil {
			b = lie(r.Request.URL.Path, b)
		}
		r.Body = io.NopCloser(bytes.NewReader(b))
		r.Header.Del("Content-Length")
		r.ContentLength = int64(len(b))
		return err
	}
	liar := httptest.NewServer(proxy)
	defer liar.Close()
	c := client.New(liar.URL, lt.Policy, nil)
	e, f := ledgertest.Entry(t, "a"), ledgertest.Entry(t, "b")
	for key, x := range map[string]ledger.Entry{"a": e, "b": f} {
		a, err := c.Append(ctx, key, x)
		if err == nil {
			_, _, err = c.Await(ctx, a.Index, x.Marshal())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	index, _ := c.Lookup(ctx, e.Issuer(), "a")
	other, _ := c.Lookup(ctx, f.Issuer(), "b")
	flip := func(b []byte) []byte { b = bytes.Clone(b); b[len(b)/2] ^= 1; return b }
	otherReceipt, _, _ := c.Receipt(ctx, other, f.Marshal())
	for _, x := range []struct {
		what string
		lie  func(string, []byte) []byte
		call func() error
	}{
		{"receipt changed", func(_ string, b []byte) []byte { return flip(b) }, func() error { _, _, err := c.Receipt(ctx, index, e.Marshal()); return err }},
		{"receipt of another", func(string, []byte) []byte { return otherReceipt }, func() error { _, _, err := c.Receipt(ctx, index, e.Marshal()); return err }},
		{"receipt of another, for its leaf", func(string, []byte) []byte { return otherReceipt }, func() error { _, _, err := c.Receipt(ctx, index, f.Marshal()); return err }},
		{"checkpoint changed", func(_ string, b []byte) []byte { return flip(b) }, func() error { _, _, err := c.Head(ctx); return err }},
		{"entry changed", func(path string, b []byte) []byte {
			if strings.HasPrefix(path, "/entries/") {
				return flip(b)
			}
			return b
		}, func() error { _, err := c.Entry(ctx, index); return err }},
		{"another's entries", func(path string, b []byte) []byte {
			if path == "/entries" {
				return fmt.Appendf(nil, `{"entries":[{"index":%d,"leaf":%q}]}`, other, base64.StdEncoding.EncodeToString(f.Marshal()))
			}
			return b
		}, func() error { _, err := c.Subject(ctx, e.Subject); return err }},
		{"entries out of order", func(path string, b []byte) []byte {
			if path == "/entries" {
				return []byte(`{"entries":[{"index":0,"leaf":""}],"more":true}`)
			}
			return b
		}, func() error { _, err := c.Subject(ctx, e.Subject); return err }},
		{"lookup of another", func(string, []byte) []byte {
			return []byte(`{"index":2,"key":"` + credentials.Digest{1}.String() + `"}`)
		},
			func() error { _, err := c.Lookup(ctx, e.Issuer(), "a"); return err }},
		{"append of another", func(string, []byte) []byte {
			return []byte(`{"index":2,"key":"` + credentials.Digest{1}.String() + `"}`)
		},
			func() error { _, err := c.Append(ctx, "a", e); return err }},
		{"append without an index", func(string, []byte) []byte { return []byte(`ok`) }, func() error { _, err := c.Append(ctx, "a", e); return err }},
	} {
		lie = x.lie
		if err := x.call(); !errors.Is(err, client.ErrEvidence) {
			t.Errorf("%s: got %v, want ErrEvidence", x.what, err)
		}
	}
}

// Await outlives an operator that is away for a while, and ends with its context.
func TestAwaitIsPatient(t *testing.T) {
	lt := ledgertest.New(t)
	_, l := lt.Serve(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
	e := ledgertest.Entry(t, "a")
	a, err := l.Append(ctx, credentials.DigestOf([]byte("k")), e.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	up := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-up:
			l.Handler().ServeHTTP(w, r)
		default:
			http.Error(w, "bad gateway", http.StatusBadGateway)
		}
	}))
	defer server.Close()
	c := client.New(server.URL, lt.Policy, nil)
	short, cancel := context.WithTimeout(ctx, 250*time.Millisecond)
	defer cancel()
	if _, _, err := c.Await(short, a.Index, e.Marshal()); !errors.Is(err, context.DeadlineExceeded) || client.Permanent(err) {
		t.Errorf("while it is away: got %v", err)
	}
	go func() { time.Sleep(300 * time.Millisecond); close(up) }()
	if _, _, err := c.Await(ctx, a.Index, e.Marshal()); err != nil {
		t.Errorf("when it is back: %v", err)
	}
}
