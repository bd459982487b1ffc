//go:build linux && houses

package outages

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"

	rules "github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/client"
)

// look asks everybody what they hold.
func (v *town) look() *found {
	v.Helper()
	f := &found{Bills: v.bills, Sums: map[string]sum{}, Shares: map[string]sum{}, Held: map[string]int64{}}
	v.lookAtClaims(f)
	v.lookAtBooks(f)
	v.lookAtShares(f)
	v.lookAtLedger(f)
	v.lookAtMoney(f)
	return f
}

func (v *town) lookAtClaims(f *found) {
	v.Helper()
	var status struct {
		Claims []struct {
			Claim, State, Handle string
			Decisions            []struct {
				Outcome string
				Cents   struct{ Allowed, Paid, Patient int64 }
			}
		}
	}
	v.must("hospital", &status, "claim", "status", "--out", filepath.Join(v.Dir, "dossier"))
	for _, c := range status.Claims {
		seen := claim{Number: c.Claim, Handle: c.Handle, State: c.State, Decisions: len(c.Decisions)}
		if n := len(c.Decisions); n > 0 {
			last := c.Decisions[n-1]
			seen.Latest = answer{last.Outcome, last.Cents.Allowed, last.Cents.Paid, last.Cents.Patient}
		}
		f.Claims = append(f.Claims, seen)
	}
}

func (v *town) lookAtBooks(f *found) {
	v.Helper()
	v.rows(`
		SELECT d.document, d.submission, d.outcome, d.cause, d.remittance, d.number, d.settled, COALESCE(r.released, 0), COALESCE(p.amount, -1)
		FROM decision d LEFT JOIN remittance r ON r.trace = d.remittance LEFT JOIN payment p ON p.document = d.document`, func(rs *sql.Rows) error {
		var d decision
		err := rs.Scan(&d.Document, &d.Submission, &d.Outcome, &d.Cause, &d.Remittance, &d.Number, &d.Settled, &d.Released, &d.Amount)
		f.Decisions = append(f.Decisions, d)
		return err
	})
	v.rows(`SELECT document, recorded <> 0, ledger_index FROM outbox`, func(rs *sql.Rows) error {
		var o outgoing
		err := rs.Scan(&o.Document, &o.Recorded, &o.Index)
		f.Outbox = append(f.Outbox, o)
		return err
	})
	v.rows(`SELECT holder || ' ' || period, deductible, out_of_pocket FROM accumulator WHERE deductible <> 0 OR out_of_pocket <> 0`, func(rs *sql.Rows) error {
		var holder string
		var s sum
		err := rs.Scan(&holder, &s.Deductible, &s.OutOfPocket)
		f.Sums[holder] = s
		return err
	})
	v.rows(`SELECT accepted FROM board_order`, func(rs *sql.Rows) error { return rs.Scan(&f.Order) })
}

func (v *town) rows(query string, each func(rs *sql.Rows) error) {
	v.Helper()
	rs, err := v.books.Query(query)
	if err != nil {
		v.Fatal(err)
	}
	defer rs.Close()
	for rs.Next() {
		if err := each(rs); err != nil {
			v.Fatal(err)
		}
	}
	if err := rs.Err(); err != nil {
		v.Fatal(err)
	}
}

// lookAtShares adds up what the signed decisions say that they add to each
// accumulator.
func (v *town) lookAtShares(f *found) {
	v.Helper()
	person, family := map[string]string{}, map[string]string{}
	v.rows(`SELECT d.document, s.person, s.family FROM decision d JOIN submission s ON s.handle = d.submission`, func(rs *sql.Rows) error {
		var document, p, fam string
		err := rs.Scan(&document, &p, &fam)
		person[document], family[document] = p, fam
		return err
	})
	names, err := filepath.Glob(filepath.Join(v.Dir, "dossier", dossier.Decisions, "*.jwt"))
	if err != nil || len(names) != len(f.Decisions) {
		v.Errorf("the hospital got %d decisions, the books have %d (%v)", len(names), len(f.Decisions), err)
	}
	for _, name := range names {
		token, err := os.ReadFile(name)
		if err != nil {
			v.Fatal(err)
		}
		c, err := credentials.Open[rules.ClaimDecisionDocument](strings.TrimSpace(string(token)), credentials.KindClaimDecision, credentials.ResolveDIDKey)
		if err != nil {
			v.Fatal(err)
		}
		document := strings.TrimSuffix(filepath.Base(name), ".jwt")
		for _, m := range c.Subject.Decision.Met {
			f.share("person/"+person[document]+" "+m.Period, m.DeductibleIndividual, m.OutOfPocketPerson)
			f.share("family/"+family[document]+" "+m.Period, m.DeductibleFamily, m.OutOfPocketFamily)
		}
	}
}

func (f *found) share(holder string, deductible, outOfPocket rules.Cents) {
	if deductible == 0 && outOfPocket == 0 {
		return
	}
	s := f.Shares[holder]
	f.Shares[holder] = sum{s.Deductible + int64(deductible), s.OutOfPocket + int64(outOfPocket)}
}

// lookAtLedger reads every entry that the insurer issued, each with its proof.
func (v *town) lookAtLedger(f *found) {
	v.Helper()
	l := v.ledger()
	head, _, err := l.Head(v.Context())
	if err != nil {
		v.Fatal(err)
	}
	insurer := v.insurer()
	for i := range head.Size {
		p, err := l.Entry(v.Context(), i)
		if err != nil {
			v.Fatal(err)
		}
		if p.Entry.Issuer() == insurer {
			f.Entries = append(f.Entries, entry{i, p.Entry.Subject.String()})
		}
	}
}

// insurer is the DID that people's commands name.
func (v *town) insurer() credentials.DID {
	v.Helper()
	env, err := v.Environment("insurer")
	if err != nil {
		v.Fatal(err)
	}
	for _, variable := range env {
		if did, ok := strings.CutPrefix(variable, "COUNTERSIGN_INSURER="); ok {
			return credentials.DID(did)
		}
	}
	v.Fatal("the environment names no insurer")
	return ""
}

func (v *town) ledger() *client.Client {
	v.Helper()
	b, err := os.ReadFile(v.Secret("founding", "trust.json"))
	if err != nil {
		v.Fatal(err)
	}
	trust, err := ledger.ParseTrust(b)
	if err != nil {
		v.Fatal(err)
	}
	base := "http://" + v.Address("ledger", 8103)
	genesis, err := client.Genesis(v.Context(), base, trust)
	if err != nil {
		v.Fatal(err)
	}
	policy, err := genesis.Policy()
	if err != nil {
		v.Fatal(err)
	}
	return client.New(base, policy, nil)
}

func (v *town) lookAtMoney(f *found) {
	v.Helper()
	var fetched struct {
		Remittances []struct {
			Trace    string
			Payments []struct {
				TotalCents int64
				Claims     []struct {
					Claim     string
					PaidCents int64
				}
			}
		}
	}
	v.must("hospital", &fetched, "remit", "fetch", "--all", "--out", filepath.Join(v.Dir, "dossier"))
	for _, r := range fetched.Remittances {
		m := remittance{Trace: r.Trace, Paid: map[string]int64{}}
		for _, p := range r.Payments {
			m.Total += p.TotalCents
			for _, c := range p.Claims {
				if _, twice := m.Paid[c.Claim]; twice {
					v.Errorf("claim %s: twice in the remittance %s", c.Claim, r.Trace)
				}
				m.Paid[c.Claim] = c.PaidCents
			}
		}
		f.Taken = append(f.Taken, m)
	}
	var held struct {
		Held []struct {
			Decision    string
			AmountCents int64
		}
	}
	v.must("insurer", &held, "remit", "held")
	for _, h := range held.Held {
		f.Held[h.Decision] = h.AmountCents
	}
	var again struct{ Reprocess []struct{ Decision string } }
	v.must("insurer", &again, "remit", "reprocess")
	for _, r := range again.Reprocess {
		f.Reprocess = append(f.Reprocess, r.Decision)
	}
}

// orderCame wants the order to have come in the midst of the claims that it
// covers: some were paid before, some are denied under it.
func (v *town) orderCame(f *found) {
	v.Helper()
	before, under := len(f.Reprocess), 0
	states := map[string]string{}
	for _, c := range f.Claims {
		states[c.Number] = c.State
	}
	for _, b := range f.Bills {
		if covered(b) && states[b.Number] == "denied" {
			under++
		}
	}
	if f.Order == 0 || *claims >= 100 && (before == 0 || under == 0) {
		v.Errorf("the order came at %d, with %d claims that it covers paid before and %d denied under it: want some of each", f.Order, before, under)
	}
}
