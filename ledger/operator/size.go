package operator

import (
	"context"
	"fmt"
)

// Size is how many entries are ordered, whether or not they are final yet.
func (l *Log) Size(ctx context.Context) (int64, error) {
	size, _, err := l.head(ctx)
	if err != nil {
		return 0, fmt.Errorf("read size of ledger: %w", err)
	}
	return size, nil
}

// FinalSize is how many entries the newest final checkpoint covers that this
// operator knows of.
func (l *Log) FinalSize() int64 { return l.final.size() }
