//go:build !linux

package audit

const insideEnv = "TELLTALE_AUDIT_TEST_MOUNT"

func mountTmpfs(string) {}
