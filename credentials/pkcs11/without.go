//go:build !pkcs11 || !cgo

package pkcs11

// Built says whether this program can reach modules.
const Built = false

// Open refuses.
func Open(Config) (Signer, error) { return nil, ErrWithout }

// Create refuses.
func Create(Config) (Signer, error) { return nil, ErrWithout }

// List refuses.
func List(Config) ([]Key, error) { return nil, ErrWithout }
