package credentials

import "testing"

func TestWebDID(t *testing.T) {
	for _, tt := range []struct{ address, want string }{
		{"https://board.example", "did:web:board.example"},
		{"https://board.example/", "did:web:board.example"},
		{"https://board.example:8443", "did:web:board.example%3A8443"},
		{"http://127.0.0.1:8102", "did:web:127.0.0.1%3A8102"},
		{"https://state.example/boards/ma", "did:web:state.example:boards:ma"},
		{"https://state.example:8443/boards/ma/", "did:web:state.example%3A8443:boards:ma"},
		{"board.example", ""}, {"ftp://board.example", ""}, {"https://", ""}, {"https://Board.example", ""},
		{"https://me@board.example", ""}, {"https://board.example?x", ""}, {"https://board.example#x", ""},
		{"https://[::1]:80", ""}, {"https://board.example/a//b", ""}, {"https://board.example/../x", ""},
		{"https://board.example/a%2Fb", ""}, {"https://board.example/a:b", ""}, {"https://board.example/ä", ""},
	} {
		got, err := WebDID(tt.address)
		if string(got) != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("WebDID(%q) = %q, %v; want %q", tt.address, got, err, tt.want)
		}
	}
}

// Where a document is asked for: by https, at a name, and by http on this
// machine alone.
func TestWebDocumentAddress(t *testing.T) {
	for _, tt := range []struct{ did, want, local string }{
		{"did:web:board.example", "https://board.example/.well-known/did.json", ""},
		{"did:web:board.example%3A8443", "https://board.example:8443/.well-known/did.json", ""},
		{"did:web:state.example:boards:ma", "https://state.example/boards/ma/did.json", ""},
		{"did:web:state.example%3A8443:ma", "https://state.example:8443/ma/did.json", ""},
		{"did:web:xn--bcher-kva.example", "https://xn--bcher-kva.example/.well-known/did.json", ""},
		{"did:web:localhost%3A8102", "", "http://localhost:8102/.well-known/did.json"},
		{"did:web:127.0.0.1%3A8102:ma", "", "http://127.0.0.1:8102/ma/did.json"},
		{"did:web:127.0.0.1", "", "http://127.0.0.1/.well-known/did.json"},
		{"did:key:z6Mk", "", ""}, {"did:web:", "", ""}, {"did:web:localhost", "", "http://localhost/.well-known/did.json"}, {"did:web:metadata", "", ""},
		{"did:web:10.0.0.1", "", ""}, {"did:web:169.254.169.254", "", ""}, {"did:web:2130706433", "", ""}, {"did:web:127.1", "", ""}, {"did:web:0x7f.0x1", "", ""}, {"did:web:0177.0.0.01", "", ""},
		{"did:web:127.0.0.2", "", ""}, {"did:web:localhost.", "", ""}, {"did:web:board.example.", "", ""}, {"did:web:.example", "", ""}, {"did:web:a..example", "", ""}, {"did:web:-a.example", "", ""},
		{"did:web:board.example%3A", "", ""}, {"did:web:board.example%3A0", "", ""}, {"did:web:board.example%3A080", "", ""}, {"did:web:board.example%3A65536", "", ""}, {"did:web:board.example%3Ax", "", ""},
		{"did:web:board.example%3A80%3A80", "", ""}, {"did:web:board.example%3a80", "", ""}, {"did:web:Board.example", "", ""}, {"did:web:b%40evil.example", "", ""}, {"did:web:b@evil.example", "", ""},
		{"did:web:a%2Fb.example", "", ""}, {"did:web:a.example%3F", "", ""}, {"did:web:[::1]", "", ""}, {"did:web:a.example:", "", ""}, {"did:web:a.example::b", "", ""}, {"did:web:a.example:..", "", ""},
		{"did:web:a.example:%2e%2e", "", ""}, {"did:web:a.example:b%2Fc", "", ""}, {"did:web:a.example:b/c", "", ""}, {"did:web:a.example:b?c", "", ""}, {"did:web:ä.example", "", ""},
	} {
		for _, loopback := range []bool{false, true} {
			want := tt.want
			if loopback && tt.local != "" {
				want = tt.local
			}
			if got, err := WebDocument(DID(tt.did), loopback); got != want || (err == nil) != (want != "") {
				t.Errorf("%s, loopback %v: got %q, %v; want %q", tt.did, loopback, got, err, want)
			}
		}
	}
}
