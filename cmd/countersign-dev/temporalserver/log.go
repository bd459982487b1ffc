package temporalserver

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

// logger passes the server's warnings and worse on; the rest is of interest to its developers only.
type logger struct {
	to *slog.Logger
	// stopping silences it: a server that stops reports every poll it breaks off as a failure.
	stopping *atomic.Bool
}

var _ log.Logger = logger{}

func (logger) Debug(string, ...tag.Tag)             {}
func (logger) Info(string, ...tag.Tag)              {}
func (l logger) Warn(msg string, tags ...tag.Tag)   { l.log(slog.LevelWarn, msg, tags) }
func (l logger) Error(msg string, tags ...tag.Tag)  { l.log(slog.LevelError, msg, tags) }
func (l logger) DPanic(msg string, tags ...tag.Tag) { l.log(slog.LevelError, msg, tags) }
func (l logger) Panic(msg string, tags ...tag.Tag)  { l.log(slog.LevelError, msg, tags); panic(msg) }

// noNexus begins a warning at every start. We leave the HTTP door shut on purpose: any page in a browser on this machine
// could knock at it.
const noNexus = "HTTP API port has not been set"

// Fatal has to end the process: the server calls it where it cannot go on, and does not expect it to return.
func (l logger) Fatal(msg string, tags ...tag.Tag) {
	l.log(slog.LevelError, msg, tags)
	os.Stderr.WriteString("temporal server: " + msg + "\n")
	os.Exit(1)
}

func (l logger) log(level slog.Level, msg string, tags []tag.Tag) {
	ctx := context.Background()
	if l.stopping.Load() || !l.to.Enabled(ctx, level) || strings.HasPrefix(msg, noNexus) {
		return
	}
	attrs := make([]slog.Attr, len(tags))
	for i, t := range tags {
		attrs[i] = slog.Any(t.Key(), t.Value())
	}
	l.to.LogAttrs(ctx, level, msg, attrs...)
}
