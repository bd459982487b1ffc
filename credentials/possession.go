package credentials

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// typKeyProof is a token by which a clinician proves to a board that they have a
// key. It has the members of OpenID4VCI's jwt proof (appendix F.1), and the NPI.
const typKeyProof = "countersign-key-proof+jwt"

type keyProof struct {
	Holder    DID    `json:"iss"`
	Board     DID    `json:"aud"`
	Challenge Handle `json:"nonce"`
	Issued    int64  `json:"iat"`
	NPI       NPI    `json:"npi"`
}

// A KeyProof is what a proof of possession says.
type KeyProof struct {
	Holder    DID
	NPI       NPI    // whose license it is to be bound to
	Challenge Handle // the board's, used once
	Issued    time.Time
}

// ProveKey signs a board's challenge with the key that is to be bound to the
// clinician's license.
func ProveKey(s Signer, board DID, npi NPI, challenge Handle, now time.Time) (string, error) {
	holder, err := SignerDID(s)
	if err == nil && s.KeyID() != string(holder)+"#"+keyOfDID(holder) {
		err = errors.New("it takes a key of its own did:key, which followed no other")
	}
	if err == nil && (challenge.IsZero() || !npi.WellFormed()) {
		err = errors.New("it takes the board's challenge and the clinician's NPI")
	}
	if err != nil {
		return "", fmt.Errorf("prove key: %w", err)
	}
	payload, err := CanonicalJSON(keyProof{holder, board, challenge, now.Unix(), npi})
	if err != nil {
		return "", fmt.Errorf("prove key: %w", err)
	}
	return signJWS(s, typKeyProof, payload)
}

// OpenKeyProof checks that the key which a proof names has signed it, for this
// board. That the challenge is the board's own, was given for that NPI and was
// not used before, the board has to know.
func OpenKeyProof(token string, board DID) (KeyProof, error) {
	kid, _, payload, err := openJWS(token, typKeyProof, ResolveDIDKey)
	if err != nil {
		return KeyProof{}, fmt.Errorf("open key proof: %w", err)
	}
	var p keyProof
	if err := DecodeStrict(payload, &p); err != nil {
		return KeyProof{}, fmt.Errorf("open key proof: %w", err)
	}
	canonical, err := canonicalize(payload)
	switch d, _, bad := ParseKeyID(kid); {
	case err != nil || !bytes.Equal(canonical, payload):
		err = errors.New("payload is not in canonical JSON")
	case bad != nil || d != p.Holder:
		err = errors.New("its key is not its holder's")
	case p.Board != board:
		err = errors.New("it was made for another board")
	case p.Challenge.IsZero() || p.Issued <= 0 || !p.NPI.WellFormed():
		err = errors.New("it lacks its challenge, its time or an NPI")
	}
	if err != nil {
		return KeyProof{}, fmt.Errorf("open key proof: %w", err)
	}
	return KeyProof{p.Holder, p.NPI, p.Challenge, time.Unix(p.Issued, 0).UTC()}, nil
}
