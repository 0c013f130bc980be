// Package buildinfo makes teleport_build_info tell which build runs: from what
// Go has put into the binary, and from what an embedder knows better.
package buildinfo

import (
	"runtime"
	"runtime/debug"

	"github.com/telltale-agent/telltale/instruments"
)

// What Read says where the binary does not tell.
const (
	UnknownVersion = "(devel)" // as Go calls a module that was not built at a version
	UnknownGitRef  = "unknown"
)

// Info describes a build. The zero value of a field means that it is not known.
type Info struct {
	Version   string // of the program, such as "v18.2.0"
	GitRef    string // what git describe --long --tags prints, or a commit
	GoVersion string // such as "go1.26.8"
}

// Read tells what the binary knows about itself. Version is that of the main
// module, which is the embedder's. GitRef is the commit, followed by "-dirty"
// when there were changes on top of it; Go does not record tags. No field is
// empty: a binary built with -buildvcs=false, outside of a repository or
// without modules has [UnknownVersion] and [UnknownGitRef].
func Read() Info {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		build = &debug.BuildInfo{}
	}
	return from(build)
}

func from(build *debug.BuildInfo) Info {
	settings := make(map[string]string, len(build.Settings))
	for _, s := range build.Settings {
		settings[s.Key] = s.Value
	}
	ref := settings["vcs.revision"]
	if ref != "" && settings["vcs.modified"] == "true" {
		ref += "-dirty"
	}
	return Info{Version: build.Main.Version, GitRef: ref, GoVersion: build.GoVersion}.
		Or(Info{Version: UnknownVersion, GitRef: UnknownGitRef, GoVersion: runtime.Version()})
}

// Or returns i with its empty fields taken from other.
func (i Info) Or(other Info) Info {
	if i.Version == "" {
		i.Version = other.Version
	}
	if i.GitRef == "" {
		i.GitRef = other.GitRef
	}
	if i.GoVersion == "" {
		i.GoVersion = other.GoVersion
	}
	return i
}

// Set makes teleport_build_info show info, with what [Read] says in place of
// empty fields. It is to be called once for a registry: another call with
// another info would add a second series. With a nil registry it does nothing.
func Set(reg *instruments.Registry, info Info) {
	info = info.Or(Read())
	instruments.BuildInfo.In(reg).Set(1, instruments.Build(info))
}
