package worker

import (
	"errors"
	"testing"

	"go.temporal.io/api/serviceerror"
)

func TestOnceKnown(t *testing.T) {
	other := errors.New("another")
	for _, test := range []struct {
		answers []error
		want    error
	}{
		{[]error{serviceerror.NewNamespaceNotFound("insurer"), nil}, nil},
		{[]error{serviceerror.NewNamespaceNotFound("insurer"), other}, other},
		{[]error{other, nil}, other},
	} {
		asked := 0
		got := onceKnown(t.Context(), func() error { asked++; return test.answers[asked-1] })
		if got != test.want {
			t.Errorf("%v: got %v, want %v", test.answers, got, test.want)
		}
	}
}
