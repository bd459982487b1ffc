package vcalm

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	"github.com/countersign-health/countersign/credentials"
)

// A Finding is what came of examining a file.
type Finding struct {
	credentials.Verdict
	Kind     string          `json:"kind,omitempty"` // of a credential, or "presentation of N"
	Form     string          `json:"form,omitempty"`
	Issuer   credentials.DID `json:"issuer,omitempty"`
	Holder   credentials.DID `json:"holder,omitempty"`
	Warnings []string        `json:"warnings"`
}

// Examine judges a credential or a presentation in any form that is taken here:
// a token, or JSON. Want is to what a presentation has to be bound; nil where
// nothing was asked of its holder. An error says that the house is in trouble.
func (h *House) Examine(ctx context.Context, text []byte, want *credentials.Presentation) (f Finding, err error) {
	raw, presentation, err := boxed(bytes.TrimSpace(text))
	if err == nil {
		if presentation {
			f, err = h.examinePresentation(ctx, raw, want)
		} else {
			f, err = h.examineCredential(ctx, raw, want)
		}
		err = refusedBy(ctx, err)
	} else {
		err = refused(credentials.VerdictOf(err))
	}
	var no *Refused
	if errors.As(err, &no) {
		f.Verdict, err = no.verdict, nil
	}
	if f.Warnings == nil {
		f.Warnings = []string{}
	}
	return f, err
}

func (h *House) examineCredential(ctx context.Context, raw json.RawMessage, want *credentials.Presentation) (f Finding, err error) {
	s, err := recognize(raw)
	if err != nil {
		return f, err
	}
	f.Form = s.form
	if s.form != FormSDJWT && want != nil {
		return f, credentials.Refuse(credentials.CheckBinding, "its holder does not present it")
	}
	v, err := h.judge(ctx, s, want, "")
	if err == nil {
		f = Finding{Verdict: credentials.Verdict{Outcome: credentials.Good}, Kind: string(v.Kind), Form: v.Form, Issuer: v.Issuer, Warnings: v.Warnings}
	}
	return f, err
}

func (h *House) examinePresentation(ctx context.Context, raw json.RawMessage, want *credentials.Presentation) (f Finding, err error) {
	var o map[string]json.RawMessage
	if err := json.Unmarshal(raw, &o); err != nil {
		return f, credentials.Refuse(credentials.CheckContent, "%w", err)
	}
	p, err := h.presentation(ctx, raw, o, want)
	if err != nil {
		return f, err
	}
	f = Finding{Verdict: credentials.Verdict{Outcome: credentials.Good}, Kind: "presentation", Form: "presentation", Holder: p.Holder, Warnings: p.Warnings}
	for _, c := range p.Credentials {
		f.Kind += " " + string(c.Kind)
		f.Warnings = append(f.Warnings, c.Warnings...)
	}
	return f, nil
}

// boxed puts a token into an envelope, and says whether it is a presentation.
func boxed(text []byte) (raw json.RawMessage, presentation bool, err error) {
	if len(text) > maxBody {
		return nil, false, credentials.Refuse(credentials.CheckSize, "it has %d bytes: the most is %d", len(text), maxBody)
	}
	if bytes.HasPrefix(text, []byte("{")) {
		var o map[string]json.RawMessage
		if err := credentials.DecodeStrict(text, &o); err != nil {
			return nil, false, credentials.Refuse(credentials.CheckContent, "%w", err)
		}
		return text, only(o["type"], presentationType) || only(o["type"], envelopedPresentation), nil
	}
	prefix, kind := dataJWT, envelopedCredential
	switch {
	case strings.Contains(string(text), "~"):
		prefix = dataSDJWT
	case typeOf(string(text)) == "vp+jwt":
		prefix, kind, presentation = dataVP, envelopedPresentation, true
	}
	raw, err = json.Marshal(map[string]string{"@context": contextV2, "id": prefix + string(text), "type": kind})
	return raw, presentation, err
}

// typeOf is what a token's header says that it is.
func typeOf(token string) string {
	head, _, _ := strings.Cut(token, ".")
	var h struct {
		Typ string `json:"typ"`
	}
	if b, err := base64.RawURLEncoding.DecodeString(head); err != nil || json.Unmarshal(b, &h) != nil {
		return ""
	}
	return h.Typ
}
