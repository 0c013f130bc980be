package inventory_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/telltale-agent/telltale/instruments/inventory"
)

func TestCleanVersion(t *testing.T) {
	for announced, want := range map[string]string{
		"18.2.0":                     "18.2.0",
		"v18.2.0":                    "18.2.0",
		"0.0.0":                      "0.0.0",
		"999999.0.1":                 "999999.0.1",
		"18.0.0-alpha.1":             "18.0.0-alpha.1",
		"18.0.0-0a":                  "18.0.0-0a",
		"18.0.0--":                   "18.0.0--",
		"18.2.0+build.007":           "18.2.0",
		"18.0.0-rc.1+ent":            "18.0.0-rc.1",
		"18.0.0+a-b":                 "18.0.0",
		"":                           "unknown",
		"v":                          "unknown",
		"vv1.0.0":                    "unknown",
		"V1.0.0":                     "unknown",
		"18":                         "unknown",
		"18.2":                       "unknown",
		"18.2.0.1":                   "unknown",
		"18.02.0":                    "unknown",
		"-1.0.0":                     "unknown",
		"1000000.0.0":                "unknown",
		"18.2.0-":                    "unknown",
		"18.2.0-a..b":                "unknown",
		"18.2.0-01":                  "unknown",
		"18.2.0-é":                   "unknown",
		"18.2.0+":                    "unknown",
		"18.2.0+a+b":                 "unknown",
		"18.2.0 ":                    "unknown",
		"18.2.0\n":                   "unknown",
		"\xff":                       "unknown",
		"other":                      "unknown",
		"unknown":                    "unknown",
		"٣.1.0":                      "unknown",
		`18.2.0"} 1`:                 "unknown",
		"1.0.0-" + rep("a", 32):      "1.0.0-" + rep("a", 32),
		"1.0.0-" + rep("a", 33):      "unknown",
		"1.0.0+" + rep("a", 58):      "1.0.0",
		"1.0.0+" + rep("a", 59):      "unknown",
		"1.0.0+" + rep("a", 1<<20):   "unknown",
		rep("1", 1<<10) + ".0.0":     "unknown",
		"1" + rep(".0", 30):          "unknown",
		"1.0.0-" + rep("a.", 15):     "unknown",
		"1.0.0-" + rep("a.", 15)[1:]: "unknown",
	} {
		if got := inventory.CleanVersion(announced); got != want {
			t.Errorf("%.60q: got %q, want %q", announced, got, want)
		}
	}
}

func rep(s string, n int) string { return strings.Repeat(s, n) }

// semver is the pattern that semver.org suggests, without build metadata.
var semver = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?$`)

func FuzzCleanVersion(f *testing.F) {
	for _, seed := range []string{"18.2.0", "v18.0.0-alpha.1+build.7", "unknown", "1.0.0-01", "\xff", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, announced string) {
		got := inventory.CleanVersion(announced)
		if got == inventory.UnknownVersion {
			if bare := strings.TrimPrefix(announced, "v"); len(bare) <= 20 && semver.MatchString(bare) && !regexp.MustCompile(`^\D*\d{7}|\.\d{7}`).MatchString(bare) {
				t.Errorf("%q: got %q, but it is a short semantic version", announced, got)
			}
			return
		}
		if !semver.MatchString(got) || len(got) > 64 {
			t.Errorf("%q: got %q, which is no version", announced, got)
		}
		if !strings.HasPrefix(strings.TrimPrefix(announced, "v"), got) {
			t.Errorf("%q: got %q, which was not announced", announced, got)
		}
		if again := inventory.CleanVersion(got); again != got {
			t.Errorf("%q: got %q, and of that %q", announced, got, again)
		}
	})
}
