package main

import (
	"bytes"
	"fmt"
	"go/format"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"go.yaml.in/yaml/v3"
)

// repository is where the README and its relative links start from.
const repository = "../.."

// TestREADME does what the README tells its reader to do, section by section,
// and compares what comes out with what stands there. An ellipsis stands for
// any text. The addresses are replaced by ones that are free.
func TestREADME(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range parseSections(string(text)) {
		if len(s.blocks) > 0 {
			t.Run(s.title, func(t *testing.T) { newReader(t).follow(s.blocks) })
		}
	}
}

func TestREADMELinks(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`).FindAllStringSubmatch(string(text), -1) {
		if _, err := os.Stat(filepath.Join(repository, link[1])); err != nil {
			t.Errorf("link to %s: %v", link[1], err)
		}
	}
}

// section is what stands under one heading.
type section struct {
	title  string
	blocks []block
}

// block is a fenced block: ```language name.
type block struct {
	language, name string
	lines          []string
}

func parseSections(text string) []section {
	sections := []section{{}}
	var open *block
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		s := &sections[len(sections)-1]
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && open == nil:
			language, name, _ := strings.Cut(fence, " ")
			open = &block{language: language, name: name}
		case isFence:
			s.blocks = append(s.blocks, *open)
			open = nil
		case open != nil:
			open.lines = append(open.lines, line)
		case strings.HasPrefix(line, "## "):
			sections = append(sections, section{title: line[3:]})
		}
	}
	return sections
}

// reader is somebody who follows one section with a terminal.
type reader struct {
	t         *testing.T
	dir       string            // of the files that the section lets one write
	addresses map[string]string // as written, to those that are there
	daemon    *daemon
	collector *collector
}

// diagAddr is the address that the README's examples serve on.
const diagAddr = "127.0.0.1:3000"

func newReader(t *testing.T) *reader {
	etcd := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(etcd.Close)
	r := &reader{t: t, dir: t.TempDir(), collector: &collector{}}
	otlp := httptest.NewServer(r.collector)
	t.Cleanup(otlp.Close)
	r.addresses = map[string]string{
		diagAddr:         "127.0.0.1:0",
		"127.0.0.1:2379": etcd.Listener.Addr().String(),
		"127.0.0.1:3023": "127.0.0.1:1", // nothing listens there
		"127.0.0.1:4318": otlp.Listener.Addr().String(),
	}
	return r
}

// here puts the addresses that are there into text.
func (r *reader) here(text string) string {
	return strings.NewReplacer(r.pairs(func(written, there string) []string { return []string{written, there} })...).Replace(text)
}

// asWritten is the reverse of here.
func (r *reader) asWritten(text string) string {
	return strings.NewReplacer(r.pairs(func(written, there string) []string { return []string{there, written} })...).Replace(text)
}

// pairs are the arguments of a replacer, long addresses before short ones that
// they may begin with.
func (r *reader) pairs(pair func(written, there string) []string) []string {
	var list []string
	longFirst := func(a, b string) int { return len(r.addresses[b]) - len(r.addresses[a]) }
	for _, written := range slices.SortedFunc(maps.Keys(r.addresses), longFirst) {
		list = append(list, pair(written, r.addresses[written])...)
	}
	return list
}

func (r *reader) follow(blocks []block) {
	r.t.Helper()
	for _, b := range blocks {
		text := strings.Join(b.lines, "\n") + "\n"
		switch {
		case b.name != "":
			r.write(b.name, text)
		case b.language == "sh":
			r.runAll(text)
		case b.language == "console":
			r.converse(b.lines)
		case b.language == "yaml":
			r.readScrapeConfig(text)
		default:
			r.t.Errorf("a block of the language %q that nobody checks:\n%s", b.language, text)
		}
	}
	r.stop()
}

func (r *reader) write(name, text string) {
	if filepath.Ext(name) == ".go" {
		formatted, err := format.Source([]byte(text))
		if err != nil || string(formatted) != text {
			r.t.Errorf("%s is not as gofmt has it: %v", name, err)
		}
	}
	root, err := filepath.Abs(repository)
	if err != nil {
		r.t.Fatal(err)
	}
	text = strings.ReplaceAll(r.here(text), "=> ../telltale", "=> "+root)
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// runAll runs the commands of a block of shell.
func (r *reader) runAll(text string) {
	r.t.Helper()
	text = strings.ReplaceAll(text, "\\\n", " ")
	for line := range strings.Lines(text) {
		command, _, _ := strings.Cut(line, " #")
		words := strings.Fields(r.here(command))
		var environ []string
		for len(words) > 0 && strings.Contains(words[0], "=") {
			environ, words = append(environ, words[0]), words[1:]
		}
		switch command = strings.Join(words[:min(4, len(words))], " "); {
		case command == "go run ./cmd/telltale start":
			r.start("telltale", words[3:], environ)
		case command == "go run -mod=mod .":
			r.start(r.build(), nil, environ)
		case words[0] == "make" && len(words) == 2:
			r.runTarget(words[1])
		case command == "cd examples/accessplane && go":
			r.findExample(strings.Join(words, " "))
		default:
			r.t.Errorf("a command that nobody checks: %s", line)
		}
	}
}

func (r *reader) start(program string, args, environ []string) {
	r.t.Helper()
	d, err := newDaemon(r.dir, program, args, environ)
	if err != nil {
		r.t.Fatal(err)
	}
	r.daemon = d
	r.t.Cleanup(d.kill)
	addr, err := d.address()
	if err != nil {
		r.t.Fatal(err)
	}
	if addr != "" {
		r.addresses[diagAddr] = addr
	}
}

// stop ends what runs, as its user would with Ctrl-C.
func (r *reader) stop() {
	if r.daemon == nil {
		return
	}
	if err := r.daemon.cmd.Process.Signal(syscall.SIGINT); err != nil {
		r.t.Error(err)
	}
	if err := r.daemon.wait(); err != nil {
		text, _ := r.daemon.logged()
		r.t.Errorf("ended with %v; log:\n%s", err, text)
	}
	if slices.ContainsFunc(append(r.daemon.cmd.Args, r.daemon.cmd.Env...), func(s string) bool {
		return strings.Contains(s, r.addresses["127.0.0.1:4318"])
	}) && r.collector.count() == 0 {
		r.t.Error("nothing was pushed to the collector")
	}
}

// build makes the program whose files the section has given.
func (r *reader) build() string {
	r.t.Helper()
	// The checksums are known here; without them go would ask for them outside.
	sums, err := os.ReadFile(filepath.Join(repository, "go.sum"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.write("go.sum", string(sums))
	cmd := exec.Command("go", "build", "-mod=mod", "-o", "app", ".")
	cmd.Dir = r.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return filepath.Join(r.dir, "app")
}

// runTarget makes a target, but for those that take their time or run this test
// themselves: make only says what it would do for them, which .ci/run and the
// test of bench/ really do.
func (r *reader) runTarget(target string) {
	args := []string{"-C", repository, target}
	if target != "help" {
		args = append(args, "--dry-run")
	}
	cmd := exec.Command("make", args...)
	// A make that runs this test would hand its own options down.
	cmd.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=")
	if out, err := cmd.CombinedOutput(); err != nil || len(out) == 0 {
		r.t.Errorf("make %s: %v\n%s", target, err, out)
	}
}

// findExample looks up the test that runs the command: the example is a module
// of its own, with peers that this one must not depend on.
func (r *reader) findExample(command string) {
	text, err := os.ReadFile(filepath.Join(repository, "examples/accessplane/main_test.go"))
	if err != nil {
		r.t.Fatal(err)
	}
	if !bytes.Contains(text, []byte("`"+command+"`")) {
		r.t.Errorf("examples/accessplane/main_test.go does not run %s", command)
	}
}

// converse enters each line that begins with a prompt, and expects the lines
// after it for an answer.
func (r *reader) converse(lines []string) {
	r.t.Helper()
	for len(lines) > 0 {
		command, ok := strings.CutPrefix(lines[0], "$ ")
		if !ok {
			r.t.Fatalf("output without a command: %s", lines[0])
		}
		n := 1
		for n < len(lines) && !strings.HasPrefix(lines[n], "$ ") {
			n++
		}
		r.expect(command, strings.Join(lines[1:n], "\n"))
		lines = lines[n:]
	}
}

// expect repeats a command until it answers as wanted.
func (r *reader) expect(command, want string) {
	r.t.Helper()
	pattern := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".+") + "$")
	err := eventually(func() error {
		got, err := r.enter(command)
		if got = strings.TrimSpace(r.asWritten(got)); err == nil && !pattern.MatchString(got) {
			err = fmt.Errorf("$ %s\n%s\nwant\n%s", command, got, want)
		}
		return err
	})
	if err != nil {
		r.t.Error(err)
	}
}

// request is a curl, piped into a grep perhaps.
var request = regexp.MustCompile(`^curl -s '?(\S+?)'?(?: \| grep '?(\S+?)'?)?$`)

func (r *reader) enter(command string) (string, error) {
	if command == "telltale start" {
		out, err := exec.Command("telltale", "start").CombinedOutput()
		if err == nil {
			return "", fmt.Errorf("no error with %s", out)
		}
		return string(out), nil
	}
	match := request.FindStringSubmatch(command)
	if match == nil {
		return "", fmt.Errorf("a command that nobody can enter: %s", command)
	}
	_, body, err := get(r.here(match[1]))
	if match[2] == "" || err != nil {
		return body, err
	}
	wanted := regexp.MustCompile(strings.ReplaceAll(match[2], `\|`, "|"))
	var found strings.Builder
	for line := range strings.Lines(body) {
		if wanted.MatchString(line) {
			found.WriteString(line)
		}
	}
	return found.String(), nil
}

// readScrapeConfig checks that a configuration of Prometheus names the address
// of the other examples. That Prometheus takes it is a test of interop/prometheus.
func (r *reader) readScrapeConfig(text string) {
	var config struct {
		ScrapeConfigs []struct {
			JobName       string                       `yaml:"job_name"`
			StaticConfigs []struct{ Targets []string } `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&config); err != nil {
		r.t.Fatal(err)
	}
	for _, job := range config.ScrapeConfigs {
		for _, static := range job.StaticConfigs {
			if !slices.Equal(static.Targets, []string{diagAddr}) {
				r.t.Errorf("job %s has targets %v, want %s", job.JobName, static.Targets, diagAddr)
			}
		}
	}
	if len(config.ScrapeConfigs) != 1 {
		r.t.Errorf("got %d jobs, want 1", len(config.ScrapeConfigs))
	}
}
