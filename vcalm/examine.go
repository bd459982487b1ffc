package vcalm

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

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
		f = Finding{Verdict: v.verdict(), Kind: string(v.Kind), Form: v.Form, Issuer: v.Issuer, Warnings: v.Warnings}
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
		if v := c.verdict(); !v.IsGood() {
			f.Verdict = v
		}
	}
	return f, nil
}

// verdict is that of somebody who would act upon it without asking a person: of
// a restricted license nothing is known before one has held the service against
// its limits, as in the answer of standing.
func (v *Verified) verdict() credentials.Verdict {
	if v.restrictions == "" {
		return credentials.Verdict{Outcome: credentials.Good}
	}
	return credentials.VerdictOf(credentials.Lack(credentials.CheckStatus,
		"it is genuine and in force, limited by %s: a person has to hold the service against that", v.restrictions))
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
	if parts := strings.Count(string(text), "."); parts < 2 || typeOf(string(text)) == "" {
		return nil, false, credentials.Refuse(credentials.CheckForm, "%s, and no credential: want a token (three parts with dots between them) or a JSON object with its proof", looks(text))
	}
	switch {
	case strings.Contains(string(text), "~"):
		prefix = dataSDJWT
	case typeOf(string(text)) == "vp+jwt":
		prefix, kind, presentation = dataVP, envelopedPresentation, true
	}
	raw, err = json.Marshal(map[string]string{"@context": contextV2, "id": prefix + string(text), "type": kind})
	return raw, presentation, err
}

// looks says what a text seems to be that is no credential, without a word of it.
func looks(text []byte) string {
	_, noHandle := credentials.ParseHandle(string(text))
	switch {
	case len(text) == 0:
		return "this is empty"
	case noHandle == nil:
		return "this is a handle, by which a board's license can be fetched (countersign license export HANDLE)"
	case bytes.HasPrefix(text, []byte("-----BEGIN ")):
		return "this is a key or a certificate"
	case json.Valid(text):
		return "this is JSON of another kind"
	case bytes.ContainsFunc(text, func(r rune) bool { return r == utf8.RuneError || r < ' ' && !unicode.IsSpace(r) }):
		return "this is not text"
	}
	return "this is some text"
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
