package board

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb"
)

// challengeLife is how long a clinician has to sign: they may have to be
// written to.
const challengeLife = 14 * 24 * time.Hour

// postChallenge makes a challenge for the key of one clinician.
func (b *Board) postChallenge(r *http.Request, by request) (answer, error) {
	var asked client.ChallengeRequest
	if err := credentials.DecodeStrict(by.body, &asked); err != nil {
		return answer{}, refuse(http.StatusBadRequest, "challenge: %v", err)
	}
	if !asked.NPI.WellFormed() {
		return answer{}, refuse(http.StatusUnprocessableEntity, "challenge: at /npi: want an NPI: ten digits")
	}
	now := b.Now()
	c := client.Challenge{NPI: asked.NPI, Challenge: randomHandle(), Expires: now.Add(challengeLife).UTC().Truncate(time.Second)}
	err := b.db.Tx(r.Context(), func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(`DELETE FROM register_challenge WHERE expires < $1`, now.Unix()); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO register_challenge (challenge, npi, expires) VALUES ($1, $2, $3)`,
			c.Challenge.String(), string(c.NPI), c.Expires.Unix())
		return err
	})
	if err != nil {
		return answer{}, fmt.Errorf("keep challenge: %w", err)
	}
	return answer{status: http.StatusCreated, body: c}, nil
}

// possessed wants the clinician's own proof that they have the key which is to
// be bound to their license, and uses its challenge up.
func (b *Board) possessed(tx *sqldb.Tx, proof string, holder credentials.DID, npi credentials.NPI) error {
	p, err := b.provenKey(proof, holder, npi)
	if err != nil {
		return refuse(http.StatusUnprocessableEntity, "%v", err)
	}
	return b.challenged(tx.QueryRow(`DELETE FROM register_challenge WHERE challenge = $1 RETURNING npi, expires`, p.Challenge.String()), npi)
}

// provenKey reads a proof and says what is wrong with it by itself.
func (b *Board) provenKey(proof string, holder credentials.DID, npi credentials.NPI) (credentials.KeyProof, error) {
	p, err := credentials.OpenKeyProof(proof, b.did)
	switch {
	case err != nil:
		return p, fmt.Errorf("at /proof: %w", err)
	case p.Holder != holder:
		return p, errors.New("at /proof: it is of another key than /holder")
	case p.NPI != npi:
		return p, errors.New("at /proof: it is for the license of another clinician")
	}
	return p, nil
}

// challenged says whether a challenge, read from the register, is good for a
// clinician now.
func (b *Board) challenged(found interface{ Scan(...any) error }, npi credentials.NPI) error {
	var of string
	var expires int64
	err := found.Scan(&of, &expires)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return refuse(http.StatusUnprocessableEntity, "at /proof: its challenge is not one of this board's, or was used before: have a new one made and signed")
	case err != nil:
		return fmt.Errorf("look up challenge: %w", err)
	case of != string(npi):
		return refuse(http.StatusUnprocessableEntity, "at /proof: its challenge was made for another clinician")
	case expires < b.Now().Unix():
		return refuse(http.StatusUnprocessableEntity, "at /proof: its challenge has expired: have a new one made and signed")
	}
	return nil
}

// leaveUnproven answers the rows of an import whose proof of a key is not good
// now, so that they do not stop the others, and returns the others. Registering
// looks once more: what was good a moment ago may be used up.
func (b *Board) leaveUnproven(ctx context.Context, rows []*row, done []client.Imported) (fresh []*row, err error) {
	var keyed []*row
	for _, r := range rows {
		if r.ask.License.Holder != "" {
			keyed = append(keyed, r)
		}
	}
	// Those that are registered have used their challenge.
	if keyed, err = b.leaveKnown(ctx, keyed, done); err != nil {
		return nil, fmt.Errorf("look up licenses: %w", err)
	}
	used := map[credentials.Handle]bool{}
	for _, r := range keyed {
		a := r.ask.License
		p, err := b.provenKey(a.Proof, a.Holder, a.NPI)
		if err != nil {
			return nil, err // checkRow has read it
		}
		err = b.challenged(b.db.QueryRow(ctx, `SELECT npi, expires FROM register_challenge WHERE challenge = $1`, p.Challenge.String()), a.NPI)
		var no *refusal
		switch {
		case errors.As(err, &no):
			done[r.line] = client.Imported{Refused: no.message}
		case err != nil:
			return nil, err
		case used[p.Challenge]:
			done[r.line] = client.Imported{Refused: "at /proof: its challenge is another row's too: have one made and signed for each license"}
		default:
			used[p.Challenge] = true
		}
	}
	for _, r := range rows {
		if done[r.line].Refused == "" && !done[r.line].Known {
			fresh = append(fresh, r)
		}
	}
	return fresh, nil
}

// boundAsAsked refuses the rows with a key whose license was issued without it.
func boundAsAsked(asked []client.ImportRow, done []client.Imported) error {
	for line, ask := range asked {
		a := &done[line]
		if ask.License.Holder == "" || !a.Known {
			continue
		}
		l, err := ownSubject[credentials.License](a.License)
		if err != nil {
			return fmt.Errorf("read register: %w", err)
		}
		if l.Holder != ask.License.Holder {
			*a = client.Imported{Refused: fmt.Sprintf("at /holder: license %s is issued already, without this key: bind the key by an order", a.Handle)}
		}
	}
	return nil
}

// boundTo refuses to find, for an application with a key, a license that was
// issued without it: its clerk would believe that the key is bound.
func (b *Board) boundTo(ctx context.Context, license credentials.Handle, holder credentials.DID) error {
	if holder == "" {
		return nil
	}
	var token string
	err := b.db.QueryRow(ctx, `SELECT token FROM register_event WHERE document = $1`, license.String()).Scan(&token)
	if err != nil {
		return fmt.Errorf("read register: %w", err)
	}
	l, err := ownSubject[credentials.License](token)
	if err != nil {
		return fmt.Errorf("read register: %w", err)
	}
	if l.Holder != holder {
		return refuse(http.StatusConflict, "license %s is issued already, without this key: bind the key by an order", license)
	}
	return nil
}
