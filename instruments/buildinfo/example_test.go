package buildinfo_test

import (
	"fmt"

	"github.com/telltale-agent/telltale/instruments/buildinfo"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// A program whose build writes down what Go does not know says so.
func ExampleSet() {
	exit := instrumentstest.Open() // a program has an agent: agent.Config.Build
	defer exit.Close()

	buildinfo.Set(exit.Registry, buildinfo.Info{Version: "v18.2.0", GitRef: "v18.2.0-3-gdeadbee", GoVersion: "go1.26.8"})
	fmt.Print(exit.Show("teleport_build_info"))
	// Output: teleport_build_info{v18.2.0-3-gdeadbee,go1.26.8,v18.2.0} 1
}
