package cli

import (
	"context"
	"fmt"

	urfave "github.com/urfave/cli/v2"

	board "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/aries"
	"github.com/countersign-health/countersign/dossier"
)

// A desk is a board's door with what it takes to check its answers.
type desk struct {
	*board.Client
	pinned
	out string
}

func (r *run) desk(c *urfave.Context, clerk bool) (*desk, error) {
	url, err := given(c, "board", "COUNTERSIGN_BOARD")
	if err != nil {
		return nil, err
	}
	did, err := given(c, "board-did", "COUNTERSIGN_BOARD_DID")
	if err != nil {
		return nil, err
	}
	if err := checkURL(c, "board", url); err != nil {
		return nil, err
	}
	if _, err := credentials.ParseDID(did); err != nil {
		return nil, refused(commandName(c), "--board-did: "+err.Error(), "ask the board for its DID")
	}
	trust, err := givenTrust(c)
	if err != nil {
		return nil, err
	}
	d := &desk{pinned: pinned{trust: *trust}, out: c.String("out")}
	resolve := aries.NewResolver().ResolveKey
	// A did:key says all by itself. Of any other, the ledger alone once it is
	// known; before, the web may say so of a did:web, for the answer that brings
	// the ledger.
	keys := func(kid string) (credentials.Key, error) {
		key, err := credentials.ResolveDIDKey(kid)
		switch {
		case err == nil:
			return key, nil
		case d.keys != nil:
			return d.keys(kid)
		}
		return resolve(kid)
	}
	cfg := board.Config{URL: url, Board: credentials.DID(did), Keys: keys, NoWait: c.Bool("no-wait"), Now: r.now}
	if clerk {
		if cfg.Signer, err = r.signer(c); err != nil {
			return nil, err
		}
	}
	if d.Client, err = board.New(cfg); err != nil {
		return nil, refused(commandName(c), err.Error(), "")
	}
	l, err := d.Ledger(c.Context)
	if err != nil {
		return nil, err
	}
	return d, d.hold(l.Files, "the board", "--board")
}

// A licenseRow is a license as it is shown.
type licenseRow struct {
	credentials.License
	Receipt bool                `json:"receipt"` // it and its orders stand on the ledger
	Orders  []credentials.Order `json:"orders"`
	// Standing is what this license and its orders come to on a day, as the
	// board shows them.
	Standing credentials.Standing `json:"standing"`
	On       credentials.Date     `json:"on"`
}

func (d *desk) row(f board.File) (*licenseRow, error) {
	l, err := judged[credentials.License](&d.pinned, f.License.Token, credentials.KindLicense, f.License.Entry, f.License.Receipt)
	if err != nil {
		return nil, caught("check license", err, "tell the board")
	}
	row := &licenseRow{License: l.Subject, Receipt: len(f.License.Receipt) > 0, Orders: []credentials.Order{}}
	for _, doc := range f.Orders {
		o, err := judged[credentials.Order](&d.pinned, doc.Token, credentials.KindBoardOrder, doc.Entry, doc.Receipt)
		if err != nil {
			return nil, caught("check board order", err, "tell the board")
		}
		row.Orders = append(row.Orders, o.Subject)
		row.Receipt = row.Receipt && len(doc.Receipt) > 0
	}
	row.On = credentials.DateOf(d.Now())
	row.Standing = credentials.StandingOn([]credentials.License{row.License}, row.Orders, row.Jurisdiction, row.On, true)
	return row, nil
}

// proven says whether a document stands on the ledger. One that claims to and
// does not is caught.
func (d *desk) proven(doc board.Document) (bool, error) {
	if len(doc.Receipt) == 0 {
		return false, nil
	}
	if err := d.recorded(doc.Handle, credentials.DocumentDigest(doc.Token), doc.Entry, doc.Receipt); err != nil {
		return false, caught("check ledger entry", err, "tell the board")
	}
	return true, nil
}

// keepFile writes a license and its orders, with the proofs that there are.
func (d *desk) keepFile(f board.File) error {
	if d.out == "" {
		return nil
	}
	files := dossier.Files{}
	if err := d.add(files, dossier.Licenses, f.License); err != nil {
		return err
	}
	for _, o := range f.Orders {
		if err := d.add(files, dossier.Orders, o); err != nil {
			return err
		}
	}
	return d.keep(files, d.out)
}

// keepStatus writes the board's current status lists of a license, named for the
// moment of their signing, since tomorrow's are others.
func (d *desk) keepStatus(ctx context.Context, f board.File) error {
	if d.out == "" {
		return nil
	}
	l, err := credentials.Open[credentials.License](f.License.Token, credentials.KindLicense, d.keys)
	if err != nil {
		return caught("check license", err, "tell the board")
	}
	files := dossier.Files{}
	for i := range l.Status {
		token, _, err := d.StatusList(ctx, &l.Status[i])
		if err != nil {
			return fmt.Errorf("fetch status list: %w", err)
		}
		list, err := credentials.Open[credentials.StatusListSubject](token, credentials.KindStatusList, d.keys)
		if err != nil {
			return caught("check status list", err, "tell the board")
		}
		name := fmt.Sprintf("%s/%s-%s.jwt", dossier.Status, list.Handle().String()[:16], list.ValidFrom.Format("20060102T150405Z"))
		files[name] = []byte(token + "\n")
	}
	return write(files, d.out)
}

func (d *desk) add(files dossier.Files, folder string, doc board.Document) error {
	files.Token(folder, doc.Handle, doc.Token)
	proven, err := d.proven(doc)
	if proven {
		files.Receipt(doc.Handle, doc.Entry, doc.Receipt)
	}
	return err
}
