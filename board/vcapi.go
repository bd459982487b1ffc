package board

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/integrity"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/problem"
	"github.com/countersign-health/countersign/statuslist"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/vcalm"
)

// mountVC adds the W3C's VC API. What is issued and ordered by it is a clerk's
// act like any other, in the same register and on the same ledger.
func (b *Board) mountVC(mux *http.ServeMux) {
	participants := &vcalm.Participants{Proofs: b.Proofs}
	h := &vcalm.House{Domain: string(b.did), Whose: participants.Whose, Place: b.placeOf, License: b.currently, Now: b.Now, Log: b.Log}
	h.Mount(mux)
	mux.Handle("POST "+client.IssuePath, b.vcDoor(b.clerk(b.postIssuing)))
	mux.Handle("POST "+client.StatusPath, b.vcDoor(b.clerk(b.postStatus)))
	mux.Handle("GET "+vcalm.Base+"/credentials/{handle}", b.vcDoor(b.getCredential))
	mux.Handle("GET "+vcalm.Base+"/status-lists/{purpose}/{list}", b.vcDoor(b.getStatusList))
}

// vcDoor is door for those who expect problem details.
func (b *Board) vcDoor(handle func(r *http.Request, body []byte) (answer, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
				problem.New(http.StatusUnsupportedMediaType, "media", "not JSON", "want Content-Type: application/json").Write(w)
				return
			}
		}
		body, err := readBody(w, r, maxBody)
		var a answer
		if err == nil {
			a, err = handle(r, body)
		}
		var no *refusal
		switch {
		case errors.As(err, &no):
			problem.New(no.status, "refused", http.StatusText(no.status), "%s", no.message).Write(w)
		case errors.Is(err, sql.ErrNoRows), errors.Is(err, statuslist.ErrNone):
			problem.New(http.StatusNotFound, "not-found", "not found", "the register holds nothing under this name").Write(w)
		case err != nil:
			b.Log.ErrorContext(r.Context(), "board: request failed", "method", r.Method, "route", r.Pattern, "error", err.Error())
			problem.New(http.StatusServiceUnavailable, "unavailable", "not just now", "send it again, nothing is done twice").Write(w)
		default:
			b.write(w, r, a, nil)
		}
	})
}

// postIssuing issues a license and hands it out in the form that was asked for.
// The license stands even where that form cannot be made.
func (b *Board) postIssuing(r *http.Request, by request) (answer, error) {
	if err := plainPath(r); err != nil {
		return answer{}, err
	}
	asked, err := client.ParseIssuing(by.body)
	if err != nil {
		return answer{}, refuse(http.StatusBadRequest, "%v", err)
	}
	form, withhold, err := asked.FormOf()
	if err != nil {
		return answer{}, refuse(http.StatusBadRequest, "%v", err)
	}
	if asked.Credential.Issuer != "" && asked.Credential.Issuer != b.did {
		return answer{}, refuse(http.StatusUnprocessableEntity, "at /credential/issuer: this board is another one")
	}
	a := asked.Credential.Subject
	if err := b.checkApplication(a); err != nil {
		return answer{}, refuse(http.StatusUnprocessableEntity, "at /credential/credentialSubject: %v", err)
	}
	if err := b.canForm(form, a.Holder); err != nil {
		return answer{}, err
	}
	h, _, err := b.issue(r.Context(), by, a)
	if err != nil {
		return answer{}, err
	}
	if err := b.settled(r, h); err != nil {
		return answer{}, err
	}
	f, err := b.file(r.Context(), h)
	if err != nil {
		return answer{}, err
	}
	body, err := b.formed(f, form, withhold)
	return answer{status: http.StatusCreated, body: map[string]any{"verifiableCredential": body}}, err
}

// postStatus makes the order that a change of status is.
func (b *Board) postStatus(r *http.Request, by request) (answer, error) {
	if err := plainPath(r); err != nil {
		return answer{}, err
	}
	license, o, err := client.ParseStatus(by.body)
	if err != nil {
		return answer{}, refuse(http.StatusBadRequest, "%v", err)
	}
	if err := checkOrder(o); err != nil {
		return answer{}, refuse(http.StatusUnprocessableEntity, "at /order: %v", err)
	}
	d, _, err := b.orderNow(r, by, license, o)
	return answer{status: http.StatusOK, body: d}, err
}

// getCredential hands a license out in one of its forms: ?form=jwt, jcs or rdfc.
// It is public, as a board's look-up is. An SD-JWT is for its holder alone.
func (b *Board) getCredential(r *http.Request, _ []byte) (answer, error) {
	h, err := pathHandle(r)
	if err != nil {
		return answer{}, err
	}
	form := r.URL.Query().Get("form")
	if form == "" {
		form = vcalm.FormJWT
	}
	if form == vcalm.FormSDJWT {
		return answer{}, refuse(http.StatusForbidden, "an SD-JWT is for its holder: a clerk has it issued")
	}
	if err := b.canForm(form, ""); err != nil {
		return answer{}, err
	}
	f, err := b.file(r.Context(), h)
	if err != nil {
		return answer{}, err
	}
	if form == vcalm.FormJWT {
		return answer{token: f.License.Token}, nil
	}
	body, err := b.formed(f, form, nil)
	return answer{status: http.StatusOK, body: body, media: "application/vc"}, err
}

// getStatusList hands a status list out as vc+jwt, or under a Data Integrity
// proof for those who accept application/vc alone.
func (b *Board) getStatusList(r *http.Request, body []byte) (answer, error) {
	a, err := b.getStatus(r, body)
	if err != nil || !prefersLinked(r.Header.Get("Accept")) {
		return a, err
	}
	var c credentials.Credential[credentials.StatusListSubject]
	if err := ownDocument(a.token, &c); err != nil {
		return answer{}, err
	}
	if err := b.canForm(vcalm.FormJCS, ""); err != nil {
		return answer{}, err
	}
	signed, err := signLinked(b.signer, integrity.JCS, credentials.KindStatusList, &c)
	return answer{status: http.StatusOK, body: json.RawMessage(signed), media: "application/vc", maxAge: a.maxAge}, err
}

// prefersLinked: whoever names application/vc and takes no token.
func prefersLinked(accept string) (linked bool) {
	for _, part := range strings.Split(accept, ",") {
		switch media, _, _ := mime.ParseMediaType(part); media {
		case "application/vc":
			linked = true
		case "application/vc+jwt":
			return false
		}
	}
	return linked
}

// currently is what the register holds of a license, whether or not the ledger
// has it yet: a board believes its own orders at once.
func (b *Board) currently(ctx context.Context, e *credentials.Envelope, said credentials.License) (now vcalm.Currently, err error) {
	if e.Issuer != b.did {
		return now, credentials.Lack(credentials.CheckStatus, "it is another board's license: ask that board, or an insurer who follows it")
	}
	var l credentials.License
	var orders []credentials.Order
	err = b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		l, orders, err = ordered(tx, said.Handle)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return now, credentials.Refuse(credentials.CheckStatus, "the register does not hold it")
	}
	if err != nil {
		return now, err
	}
	t := b.Now()
	now.Standing = credentials.StandingOn([]credentials.License{l}, orders, l.Jurisdiction, credentials.DateOf(t), true)
	if now.Holder, err = credentials.HolderAt(l, orders, t); err != nil {
		return now, credentials.Lack(credentials.CheckBinding, "%w", err)
	}
	return now, nil
}

// placeOf finds a document of the register on the ledger.
func (b *Board) placeOf(ctx context.Context, e *credentials.Envelope, document credentials.Digest) (credentials.Position, error) {
	var token string
	var leaf []byte
	var index int64
	err := b.db.QueryRow(ctx, `
		SELECT e.token, coalesce(n.entry, e.entry), p.ledger_index FROM register_event e JOIN register_place p ON p.sequence = e.sequence
		LEFT JOIN register_anew n ON n.sequence = e.sequence WHERE e.document = $1`, e.Handle.String()).Scan(&token, &leaf, &index)
	if errors.Is(err, sql.ErrNoRows) || err == nil && credentials.DocumentDigest(token) != document {
		return credentials.Unplaced, nil
	}
	if err != nil {
		return 0, fmt.Errorf("find document: %w", err)
	}
	entry, err := ledger.ParseEntry(leaf)
	return ledger.PlaceOf(index, entry, e.KeyID), err
}
