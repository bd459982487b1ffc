package audit

import "testing"

// A log on this machine is asked for its bundles as they are, any other for
// packed ones.
func TestOnThisMachine(t *testing.T) {
	for address, want := range map[string]bool{
		"http://127.0.0.1:8103": true, "http://127.8.8.8/log": true, "http://localhost:80/": true, "https://[::1]:8103/x": true,
		"https://ledger.example": false, "http://10.0.0.1:8103": false, "https://localhost.example": false, "http://127.0.0.1.example": false, "http://%": false,
	} {
		if got := onThisMachine(address); got != want {
			t.Errorf("%s: got %v, want %v", address, got, want)
		}
	}
}
