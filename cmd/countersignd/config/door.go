package config

// DoorTLS has a door speak https by itself. Without it, the door speaks plain
// HTTP, for a proxy before it that speaks https.
type DoorTLS struct {
	// CertFile holds the door's certificate, and behind it those that lead to
	// its authority, in PEM. One that is renewed needs no restart.
	CertFile File `yaml:"cert_file"`
	// KeyFile is its key in PEM.
	KeyFile SecretFile `yaml:"key_file"`
}
