package main

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersionLine(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	clean := []debug.BuildSetting{{Key: "vcs.revision", Value: commit}, {Key: "vcs.modified", Value: "false"}}
	dirty := []debug.BuildSetting{{Key: "vcs.revision", Value: commit}, {Key: "vcs.modified", Value: "true"}}
	for _, row := range []struct {
		name                 string
		version, gitRef      string // as the linker sets them
		info                 *debug.BuildInfo
		wantVersion, wantGit string
	}{
		{"nothing known", "", "", nil, "(devel)", "unknown"},
		{"no commit", "", "", &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "(devel)", "unknown"},
		{"installed", "", "", &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}, "v1.2.3", "unknown"},
		{"in a clone", "", "", &debug.BuildInfo{Settings: clean}, "(devel)", "0123456789ab"},
		{"in a changed clone", "", "", &debug.BuildInfo{Settings: dirty}, "(devel)", "0123456789ab-dirty"},
		{"by make build", "v1.2.3-4-gabc", "abc", &debug.BuildInfo{Settings: dirty}, "v1.2.3-4-gabc", "abc"},
	} {
		t.Run(row.name, func(t *testing.T) {
			defer func(v, g string) { version, gitRef = v, g }(version, gitRef)
			version, gitRef = row.version, row.gitRef
			want := "telltale " + row.wantVersion + " (git " + row.wantGit + ", go"
			if got := versionLine(row.info); !strings.HasPrefix(got, want) {
				t.Errorf("got %q, want it to begin with %q", got, want)
			}
		})
	}
}
