package board

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb"
)

// order registers an order upon a license: the order, the note that the status
// lists have to look at the license, the ledger entry and the clerk's request in
// one transaction. What contradicts the orders before it is refused.
func (b *Board) order(ctx context.Context, by request, license credentials.Handle, o client.OrderRequest) (h credentials.Handle, created bool, err error) {
	identity, err := identityOf(orderParts(license, o)...)
	if err != nil {
		return h, false, err
	}
	if h, err := b.find(ctx, identity); !errors.Is(err, sql.ErrNoRows) {
		return h, false, err
	}
	h = randomHandle()
	order := o.Order(h, license)
	token, err := credentials.Issue(b.signer, credentials.KindBoardOrder, h, b.Now(), nil, order)
	if err != nil {
		return h, false, fmt.Errorf("sign order: %w", err)
	}
	e, err := b.newEvent(client.EventOrder, h, license, identity, token, o.Effective)
	if err != nil {
		return h, false, err
	}
	err = b.commit(ctx, by, []event{e}, func(tx *sqldb.Tx) error {
		var known int
		if err := tx.QueryRow(`SELECT count(*) FROM register_event WHERE identity = $1`, identity).Scan(&known); err != nil {
			return err
		}
		if known > 0 {
			return errKnown
		}
		l, before, err := ordered(tx, license)
		if err != nil {
			return err
		}
		if err := credentials.Contradiction(l, before, order); err != nil {
			return refuse(http.StatusConflict, "%v", err)
		}
		if order.Holder != "" {
			if err := b.possessed(tx, o.Proof, order.Holder, l.NPI); err != nil {
				return err
			}
		}
		if order.Action != credentials.OrderRenew { // which no list shows
			_, err = tx.Exec(`UPDATE register_license SET ordered = 1 WHERE handle = $1`, license.String())
		}
		return err
	})
	var no *refusal
	switch {
	case errors.Is(err, errKnown):
		h, err = b.find(ctx, identity)
		return h, false, err
	case errors.As(err, &no):
		return h, false, no
	case err != nil:
		return h, false, fmt.Errorf("register order: %w", err)
	}
	b.moved()
	return h, true, nil
}

// orderParts is what makes two orders the same one.
func orderParts(license credentials.Handle, o client.OrderRequest) []string {
	parts := []string{"order", license.String(), string(o.Action), o.Effective.Format(time.RFC3339), o.Reason}
	if o.Until != "" {
		parts = append(parts, "until", string(o.Until))
	}
	for _, r := range o.Restrictions {
		parts = append(parts, "restriction", r)
	}
	for _, h := range o.Upon {
		parts = append(parts, "upon", h.String())
	}
	if o.Holder != "" {
		parts = append(parts, "holder", string(o.Holder))
	}
	return parts
}

// ordered reads a license and what was ordered upon it, as the register has it,
// or sql.ErrNoRows.
func ordered(tx *sqldb.Tx, license credentials.Handle) (l credentials.License, orders []credentials.Order, err error) {
	rows, err := tx.Query(`SELECT kind, token FROM register_event WHERE license = $1 ORDER BY sequence`, license.String())
	if err != nil {
		return l, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var kind, token string
		if err := rows.Scan(&kind, &token); err != nil {
			return l, nil, err
		}
		if client.EventKind(kind) == client.EventLicense {
			l, err = ownSubject[credentials.License](token)
		} else {
			var o credentials.Order
			o, err = ownSubject[credentials.Order](token)
			orders = append(orders, o)
		}
		if err != nil {
			return l, nil, fmt.Errorf("read register: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return l, nil, err
	}
	if l.Handle.IsZero() {
		return l, nil, sql.ErrNoRows
	}
	return l, orders, nil
}

// ownSubject reads what the board itself signed and keeps in its own register.
// Others verify it; the key may have been handed over since.
func ownSubject[T any](token string) (subject T, err error) {
	var doc struct {
		Subject T `json:"credentialSubject"`
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return subject, errors.New("not a token")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return subject, err
	}
	err = json.Unmarshal(payload, &doc)
	return doc.Subject, err
}
