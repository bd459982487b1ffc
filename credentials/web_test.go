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
