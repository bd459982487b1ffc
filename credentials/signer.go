package credentials

// A Signer holds one private key and signs with it. The key fixes the
// algorithm: every signer of this release is Ed25519.
type Signer interface {
	// KeyID is the DID URL of the key: its DID, '#', its fragment.
	KeyID() string
	// Sign returns the 64-byte Ed25519 signature of msg.
	Sign(msg []byte) ([]byte, error)
}
