package probe

import (
	"strings"
	"testing"
)

func TestParseAccepts(t *testing.T) {
	for _, row := range []struct{ name, url, target string }{
		{"tcp", "tcp://127.0.0.1:2379", "tcp://127.0.0.1:2379"},
		{"tcp with a slash", "tcp://localhost:1/", "tcp://localhost:1/"},
		{"tcp to IPv6", "tcp://[::1]:65535", "tcp://[::1]:65535"},
		{"scheme in capitals", "TCP://host:80", "tcp://host:80"},
		{"http without port", "http://example.com", "http://example.com"},
		{"http with path", "http://127.0.0.1:2379/health", "http://127.0.0.1:2379/health"},
		{"query is not shown", "http://h/health?token=hunter2", "http://h/health?..."},
		{"user information is not shown", "https://bob:hunter2@h:8443/x", "https://xxxxx@h:8443/x"},
		{"nor is a token as user", "https://hunter2@h/", "https://xxxxx@h/"},
		{"grpc", "grpc://h:50051", "grpc://h:50051"},
		{"grpc with service", "grpcs://h:50051/teleport.Auth", "grpcs://h:50051/teleport.Auth"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := mustParse(t, row.url, settings{}).Target(); got != row.target {
				t.Errorf("got target %q, want %q", got, row.target)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, row := range []struct {
		name, url string
		want      []string
	}{
		{"empty", "", []string{"is empty", allowed}},
		{"no scheme", "127.0.0.1", []string{"no scheme", allowed}},
		{"host and port only", "127.0.0.1:2379", []string{"no scheme", allowed}},
		{"name and port only", "localhost:2379", []string{"unknown scheme", allowed}},
		{"unknown scheme", "unix:///run/x.sock", []string{"unknown scheme", `"unix:///run/x.sock"`, allowed}},
		{"no slashes", "tcp:host:80", []string{"two slashes after tcp:"}},
		{"no host", "tcp://:80", []string{"no host"}},
		{"nothing after the scheme", "http://", []string{"no host"}},
		{"tcp without port", "tcp://host", []string{"no port", "tcp://host:port"}},
		{"grpc without port", "grpc://host/service", []string{"no port", "grpc://host:port"}},
		{"colon without port", "http://host:", []string{"a colon but no port"}},
		{"port zero", "tcp://host:0", []string{"1 to 65535"}},
		{"port too high", "http://host:65536/", []string{"1 to 65535"}},
		{"port is a word", "tcp://host:http", []string{"host or port"}},
		{"IPv6 without brackets", "tcp://fe80::1:80", []string{"IPv6", "brackets"}},
		{"fragment", "http://host/#top", []string{"fragment"}},
		{"query on tcp", "tcp://host:1?x=1", []string{"query"}},
		{"empty query on tcp", "tcp://host:1?", []string{"query"}},
		{"path on tcp", "tcp://host:1/x", []string{"path"}},
		{"query on grpc", "grpc://host:1/s?x=1", []string{"query"}},
		{"user on tcp", "tcp://bob:hunter2@host:1", []string{"user information", mask}},
		{"user on grpc", "grpcs://bob:hunter2@host:1", []string{"user information", mask}},
		{"space", "http://ho st/", []string{"space or a control character"}},
		{"newline", "http://host/\nx", []string{"space or a control character"}},
		{"bad escape", "http://host/%zz", []string{"percent sign"}},
		{"bad escape in the host", "http://ho%2Fst/", []string{"percent"}},
		{"number sign in the password", "http://bob:hunter2#x@host/", []string{mask}},
		{"slash in the password", "http://bob:hunter2/x@host/", []string{mask}},
		{"question mark in the password", "http://bob:hunter2?x@host/", []string{mask}},
		{"space in the password", "http://bob:hunter2 x@host/", []string{mask}},
		{"bad scheme with a password", "ftp://bob:hunter2@host/", []string{mask}},
		{"no scheme with a password", "bob:hunter2@host", []string{mask}},
		{"secret in the query of a bad URL", "ftp://host/?token=hunter2", []string{"?..."}},
		{"very long", "ftp://" + strings.Repeat("a", 9000), []string{"unknown scheme"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, err := Parse(row.url)
			if c != nil {
				t.Error("got a check together with an error")
			}
			wantError(t, err, append(row.want, "probe url ")...)
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("tcp://", "", "127.0.0.1:80")
	f.Add("http://", "bob:pass", "h/health?x=1#y")
	f.Add("grpcs://", "", "[::1]:50051/service")
	f.Add("ftp:", "a%zz", "h\n")
	f.Add("http://", "a/b?c", "h:99999")
	f.Fuzz(func(t *testing.T, scheme, user, rest string) {
		const secret = "hunter2"
		raw := scheme + rest
		if user != "" {
			raw = scheme + user + secret + "@" + rest
		}
		if strings.Contains(scheme+rest, secret) {
			t.Skip("the secret stands in a place that is not one")
		}
		c, err := Parse(raw)
		if err != nil {
			wantPresentable(t, err.Error())
			return
		}
		if scheme == "http://" && !strings.ContainsAny(user, "/?#") {
			wantPresentable(t, c.Target())
		}
		c.Close()
	})
}
