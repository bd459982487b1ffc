// Package problem is how doors that others' programs ask refuse a request:
// RFC 9457, application/problem+json. What it says is one line for a person and
// one URN for a program; it never repeats what was sent.
package problem

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// Media is the type of an answer that is a Problem.
const Media = "application/problem+json"

// urn stands before the word that tells programs what is wrong.
const urn = "urn:countersign:problem:"

// A Problem is why a request was refused.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// Error is the problem in one line.
func (p *Problem) Error() string {
	if p.Detail == "" {
		return p.Title
	}
	return p.Title + ": " + p.Detail
}

// New is a problem by its word, such as "question".
func New(status int, word, title, format string, args ...any) *Problem {
	return &Problem{Type: urn + word, Title: title, Status: status, Detail: fmt.Sprintf(format, args...)}
}

// Write answers with the problem.
func (p *Problem) Write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", Media)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	if p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "2")
	}
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p)
}
