package parties

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
)

// portsFile keeps on which port each party answers: licenses name their status
// lists by it, and are unknown where that is another one.
func (n *Network) portsFile() string { return filepath.Join(n.Dir, "ports.json") }

// serve answers on a party's loopback port and returns the address.
func (n *Network) serve(party string, h http.Handler) (string, error) {
	l, address, err := n.reserve(party)
	if err != nil {
		return "", err
	}
	return address, n.serveOn(l, h)
}

// reserve takes the loopback port that a party has in this folder, or a free one
// the first time, for servers that have to know their own address before they
// answer. If somebody else has the port, the party answers elsewhere this time.
func (n *Network) reserve(party string) (net.Listener, string, error) {
	ports, err := n.ports()
	if err != nil {
		return nil, "", err
	}
	kept := ports[party]
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", kept)) // 0 is any
	if err != nil && kept != 0 {
		taken := err
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err == nil {
			n.Moved = append(n.Moved, fmt.Sprintf("%s cannot have port %d, on which it answered before (%v): what was signed then and names that address is unknown meanwhile; "+
				"stop what has the port, and start again", party, kept, errors.Unwrap(taken)))
		}
	}
	if err != nil {
		return nil, "", err
	}
	if kept == 0 {
		ports[party] = l.Addr().(*net.TCPAddr).Port
		if err := n.keepPorts(ports); err != nil {
			l.Close()
			return nil, "", err
		}
	}
	return l, "http://" + l.Addr().String(), nil
}

func (n *Network) ports() (map[string]int, error) {
	ports := map[string]int{}
	b, err := os.ReadFile(n.portsFile())
	if errors.Is(err, fs.ErrNotExist) {
		return ports, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &ports)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", n.portsFile(), err)
	}
	return ports, nil
}

func (n *Network) keepPorts(ports map[string]int) error {
	b, err := json.MarshalIndent(ports, "", "  ")
	if err != nil {
		return err
	}
	before := n.portsFile() + ".new" // a kill leaves the old file or the new one
	if err := os.WriteFile(before, append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(before, n.portsFile())
}
