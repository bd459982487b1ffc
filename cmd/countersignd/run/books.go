package run

import (
	"fmt"

	"github.com/countersign-health/countersign/cmd/countersignd/config"
	"github.com/countersign-health/countersign/store"
)

// booksKeys reads the keys that the books are opened with.
func booksKeys(c *config.Insurer) (keys store.Keys, err error) {
	secret, err := c.BusinessKeyFile.Seed()
	if err != nil {
		return keys, fmt.Errorf("business key: %w", err)
	}
	var wrapping []store.WrappingKey
	for _, k := range c.WrappingKeys {
		seed, err := k.File.Seed()
		if err != nil {
			return keys, fmt.Errorf("wrapping key: %w", err)
		}
		wrapping = append(wrapping, store.WrappingKey{ID: k.ID, Secret: [32]byte(seed)})
	}
	return store.NewKeys(secret, wrapping...)
}
