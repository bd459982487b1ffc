package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb"
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

// person is the books' own name for a member; it never leaves them.
func (m Member) person() string {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%q %q %q", m.MemberID, fold(m.First), m.Birth)))
	return hex.EncodeToString(sum[:])
}

// Enroll writes members and their coverage. A member who is known already
// keeps what is on record; a new period of coverage is added.
func (b *Books) Enroll(ctx context.Context, members []Member) error {
	return b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		for _, m := range members {
			_, err := tx.Exec(`
				INSERT INTO member (person, member_id, family, last_name, first_name, birth)
				VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (person) DO NOTHING`,
				m.person(), m.MemberID, m.Family, m.Last, m.First, m.Birth)
			if err != nil {
				return err
			}
			_, err = tx.Exec(`
				INSERT INTO coverage (person, plan, from_date, until_date)
				VALUES ($1, $2, $3, $4) ON CONFLICT (person, plan, from_date) DO NOTHING`,
				m.person(), m.Plan, m.From, m.Until)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// PutOnRoster says that a billing organization's services are rendered by a
// clinician where its claims name nobody.
func (b *Books) PutOnRoster(ctx context.Context, billing, clinician credentials.NPI) error {
	return b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(`
			INSERT INTO roster (billing_npi, npi) VALUES ($1, $2) ON CONFLICT (billing_npi, npi) DO NOTHING`, billing, clinician)
		return err
	})
}

// rostered is the one clinician on a billing organization's roster; two or
// none do not say who rendered a service.
func rostered(tx *sqldb.Tx, billing credentials.NPI) (credentials.NPI, error) {
	var n int
	var npi sql.NullString
	err := tx.QueryRow(`SELECT count(*), min(npi) FROM roster WHERE billing_npi = $1`, billing).Scan(&n, &npi)
	if err != nil || n != 1 {
		return "", err
	}
	return credentials.NPI(npi.String), nil
}

// found is who a patient is to the insurer.
type found struct {
	person, family string
	fact           claims.MemberFact
	plans          []string // of each period of coverage in fact
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

// findMember looks for the patient under the patient's own member id, else
// under the subscriber's. A birth date that the sender left out is not held
// against the match.
func findMember(tx *sqldb.Tx, patient *claims.Person, subscriber *claims.Person) (found, error) {
	id := patient.MemberID
	if id == "" {
		id = subscriber.MemberID
	}
	f := found{family: "unknown/" + id}
	err := rows(tx, `
		SELECT person, family, last_name, first_name, birth FROM member
		WHERE member_id = $1 OR family = $1 ORDER BY person`, []any{id},
		func(rs *sql.Rows) error {
			var person, family, last, first string
			var birth credentials.Date
			if err := rs.Scan(&person, &family, &last, &first, &birth); err != nil {
				return err
			}
			same := fold(last) == fold(patient.Last) && fold(first) == fold(patient.First) &&
				(patient.Birth == "" || patient.Birth == birth)
			if !f.fact.Matches {
				f.person, f.family, f.fact.Found, f.fact.Matches = person, family, true, same
			}
			return nil
		})
	if err != nil || !f.fact.Found {
		return f, err
	}
	err = rows(tx, `
		SELECT plan, from_date, until_date FROM coverage WHERE person = $1 ORDER BY from_date, plan`, []any{f.person},
		func(rs *sql.Rows) error {
			var c claims.Coverage
			var plan string
			if err := rs.Scan(&plan, &c.From, &c.Until); err != nil {
				return err
			}
			f.plans = append(f.plans, plan)
			f.fact.Coverage = append(f.fact.Coverage, c)
			return nil
		})
	return f, err
}
