package books

import (
	"fmt"
	"strings"
	"time"
)

// A Word is what another house's clock said. It was asked and had answered so
// long ago by a clock that only counts, which setting ours does not move; it
// looked at its own clock somewhere in between.
type Word struct {
	Who             string
	Said            time.Time
	Asked, Answered time.Duration
}

// wordLife is for how long a word is held against ours. A machine that was
// suspended has not counted that time and accuses itself, until it hears
// somebody or for so long.
const wordLife = 10 * time.Minute

// CompareClocks holds a clock that shows now against the words of others. The
// error is a *ClockError where it is off for sure: by more than ClockSkew, and
// in the same direction, by every word that is not too old. One other clock that
// agrees is enough to believe it; so are two that contradict each other, and so
// is silence, since a house has to be able to work while others are away.
func CompareClocks(now time.Time, words []Word) error {
	var off ClockError
	for _, w := range words {
		if w.Answered > wordLife {
			continue
		}
		by := w.ahead(now)
		if by == 0 || off.By != 0 && (by > 0) != (off.By > 0) {
			return nil
		}
		if off.By == 0 || by.Abs() < off.By.Abs() {
			off.By = by
		}
		off.Who = append(off.Who, w.Who)
	}
	if off.By == 0 {
		return nil
	}
	return &off
}

// ahead is by how much, for sure, a clock that shows now is ahead of the word's:
// less than nothing where it is behind, and nothing where the two may agree.
func (w Word) ahead(now time.Time) time.Duration {
	if least := now.Add(-w.Asked).Sub(w.Said); least > ClockSkew {
		return least
	}
	if most := now.Add(-w.Answered).Sub(w.Said); most < -ClockSkew {
		return most
	}
	return 0
}

// A ClockError says that this house's clock is off. Whatever it dated would be
// refused by others for good, and what is fresh it cannot tell: so nothing is
// decided, signed or paid by it, and everything waits until it is right.
type ClockError struct {
	By  time.Duration // ahead, at least; less than nothing: behind
	Who []string      // by whose word
}

func (e *ClockError) Error() string {
	direction := "ahead of"
	if e.By < 0 {
		direction = "behind"
	}
	return fmt.Sprintf("this house's clock is at least %s %s %s: nothing is decided, signed or paid until it is right; set it, and run NTP",
		e.By.Abs().Round(time.Second), direction, strings.Join(e.Who, " and "))
}
