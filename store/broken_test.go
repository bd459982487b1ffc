package store_test

import (
	"testing"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// set changes the books behind their back.
func (h *house) set(query string, args ...any) {
	h.t.Helper()
	if _, err := h.db.Exec(ctx, query, args...); err != nil {
		h.t.Fatal(err)
	}
}

// failing makes a statement fail, while f runs.
func (h *house) failing(trigger string, f func()) {
	h.t.Helper()
	h.set(`CREATE TRIGGER broken BEFORE ` + trigger + ` BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`)
	f()
	h.set(`DROP TRIGGER broken`)
}

// onSQLite is a house whose books can be broken in SQLite's words.
func onSQLite(t *testing.T) *house {
	t.Helper()
	h := openHouse(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
	h.furnish()
	return h
}

// Books that are not as they were written give no word of a board, and a doubt
// is kept whole or not at all.
func TestDoubtOnBrokenBooks(t *testing.T) {
	h := onSQLite(t)
	for i, e := range []store.Heard{aLicense("L1", clinician), anOrder("O1", "L1"), aLicense("L2", reviewer)} {
		h.hear(int64(i+1), e)
	}
	stolen := handle("declaration")
	h.must(h.SetDoubt(ctx, []store.BoardWord{word(false, "L2", "L2", stolen)}))
	practitioner := func() error { _, err := h.PractitionerIn(ctx, clinician, "CA"); return err }
	words := func() error { _, err := h.BoardWords(ctx, 0, 9); return err }
	untold := func() error { _, err := h.DoubtsToPassOn(ctx); return err }
	for _, tt := range []struct {
		name, table, column, where string
		read                       func() error
	}{
		{"a license's name", "license", "handle", "doubted = ''", words},
		{"an order's license", "board_order", "license", "TRUE", words},
		{"a declaration", "license", "doubted", "doubted <> ''", words},
		{"the name of what is untold", "license", "handle", "untold = 1", untold},
		{"the cause of what is untold", "license", "doubted", "untold = 1", untold},
		{"a license", "license", "body", "doubted = ''", practitioner},
		{"an order", "board_order", "body", "TRUE", practitioner},
	} {
		if err := tt.read(); err != nil {
			t.Fatal(err)
		}
		// Foreign keys stand in the way of a name that is no name.
		h.set(`PRAGMA foreign_keys = OFF`)
		var was any
		h.must(h.db.QueryRow(ctx, `SELECT `+tt.column+` FROM `+tt.table+` WHERE `+tt.where).Scan(&was))
		h.set(`UPDATE ` + tt.table + ` SET ` + tt.column + ` = 'x' WHERE ` + tt.where)
		if err := tt.read(); err == nil {
			t.Errorf("%s is not as it was: read all the same", tt.name)
		}
		h.set(`UPDATE `+tt.table+` SET `+tt.column+` = $1 WHERE `+tt.column+` = 'x'`, was)
	}
	for _, trigger := range []string{"UPDATE OF doubted ON license", "UPDATE OF untold ON license", "INSERT ON fence WHEN new.name LIKE 'standing/%'", "INSERT ON fence WHEN new.name NOT LIKE 'standing/%'"} {
		h.failing(trigger, func() {
			if err := h.SetDoubt(ctx, []store.BoardWord{word(false, "L1", "L1", stolen)}); err == nil {
				t.Errorf("%s: the doubt is kept", trigger)
			}
			if first, err := h.FirstDoubt(ctx); first == 10 || err != nil {
				t.Errorf("%s: half of the doubt is kept: %d, %v", trigger, first, err)
			}
		})
	}
}

// Signatures are kept whole or not at all, and those that cannot be read are not
// passed over.
func TestSignaturesOnBrokenBooks(t *testing.T) {
	h := onSQLite(t)
	l := credentials.License{Handle: handle("license of the signer"), NPI: reviewer, Jurisdiction: "MA", Profession: "MD", From: "2020-01-01", Until: "2027-12-31"}
	o := credentials.Order{Handle: handle("order"), License: l.Handle, Action: credentials.OrderSuspend, Effective: noon, Reason: "R"}
	h.must(h.Hear(ctx, "did:key:ma", "MA", []store.Heard{
		{Sequence: 1, Index: 5, Token: "t", Entry: []byte("e"), Receipt: []byte("r"), License: &l},
		{Sequence: 2, Index: 6, Token: "t", Entry: []byte("e"), Receipt: []byte("r"), Order: &o}}, noon))
	for _, name := range []string{"C1", "C2"} {
		if _, err := h.ReceiveClaim(ctx, aClaim(name)); err != nil {
			t.Fatal(err)
		}
	}
	add := func(claim string, s books.Signature) error {
		_, _, err := h.AddSignatures(ctx, handle(claim), []books.Signature{s})
		return err
	}
	kept := func(claim string, want int) {
		t.Helper()
		if all, err := h.Signatures(ctx, handle(claim)); err != nil || len(all) != want {
			t.Errorf("%s: %d signatures, %v; want %d", claim, len(all), err, want)
		}
	}
	first, second, late := aSignature(t, "1", l.Handle), aSignature(t, "2", l.Handle), aSignature(t, "3", l.Handle)
	h.must(add("C1", first))
	late.Received = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := add("C2", late); err == nil {
		t.Error("kept a time that cannot be written")
	}
	h.failing("INSERT ON signed", func() {
		if err := add("C2", second); err == nil {
			t.Error("kept without being written")
		}
	})
	kept("C2", 0)
	h.set(`UPDATE submission SET business_key = 'x' WHERE handle = $1`, handle("C2").String())
	if err := add("C2", second); err == nil {
		t.Error("kept with a submission whose contract nobody can find")
	}

	// What a claim's file is gathered from.
	if f, err := h.ClaimFile(ctx, handle("C1")); err != nil || len(f.Signatures) != 1 || f.Signatures[0].License == nil {
		t.Fatal(f, err)
	}
	for _, tt := range []struct{ name, table, column, where string }{
		{"the signer's license", "license", "body", "handle = '" + l.Handle.String() + "'"},
		{"an order upon it", "board_order", "body", "handle = '" + o.Handle.String() + "'"},
		{"the signatures' fence", "fence", "version", "name = 'signature/" + handle("C1").String() + "'"},
		{"the signer's fence", "fence", "version", "name = 'standing/" + string(reviewer) + "'"},
	} {
		var was any
		h.must(h.db.QueryRow(ctx, `SELECT `+tt.column+` FROM `+tt.table+` WHERE `+tt.where).Scan(&was))
		h.set(`UPDATE ` + tt.table + ` SET ` + tt.column + ` = 'x' WHERE ` + tt.where)
		if f, err := h.ClaimFile(ctx, handle("C1")); err == nil {
			t.Errorf("%s is not as it was: %+v", tt.name, f.Signatures)
		}
		h.set(`UPDATE `+tt.table+` SET `+tt.column+` = $1 WHERE `+tt.where, was)
	}
	noToken := second
	noToken.Token = "x"
	h.must(add("C1", noToken))
	if f, err := h.ClaimFile(ctx, handle("C1")); err == nil {
		t.Errorf("a signature that is no token: %+v", f.Signatures)
	}
	h.set(`DELETE FROM signed WHERE handle = $1`, noToken.Handle.String())
	_, err := h.KeepSigned(ctx, books.Signed{Key: books.SignatureKey(handle("C1"), 2), Handle: noToken.Handle, Submission: handle("C1"), Token: second.Token, Body: []byte("x")})
	h.must(err)
	if all, err := h.Signatures(ctx, handle("C1")); err == nil {
		t.Errorf("one that came at no time: %+v", all)
	}
	h.set(`DELETE FROM signed WHERE handle = $1`, noToken.Handle.String())
	h.must(add("C1", second))
	h.set(`UPDATE signed SET body = 'x' WHERE handle = $1`, second.Handle.String())
	if err := add("C1", aSignature(t, "4", l.Handle)); err == nil {
		t.Error("kept behind one that cannot be read")
	}
	if all, err := h.Signatures(ctx, handle("C1")); err == nil {
		t.Errorf("read %+v", all)
	}
	if f, err := h.ClaimFile(ctx, handle("C1")); err == nil {
		t.Errorf("gathered %+v", f.Signatures)
	}
}
