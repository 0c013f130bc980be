package profiling

import (
	"bytes"
	"fmt"
	"runtime"
)

// dump returns the stacks of all goroutines, one by one, in at most limit bytes plus a
// note when that is not enough. The world stands still meanwhile, so the buffer starts
// near the size that is needed.
func dump(limit int) []byte {
	const typical = 1 << 10 // bytes for one goroutine
	size := min(max(runtime.NumGoroutine()*typical, 64<<10), limit+1)
	for {
		buffer := make([]byte, size)
		n := runtime.Stack(buffer, true)
		if n < size || size > limit {
			return cut(buffer[:n], limit)
		}
		size = min(size*4, limit+1)
	}
}

// cut shortens text to whole paragraphs of at most limit bytes, and says so at its end.
func cut(text []byte, limit int) []byte {
	if len(text) <= limit {
		return text
	}
	text = text[:limit]
	if end := bytes.LastIndex(text, []byte("\n\n")); end > 0 {
		text = text[:end+2]
	}
	return fmt.Appendf(text, "--- cut at %d bytes, with %d goroutines in the process; debug=1 groups equal stacks ---\n",
		limit, runtime.NumGoroutine())
}
