package health

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the golden files under testdata")

// mounted is the handler as a program mounts it.
func mounted(tr *Tracker) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/readyz", tr.ReadyHandler())
	mux.Handle("/readyz/{component}", tr.ReadyHandler())
	mux.Handle("/healthz", LiveHandler())
	return mux
}

func do(h http.Handler, method, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w
}

// The scene for the golden answers: one component in each state and way of
// getting there, with secrets in their errors.
func scene(t *testing.T, tr *Tracker) {
	secret := errors.New("dial tcp 10.1.2.3:443: password=hunter2")
	auth := declare(t, tr, "auth")
	proxy := declare(t, tr, "proxy")
	node := declare(t, tr, "node", Interval(time.Minute))
	web := declare(t, tr, "web & co", Interval(time.Minute))
	declare(t, tr, "never", Interval(4*time.Second))
	declare(t, tr, "soon", Interval(time.Minute))
	proxy.OK()
	time.Sleep(1500 * time.Millisecond)
	node.OK()
	web.Fail(secret)
	time.Sleep(12 * time.Second)
	auth.OK()
	auth.Fail(secret)
	web.OK()
	time.Sleep(2500*time.Millisecond + 1)
	auth.Skip()
}

// Each golden file holds the requests of one scene and their answers.
func TestReadyGolden(t *testing.T) {
	for _, tc := range []struct {
		name    string
		prepare func(*testing.T, *Tracker)
		targets []string
	}{
		{"none", func(*testing.T, *Tracker) {}, []string{"/readyz", "/readyz?verbose", "/readyz/auth"}},
		{"ok", func(t *testing.T, tr *Tracker) { declare(t, tr, "auth").OK() }, []string{"/readyz", "/readyz?verbose", "/readyz/auth", "/readyz?exclude=auth"}},
		{"starting", func(t *testing.T, tr *Tracker) { declare(t, tr, "auth").Skip() }, []string{"/readyz", "/readyz?verbose"}},
		{"recovering", func(t *testing.T, tr *Tracker) {
			reach[StateRecovering](declare(t, tr, "auth"))
			declare(t, tr, "proxy")
			time.Sleep(3250 * time.Millisecond)
		}, []string{"/readyz", "/readyz?verbose"}},
		{"mixed", scene, []string{
			"/readyz", "/readyz?verbose", "/readyz?verbose=1", "/readyz?verbose=0", "/readyz?verbose=false&x=y",
			"/readyz/auth", "/readyz/node", "/readyz/soon", "/readyz/web%20&%20co", "/readyz/web%20&%20co?verbose",
			"/readyz?exclude=auth", "/readyz?exclude=auth&exclude=proxy&exclude=never",
			"/readyz?exclude=auth&exclude=proxy&exclude=never&exclude=web+%26+co&verbose",
			"/readyz?exclude=auth&exclude=proxy&exclude=never&exclude=web+%26+co&exclude=soon&exclude=node&verbose",
			"/readyz/auth?exclude=proxy", "/readyz/auth?exclude=auth",
			"/readyz?exclude=nobody", "/readyz?exclude=auth&exclude=b&exclude=a&exclude=b", "/readyz?exclude=",
			"/readyz/nobody", "/readyz/nobody?exclude=other", "/readyz/a%2Fb", "/readyz/%22%0A%FF",
			"/readyz?exclude=%zz", "/readyz?a;b",
		}},
		{"stopping", func(t *testing.T, tr *Tracker) {
			declare(t, tr, "auth").OK()
			declare(t, tr, "proxy").Fail(nil)
			time.Sleep(time.Second)
			tr.Stopping()
			time.Sleep(time.Second)
		}, []string{"/readyz", "/readyz?verbose", "/readyz/auth", "/readyz/auth?verbose", "/readyz?exclude=auth&exclude=proxy"}},
		{"closed", func(t *testing.T, tr *Tracker) { declare(t, tr, "auth").OK(); tr.Close() }, []string{"/readyz", "/readyz/auth"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, tr *Tracker) {
				tc.prepare(t, tr)
				var got strings.Builder
				for _, target := range tc.targets {
					w := do(mounted(tr), "GET", target)
					fmt.Fprintf(&got, "GET %s\n%d %s\n\n", target, w.Code, w.Body)
				}
				golden(t, filepath.Join("testdata", "ready_"+tc.name+".txt"), got.String())
				if strings.Contains(got.String(), "hunter2") || strings.Contains(got.String(), "10.1.2.3") {
					t.Error("an error text came out")
				}
			})
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%swant\n%s", file, got, want)
	}
}

func TestAnswersHaveTheirHeaders(t *testing.T) {
	tr := newTracker(t)
	declare(t, tr, "auth").OK()
	for _, tc := range []struct {
		method, target string
		code           int
		body           string
	}{
		{"GET", "/healthz", 200, `{"status":"ok"}`},
		{"HEAD", "/healthz", 200, ``},
		{"POST", "/healthz", 405, `{"error":"method not allowed: use GET or HEAD"}`},
		{"GET", "/readyz", 200, `{"status":"ok"}`},
		{"HEAD", "/readyz", 200, ``},
		{"HEAD", "/readyz/x", 404, ``},
		{"DELETE", "/readyz", 405, `{"error":"method not allowed: use GET or HEAD"}`},
		{"OPTIONS", "/readyz/auth", 405, `{"error":"method not allowed: use GET or HEAD"}`},
		{"GET", "/readyz/x", 404, `{"error":"unknown component \"x\""}`},
	} {
		t.Run(tc.method+" "+tc.target, func(t *testing.T) {
			w := do(mounted(tr), tc.method, tc.target)
			if w.Code != tc.code || w.Body.String() != tc.body {
				t.Errorf("got %d %q, want %d %q", w.Code, w.Body, tc.code, tc.body)
			}
			allow := ""
			if tc.code == 405 {
				allow = "GET, HEAD"
			}
			for key, want := range map[string]string{
				"Content-Type":           "application/json",
				"Cache-Control":          "no-store",
				"X-Content-Type-Options": "nosniff",
				"Allow":                  allow,
			} {
				if got := w.Header().Get(key); got != want {
					t.Errorf("%s: got %q, want %q", key, got, want)
				}
			}
			if tc.method != "HEAD" && w.Header().Get("Content-Length") != fmt.Sprint(len(tc.body)) {
				t.Errorf("Content-Length: got %s", w.Header().Get("Content-Length"))
			}
		})
	}
}

func TestHeadSaysHowLongTheBodyIs(t *testing.T) {
	tr := newTracker(t)
	get, head := do(mounted(tr), "GET", "/readyz"), do(mounted(tr), "HEAD", "/readyz")
	if got, want := head.Header().Get("Content-Length"), fmt.Sprint(get.Body.Len()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A program may mount the handler without patterns.
func TestReadyWithoutPatterns(t *testing.T) {
	tr := newTracker(t)
	declare(t, tr, "auth").OK()
	declare(t, tr, "proxy")
	for target, want := range map[string]int{"/readyz": 400, "/readyz/auth": 200, "/readyz/proxy": 400, "/readyz/": 404, "/ready": 400} {
		if got := do(tr.ReadyHandler(), "GET", target).Code; got != want {
			t.Errorf("%s: got %d, want %d", target, got, want)
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	tr := newTracker(t)
	for i := range 10_000 {
		declare(t, tr, fmt.Sprintf("c%04d", i))
	}
	body := do(mounted(tr), "GET", "/readyz").Body.String()
	if !strings.HasSuffix(body, `c0019 (never reported) and 9980 more"}`) || len(body) > 1000 {
		t.Errorf("got %d bytes: %.1000s", len(body), body)
	}
	long := "/readyz?" + strings.Repeat("exclude="+strings.Repeat("%22", 300)+"x&exclude=y&", 50)
	for i := range 30 {
		long += fmt.Sprintf("exclude=z%d&", i)
	}
	w := do(mounted(tr), "GET", long)
	if w.Code != 400 || !strings.Contains(w.Body.String(), "and 12 more") || w.Body.Len() > 4000 {
		t.Errorf("got %d, %d bytes: %s", w.Code, w.Body.Len(), w.Body)
	}
	if w := do(mounted(tr), "GET", "/readyz/"+strings.Repeat("x", 60_000)); w.Code != 404 || w.Body.Len() > 200 {
		t.Errorf("got %d, %d bytes", w.Code, w.Body.Len())
	}
}

// /healthz answers while every lock of the package is held for ever.
func TestLiveTakesNoLock(t *testing.T) {
	tr := newTracker(t)
	c := declare(t, tr, "auth")
	tr.mu.Lock()
	c.mu.Lock()
	tr.journal.mu.Lock()
	w := do(mounted(tr), "GET", "/healthz")
	tr.journal.mu.Unlock()
	c.mu.Unlock()
	tr.mu.Unlock()
	if w.Code != 200 {
		t.Errorf("got %d", w.Code)
	}
}

func FuzzReady(f *testing.F) {
	f.Add("/readyz", "verbose")
	f.Add("/readyz/auth", "exclude=proxy&exclude=auth")
	f.Add("/readyz/", "exclude=%zz&;")
	f.Add("/readyz/a/b", "exclude=\xff&verbose=0")
	f.Add("/readyz/../x", "&&&=")
	tr := newTracker(f, WithInterval(time.Hour))
	declare(f, tr, "auth").OK()
	declare(f, tr, "proxy").Fail(errors.New("hunter2"))
	handlers := []http.Handler{tr.ReadyHandler(), mounted(tr)}
	f.Fuzz(func(t *testing.T, path, query string) {
		for i, h := range handlers {
			r := httptest.NewRequest("GET", "/", nil)
			r.URL = &url.URL{Path: path, RawQuery: query}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			checkAnswer(t, w, i == 1)
		}
	})
}

// checkAnswer holds an answer against what any answer must be. A mux gives
// answers of its own: redirects and 404 in plain text.
func checkAnswer(t *testing.T, w *httptest.ResponseRecorder, mux bool) {
	t.Helper()
	if mux && w.Header().Get("Content-Type") != "application/json" {
		return
	}
	switch w.Code {
	case 200, 400, 404, 503:
	default:
		t.Errorf("got code %d", w.Code)
	}
	body := w.Body.String()
	var answer map[string]any
	if err := json.Unmarshal([]byte(body), &answer); err != nil || strings.ContainsAny(body, "\r\n\t") {
		t.Errorf("got body %q: %v", body, err)
	}
	_, failed := answer["error"]
	if _, answered := answer["status"]; answered == failed {
		t.Errorf("got body %s, want a status or an error", body)
	}
	if strings.Contains(body, "hunter2") {
		t.Error("an error text came out")
	}
}
