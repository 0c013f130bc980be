package profiling

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
)

func TestDefaultServeMuxStaysEmpty(t *testing.T) {
	New(Options{})
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline"} {
		_, pattern := http.DefaultServeMux.Handler(httptest.NewRequest("GET", path, nil))
		if pattern != "" {
			t.Errorf("%s is served by http.DefaultServeMux as %q", path, pattern)
		}
	}
	goTool(t)
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(strings.Fields(string(out)), "net/http/pprof") {
		t.Error("net/http/pprof is imported: it adds handlers to http.DefaultServeMux")
	}
}

func TestAnswers(t *testing.T) {
	const text, binary = "text/plain; charset=utf-8", "application/octet-stream"
	for _, row := range []struct {
		method, path string
		status       int
		kind         string
		has          string // in the body, or in Content-Disposition if binary
	}{
		{"GET", "", 200, "text/html; charset=utf-8", "<title>Profiles of"},
		{"GET", "heap", 200, binary, `filename="heap"`},
		{"GET", "heap?gc=1", 200, binary, `filename="heap"`},
		{"GET", "heap?debug=1", 200, text, "heap profile:"},
		{"GET", "allocs?debug=1", 200, text, "heap profile:"},
		{"GET", "block?debug=1", 200, text, "contention"},
		{"GET", "mutex?debug=1", 200, text, "mutex"},
		{"GET", "threadcreate?debug=1", 200, text, "threadcreate profile:"},
		{"GET", "goroutine", 200, binary, `filename="goroutine"`},
		{"GET", "goroutine?debug=0", 200, binary, `filename="goroutine"`},
		{"GET", "goroutine?debug=1", 200, text, "goroutine profile: total"},
		{"GET", "goroutine?debug=2", 200, text, "[running]"},
		{"GET", "goroutine?seconds=0.01", 200, binary, `filename="goroutine-delta"`},
		{"GET", "profile?seconds=0.01", 200, binary, `filename="profile"`},
		{"GET", "trace?seconds=0.01", 200, binary, `filename="trace"`},
		{"GET", "cmdline", 200, text, ""},
		{"GET", "symbol", 200, text, "num_symbols: 1\n"},
		{"POST", "symbol", 200, text, "num_symbols: 1\n"},

		{"GET", "profile?seconds=121", 400, text, "above the cap of 120"},
		{"GET", "profile?seconds=99999999", 400, text, "above the cap of 120"},
		{"GET", "profile?seconds=Inf", 400, text, "above the cap of 120"},
		{"GET", "profile?seconds=NaN", 400, text, "must be a number"},
		{"GET", "profile?seconds=0", 400, text, "must be a number"},
		{"GET", "profile?seconds=-1", 400, text, "must be a number"},
		{"GET", "profile?seconds=", 400, text, "must be a number"},
		{"GET", "profile?seconds=ten", 400, text, "must be a number"},
		{"GET", "trace?seconds=121", 400, text, "above the cap of 120"},
		{"GET", "heap?seconds=121", 400, text, "above the cap of 120"},
		{"GET", "heap?seconds=0", 400, text, "must be a number"},
		{"GET", "heap?seconds=1&debug=1", 400, text, "seconds and debug"},
		{"GET", "heap?debug=3", 400, text, "debug must be"},
		{"GET", "heap?debug=x", 400, text, "debug must be"},
		{"GET", "heap?gc=yes", 400, text, "gc must be"},
		{"GET", "nothing", 404, text, "no profile has this name"},
		{"GET", "heap/", 404, text, "no profile has this name"},
		{"POST", "heap", 405, text, "use GET or HEAD"},
		{"DELETE", "", 405, text, "use GET or HEAD"},
		{"PUT", "symbol", 405, text, "use GET, HEAD or POST"},
		{"POST", "profile", 405, text, "use GET or HEAD"},
	} {
		t.Run(row.method+" "+row.path, func(t *testing.T) {
			var told []Event
			h := New(Options{Audit: func(e Event) { told = append(told, e) }})
			w := answer(h, row.method, Path+row.path, "")
			header := w.Header()
			if w.Code != row.status || header.Get("Content-Type") != row.kind {
				t.Errorf("got %d %q, want %d %q", w.Code, header.Get("Content-Type"), row.status, row.kind)
			}
			where := w.Body.String()
			if row.kind == binary {
				where = header.Get("Content-Disposition")
			} else if header.Get("Content-Disposition") != "" {
				t.Error("an answer for people is sent as an attachment")
			}
			if !strings.Contains(where, row.has) {
				t.Errorf("got %.300q, want %q in it", where, row.has)
			}
			if row.status >= 400 && (strings.Count(where, "\n") != 1 || header.Get("X-Go-Pprof") != "1") {
				t.Errorf("error %q is not one line marked for go tool pprof", where)
			}
			if row.status == 405 && header.Get("Allow") == "" {
				t.Error("405 without Allow")
			}
			if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Cache-Control") != "no-store" {
				t.Error("headers that keep the answer private are missing")
			}
			if len(told) != 1 || told[0].Status != row.status || told[0].Took <= 0 || told[0].Remote == "" {
				t.Errorf("the audit hook was told %+v", told)
			}
		})
	}
}

func TestHeadDoesNoWork(t *testing.T) {
	h := New(Options{})
	for _, path := range []string{"", "profile", "trace", "heap", "goroutine?debug=2", "allocs?seconds=100", "cmdline", "symbol"} {
		w := answer(h, "HEAD", Path+path, "")
		if w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Type") == "" {
			t.Errorf("HEAD %s: got %d, %d bytes, type %q", path, w.Code, w.Body.Len(), w.Header().Get("Content-Type"))
		}
	}
	if w := answer(h, "HEAD", Path+"profile?seconds=121", ""); w.Code != 400 {
		t.Errorf("HEAD above the cap: got %d, want 400", w.Code)
	}
}

func TestCapIsConfigurable(t *testing.T) {
	h := New(Options{MaxSeconds: 2})
	for query, want := range map[string]int{"": 200, "?seconds=2": 200, "?seconds=2.1": 400, "?seconds=3": 400} {
		if w := answer(h, "HEAD", Path+"profile"+query, ""); w.Code != want {
			t.Errorf("%q: got %d, want %d", query, w.Code, want)
		}
	}
	if d, err := h.seconds(nil, 30e9); err != nil || d.Seconds() != 2 {
		t.Errorf("default above the cap: got %v %v, want 2s", d, err)
	}
}

func TestLeakProfileFollowsTheRuntime(t *testing.T) {
	want := 404
	if pprof.Lookup("goroutineleak") != nil {
		want = 200
	}
	if w := answer(New(Options{}), "GET", Path+"goroutineleak", ""); w.Code != want {
		t.Errorf("got %d, want %d", w.Code, want)
	}
}

func TestHostRatesStay(t *testing.T) {
	before := runtime.SetMutexProfileFraction(-1)
	h := New(Options{})
	for _, path := range []string{"block", "mutex", "block?seconds=0.01", "mutex?seconds=0.01"} {
		answer(h, "GET", Path+path, "")
	}
	if after := runtime.SetMutexProfileFraction(-1); after != before {
		t.Errorf("got mutex profile fraction %d, want %d", after, before)
	}
}

func TestDumpIsCut(t *testing.T) {
	const goroutines = 500
	stop := make(chan struct{})
	defer close(stop)
	for range goroutines {
		go func() { <-stop }()
	}
	body := answer(New(Options{MaxDump: 100 << 10}), "GET", Path+"goroutine?debug=2", "").Body.String()
	if len(body) > 101<<10 || !strings.Contains(body, "--- cut at 102400 bytes, with ") {
		t.Errorf("got %d bytes that end in %q", len(body), body[max(0, len(body)-200):])
	}
	if full := string(dump(16 << 20)); strings.Count(full, "goroutine ") < goroutines || strings.Contains(full, "--- cut") {
		t.Errorf("a dump below the limit has %d goroutines", strings.Count(full, "goroutine "))
	}
}

func TestSymbol(t *testing.T) {
	pc, _, _, _ := runtime.Caller(0)
	want := fmt.Sprintf("num_symbols: 1\n%#x %s\n", pc, runtime.FuncForPC(pc).Name())
	h := New(Options{})
	list := fmt.Sprintf("0x0+%#x+nonsense+", pc)
	if got := answer(h, "POST", Path+"symbol", list).Body.String(); got != want {
		t.Errorf("POST: got %q, want %q", got, want)
	}
	if got := answer(h, "GET", Path+"symbol?"+list, "").Body.String(); got != want {
		t.Errorf("GET: got %q, want %q", got, want)
	}
	if w := answer(h, "POST", Path+"symbol", strings.Repeat("0x1+", maxSymbols)); w.Code != 413 {
		t.Errorf("oversize body: got %d, want 413", w.Code)
	}
}

func TestCmdline(t *testing.T) {
	args := []string{
		"/usr/bin/agent", "start", "-d", "--debug", "--diag-addr=127.0.0.1:3000", "--heartbeat", "5s",
		"--token=hunter2", "--password", "hunter2", "-phunter2", "hunter2", "--port=3000", "--on=true",
		"--url=http://bob:hunter2@host/", "--code=1234567", "--hunter2=?", "--=hunter2", "--bad name=hunter2", "-o=hunter2", "--",
	}
	want := "/usr/bin/agent|***|-d|--debug|--diag-addr=127.0.0.1:3000|--heartbeat|5s|" +
		"--token=***|--password|***|-p***|***|--port=3000|--on=true|" +
		"--url=***|--code=***|--hunter2=***|--=***|***|-o=***|--"
	h := New(Options{Args: args})
	got := strings.ReplaceAll(answer(h, "GET", Path+"cmdline", "").Body.String(), "\x00", "|")
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestIndexLinksAreServed(t *testing.T) {
	h := New(Options{Args: []string{"/x/<b>me"}})
	r := httptest.NewRequest("GET", Path, nil)
	r.Host = `"><script>alert(1)</script>`
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	body := w.Body.String()
	if strings.Contains(body, "<script") || strings.Contains(body, "<b>") {
		t.Error("text from outside is not escaped")
	}
	links := 0
	for part := range strings.SplitSeq(body, `href="`) {
		to, _, found := strings.Cut(part, `"`)
		if !found || strings.HasPrefix(to, "<!DOCTYPE") {
			continue
		}
		links++
		to = strings.ReplaceAll(to, "&amp;", "&")
		if w := answer(h, "GET", Path+to, ""); w.Code != 200 {
			t.Errorf("%s: got %d", to, w.Code)
		}
	}
	if links < 14 {
		t.Errorf("found only %d links", links)
	}
}
