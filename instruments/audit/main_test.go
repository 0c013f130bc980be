package audit

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(insideEnv); dir != "" {
		mountTmpfs(dir)
	}
	goleak.VerifyTestMain(m)
}
