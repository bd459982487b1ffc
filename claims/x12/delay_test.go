package x12

import (
	"strings"
	"testing"
)

// The reason for a delay (CLM20) is read with the claim that gives it.
func TestDelayReason(t *testing.T) {
	text := sound()
	at := strings.Index(text, "CLM*C1")
	end := at + strings.IndexByte(text[at:], '~')
	clm := text[at:end]
	text = text[:end] + strings.Repeat("*", 20-strings.Count(clm, "*")) + "8" + text[end:]
	f, got := readAll(t, text)
	if len(f.Refusals) > 0 || len(got) != 2 || got[0].Claim.DelayReason != "8" || got[1].Claim.DelayReason != "" {
		t.Fatalf("got %+v, %+v", f, got)
	}
}
