package config

// Key is a key in a key store, made with "countersign key create".
type Key struct {
	// Store is the folder of the key store.
	Store Dir `yaml:"store"`
	// Name is the key's name in it.
	Name string `yaml:"name"`
	// PassphraseFile holds the passphrase that the store is sealed under, alone
	// on one line. Danger: whoever reads both it and the folder can sign as this
	// party; keep them out of one backup. A store that was never sealed has none.
	PassphraseFile SecretFile `yaml:"passphrase_file,optional"`
}
