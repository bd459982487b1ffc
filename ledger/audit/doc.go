// Package audit reads whole logs and believes nothing of them: it re-hashes
// every tile and entry against a checkpoint and names what does not fit, copies
// a log into a folder that others read, and follows a log and its witnesses to
// find out whether they show two histories.
//
// What it reads is any log that follows c2sp.org/tlog-tiles, over HTTP or in a
// folder; whose checkpoints count is for its caller to say. Memory stays the
// same however long the log is.
//
// It holds no key and signs nothing, writes only the folder or the state file
// that it was given, and never calls a log whole that it has not read.
package audit
