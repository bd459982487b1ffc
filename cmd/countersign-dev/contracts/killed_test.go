package contracts

import (
	"context"

	"github.com/countersign-health/countersign/cmd/countersign-dev/faults"
)

func work(ctx context.Context, j faults.Job) error { return nil }
