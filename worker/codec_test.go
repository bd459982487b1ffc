package worker

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"
)

const secretText = "member 12345, diagnosis E11.9"

func key(id string, fill byte) Key {
	return Key{ID: id, Secret: [32]byte(bytes.Repeat([]byte{fill}, 32))}
}

func newCodec(t *testing.T, keys ...Key) converter.PayloadCodec {
	t.Helper()
	c, err := NewCodec(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCodecRoundTrip(t *testing.T) {
	type fact struct {
		Text  string
		Cents int64
	}
	dc := DataConverter(newCodec(t, key("2026", 1)))
	payloads, err := dc.ToPayloads(fact{secretText, 1250}, nil, []byte{0, 1, 2}, "")
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range payloads.Payloads {
		if wire, _ := proto.Marshal(p); bytes.Contains(wire, []byte("E11.9")) || bytes.Contains(wire, []byte("json/plain")) {
			t.Errorf("payload %d shows its content: %q", i, wire)
		}
		if got := string(p.Metadata[metadataKeyID]); got != "2026" {
			t.Errorf("payload %d: key id %q, want 2026", i, got)
		}
	}
	var gotFact fact
	var gotNil *fact
	var gotBytes []byte
	gotText := "untouched"
	if err := dc.FromPayloads(payloads, &gotFact, &gotNil, &gotBytes, &gotText); err != nil {
		t.Fatal(err)
	}
	if gotFact != (fact{secretText, 1250}) || gotNil != nil || !bytes.Equal(gotBytes, []byte{0, 1, 2}) || gotText != "" {
		t.Errorf("got %v, %v, %v, %q", gotFact, gotNil, gotBytes, gotText)
	}
}

func TestCodecSameTextTwice(t *testing.T) {
	dc := DataConverter(newCodec(t, key("a", 1)))
	one, _ := dc.ToPayload(secretText)
	two, _ := dc.ToPayload(secretText)
	if bytes.Equal(one.Data, two.Data) {
		t.Error("the same text gave the same bytes twice: whoever reads histories can tell equal claims")
	}
}

func TestCodecKeyChange(t *testing.T) {
	before := DataConverter(newCodec(t, key("old", 1)))
	after := DataConverter(newCodec(t, key("new", 2), key("old", 1)))
	sealed, _ := before.ToPayload(secretText)
	var got string
	if err := after.FromPayload(sealed, &got); err != nil || got != secretText {
		t.Errorf("old payload under the new keys: got %q, %v", got, err)
	}
	sealed, _ = after.ToPayload(secretText)
	if id := string(sealed.Metadata[metadataKeyID]); id != "new" {
		t.Errorf("sealed with key %q, want new", id)
	}
}

func TestCodecRefuses(t *testing.T) {
	seal := func() *commonpb.Payload {
		p, err := DataConverter(newCodec(t, key("a", 1))).ToPayload(secretText)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	plain, _ := converter.GetDefaultDataConverter().ToPayload(secretText)
	change := func(f func(*commonpb.Payload)) *commonpb.Payload {
		p := seal()
		f(p)
		return p
	}
	both := []Key{key("a", 1), key("b", 1)} // the same secret under two names: only the bound id tells them apart
	for _, test := range []struct {
		name    string
		payload *commonpb.Payload
		keys    []Key
		want    string
	}{
		{"plain text", plain, both, `not encrypted (encoding "json/plain")`},
		{"no metadata", &commonpb.Payload{}, both, `not encrypted (encoding "")`},
		{"wrong key under the same id", seal(), []Key{key("a", 9)}, `key "a" differs`},
		{"unknown key id", seal(), []Key{key("z", 1)}, `key "a" is not among ours`},
		{"another key id", change(func(p *commonpb.Payload) { p.Metadata[metadataKeyID] = []byte("b") }), both, "it was changed"},
		{"no key id", change(func(p *commonpb.Payload) { delete(p.Metadata, metadataKeyID) }), both, `key "" is not among ours`},
		{"another encoding", change(func(p *commonpb.Payload) { p.Metadata["encoding"] = []byte("json/plain") }), both, "not encrypted"},
		{"empty", change(func(p *commonpb.Payload) { p.Data = nil }), both, "cut short"},
		{"salt only", change(func(p *commonpb.Payload) { p.Data = p.Data[:saltSize] }), both, "it was changed"},
		{"cut", change(func(p *commonpb.Payload) { p.Data = p.Data[:len(p.Data)-1] }), both, "it was changed"},
		{"longer", change(func(p *commonpb.Payload) { p.Data = append(p.Data, 0) }), both, "it was changed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got string
			err := DataConverter(newCodec(t, test.keys...)).FromPayload(test.payload, &got)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if got != "" || (err != nil && strings.Contains(err.Error(), "E11.9")) {
				t.Errorf("content leaked: %q, %v", got, err)
			}
		})
	}
}

func TestCodecRefusesEveryFlippedByte(t *testing.T) {
	dc := DataConverter(newCodec(t, key("a", 1)))
	sealed, _ := dc.ToPayload(secretText)
	for i := range sealed.Data {
		sealed.Data[i] ^= 1
		var got string
		if err := dc.FromPayload(sealed, &got); err == nil {
			t.Errorf("byte %d changed, and decoded to %q", i, got)
		}
		sealed.Data[i] ^= 1
	}
}

func TestNewCodecRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		keys []Key
		want string
	}{
		{"none", nil, "no key given"},
		{"no id", []Key{key("a", 1), key("", 2)}, "key 2 has no id"},
		{"zero secret", []Key{{ID: "a"}}, "all zeros"},
		{"same id", []Key{key("a", 1), key("a", 2)}, `two keys are named "a"`},
	} {
		if _, err := NewCodec(test.keys...); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

func TestFailureIsEncrypted(t *testing.T) {
	fc := FailureConverter(newCodec(t, key("a", 1)))
	cause := errors.New("no coverage for " + secretText)
	failure := fc.ErrorToFailure(temporal.NewNonRetryableApplicationError("open claim of "+secretText, "Refused", cause, secretText))
	if wire, _ := proto.Marshal(failure); bytes.Contains(wire, []byte("E11.9")) {
		t.Errorf("the failure shows its text: %q", wire)
	}
	err := fc.FailureToError(failure)
	if wire, _ := proto.Marshal(failure); bytes.Contains(wire, []byte("E11.9")) {
		t.Errorf("reading the failure opened it, for whoever writes it next: %q", wire)
	}
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || app.Type() != "Refused" || !app.NonRetryable() || !strings.Contains(err.Error(), secretText) {
		t.Fatalf("got %v", err)
	}
	var detail string
	if err := app.Details(&detail); err != nil || detail != secretText {
		t.Errorf("detail: got %q, %v", detail, err)
	}
}

func TestKeyHidesItsSecret(t *testing.T) {
	k := key("2026", 'S')
	var log bytes.Buffer
	noTime := func(_ []string, a slog.Attr) slog.Attr { // its digits could be those of the secret
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: noTime})).Info("keys", "key", k)
	for _, text := range []string{fmt.Sprint(k), fmt.Sprintf("%+v %#v %x %q", k, k, k, []Key{k}), log.String()} {
		if strings.Contains(text, "SS") || strings.Contains(text, "5353") || strings.Contains(text, "83") || !strings.Contains(text, "2026") {
			t.Errorf("got %s", text)
		}
	}
}

func FuzzDecode(f *testing.F) {
	c, err := NewCodec(key("a", 1))
	if err != nil {
		f.Fatal(err)
	}
	sealed, _ := DataConverter(c).ToPayload(secretText)
	f.Add(encodingEncrypted, "a", sealed.Data)
	f.Add("json/plain", "", []byte(`"x"`))
	f.Fuzz(func(t *testing.T, encoding, id string, data []byte) {
		p := &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte(encoding), metadataKeyID: []byte(id)}, Data: data}
		opened, err := c.Decode([]*commonpb.Payload{p})
		if err == nil && string(opened[0].Data) != `"`+secretText+`"` {
			t.Errorf("decoded what nobody sealed: %q %q %x", encoding, id, data)
		}
	})
}
