package config

// Temporal is the cluster that runs the contracts. The daemon brings none.
type Temporal struct {
	// Address is HOST:PORT of the frontend. Default 127.0.0.1:7233.
	Address string `yaml:"address"`
	// Namespace of the insurer. Default insurer. Danger: its retention is how
	// long histories, sealed as they are, can be read; keep it at 30 days or less.
	Namespace string `yaml:"namespace"`
	// TLS is needed outside one machine. Danger: without it, whoever is on the
	// network may start and end contracts.
	TLS *TLS `yaml:"tls"`
	// APIKeyFile holds an API key, for Temporal Cloud. It needs tls.
	APIKeyFile SecretFile `yaml:"api_key_file,optional"`
}

// TLS is how a connection is secured; an empty one ("tls: {}") means TLS with
// the machine's own certificate authorities.
type TLS struct {
	// CAFile holds the certificate authorities in PEM. Default: the machine's.
	CAFile File `yaml:"ca_file,optional"`
	// CertFile and KeyFile are the client's certificate and key in PEM.
	CertFile File       `yaml:"cert_file,optional"`
	KeyFile  SecretFile `yaml:"key_file,optional"`
	// ServerName that the certificate must have. Default: the host of address.
	ServerName string `yaml:"server_name,optional"`
}

func (r *reader) temporal(t *Temporal) {
	r.address("insurer.temporal.address", t.Address)
	if t.TLS != nil && (t.TLS.CertFile == "") != (t.TLS.KeyFile == "") {
		r.at("insurer.temporal.tls", "a client certificate needs cert_file and key_file both")
	}
	if t.APIKeyFile != "" && t.TLS == nil {
		r.at("insurer.temporal.api_key_file", "an API key is never sent without tls: add \"tls: {}\"")
	}
}
