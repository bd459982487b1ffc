package worker

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	commonpb "go.temporal.io/api/common/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"
)

const (
	encodingEncrypted = "binary/countersign-aes-256-gcm"
	metadataKeyID     = "countersign-key-id"
	saltSize          = 16
)

// Key is one payload key of the insurer. Its ID travels in clear with every payload, its Secret never leaves the process.
type Key struct {
	ID     string
	Secret [32]byte
}

// Format keeps the secret out of logs and error texts, whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, "payload key "+k.ID) }

// NewCodec encrypts all that Temporal carries for us: arguments, results, signals, updates, memos, markers. It encrypts with
// the first key and decrypts with any, so that a new key goes in at the end everywhere, then to the front, and the old one
// goes out once histories sealed under it are past their retention.
//
// It fails closed: a payload that is not encrypted is refused, since whoever could put one into a history could make a
// contract act on it. Nothing plain reaches a codec by itself: search attributes go around it (SDK 1.50,
// internal_search_attributes.go), and so do the header and failures that the server makes. Search attributes, workflow ids
// and error types stay readable, so nothing personal belongs there.
func NewCodec(keys ...Key) (converter.PayloadCodec, error) {
	if len(keys) == 0 {
		return nil, errors.New("make payload codec: no key given")
	}
	c := codec{first: keys[0], byID: make(map[string]Key, len(keys))}
	for i, k := range keys {
		if k.ID == "" {
			return nil, fmt.Errorf("make payload codec: key %d has no id", i+1)
		}
		if k.Secret == [32]byte{} {
			return nil, fmt.Errorf("make payload codec: the secret of key %q is all zeros", k.ID)
		}
		if _, twice := c.byID[k.ID]; twice {
			return nil, fmt.Errorf("make payload codec: two keys are named %q", k.ID)
		}
		c.byID[k.ID] = k
	}
	return c, nil
}

// DataConverter is the default one behind the codec. Every client, worker and replayer has to use it.
func DataConverter(c converter.PayloadCodec) converter.DataConverter {
	return converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), c)
}

// FailureConverter encrypts error messages and stack traces too. The type of an application error stays readable: retry
// policies match on it.
func FailureConverter(c converter.PayloadCodec) converter.FailureConverter {
	return failureConverter{temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
		DataConverter:          DataConverter(c),
		EncodeCommonAttributes: true,
	})}
}

// failureConverter reads a copy. The SDK's own decrypts in place, and what it was given, the failure of a local activity,
// is then written into the history in clear text (seen with v1.50.0).
type failureConverter struct{ converter.FailureConverter }

func (c failureConverter) FailureToError(f *failurepb.Failure) error {
	return c.FailureConverter.FailureToError(proto.CloneOf(f))
}

type codec struct {
	first Key
	byID  map[string]Key
}

// Encode must not fail for want of anything outside: the SDK answers a memo that cannot be encoded by sending it plain.
// Neither the key nor crypto/rand can be missing here, and what we marshal was just made by a converter.
func (c codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	sealed := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		plain, err := proto.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("encrypt payload: %w", err)
		}
		salt := make([]byte, saltSize)
		rand.Read(salt)
		aead, err := c.first.aead(salt)
		if err != nil {
			return nil, fmt.Errorf("encrypt payload: %w", err)
		}
		sealed[i] = &commonpb.Payload{
			Metadata: map[string][]byte{
				converter.MetadataEncoding: []byte(encodingEncrypted),
				metadataKeyID:              []byte(c.first.ID),
			},
			Data: aead.Seal(salt, nil, plain, bound(c.first.ID)),
		}
	}
	return sealed, nil
}

// Decode opens what Encode sealed, and nothing else. Its errors tell nothing of what is inside.
func (c codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	opened := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		plain, err := c.open(p)
		if err != nil {
			return nil, fmt.Errorf("decrypt payload: %w", err)
		}
		opened[i] = &commonpb.Payload{}
		if err := proto.Unmarshal(plain, opened[i]); err != nil {
			return nil, errors.New("decrypt payload: no payload inside")
		}
	}
	return opened, nil
}

func (c codec) open(p *commonpb.Payload) ([]byte, error) {
	if encoding := string(p.GetMetadata()[converter.MetadataEncoding]); encoding != encodingEncrypted {
		return nil, fmt.Errorf("it is not encrypted (encoding %q): refused", encoding)
	}
	id := string(p.Metadata[metadataKeyID])
	key, ok := c.byID[id]
	if !ok {
		return nil, fmt.Errorf("key %q is not among ours: add it to the payload keys of this process", id)
	}
	if len(p.Data) < saltSize {
		return nil, errors.New("it is cut short")
	}
	aead, err := key.aead(p.Data[:saltSize])
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, p.Data[saltSize:], bound(id))
	if err != nil {
		return nil, fmt.Errorf("it was changed, or key %q differs from the one that sealed it", id)
	}
	return plain, nil
}

// aead derives a key for one payload. Under a single key, random 96-bit nonces are good for 2^32 payloads (NIST SP 800-38D
// section 8.3), which a large insurer spends in a few years; so each payload has its own.
func (k Key) aead(salt []byte) (cipher.AEAD, error) {
	derived, err := hkdf.Key(sha256.New, k.Secret[:], salt, "countersign temporal payload v1", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// bound is authenticated with the payload: the metadata that says how to read it.
func bound(keyID string) []byte { return []byte(encodingEncrypted + "\x00" + keyID) }
