package dossier

import (
	"bytes"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// countersigned has the plan want a clinician's signature upon AUTH-A and claim
// C1, and the clinician give it. Change sees each before it is used.
func countersigned(change func(step string, v any)) func(*world) {
	return func(w *world) {
		did, err := credentials.SignerDID(signerOf("clinician"))
		w.check(err)
		w.twist = func(step string, v any) {
			switch step {
			case "plan":
				plan := v.(*[]byte)
				*plan = bytes.Replace(*plan, []byte("\nmachineDenials:"), []byte("\nclinicianSignature: {authorizations: [72148], claims: [99213], withinDays: 30}\nmachineDenials:"), 1)
			case "license":
				v.(*credentials.License).Holder = did
			case "authorization evidence AUTH-A":
				e := v.(*claims.AuthorizationEvidence)
				request := claims.AuthorizationRequest{Patient: w.claims[0].Claim.Subscriber, State: "CA", Clinician: claims.Provider{NPI: good},
					Items: []claims.RequestItem{{Sequence: 1, Code: "72148", Units: 1000, From: "2026-10-01", Until: "2026-12-31"}}}
				content, err := request.ClinicalContent()
				w.check(err)
				e.Signatures = w.countersign("AUTH-A", good, content, change)
			case "evidence C1", "evidence C4":
				e, i, npi := v.(*claims.Evidence), 0, good
				if step == "evidence C4" {
					i, npi = 3, revoked
				}
				content, err := w.claims[i].Claim.ClinicalContent()
				w.check(err)
				e.Signatures = w.countersign(w.claims[i].Claim.Number, npi, content, change)
			}
			if change != nil {
				change(step, v)
			}
		}
	}
}

// countersign signs as the clinician, and writes down what the insurer finds.
func (w *world) countersign(name string, npi credentials.NPI, content credentials.Digest, change func(string, any)) []claims.SignatureFact {
	insurer, err := credentials.SignerDID(signerOf("insurer"))
	w.check(err)
	l := w.licensed[npi]
	s := claims.ClinicianSignature{Handle: handle("signature " + name), License: l.Handle, Insurer: insurer, Content: content}
	by := "clinician"
	if change != nil {
		change("signature "+name, &s)
		change("signer "+name, &by)
	}
	w.now = w.now.Add(time.Second)
	token, err := s.Sign(signerOf(by), w.now, w.now.Add(24*time.Hour))
	w.check(err)
	w.files.Token(Signatures, s.Handle, token)
	held := claims.SignatureCase{Insurer: insurer, Content: content, Received: w.now.Add(time.Second), License: &l, Orders: w.orders}
	f, err := held.Fact(token, w.standing(npi, credentials.DateOf(w.now)))
	w.check(err)
	if change != nil {
		change("fact "+name, &f)
	}
	return []claims.SignatureFact{f}
}

func TestCountersigned(t *testing.T) {
	w := build(t, countersigned(nil))
	r := Verify(w.files, nil, nil)
	if !r.OK() || r.Verified != 8 {
		t.Fatalf("a sound dossier fails:%s", failures(r))
	}
	for _, name := range []string{"AUTH-A", "C1"} {
		file := fileOf(Signatures, handle("signature "+name))
		if r := VerifyFile(w.files, file, w.files[file], nil); !r.OK() {
			t.Errorf("%s by itself:%s", name, failures(r))
		}
		if r := VerifyFile(w.files, "signed.jwt", w.files[file], nil); !r.OK() {
			t.Errorf("%s under another name:%s", name, failures(r))
		}
	}
	stray := Files{}
	for name, b := range w.files {
		stray[name] = b
	}
	token, err := claims.ClinicianSignature{Handle: handle("stray"), License: handle("l"), Insurer: "did:web:x.example", Content: credentials.Digest{1}}.
		Sign(signerOf("clinician"), w.now, w.now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	stray.Token(Signatures, handle("stray"), token)
	file := fileOf(Signatures, handle("stray"))
	if r := VerifyFile(stray, file, stray[file], nil); r.OK() || !strings.Contains(failures(r), "no verified decision here rests on it") {
		t.Errorf("a signature that nothing rests on:%s", failures(r))
	}
}

// Whatever an insurer says about a signature that its clinician did not sign, or
// not with the key of the license, the dossier says that it is not so.
func TestCountersignedIsCheckedAgain(t *testing.T) {
	good := credentials.Verdict{Outcome: credentials.Good}
	lie := func(v any) { v.(*claims.SignatureFact).Verdict = good }
	for _, tt := range []struct {
		name   string
		change func(step string, v any)
		after  func(*world)
		want   string // folder, check, part of the detail
	}{
		{"another content, said to be good", func(step string, v any) {
			switch step {
			case "signature C1":
				v.(*claims.ClinicianSignature).Content[0]++
			case "fact C1":
				lie(v)
			}
		}, nil, "decisions clinician comes to bad"},
		{"another insurer, said to be good", func(step string, v any) {
			switch step {
			case "signature C1":
				v.(*claims.ClinicianSignature).Insurer = "did:web:other.example"
			case "fact C1":
				lie(v)
			}
		}, nil, "decisions clinician comes to bad"},
		{"another key, said to be good", func(step string, v any) {
			switch step {
			case "signer AUTH-A":
				*v.(*string) = "thief"
			case "fact AUTH-A":
				lie(v)
			}
		}, nil, "authorizations clinician comes to bad"},
		{"the license of another clinician", func(step string, v any) {
			switch step {
			case "signature C1":
				v.(*claims.ClinicianSignature).License = handle("license " + string(revoked))
			case "fact C1":
				lie(v)
			}
		}, nil, "decisions clinician not the license that"},
		{"under no license that is named", func(step string, v any) {
			if step == "fact C1" {
				f := v.(*claims.SignatureFact)
				f.Standing.Licenses = nil
			}
		}, nil, "decisions clinician not the license that"},
		{"standing of another day", func(step string, v any) {
			if step == "fact C1" {
				v.(*claims.SignatureFact).Standing.On = "2026-10-01"
			}
		}, nil, "decisions clinician not that of the license"},
		{"standing made up", func(step string, v any) {
			if step == "fact C1" {
				v.(*claims.SignatureFact).Standing.Standing.Reason = "x"
			}
		}, nil, "decisions standing the answer for CA"},
		{"another day of signing", func(step string, v any) {
			if step == "fact C1" {
				f := v.(*claims.SignatureFact)
				f.Signed = f.Signed.Add(-time.Hour)
			}
		}, nil, "decisions clinician comes to good"},
		{"came in after the decision", func(step string, v any) {
			if step == "fact C1" {
				f := v.(*claims.SignatureFact)
				f.Received = f.Received.Add(6 * time.Minute)
			}
		}, nil, "decisions clinician came in after the decision"},
		{"named twice", func(step string, v any) {
			if step == "evidence C1" {
				e := v.(*claims.Evidence)
				e.Signatures = append(e.Signatures, e.Signatures[0])
			}
		}, nil, "decisions clinician a signature twice"},
		{"left out", nil, func(w *world) { delete(w.files, fileOf(Signatures, handle("signature C1"))) }, "decisions rests-on a clinician's signature that its evidence names"},
		{"under another name", nil, func(w *world) {
			w.files[path.Join(Signatures, handle("x").String()+".jwt")] = w.files[fileOf(Signatures, handle("signature C1"))]
		}, "signatures name it is the signature"},
		{"another handle inside", nil, func(w *world) {
			s := claims.ClinicianSignature{Handle: handle("x"), License: handle("l"), Insurer: "did:web:x.example", Content: credentials.Digest{1}}
			for _, h := range []credentials.Handle{handle("x"), handle("y")} {
				token, err := credentials.Issue(signerOf("clinician"), credentials.KindClinicianSignature, handle("y"), w.now, nil, s)
				w.check(err)
				w.files.Token(Signatures, h, token)
			}
		}, "signatures/" + handle("x").String() + ".jwt name it is the signature"},
		{"another handle outside", nil, func(w *world) {
			s := claims.ClinicianSignature{Handle: handle("x"), License: handle("l"), Insurer: "did:web:x.example", Content: credentials.Digest{1}}
			token, err := credentials.Issue(signerOf("clinician"), credentials.KindClinicianSignature, handle("y"), w.now, nil, s)
			w.check(err)
			w.files.Token(Signatures, handle("y"), token)
		}, "signatures/" + handle("y").String() + ".jwt name it is the signature"},
		{"no line feed", nil, func(w *world) {
			name := fileOf(Signatures, handle("signature C1"))
			w.files[name] = bytes.TrimSpace(w.files[name])
		}, "signatures format line feed"},
		{"another byte", nil, func(w *world) {
			name := fileOf(Signatures, handle("signature C1"))
			b := bytes.Clone(w.files[name])
			b[len(b)-5] ^= 1
			w.files[name] = b
		}, "signatures signature "},
		{"a name that is no handle", nil, func(w *world) { w.files[Signatures+"/x.jwt"] = []byte("x\n") }, "signatures name not a handle"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := build(t, countersigned(tt.change))
			if tt.after != nil {
				tt.after(w)
			}
			want := strings.SplitN(tt.want, " ", 3)
			for _, c := range Verify(w.files, nil, nil).Failures {
				if strings.HasPrefix(c.File, want[0]) && c.Name == want[1] && strings.Contains(c.Detail, want[2]) {
					return
				}
			}
			t.Errorf("no failure %q:%s", tt.want, failures(Verify(w.files, nil, nil)))
		})
	}
}

// By the order of a board that replaced the key before, a signature comes to
// nothing, whatever the insurer says.
func TestCountersignedWithReplacedKey(t *testing.T) {
	replaced := func(change func(string, any)) *world {
		return build(t, func(x *world) {
			countersigned(func(step string, v any) {
				if plan, ok := v.(*[]byte); ok && step == "plan" { // AUTH-A needs none: C2 draws on it
					*plan = bytes.Replace(*plan, []byte("authorizations: [72148], "), nil, 1)
				}
				if change != nil {
					change(step, v)
				}
			})(x)
			inner := x.twist
			x.twist = func(step string, v any) {
				if step == "837" { // between the licenses and the decisions
					o := credentials.Order{Handle: handle("bind"), License: x.licensed[good].Handle, Action: credentials.OrderBind, Effective: began, Reason: "lost"}
					issue(x, Orders, "board", credentials.KindBoardOrder, o.Handle, nil, o, ledger.KindBoardOrder)
					x.orders, x.feed = append(x.orders, o), int64(len(x.leaves))
				}
				inner(step, v)
			}
		})
	}
	pended := func(w *world) bool {
		token := strings.TrimSpace(string(w.files[fileOf(Decisions, decisionOf("C1", 1))]))
		d, err := credentials.Open[claims.ClaimDecisionDocument](token, credentials.KindClaimDecision, credentials.ResolveDIDKey)
		w.check(err)
		return d.Subject.Decision.Outcome == claims.Pended && d.Subject.Decision.Pends[0].Reason == claims.PendSignature
	}
	w := replaced(nil)
	if r := Verify(w.files, nil, nil); !r.OK() || !pended(w) {
		t.Errorf("pended %v, and the dossier:%s", pended(w), failures(r))
	}
	w = replaced(func(step string, v any) {
		if step == "fact C1" {
			v.(*claims.SignatureFact).Verdict = credentials.Verdict{Outcome: credentials.Good}
		}
	})
	if r := Verify(w.files, nil, nil); pended(w) || !strings.Contains(failures(r), "comes to bad") {
		t.Errorf("said to be good: pended %v, and the dossier:%s", pended(w), failures(r))
	}
}
