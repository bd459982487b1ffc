package store_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store"
)

func aLetter(submission credentials.Handle, number int, words string, fromReviewer bool) books.LetterFile {
	return books.LetterFile{FromReviewer: fromReviewer, Token: "token of " + words, Letter: claims.Letter{
		Handle: handle(fmt.Sprint(submission, number, words, fromReviewer)), Subject: submission, Number: number, Words: words,
		Enclosures: []claims.Enclosure{{Name: "a.txt", MediaType: "text/plain", Body: []byte(words)}}}}
}

// TestLetters has letters kept while a claim waits, each once, and from either
// side no more than it may send.
func TestLetters(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		claim := h.receive("C1")
		send := func(number int, words string, fromReviewer bool) (books.LetterFile, bool, error) {
			return h.KeepLetter(ctx, aLetter(claim, number, words, fromReviewer))
		}
		if _, _, err := send(1, "early", false); !errors.Is(err, books.ErrNotWaiting) {
			t.Errorf("not decided yet: got %v", err)
		}
		h.settle(claim, claims.Pended)
		if _, _, err := send(2, "of none", false); !errors.Is(err, books.ErrNotWaiting) {
			t.Errorf("of a decision that there is none: got %v", err)
		}
		h.losing.Store(true)
		if _, _, err := send(1, "which day?", true); !errors.Is(err, errLost) {
			t.Fatal(err)
		}
		h.losing.Store(false)
		first := aLetter(claim, 1, "which day?", true)
		again := first
		again.Handle = handle("another") // sent again by somebody who never heard
		kept, twice, err := h.KeepLetter(ctx, again)
		if err != nil || !twice || kept.Handle != first.Handle {
			t.Errorf("the same again: got %+v, %t, %v", kept, twice, err)
		}
		if _, twice, err := send(1, "which day?", false); err != nil || twice {
			t.Errorf("the same words from the other side: got %t, %v", twice, err)
		}
		for i := 1; i < claims.MaxLetters; i++ {
			_, _, err := send(1, fmt.Sprint("page ", i), false)
			h.must(err)
		}
		if _, _, err := send(1, "one too many", false); !errors.Is(err, books.ErrLetters) {
			t.Errorf("got %v, want ErrLetters", err)
		}
		all, err := h.Letters(ctx, claim)
		if err != nil || len(all) != 1+claims.MaxLetters || !all[0].FromReviewer || all[1].FromReviewer || all[0].Words != "which day?" || all[0].Sent.IsZero() {
			t.Errorf("got %d letters, %v", len(all), err)
		}
		if x := all[0].Enclosures; len(x) != 1 || x[0].Name != "a.txt" || x[0].Body != nil {
			t.Errorf("a list has the documents' names alone: got %+v", x)
		}
		if l, err := h.Letter(ctx, first.Handle); err != nil || l.Token != "token of which day?" || l.Words != "which day?" {
			t.Errorf("got %+v, %v", l, err)
		}
		if _, err := h.Letter(ctx, handle("nobody's")); !errors.Is(err, books.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
		h.settle(claim, claims.Paid)
		if _, _, err := send(2, "thank you", false); !errors.Is(err, books.ErrNotWaiting) {
			t.Errorf("after it was paid: got %v", err)
		}
		if _, twice, err := h.KeepLetter(ctx, first); err != nil || !twice {
			t.Errorf("the first again, after it was paid: got %t, %v", twice, err)
		}
	})
}

// A claim that is open again and waits takes letters too; one that is only open
// does not.
func TestLettersOfReopened(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		claim := h.receive("C1")
		h.settle(claim, claims.Paid)
		_, _, err := h.Reopen(ctx, because(claim, books.CauseCorrection, "price"))
		h.must(err)
		if _, _, err := h.KeepLetter(ctx, aLetter(claim, 1, "w", false)); !errors.Is(err, books.ErrNotWaiting) {
			t.Errorf("it is being decided: got %v", err)
		}
		_, err = h.AnswerReopening(ctx, books.ReopeningAnswer{Submission: claim, Number: 1, State: books.ReopeningWaiting, Waits: "price-unknown", Fences: h.file(claim).Fences})
		h.must(err)
		if _, _, err := h.KeepLetter(ctx, aLetter(claim, 1, "w", false)); err != nil {
			t.Errorf("it waits: got %v", err)
		}
	})
}

// A letter about a claim of somebody who is enrolled later is theirs from then on,
// and can be read.
func TestLetterOfNewcomer(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		claim := h.receive("C1", by(claims.Person{MemberID: "N1", Last: "New", First: "Nell"}))
		h.settle(claim, claims.Pended)
		l := aLetter(claim, 1, "her card", false)
		_, _, err := h.KeepLetter(ctx, l)
		h.must(err)
		h.must(h.Enroll(ctx, []store.Member{{MemberID: "N1", Family: "N1", Last: "New", First: "Nell", Plan: "ppo", From: "2026-01-01"}}))
		h.file(claim) // which seals it for her
		if got, err := h.Letter(ctx, l.Handle); err != nil || got.Token != l.Token || got.Words != l.Words {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}
