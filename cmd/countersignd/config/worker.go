package config

import "regexp"

// Worker serves contracts, follows the boards and drains the outbox. Several
// may run at once.
type Worker struct {
	// Admin is where /healthz, /readyz and /metrics are served. Default
	// 127.0.0.1:9101. Danger: not for strangers.
	Admin string `yaml:"admin"`
	// BuildID names this build of the worker in Temporal: contracts stay with
	// the build that they began on. Default: the release and a digest of the
	// program file. Danger: two builds of one name take each other's
	// contracts, and those that one has changed then stand still.
	BuildID string `yaml:"build_id,optional"`
}

// Gateway is the insurer's door to hospitals and reviewers.
type Gateway struct {
	// Listen is the address of the door. Default 127.0.0.1:8101. Danger: without
	// tls it speaks plain HTTP; put a proxy before it where the network is not yours.
	Listen string `yaml:"listen"`
	// TLS has the door speak https itself. Default: plain HTTP.
	TLS *DoorTLS `yaml:"tls"`
	// Admin as above. Default 127.0.0.1:9102.
	Admin string `yaml:"admin"`
}

// BuildName is the form of a build's name.
var BuildName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$`)
