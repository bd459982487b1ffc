package cli

import (
	"context"
	"fmt"

	urfave "github.com/urfave/cli/v2"

	board "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/aries"
	"github.com/countersign-health/countersign/dossier"
	ledgerclient "github.com/countersign-health/countersign/ledger/client"
)

// A desk is a board's door, and the ledger where the caller named one.
type desk struct {
	*board.Client
	ledger *ledgerclient.Client
	keys   credentials.ResolveKey
	out    string
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
	cfg := board.Config{URL: url, Board: credentials.DID(did), Keys: aries.NewResolver().ResolveKey, NoWait: c.Bool("no-wait"), Now: r.now}
	if clerk {
		if cfg.Signer, err = r.signer(c); err != nil {
			return nil, err
		}
	}
	client, err := board.New(cfg)
	if err != nil {
		return nil, refused(commandName(c), err.Error(), "")
	}
	d := &desk{Client: client, keys: cfg.Keys, out: c.String("out")}
	if d.out != "" && c.String("ledger") != "" { // entries come from there
		l, err := r.ledger(c)
		if err != nil {
			return nil, err
		}
		d.ledger = l.Client
	}
	return d, nil
}

// A licenseRow is a license as it is shown.
type licenseRow struct {
	credentials.License
	Receipt bool                `json:"receipt"` // it and its orders stand on the ledger
	Orders  []credentials.Order `json:"orders"`
}

func (d *desk) row(f board.File) (*licenseRow, error) {
	l, err := credentials.Open[credentials.License](f.License.Token, credentials.KindLicense, d.keys)
	if err != nil {
		return nil, caught("check license", err, "tell the board")
	}
	row := &licenseRow{l.Subject, len(f.License.Receipt) > 0, []credentials.Order{}}
	for _, doc := range f.Orders {
		o, err := credentials.Open[credentials.Order](doc.Token, credentials.KindBoardOrder, d.keys)
		if err != nil {
			return nil, caught("check board order", err, "tell the board")
		}
		row.Orders = append(row.Orders, o.Subject)
		row.Receipt = row.Receipt && len(doc.Receipt) > 0
	}
	return row, nil
}

// keep writes a license and its orders, with the proofs that there are.
func (d *desk) keep(ctx context.Context, f board.File) error {
	if d.out == "" {
		return nil
	}
	files := dossier.Files{}
	if err := d.add(ctx, files, dossier.Licenses, f.License); err != nil {
		return err
	}
	for _, o := range f.Orders {
		if err := d.add(ctx, files, dossier.Orders, o); err != nil {
			return err
		}
	}
	return write(files, d.out)
}

// keepStatus writes the board's current status list, named for the moment of
// its signing, since tomorrow's is another one.
func (d *desk) keepStatus(ctx context.Context, f board.File) error {
	if d.out == "" {
		return nil
	}
	l, err := credentials.Open[credentials.License](f.License.Token, credentials.KindLicense, d.keys)
	if err != nil {
		return caught("check license", err, "tell the board")
	}
	if l.Status == nil {
		return nil
	}
	token, _, err := d.StatusList(ctx, l.Status)
	if err != nil {
		return fmt.Errorf("fetch status list: %w", err)
	}
	list, err := credentials.Open[credentials.StatusListSubject](token, credentials.KindStatusList, d.keys)
	if err != nil {
		return caught("check status list", err, "tell the board")
	}
	name := fmt.Sprintf("%s/%s-%s.jwt", dossier.Status, list.Handle().String()[:16], list.ValidFrom.Format("20060102T150405Z"))
	return write(dossier.Files{name: []byte(token + "\n")}, d.out)
}

func (d *desk) add(ctx context.Context, files dossier.Files, folder string, doc board.Document) error {
	files.Token(folder, doc.Handle, doc.Token)
	if len(doc.Receipt) == 0 || d.ledger == nil {
		return nil // a receipt without its entry proves nothing
	}
	p, err := d.ledger.Entry(ctx, doc.Index)
	if err != nil {
		return fmt.Errorf("fetch the ledger's entry: %w", err)
	}
	if p.Entry.Document != credentials.DocumentDigest(doc.Token) || p.Entry.Subject != doc.Handle {
		return caught("check ledger entry", fmt.Errorf("entry %d is about something else", doc.Index), "tell the board")
	}
	files.Receipt(doc.Handle, p.Leaf, p.Receipt)
	return nil
}
