package board

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
)

const mostWait = 60 * time.Second

var pageSize = 200 // a test makes it small

// feed waits up to most for an event after the sequence and returns a page.
func (b *Board) feed(ctx context.Context, after int64, most time.Duration) (p client.FeedPage, err error) {
	enough, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	stop := context.AfterFunc(b.work, cancel) // a board that closes keeps nobody waiting
	defer stop()
	for {
		moved := b.nextMove()
		if p, err = b.page(ctx, after); err != nil {
			return p, err
		}
		if len(p.Events) > 0 || p.Head.Sequence < after || !wait(enough, moved, pollEvery) {
			break
		}
	}
	p.Proof, err = credentials.Issue(b.signer, credentials.KindFeedHead, b.feedHandle(), b.Now(), nil, p.Prove(after))
	return p, err
}

// feedHandle names the feed itself, which is one for ever.
func (b *Board) feedHandle() credentials.Handle {
	return credentials.Handle(credentials.DigestOf([]byte("countersign board feed 1\n" + string(b.did))))
}

// page reads the head first: what is before it does not change any more.
func (b *Board) page(ctx context.Context, after int64) (p client.FeedPage, err error) {
	p.Events = []client.Event{}
	if p.Head, err = b.head(ctx); err != nil {
		return p, fmt.Errorf("read head of feed: %w", err)
	}
	rows, err := b.db.Query(ctx, `
		SELECT e.sequence, p.ledger_index, e.kind, e.token, r.receipt
		FROM register_event e JOIN register_place p ON p.sequence = e.sequence JOIN register_receipt r ON r.sequence = e.sequence
		WHERE e.sequence > $1 AND e.sequence <= $2 ORDER BY e.sequence LIMIT $3`, after, p.Head.Sequence, pageSize)
	if err != nil {
		return p, fmt.Errorf("read feed: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e client.Event
		if err := rows.Scan(&e.Sequence, &e.Index, &e.Kind, &e.Token, &e.Receipt); err != nil {
			return p, fmt.Errorf("read feed: %w", err)
		}
		p.Events = append(p.Events, e)
	}
	return p, rows.Err()
}

// head is the last event before which none waits for its receipt. While one
// waits, the feed is complete only up to the moment in which that one was made.
func (b *Board) head(ctx context.Context) (h client.Head, err error) {
	now := b.Now() // before looking: what commits while we look is later
	h = client.Head{Index: -1, Time: now.UTC().Truncate(time.Second)}
	if err := b.db.QueryRow(ctx, `SELECT value FROM register_counter WHERE name = 'proven'`).Scan(&h.Sequence); err != nil {
		return h, err
	}
	var made sql.NullInt64
	err = b.db.QueryRow(ctx, `SELECT min(made) FROM register_event WHERE sequence > $1`, h.Sequence).Scan(&made)
	if err != nil {
		return h, err
	}
	if t := time.UnixMicro(made.Int64).UTC().Truncate(time.Second); made.Valid && t.Before(h.Time) {
		h.Time = t
	}
	err = b.db.QueryRow(ctx, `SELECT ledger_index FROM register_place WHERE sequence = $1`, h.Sequence).Scan(&h.Index)
	if errors.Is(err, sql.ErrNoRows) && h.Sequence == 0 {
		return h, nil
	}
	return h, err
}
