package temporalserver

import (
	"errors"
	"strings"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/temporal"
)

// Door is how a frontend guards itself, as clusters do: with TLS, and with a client certificate, an API key, or both.
type Door struct {
	// CertFile and KeyFile are the server's certificate and key in PEM.
	CertFile, KeyFile string
	// ClientCAFile, if set, holds the authorities of the certificates that clients must have.
	ClientCAFile string
	// APIKey, if set, says whether a key is good. Without a good one, nothing is answered.
	APIKey func(key string) bool
}

func (d *Door) tls() config.GroupTLS {
	s := config.ServerTLS{CertFile: d.CertFile, KeyFile: d.KeyFile}
	if d.ClientCAFile != "" {
		s.ClientCAFiles, s.RequireClientAuth = []string{d.ClientCAFile}, true
	}
	return config.GroupTLS{Server: s}
}

func (d *Door) options() []temporal.ServerOption {
	if d == nil || d.APIKey == nil {
		return nil
	}
	return []temporal.ServerOption{
		temporal.WithAuthorizer(authorization.NewDefaultAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return bearer{d.APIKey} }),
	}
}

// bearer takes whoever has a good API key for the one whom everything is allowed.
type bearer struct{ good func(key string) bool }

func (b bearer) GetClaims(a *authorization.AuthInfo) (*authorization.Claims, error) {
	key, ok := strings.CutPrefix(a.AuthToken, "Bearer ")
	if !ok || !b.good(key) {
		return nil, errors.New("no good API key")
	}
	return &authorization.Claims{System: authorization.RoleAdmin}, nil
}
