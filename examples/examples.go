// Package examples holds the plan, the fees, the members, the clinicians, the
// claims and the requests with which the demonstration runs. They are files
// that a person can read and change. Everybody in them is made up, every NPI
// starts with 2, which no person's does yet, and no rule ever reads them.
package examples

import "embed"

// Files are the examples by name.
//
//go:embed *.yaml *.csv *.837 *.json
var Files embed.FS
