package board

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/problem"
	"github.com/countersign-health/countersign/standing"
)

// standingPatience is how long what waits for its receipt may hold the feed's
// time back before the board no longer answers by it.
const standingPatience = 5 * time.Minute

// maxActs bounds what is read of one clinician.
const maxActs = 1000

// standing answers by the register, as far as the feed shows it: what the ledger
// does not have yet was known to nobody else.
func (b *Board) standing() http.Handler {
	receipts := &standing.Receipts{Proofs: b.Proofs}
	d := &standing.Door{Signer: b.signer, Patience: standingPatience, Now: b.Now, Log: b.Log, Stands: b.keyStands,
		Read: func(ctx context.Context, npi credentials.NPI, state string) (standing.Record, error) {
			return b.settledStanding(ctx, receipts, npi, state)
		}}
	return d.Handler()
}

// keyStands says why what the board signs now would be believed by nobody. A
// ledger that does not answer has no say in it.
func (b *Board) keyStands() error {
	if b.PartyKeys == nil {
		return nil
	}
	keys, err := b.PartyKeys(b.did)
	if err != nil {
		return nil
	}
	return ledger.StandsNow(keys, b.signer.KeyID())
}

// settleWithin is how long an answer waits for an act upon its clinician that is
// on its way to the ledger; it mostly takes a fraction of a second.
const settleWithin = 5 * time.Second

func (b *Board) settledStanding(ctx context.Context, receipts *standing.Receipts, npi credentials.NPI, state string) (standing.Record, error) {
	enough, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	stop := context.AfterFunc(b.work, cancel)
	defer stop()
	for {
		moved := b.nextMove()
		r, err := b.standingOf(ctx, receipts, npi, state)
		if err != nil || !r.Waits() || !wait(enough, moved, pollEvery) {
			return r, err
		}
	}
}

func (b *Board) standingOf(ctx context.Context, receipts *standing.Receipts, npi credentials.NPI, state string) (r standing.Record, err error) {
	if state != b.Jurisdiction {
		return r, problem.New(http.StatusNotFound, "state", "another board's affair", "this board answers for %s alone", b.Jurisdiction)
	}
	head, err := b.head(ctx)
	if err != nil {
		return r, fmt.Errorf("read head of feed: %w", err)
	}
	r.Feeds = []credentials.FeedMark{{Board: b.did, Position: head.Index + 1, Read: head.Time, Fresh: true}}
	rows, err := b.db.Query(ctx, `
		SELECT e.sequence, e.document, e.kind, e.token, coalesce(n.entry, e.entry), r.receipt, e.made
		FROM register_event e JOIN register_license l ON l.handle = e.license
		LEFT JOIN register_anew n ON n.sequence = e.sequence LEFT JOIN register_receipt r ON r.sequence = e.sequence
		WHERE l.npi = $1 ORDER BY e.sequence LIMIT $2`, string(npi), maxActs+1)
	if err != nil {
		return r, fmt.Errorf("read register: %w", err)
	}
	defer rows.Close()
	for n := 1; rows.Next(); n++ {
		if n > maxActs {
			return r, errors.New("more acts upon one clinician than can be answered by")
		}
		var sequence, made int64
		var handle, kind string
		var d standing.Document
		if err := rows.Scan(&sequence, &handle, &kind, &d.Token, &d.Entry, &d.Receipt, &made); err != nil {
			return r, fmt.Errorf("read register: %w", err)
		}
		if sequence > head.Sequence {
			r.Wait(time.UnixMicro(made))
			continue
		}
		if d.Handle, err = credentials.ParseHandle(handle); err != nil {
			return r, fmt.Errorf("read register: %w", err)
		}
		d.Order = client.EventKind(kind) == client.EventOrder
		if err := r.Add(ctx, receipts, d); err != nil {
			return r, fmt.Errorf("read register: %w", err)
		}
	}
	return r, rows.Err()
}
