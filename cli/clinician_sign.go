package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/fhir"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
)

// An ordered is what a clinician reads before it is signed, and its digest.
type ordered struct {
	content credentials.Digest
	patient *claims.Person
	state   string
	table   table
}

// clinicianSign signs one request or one claim of a file, as the hospital will
// submit it.
func (r *run) clinicianSign(c *urfave.Context) error {
	insurer, err := given(c, "insurer", "COUNTERSIGN_INSURER")
	if err != nil {
		return err
	}
	if _, err := credentials.ParseDID(insurer); err != nil {
		return refused(commandName(c), "--insurer: "+err.Error(), "ask the insurer for its DID")
	}
	license, err := r.licenseNamed(c)
	if err != nil {
		return err
	}
	out, err := given(c, "out", "")
	if err != nil {
		return err
	}
	if c.Duration("good-for") <= 0 {
		return refused(commandName(c), "--good-for: want a time such as 720h", "")
	}
	what, err := r.readOrdered(c, c.Args().First())
	if err != nil {
		return err
	}
	s, err := r.signer(c)
	if err != nil {
		return err
	}
	now := r.now()
	signature := claims.ClinicianSignature{Handle: newHandle(), License: license, Insurer: credentials.DID(insurer), Content: what.content}
	token, err := signature.Sign(s, now, now.Add(c.Duration("good-for")))
	if err != nil {
		return refused(commandName(c), err.Error(), "sign with the key that the license is bound to")
	}
	if err := place(map[string][]byte{out: []byte(token + "\n")}); err != nil {
		return err
	}
	if r.json {
		return r.print(map[string]any{"handle": signature.Handle, "license": license, "insurer": insurer, "content": what.content, "file": out})
	}
	fmt.Fprintf(r.Out, "signed by   %s, which has to be the key that the license is bound to\n", s.KeyID())
	fmt.Fprintf(r.Out, "signed for  %s, in %s\n", oneLine(personWords(what.patient)), oneLine(what.state))
	if err := what.table.write(r.Out); err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.Out, "good until  %s\nsignature   %s: give it to the hospital, which sends it with the request or claim\n",
		now.Add(c.Duration("good-for")).UTC().Format(time.RFC3339), oneLine(out))
	return err
}

func personWords(p *claims.Person) string {
	return strings.Join(slices.DeleteFunc([]string{strings.TrimSpace(p.First + " " + p.Last), string(p.Birth), p.MemberID}, func(s string) bool { return s == "" }), ", ")
}

// licenseNamed reads the handle of --license, or the license in the file that it names.
func (r *run) licenseNamed(c *urfave.Context) (credentials.Handle, error) {
	text, err := given(c, "license", "")
	if err != nil {
		return credentials.Handle{}, err
	}
	if h, err := credentials.ParseHandle(text); err == nil {
		return h, nil
	}
	token, err := readToken(text)
	if err != nil {
		return credentials.Handle{}, err
	}
	kind, _, h, err := credentials.Peek(token)
	if err != nil || kind != credentials.KindLicense {
		return h, refused(text, "it is neither the handle of a license nor a file with one", "find the handle with countersign license show --npi NPI")
	}
	return h, nil
}

func (r *run) readOrdered(c *urfave.Context, path string) (*ordered, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	first := make([]byte, 64)
	n, err := f.Read(first)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(first[:n], []byte("\ufeff")), " \t\r\n"), []byte("{")) {
		return orderedRequest(path, f)
	}
	return orderedClaim(c, path, f)
}

func orderedRequest(path string, f *os.File) (*ordered, error) {
	body, err := readAll(f, fhir.MaxBundle)
	if err != nil {
		return nil, err
	}
	request, err := fhir.ParseBundle(body)
	if err != nil {
		return nil, refusedFile(path, "", err, "correct the bundle, and sign it then")
	}
	o := &ordered{patient: &request.Patient, state: request.State, table: table{head: []string{"item", "code", "units", "from", "until", "clinician"}}}
	for _, it := range request.Items {
		o.table.add(strconv.Itoa(it.Sequence), service(it.Code, it.Modifiers), it.Units.String(), string(it.From), string(it.Until), "NPI "+string(request.Clinician.NPI))
	}
	o.content, err = request.ClinicalContent()
	return o, err
}

func orderedClaim(c *urfave.Context, path string, f *os.File) (o *ordered, err error) {
	number := c.String("claim")
	var numbers []string
	file, err := x12.ReadClaims(f, func(s x12.Submitted) error {
		numbers = append(numbers, strings.Clone(s.Claim.Number))
		if number != "" && s.Claim.Number != number {
			return nil
		}
		o = &ordered{patient: s.Claim.PatientPerson(), state: s.Claim.ServiceState, table: table{head: []string{"line", "code", "units", "from", "until", "clinician"}}}
		for i := range s.Claim.Lines {
			l := &s.Claim.Lines[i]
			who := "by the insurer's roster"
			if p := s.Claim.Renderer(l); p != nil {
				who = "NPI " + string(p.NPI)
			}
			o.table.add(strconv.Itoa(l.Number), service(l.Code, l.Modifiers), l.Units.String(), string(l.From), string(l.To), who)
		}
		var err error
		o.content, err = s.Claim.ClinicalContent()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, no := range file.Refusals {
		return nil, refused(path, no.Where+": "+no.What, "have the hospital correct it; sign it then")
	}
	switch n := len(slices.DeleteFunc(slices.Clone(numbers), func(s string) bool { return number != "" && s != number })); {
	case n == 0 && number != "":
		return nil, refused(path, "it has no claim "+number, "see countersign claim check "+path)
	case n != 1:
		return nil, refused(path, fmt.Sprintf("it has %s: one is signed at a time", count(n, "claim")), "say which with --claim NUMBER")
	}
	return o, nil
}

func service(code string, modifiers []string) string {
	return strings.Join(append([]string{code}, modifiers...), " ")
}

// signatureFlag is of commands that submit.
func signatureFlag() urfave.Flag {
	return &urfave.StringFlag{Name: "signature", Usage: "send the clinician's signature in `FILE` with it; of several, with commas between them"}
}

// A heldSignature is a file with a clinician's signature.
type heldSignature struct {
	path, token string
	handle      credentials.Handle
	used        bool
}

// signatureFiles are those that the hospital was given, each with what it is for.
type signatureFiles struct {
	all     []*heldSignature
	insurer credentials.DID
	now     time.Time
}

// readSignatures reads the files of --signature.
func readSignatures(c *urfave.Context, insurer credentials.DID, now time.Time) (*signatureFiles, error) {
	s := &signatureFiles{insurer: insurer, now: now}
	if c.String("signature") == "" {
		return s, nil
	}
	for path := range strings.SplitSeq(c.String("signature"), ",") {
		token, err := readToken(path)
		if err != nil {
			return nil, err
		}
		_, _, h, err := credentials.Peek(token)
		if err == nil {
			_, _, err = claims.PeekSignature(token)
		}
		if err != nil {
			return nil, refused(path, err.Error(), "have the clinician sign again: countersign clinician sign")
		}
		s.all = append(s.all, &heldSignature{path: path, token: token, handle: h})
	}
	return s, nil
}

// upon are the signatures upon a content. Each is judged as the insurer's door
// will: what it would refuse is not sent.
func (s *signatureFiles) upon(content func() (credentials.Digest, error)) (tokens []string, err error) {
	if len(s.all) == 0 {
		return nil, nil
	}
	digest, err := content()
	if err != nil {
		return nil, err
	}
	held := claims.SignatureCase{Insurer: s.insurer, Content: digest, Received: s.now}
	for _, f := range s.all {
		doc, v := held.Intake(f.token)
		if doc != nil && doc.Subject.Content != digest {
			continue
		}
		if !v.IsGood() {
			return nil, refused(f.path, v.Why, "have the clinician sign again: countersign clinician sign")
		}
		f.used = true
		tokens = append(tokens, f.token)
	}
	return tokens, nil
}

// find finds the claim of each signature before the first claim is sent.
func (s *signatureFiles) find(path string, f *os.File) error {
	if len(s.all) == 0 {
		return nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if _, err := readClaims(claims.Edits{}, f, func(c *billed) error {
		_, err := s.upon(c.Claim.ClinicalContent)
		return err
	}); err != nil {
		return err
	}
	return s.unused(path)
}

// unused refuses a signature that is upon nothing that is sent.
func (s *signatureFiles) unused(path string) error {
	for _, f := range s.all {
		if !f.used {
			return refused(f.path, "the clinician signed something else than "+path+" holds: another patient, clinician, service, day or quantity",
				"have the clinician sign what is sent; nothing was sent")
		}
	}
	return nil
}

// keep puts the signatures beside what they are upon.
func (s *signatureFiles) keep(files dossier.Files) {
	for _, f := range s.all {
		f.keep(files)
	}
}

func (f *heldSignature) keep(files dossier.Files) { files.Token(dossier.Signatures, f.handle, f.token) }
