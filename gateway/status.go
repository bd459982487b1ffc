package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/statuslist"
)

// newLists are the insurer's status lists: what they say follows its books.
func (g *Gateway) newLists() *statuslist.Lists {
	return &statuslist.Lists{
		Base: g.URL, Signer: g.Signer, Life: g.ListLife, Purposes: credentials.DecisionPurposes[:],
		Version: func(ctx context.Context, number int64) (int64, error) {
			version, err := g.Books.StatusVersion(ctx, number)
			if errors.Is(err, books.ErrNotFound) {
				err = statuslist.ErrNone
			}
			return version, err
		},
		Bits: g.statusBits,
	}
}

// currentList is a list as it has to be now. By a clock that is off none is
// given out: one dated behind would be refused, and one dated ahead would
// outlive its time.
func (g *Gateway) currentList(ctx context.Context, n statuslist.Name) (l statuslist.Signed, now time.Time, err error) {
	if g.URL == "" {
		return l, now, statuslist.ErrNone
	}
	if g.Clock != nil {
		if err := g.Clock(); err != nil {
			return l, now, fmt.Errorf("sign status list: %w", err)
		}
	}
	now = g.Now()
	l, err = g.lists.Current(ctx, n, now)
	return l, now, err
}

// statusBits are the decisions of a list that others have followed. That
// changes by nothing but a receipt.
func (g *Gateway) statusBits(ctx context.Context, n statuslist.Name, _ time.Time) (bits *credentials.StatusList, next time.Time, err error) {
	bits = credentials.NewStatusList(1)
	if n.Purpose == credentials.PurposeMessage {
		bits = credentials.NewStatusList(credentials.MessageSize)
	}
	followed, err := g.Books.Followed(ctx, n.Number)
	if err != nil {
		return nil, next, err
	}
	column := slices.Index(credentials.DecisionPurposes[:], n.Purpose)
	for _, f := range followed {
		value := 1
		if n.Purpose == credentials.PurposeMessage {
			value = f.Message
		}
		if err := bits.Set(f.At[column], value); err != nil {
			return nil, next, err
		}
	}
	return bits, next, nil
}

// getStatus serves a status list to anybody, as the board serves its own.
func (g *Gateway) getStatus(w http.ResponseWriter, r *http.Request) {
	name, err := statuslist.ParseName(r.PathValue("purpose"), r.PathValue("list"))
	if err != nil {
		g.answer(w, r, nil, refuse(http.StatusBadRequest, "%v", err))
		return
	}
	l, now, err := g.currentList(r.Context(), name)
	if errors.Is(err, statuslist.ErrNone) {
		err = refuse(http.StatusNotFound, "there is no such status list here")
	}
	if err != nil {
		g.answer(w, r, nil, err)
		return
	}
	w.Header().Set("Content-Type", "application/vc+jwt")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "public, max-age="+strconv.Itoa(int(l.Keep(now)/time.Second)))
	io.WriteString(w, l.Token)
}
