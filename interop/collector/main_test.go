package collector

import (
	"testing"

	"github.com/telltale-agent/telltale/interop/internal/harness"
)

func TestMain(m *testing.M) { harness.RunTests(m) }
