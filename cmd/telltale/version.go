package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// What "make build" sets. Where it is empty, the build information counts.
var version, gitRef string

func printVersion(w io.Writer) error {
	info, _ := debug.ReadBuildInfo()
	_, err := fmt.Fprintln(w, versionLine(info))
	return err
}

// versionLine says which telltale this is: version, git ref and Go version.
func versionLine(info *debug.BuildInfo) string {
	return fmt.Sprintf("telltale %s (git %s, %s %s/%s)",
		buildVersion(info), cmp.Or(buildRef(info), "unknown"), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func buildVersion(info *debug.BuildInfo) string {
	if version == "" && info != nil {
		return cmp.Or(info.Main.Version, "(devel)")
	}
	return cmp.Or(version, "(devel)")
}

// buildRef is the commit, marked if the files differed from it.
func buildRef(info *debug.BuildInfo) string {
	if gitRef != "" || info == nil {
		return gitRef
	}
	var revision, modified string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "-dirty"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + modified
}
