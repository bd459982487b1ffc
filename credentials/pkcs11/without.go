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

// Replaced refuses.
func Replaced(Config) (Signer, error) { return nil, ErrWithout }

// Prepare refuses.
func Prepare(Config) (Signer, error) { return nil, ErrWithout }

// Promote refuses.
func Promote(Config, string) error { return ErrWithout }
