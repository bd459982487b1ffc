package aries

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hyperledger/aries-framework-go/pkg/kms"
)

// folder is a kms.Store: one file for each sealed key. aries names them by the
// thumbprint of the public key, in base64url.
type folder string

func (f folder) path(id string) (string, error) {
	if id == "" || len(id) > 128 {
		return "", errors.New("sealed key: bad id")
	}
	for _, c := range []byte(id) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return "", errors.New("sealed key: bad id")
		}
	}
	// Thumbprints differ in case; some file systems do not. Hexadecimal does.
	return filepath.Join(string(f), fmt.Sprintf("%x.json", id)), nil
}

// Put never replaces a key: aries would do so only in Rotate, which we never
// call because it also deletes the old key.
func (f folder) Put(id string, key []byte) error {
	path, err := f.path(id)
	if err != nil {
		return err
	}
	return createFile(path, key)
}

func (f folder) Get(id string) ([]byte, error) {
	path, err := f.path(id)
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("sealed key %s: %w", id, kms.ErrKeyNotFound)
	}
	return b, err
}

func (f folder) Delete(string) error {
	return errors.New("keys are not deleted by the key store")
}

// createFile writes a file that does not exist yet, whole or not at all.
func createFile(path string, b []byte) error { return place(path, b, os.Link) }

// replaceFile writes a file that may exist, whole or not at all.
func replaceFile(path string, b []byte) error { return place(path, b, os.Rename) }

func place(path string, b []byte, into func(from, to string) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(b)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	if err := into(tmp.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes names durable that were written into a folder.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
