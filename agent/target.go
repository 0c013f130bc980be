package agent

import "github.com/telltale-agent/telltale/exporters"

// Target is a collector to push to, see [Config.OTLP].
type Target = exporters.Target
