package credentials

import (
	"crypto/hmac"
	"crypto/sha256"
	"sync"
)

// saltLabel is what a key signs to make the secret of its salts. No token,
// entry or note starts with it, and the signature is never shown.
const saltLabel = "countersign credential salts 1\n"

// Salting keeps the secret from which s salts what it signs, so that it is
// derived once and not for each credential, which would cost a second signature.
// NewSigner and a key store give such ones already.
//
// The secret is a hash of a signature that is never shown: whoever has the key
// can make it again, as long as the key's signatures repeat, and nobody else can.
func Salting(s Signer) Signer {
	if _, ok := s.(*salting); ok {
		return s
	}
	return &salting{Signer: s}
}

type salting struct {
	Signer
	mu     sync.Mutex
	secret []byte // nil until it is needed, and while the key does not answer
}

func saltSecret(s Signer) ([]byte, error) {
	sig, err := s.Sign([]byte(saltLabel))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(sig)
	return sum[:], nil
}

func (s *salting) saltSecret() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secret == nil {
		secret, err := saltSecret(s.Signer)
		if err != nil {
			return nil, err
		}
		s.secret = secret
	}
	return s.secret, nil
}

// saltFor is the salt of a document that s is going to sign.
func saltFor(s Signer, document []byte) (salt Digest, err error) {
	var secret []byte
	if keeps, ok := s.(*salting); ok {
		secret, err = keeps.saltSecret()
	} else {
		secret, err = saltSecret(s)
	}
	if err != nil {
		return salt, err
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write(document)
	return Digest(mac.Sum(nil)), nil
}
