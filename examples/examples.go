// Package examples holds the plan, the fees, the claims and the requests with
// which the demonstration runs. They are files that a person can read and change.
package examples

import "embed"

// Files are the examples by name.
//
//go:embed *.yaml *.csv *.837 *.json
var Files embed.FS
