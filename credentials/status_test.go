package credentials

import (
	"bytes"
	"compress/gzip"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestStatusList(t *testing.T) {
	l := NewStatusList(1)
	set := map[int]bool{0: true, 7: true, 8: true, 4711: true, StatusListSize - 1: true}
	for i := range set {
		if err := l.Set(i, 1); err != nil {
			t.Fatal(err)
		}
	}
	if l.bits[0] != 0x81 || l.bits[1] != 0x80 {
		t.Errorf("the first two bytes are %08b: index 0 is the left-most bit", l.bits[:2])
	}
	back, err := DecodeStatusList(l.Encode())
	if err != nil {
		t.Fatal(err)
	}
	for i := range StatusListSize {
		if got, err := back.Get(i); err != nil || (got == 1) != set[i] {
			t.Fatalf("Get(%d) = %d, %v; want %v", i, got, err, set[i])
		}
	}
	for _, i := range []int{-1, StatusListSize, 1 << 40} {
		if err := l.Set(i, 1); err == nil {
			t.Errorf("Set(%d) accepted", i)
		}
		if got, err := l.Get(i); err == nil {
			t.Errorf("Get(%d) = %v: a place outside is not a no", i, got)
		}
	}
}

// A list of random bits does not compress; it still has to fit the bounds.
func TestStatusListOfNoise(t *testing.T) {
	l := NewStatusList(maxStatusSize)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range l.bits {
		l.bits[i] = byte(r.Uint32())
	}
	back, err := DecodeStatusList(l.Encode())
	if err != nil || !back.Equal(l) {
		t.Errorf("round trip: %v", err)
	}
}

func packed(b []byte) string {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	w.Write(b)
	w.Close()
	return "u" + b64.EncodeToString(buf.Bytes())
}

func TestDecodeStatusListRefuses(t *testing.T) {
	good := NewStatusList(1).Encode()
	raw, err := b64.DecodeString(good[1:])
	if err != nil {
		t.Fatal(err)
	}
	nothing, err := b64.DecodeString(packed(nil)[1:]) // a member of gzip; others may stand before it
	if err != nil {
		t.Fatal(err)
	}
	long := append(bytes.Clone(raw), bytes.Repeat(nothing, maxEncodedList/len(nothing))...)
	broken := bytes.Clone(raw)
	broken[len(broken)-5] ^= 1 // in the checksum
	for name, s := range map[string]string{
		"empty":                              "",
		"only u":                             "u",
		"no multibase":                       good[1:],
		"base58":                             "z" + good[1:],
		"padding":                            good + "=",
		"not base64url":                      "u" + strings.Repeat("+", 40),
		"not gzip":                           "u" + b64.EncodeToString([]byte("hello")),
		"cut":                                good[:len(good)-8],
		"checksum":                           "u" + b64.EncodeToString(broken),
		"data behind":                        "u" + b64.EncodeToString(append(bytes.Clone(raw), 'x')),
		"one byte less":                      packed(make([]byte, StatusListSize/8-1)),
		"one byte more":                      packed(make([]byte, StatusListSize/8+1)),
		"no entries":                         packed(nil),
		"bomb of 20 MB":                      packed(make([]byte, 20<<20)),
		"a good one, and members of nothing": "u" + b64.EncodeToString(long),
		"larger than all":                    "u" + strings.Repeat("A", maxEncodedList),
	} {
		if _, err := DecodeStatusList(s); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// A bomb must not even be unpacked: 20 MB of zeros in 20 kB.
func TestDecodeStatusListBomb(t *testing.T) {
	bomb := packed(make([]byte, 20<<20))
	if len(bomb) > maxEncodedList {
		t.Fatalf("the bomb has %d characters and is refused by length alone", len(bomb))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := DecodeStatusList(bomb); err == nil {
		t.Error("accepted")
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("refusing a bomb of 20 MB allocated %d bytes", n)
	}
}

func TestStatusListCorpus(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(corpus(t, "vc/vc-bitstring-status-list"), "spec-examples.txt"))
	if err != nil {
		t.Fatal(err)
	}
	lists := regexp.MustCompile(`"encodedList": "([^"]+)"`).FindAllSubmatch(b, -1)
	if len(lists) == 0 {
		t.Fatal("the examples hold no list")
	}
	for _, m := range lists {
		l, err := DecodeStatusList(string(m[1]))
		if err != nil {
			t.Errorf("W3C's example list: %v", err)
		} else if !l.Equal(NewStatusList(1)) {
			t.Error("W3C's example list is not empty")
		}
	}
}

func TestOpenStatusList(t *testing.T) {
	const listURL = "https://board.example/status/1"
	board, other := NewSigner("", testKey(1)), NewSigner("", testKey(2))
	issuer := KeyDID(pubOf(testKey(1)))
	from, until := testTime, testTime.Add(5*time.Minute)
	list := NewStatusList(1)
	if err := list.Set(5, 1); err != nil {
		t.Fatal(err)
	}
	signed := func(s Signer, at string) string {
		token, err := IssueStatusList(s, handle(9), PurposeRevocation, at, list, from, until)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	noEnd, err := Issue(board, KindStatusList, handle(9), from, nil, StatusListSubject{ID: listURL + "#list", Type: statusListType, Purpose: PurposeRevocation, Encoded: list.Encode()})
	if err != nil {
		t.Fatal(err)
	}
	good := signed(board, listURL)
	says := func(s StatusListSubject) string {
		token, err := issue(board, KindStatusList, handle(9), from, &until, nil, s)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	e := NewStatusEntry(PurposeRevocation, listURL, 5)
	entry := &e
	got, err := OpenStatusList(good, issuer, entry, from, ResolveDIDKey)
	if err != nil {
		t.Fatal(err)
	}
	if revoked, err := got.Get(5); err != nil || revoked != 1 {
		t.Errorf("Get(5) = %v, %v", revoked, err)
	}
	for name, open := range map[string]func() (*StatusList, error){
		"before it is valid": func() (*StatusList, error) {
			return OpenStatusList(good, issuer, entry, from.Add(-time.Second), ResolveDIDKey)
		},
		"stale": func() (*StatusList, error) {
			return OpenStatusList(good, issuer, entry, until.Add(time.Second), ResolveDIDKey)
		},
		"another issuer": func() (*StatusList, error) {
			return OpenStatusList(signed(other, listURL), issuer, entry, from, ResolveDIDKey)
		},
		"another list": func() (*StatusList, error) {
			return OpenStatusList(signed(board, "https://board.example/status/2"), issuer, entry, from, ResolveDIDKey)
		},
		"without an end": func() (*StatusList, error) { return OpenStatusList(noEnd, issuer, entry, from, ResolveDIDKey) },
		"another's, in the issuer's name": func() (*StatusList, error) {
			return OpenStatusList(forge(testKey(2), goodHeader(testKey(2)), payloadOf(t, good)), issuer, entry, from, ResolveDIDKey)
		},
		"of another type": func() (*StatusList, error) {
			return OpenStatusList(says(StatusListSubject{ID: listURL + "#list", Type: "StatusList2021", Purpose: PurposeRevocation, Encoded: list.Encode()}), issuer, entry, from, ResolveDIDKey)
		},
		"not unpacked": func() (*StatusList, error) {
			return OpenStatusList(says(StatusListSubject{ID: listURL + "#list", Type: statusListType, Purpose: PurposeRevocation, Encoded: "u"}), issuer, entry, from, ResolveDIDKey)
		},
		"under another name": func() (*StatusList, error) {
			return OpenStatusList(says(StatusListSubject{ID: listURL, Type: statusListType, Purpose: PurposeRevocation, Encoded: list.Encode()}), issuer, entry, from, ResolveDIDKey)
		},
		"with a time to live of less than nothing": func() (*StatusList, error) {
			return OpenStatusList(says(StatusListSubject{ID: listURL + "#list", Type: statusListType, Purpose: PurposeRevocation, Encoded: list.Encode(), TTL: -1}), issuer, entry, from, ResolveDIDKey)
		},
		"a license for it": func() (*StatusList, error) {
			return OpenStatusList(testToken(t, testKey(1)), issuer, entry, from, ResolveDIDKey)
		},
	} {
		if _, err := open(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
