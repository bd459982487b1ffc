package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// A Member is a person whom the insurer covers under a plan.
type Member struct {
	MemberID string
	Family   string // the subscriber's member id
	Last     string
	First    string
	Birth    credentials.Date
	Plan     string
	From     credentials.Date
	Until    credentials.Date
}

// A directoryEntry is what of a member is sealed.
type directoryEntry struct {
	MemberID string           `json:"member_id"`
	Family   string           `json:"family"`
	Last     string           `json:"last"`
	First    string           `json:"first"`
	Birth    credentials.Date `json:"birth"`
}

func (p directoryEntry) is(patient *claims.Person) bool {
	return fold(p.Last) == fold(patient.Last) && fold(p.First) == fold(patient.First) &&
		(patient.Birth == "" || patient.Birth == p.Birth)
}

// Person is the books' own name for a member: a keyed hash.
func (k Keys) Person(memberID, first string, birth credentials.Date) string {
	return k.name("person", memberID, fold(first), string(birth))
}

// memberID is how the books look up a member id.
func (k Keys) memberID(id string) string { return k.name("member id", id) }

// Enroll writes members and their coverage. A member who is known already
// keeps what is on record; a new period of coverage is added.
func (b *Books) Enroll(ctx context.Context, members []Member) error {
	return b.tx(ctx, func(tx *sealedTx) error {
		for _, m := range members {
			person := b.keys.Person(m.MemberID, m.First, m.Birth)
			if err := enroll(tx, person, m); err != nil {
				return err
			}
			n, err := tx.Exec(`
				INSERT INTO coverage (person, plan, from_date, until_date, recorded)
				VALUES ($1, $2, $3, $4, $5) ON CONFLICT (person, plan, from_date) DO NOTHING`,
				person, m.Plan, m.From, m.Until, string(credentials.DateOf(b.now().UTC())))
			if err == nil && n > 0 {
				err = b.coverageChanged(tx, person, m.From, m.Until)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func enroll(tx *sealedTx, person string, m Member) error {
	var known int
	if err := tx.QueryRow(`SELECT count(*) FROM member WHERE person = $1`, person).Scan(&known); err != nil || known > 0 {
		return err
	}
	entry, err := json.Marshal(directoryEntry{m.MemberID, m.Family, m.Last, m.First, m.Birth})
	if err != nil {
		return err
	}
	if err := tx.makeKey(person); err != nil {
		return err
	}
	sealed, err := tx.seal(cell{person, "member", "sealed", person}, entry)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO member (person, member_id, family, sealed) VALUES ($1, $2, $3, $4)`,
		person, tx.keys.memberID(m.MemberID), tx.keys.memberID(m.Family), sealed)
	return err
}

// PutOnRoster says that a billing organization's services are rendered by a
// clinician where its claims name nobody.
func (b *Books) PutOnRoster(ctx context.Context, billing, clinician credentials.NPI) error {
	return b.tx(ctx, func(tx *sealedTx) error {
		n, err := tx.Exec(`
			INSERT INTO roster (billing_npi, npi) VALUES ($1, $2) ON CONFLICT (billing_npi, npi) DO NOTHING`, billing, clinician)
		if err != nil || n == 0 {
			return err
		}
		return b.directoryChanged(tx, directoryChange{kind: books.CauseRoster, billing: billing, npi: clinician})
	})
}

// found is who a patient is to the insurer.
type found struct {
	person, family string
	fact           claims.MemberFact
	plans          []string // of each period of coverage in fact
	recorded       []credentials.Date
}

// recordedFor is the first day on which coverage of a day was written down, ""
// where nobody knows or there is none.
func (f found) recordedFor(day credentials.Date) (first credentials.Date) {
	for i, c := range f.fact.Coverage {
		if day.Within(c.From, c.Until) && (f.recorded[i] == "" || first == "" || f.recorded[i] < first) {
			if first = f.recorded[i]; first == "" {
				return ""
			}
		}
	}
	return first
}

// planOn is the plan that covers a day, else the last one that the member had.
func (f found) planOn(day credentials.Date) (plan string) {
	for i, c := range f.fact.Coverage {
		if plan = f.plans[i]; day.Within(c.From, c.Until) {
			return plan
		}
	}
	return plan
}

// holder is under whose data key a submission of this patient is sealed. One
// that matches nobody has a key of its own, lest it go with a person whom it
// is not about.
func (f found) holder(submission credentials.Handle) string {
	if f.fact.Matches {
		return f.person
	}
	return "submission/" + submission.String()
}

func (tx *sealedTx) openEntry(person string, sealed []byte, wrapping string, wrapped []byte) (e directoryEntry, err error) {
	if _, err := tx.unlock(person, wrapping, wrapped); err != nil {
		return e, err
	}
	plain, err := tx.unseal(cell{person, "member", "sealed", person}, sealed)
	if err != nil {
		return e, err
	}
	return e, json.Unmarshal(plain, &e)
}

// findMember looks for the patient under the patient's own member id, else
// under the subscriber's. A birth date that the sender left out is not held
// against the match.
func findMember(tx *sealedTx, patient *claims.Person, subscriber *claims.Person) (found, error) {
	id := patient.MemberID
	if id == "" {
		id = subscriber.MemberID
	}
	f := found{family: "unknown/" + tx.keys.memberID(id)}
	err := rows(tx, `
		SELECT m.person, m.family, m.sealed, k.wrapping, k.wrapped FROM member m JOIN data_key k ON k.holder = m.person
		WHERE m.member_id = $1 OR m.family = $1 ORDER BY m.person`, []any{tx.keys.memberID(id)},
		func(rs *sql.Rows) error {
			var person, family, wrapping string
			var sealed, wrapped []byte
			if err := rs.Scan(&person, &family, &sealed, &wrapping, &wrapped); err != nil || f.fact.Matches {
				return err
			}
			entry, err := tx.openEntry(person, sealed, wrapping, wrapped)
			f.person, f.family, f.fact.Found, f.fact.Matches = person, family, true, entry.is(patient)
			return err
		})
	if err != nil || !f.fact.Found {
		return f, err
	}
	err = rows(tx, `
		SELECT plan, from_date, until_date, recorded FROM coverage WHERE person = $1 ORDER BY from_date, plan`, []any{f.person},
		func(rs *sql.Rows) error {
			var c claims.Coverage
			var plan string
			var recorded credentials.Date
			if err := rs.Scan(&plan, &c.From, &c.Until, &recorded); err != nil {
				return err
			}
			f.recorded = append(f.recorded, recorded)
			f.plans = append(f.plans, plan)
			f.fact.Coverage = append(f.fact.Coverage, c)
			return nil
		})
	return f, err
}

// MembersOf are the members of a file, as covered by a plan.
func MembersOf(rows []claims.Member, plan string) (members []Member) {
	for _, r := range rows {
		members = append(members, Member{MemberID: r.MemberID, Family: r.Subscriber, Last: r.Last, First: r.First, Birth: r.Birth, Plan: plan, From: r.From, Until: r.Until})
	}
	return members
}
