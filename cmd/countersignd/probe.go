package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"
)

// probeWithin is longer than /readyz takes at most (3 s).
const probeWithin = 4 * time.Second

// probeCommand is for supervisors of images that hold nothing but this binary,
// where no shell and no curl could ask.
func (d *daemon) probeCommand() *urfave.Command {
	return &urfave.Command{
		Name: "probe", Usage: "ask a process's admin address; exit 0 where it answers 200", ArgsUsage: "URL", HideHelpCommand: true,
		OnUsageError: func(_ *urfave.Context, err error, _ bool) error { return &usageError{err} },
		Action: func(c *urfave.Context) error {
			u, err := url.Parse(c.Args().First())
			if c.NArg() != 1 || err != nil || u.Scheme != "http" || u.Host == "" {
				return usage("probe: want one URL, such as http://127.0.0.1:9101/readyz")
			}
			return probe(c.Context, d.out, u.String())
		},
	}
}

func probe(ctx context.Context, out io.Writer, address string) error {
	ctx, cancel := context.WithTimeout(ctx, probeWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	client := http.Client{Transport: &http.Transport{}} // never by way of a proxy
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("probe: %s: %s", resp.Status, strings.TrimSpace(string(said)))
	}
	_, err = out.Write(said)
	return err
}
