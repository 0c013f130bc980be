package buildinfo

import (
	"runtime"
	"runtime/debug"
	"testing"

	"go.opentelemetry.io/otel/attribute"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

func TestFrom(t *testing.T) {
	module := func(version string, settings ...debug.BuildSetting) debug.BuildInfo {
		return debug.BuildInfo{GoVersion: "go1.99", Main: debug.Module{Version: version}, Settings: settings}
	}
	revision := debug.BuildSetting{Key: "vcs.revision", Value: commit}
	tests := []struct {
		name  string
		build debug.BuildInfo
		want  Info
	}{
		{
			"a release", module("v1.2.3", revision, debug.BuildSetting{Key: "vcs.modified", Value: "false"}),
			Info{"v1.2.3", commit, "go1.99"},
		},
		{
			"with changes on top", module("v1.2.4-0.20261122-0123456789ab+dirty", revision, debug.BuildSetting{Key: "vcs.modified", Value: "true"}),
			Info{"v1.2.4-0.20261122-0123456789ab+dirty", commit + "-dirty", "go1.99"},
		},
		{
			"without version control", module("(devel)", debug.BuildSetting{Key: "-buildvcs", Value: "false"}),
			Info{"(devel)", "unknown", "go1.99"},
		},
		{
			"changed, but nobody knows what", module("v1.2.3", debug.BuildSetting{Key: "vcs.modified", Value: "true"}),
			Info{"v1.2.3", "unknown", "go1.99"},
		},
		{
			"nothing known", debug.BuildInfo{},
			Info{"(devel)", "unknown", runtime.Version()},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := from(&test.build); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestReadLeavesNothingEmpty(t *testing.T) {
	got := Read()
	if got.Version == "" || got.GitRef == "" || got.GoVersion != runtime.Version() {
		t.Errorf("got %+v", got)
	}
}

func TestSet(t *testing.T) {
	tests := []struct {
		name       string
		info, want Info
	}{
		{"nothing said", Info{}, Read()},
		{"one field said", Info{Version: "v9"}, Info{"v9", Read().GitRef, Read().GoVersion}},
		{"everything said", Info{"v9", "v9-0-gabc", "go9"}, Info{"v9", "v9-0-gabc", "go9"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			exit := instrumentstest.New(t)
			Set(exit.Registry, test.info)

			points := exit.Points(t, "teleport_build_info")
			if len(points) != 1 || points[0].Value != 1 {
				t.Fatalf("got %v, want one point of 1", points)
			}
			want := attribute.NewSet(
				attribute.String("version", test.want.Version),
				attribute.String("gitref", test.want.GitRef),
				attribute.String("goversion", test.want.GoVersion),
			)
			if got := points[0].Attributes; !got.Equals(&want) {
				t.Errorf("got %v, want %v", got.Encoded(attribute.DefaultEncoder()), want.Encoded(attribute.DefaultEncoder()))
			}
		})
	}
}

func TestNilRegistry(t *testing.T) {
	Set(nil, Info{})
}
