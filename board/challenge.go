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
	p, err := credentials.OpenKeyProof(proof, b.did)
	switch {
	case err != nil:
		return refuse(http.StatusUnprocessableEntity, "at /proof: %v", err)
	case p.Holder != holder:
		return refuse(http.StatusUnprocessableEntity, "at /proof: it is of another key than /holder")
	case p.NPI != npi:
		return refuse(http.StatusUnprocessableEntity, "at /proof: it is for the license of another clinician")
	}
	var of string
	var expires int64
	err = tx.QueryRow(`DELETE FROM register_challenge WHERE challenge = $1 RETURNING npi, expires`, p.Challenge.String()).Scan(&of, &expires)
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
