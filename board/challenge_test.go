package board

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// prove has the board make a challenge, and the clinician sign it.
func prove(t *testing.T, c *client.Client, npi credentials.NPI, key credentials.Signer) (credentials.DID, string) {
	t.Helper()
	made, err := c.Challenge(t.Context(), npi)
	if err != nil || made.NPI != npi || time.Until(made.Expires) < 13*24*time.Hour {
		t.Fatalf("challenge %+v, %v", made, err)
	}
	proof, err := credentials.ProveKey(key, c.Board, npi, made.Challenge, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	did, err := credentials.SignerDID(key)
	if err != nil {
		t.Fatal(err)
	}
	return did, proof
}

// A clinician's key is bound when the license is issued, and another one by an
// order from an instant on. Asked for again, each is what it was.
func TestKeyIsBound(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		h := openHouse(t, open(), newTestLedger())
		c, ctx := h.client(t), t.Context()
		a := application(1)
		a.Holder, a.Proof = prove(t, c, a.NPI, testKey(11))
		first, err := c.Issue(ctx, a)
		if err != nil {
			t.Fatal(err)
		}
		l, err := credentials.Open[credentials.License](first.License.Token, credentials.KindLicense, credentials.ResolveDIDKey)
		if err != nil || l.Subject.Holder != a.Holder {
			t.Fatalf("bound to %q, %v; want %q", l.Subject.Holder, err, a.Holder)
		}
		if again, err := c.Issue(ctx, a); err != nil || again.License.Token != first.License.Token {
			t.Errorf("again: %v, or another license", err)
		}
		without := a
		without.Holder, without.Proof = "", ""
		if again, err := c.Issue(ctx, without); err != nil || again.License.Token != first.License.Token {
			t.Errorf("again, without the key: %v, or another license", err)
		}
		other := a
		other.Holder, other.Proof = prove(t, c, a.NPI, testKey(12))
		refused(t, c, other, 409, "issued already, without this key")

		o := ask(credentials.OrderBind, "2026-05-01", "")
		o.Holder, o.Proof = prove(t, c, a.NPI, testKey(13))
		d, err := c.Order(ctx, first.License.Handle, o)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := c.Order(ctx, first.License.Handle, o); err != nil || again.Token != d.Token {
			t.Errorf("bound again: %v, or another order", err)
		}
		lost := ask(credentials.OrderBind, "2026-06-01", "")
		if _, err := c.Order(ctx, first.License.Handle, lost); err != nil {
			t.Errorf("key lost: %v", err)
		}
		all, err := deeds(c)
		if err != nil || len(all) != 3 || all[0].License.Holder != a.Holder || all[1].Order.Holder != o.Holder || all[2].Order.Holder != "" {
			t.Errorf("acts %+v, %v", all, err)
		}
		if text := h.log.text(); text != "" {
			t.Errorf("logged: %s", text)
		}
	})
}

func refused(t *testing.T, c *client.Client, a client.Application, status int, want string) {
	t.Helper()
	_, err := c.Issue(t.Context(), a)
	var no *client.Refusal
	if !errors.As(err, &no) || no.Status != status || !strings.Contains(no.Message, want) || strings.Contains(no.Message, "\n") {
		t.Errorf("got %v, want %d, %q", err, status, want)
	}
}

// A key of which its clinician did not prove to this board, once, that they
// have it is bound to nothing.
func TestKeyIsNotBound(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		now := time.Now()
		h := openHouse(t, open(), newTestLedger(), func(o *Options) { o.Now = func() time.Time { return now } })
		c, ctx := h.client(t), t.Context()
		c.Now = func() time.Time { return now }
		key := testKey(11)
		sign := func(board credentials.DID, npi credentials.NPI, challenge credentials.Handle) string {
			proof, err := credentials.ProveKey(key, board, npi, challenge, now)
			if err != nil {
				t.Fatal(err)
			}
			return proof
		}
		a, b := application(1), application(2)
		b.NPI = "1245319599"
		used := a
		used.Holder, used.Proof = prove(t, c, a.NPI, key)
		if _, err := c.Issue(ctx, used); err != nil {
			t.Fatal(err)
		}
		with := func(proof string) client.Application {
			x := b
			x.Holder, _ = credentials.SignerDID(key)
			x.Proof = proof
			return x
		}
		ofA, err := c.Challenge(ctx, a.NPI)
		if err != nil {
			t.Fatal(err)
		}
		ofB, err := c.Challenge(ctx, b.NPI)
		if err != nil {
			t.Fatal(err)
		}
		keyless, proofless, stranger := with(""), with(sign(h.DID(), b.NPI, ofB.Challenge)), with(sign(h.DID(), b.NPI, ofB.Challenge))
		proofless.Holder = ""
		stranger.Holder, _ = credentials.SignerDID(testKey(12))
		for _, tt := range []struct {
			name string
			a    client.Application
			want string
		}{
			{"a key without its proof", keyless, "or neither"},
			{"a proof without its key", proofless, "or neither"},
			{"of another key", stranger, "another key than /holder"},
			{"to another board", with(sign("did:web:other.example", b.NPI, ofB.Challenge)), "another board"},
			{"for another clinician", with(sign(h.DID(), a.NPI, ofB.Challenge)), "license of another clinician"},
			{"with another's challenge", with(sign(h.DID(), b.NPI, ofA.Challenge)), "made for another clinician"},
			{"with one of its own", with(sign(h.DID(), b.NPI, randomHandle())), "not one of this board's"},
			{"no token", with("x"), "three parts"},
		} {
			t.Run(tt.name, func(t *testing.T) { refused(t, c, tt.a, 422, tt.want) })
		}
		// What was refused has used nothing up.
		good := with(sign(h.DID(), b.NPI, ofB.Challenge))
		later := now
		now = now.Add(challengeLife + time.Second)
		refused(t, c, good, 422, "has expired")
		now = later
		if _, err := c.Issue(ctx, good); err != nil {
			t.Errorf("after all: %v", err)
		}
		o := ask(credentials.OrderBind, "2026-05-01", "")
		o.Holder, o.Proof = good.Holder, good.Proof
		f, err := c.Issue(ctx, b)
		if err != nil {
			t.Fatal(err)
		}
		lost := ask(credentials.OrderBind, "2026-04-01", "")
		if _, err := c.Order(ctx, f.License.Handle, lost); err != nil {
			t.Fatal(err)
		}
		var no *client.Refusal
		if _, err := c.Order(ctx, f.License.Handle, o); !errors.As(err, &no) || no.Status != 422 || !strings.Contains(no.Message, "was used before") {
			t.Errorf("a proof that was used: %v", err)
		}
		if _, err := h.clientOf(t, otherClerk).Challenge(ctx, a.NPI); !errors.As(err, &no) || no.Status != 403 {
			t.Errorf("a challenge for a stranger: %v", err)
		}
		if _, err := c.Challenge(ctx, "12"); !errors.As(err, &no) || no.Status != 422 {
			t.Errorf("a challenge for no NPI: %v", err)
		}
	})
}
