// Package schemas holds the JSON Schemas of the signed documents, so that doors
// can hand them out. Nothing is judged by them: the types are stricter.
package schemas

import "embed"

// Files are KIND.1.json.
//
//go:embed *.1.json
var Files embed.FS
