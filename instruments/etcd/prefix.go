package etcd

import (
	"cmp"
	"slices"
)

// ByPrefix makes a rule for [WatchOptions] from the resources that keys with
// certain prefixes hold. The longest prefix of a key decides; a key with none of
// them is of [UnknownResource]. The rule is safe for concurrent use and uses no
// memory.
func ByPrefix(resources map[string]string) func(key []byte) string {
	type entry struct{ prefix, resource string }
	var entries []entry
	for prefix, resource := range resources {
		entries = append(entries, entry{prefix, resource})
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(len(b.prefix), len(a.prefix)) })
	return func(key []byte) string {
		for _, e := range entries {
			if len(key) >= len(e.prefix) && string(key[:len(e.prefix)]) == e.prefix {
				return e.resource
			}
		}
		return UnknownResource
	}
}
