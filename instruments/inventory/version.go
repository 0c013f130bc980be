package inventory

import (
	"cmp"
	"slices"
	"strings"
)

// Label values that are no versions.
const (
	UnknownVersion = "unknown" // what was announced is no semantic version
	OtherVersions  = "other"   // versions beyond those that have a series each
)

const (
	maxVersion    = 64 // bytes of a version as it is announced
	maxNumber     = 6  // digits of each of its numbers
	maxPrerelease = 32 // bytes
)

// cleanVersion gives the form in which a version is shown: a semantic version
// without the v in front and the build metadata at its end, which do not make
// another version, or else UnknownVersion. The result is a string of its own.
func cleanVersion(announced string) string {
	if len(announced) > maxVersion {
		return UnknownVersion
	}
	version, build, built := strings.Cut(strings.TrimPrefix(announced, "v"), "+")
	core, prerelease, pre := strings.Cut(version, "-")
	switch {
	case !isCore(core),
		pre && (len(prerelease) > maxPrerelease || !areIdentifiers(prerelease, isPrereleasePart)),
		built && !areIdentifiers(build, isIdentifier):
		return UnknownVersion
	}
	return strings.Clone(version)
}

// isCore reports whether s is three numbers, such as 18.2.0.
func isCore(s string) bool {
	parts := 0
	for part := range strings.SplitSeq(s, ".") {
		if parts++; parts > 3 || len(part) > maxNumber || !isNumber(part) {
			return false
		}
	}
	return parts == 3
}

func areIdentifiers(s string, is func(string) bool) bool {
	for part := range strings.SplitSeq(s, ".") {
		if !is(part) {
			return false
		}
	}
	return true
}

// isPrereleasePart is isIdentifier, but numbers have no zeros in front.
func isPrereleasePart(s string) bool {
	return isIdentifier(s) && (isNumber(s) || strings.Trim(s, "0123456789") != "")
}

func isIdentifier(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == "" && (s == "0" || s[0] != '0')
}

// tally is how many servers run a version.
type tally struct {
	version string
	servers int
}

// ranked brings versions into the order of their servers, the most first. What
// comes after the first most versions is put together as OtherVersions.
func ranked(versions map[string]int, most int) []tally {
	all := make([]tally, 0, len(versions))
	for version, servers := range versions {
		all = append(all, tally{version, servers})
	}
	slices.SortFunc(all, func(a, b tally) int {
		return cmp.Or(cmp.Compare(b.servers, a.servers), cmp.Compare(a.version, b.version))
	})
	if len(all) <= most {
		return all
	}
	others := tally{version: OtherVersions}
	for _, t := range all[most:] {
		others.servers += t.servers
	}
	return append(all[:most:most], others)
}
