package inventory

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/telltale-agent/telltale/instruments"
)

// What [Inventory.Connect], [Inventory.Announce] and [Connection.Heartbeat]
// refuse for; all are wrapped.
var (
	ErrInvalid = errors.New("invalid announcement")
	ErrFull    = errors.New("inventory is full")
	ErrClosed  = errors.New("inventory or connection is closed")
)

// maxID is the longest id of a server in bytes.
const maxID = 128

// types are all there are.
var types = []instruments.ResourceType{
	instruments.ResourceNode, instruments.ResourceKube, instruments.ResourceApp,
	instruments.ResourceDB, instruments.ResourceDBService, instruments.ResourceWindowsDesktop,
}

// Announcement is what a server says about itself.
type Announcement struct {
	ID      string                   // of the server: 1 to 128 bytes of printable text without spaces
	Type    instruments.ResourceType // of what the connection is for: one of the constants
	Version string                   // that the server runs; anything is taken, see the package comment
}

// checked returns the announcement with its version as it is shown, sharing no
// memory with what it was read from.
func (a Announcement) checked() (Announcement, error) {
	if err := checkID(a.ID); err != nil {
		return a, err
	}
	i := slices.Index(types, a.Type)
	if i < 0 {
		return a, fmt.Errorf("%w: type %.40q is not known: use one of %v", ErrInvalid, a.Type, types)
	}
	return Announcement{ID: strings.Clone(a.ID), Type: types[i], Version: cleanVersion(a.Version)}, nil
}

func checkID(id string) error {
	if id == "" || len(id) > maxID {
		return fmt.Errorf("%w: the id has %d bytes: use 1 to %d", ErrInvalid, len(id), maxID)
	}
	unprintable := func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }
	if !utf8.ValidString(id) || strings.ContainsFunc(id, unprintable) {
		return fmt.Errorf("%w: id %.40q: use printable text without spaces", ErrInvalid, id)
	}
	return nil
}
