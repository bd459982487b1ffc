package books

import "time"

// ClockSkew is how far the clocks of two houses may differ: less, and nobody
// notices; more, and what one says of the time proves nothing to the other.
const ClockSkew = time.Minute

// Fresh says whether a board's word that was read at a moment still counts. One
// that is too old does not; neither does one from the future, since then a clock
// is wrong, and how old it is nobody knows.
func Fresh(read, now time.Time, patience time.Duration) bool {
	age := now.Sub(read)
	return age <= patience && age >= -ClockSkew
}
