package books_test

import (
	"testing"
	"time"

	"github.com/countersign-health/countersign/books"
)

func TestFresh(t *testing.T) {
	now := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	for age, want := range map[time.Duration]bool{
		0: true, 5 * time.Minute: true, 5*time.Minute + 1: false, 24 * time.Hour: false,
		-time.Minute: true, -time.Minute - 1: false, -time.Hour: false,
	} {
		if got := books.Fresh(now.Add(-age), now, 5*time.Minute); got != want {
			t.Errorf("read %s ago: got %v, want %v", age, got, want)
		}
	}
	if books.Fresh(time.Time{}, now, 5*time.Minute) {
		t.Error("a feed that was never read is fresh")
	}
}
