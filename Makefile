# Needs Go (the version in go.mod), gcc for the race detector, git and make.
# Tools that are not part of Go are run from the module proxy, at fixed versions.

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# The product is the module at the top. What it must not depend on, such as the
# peers of the tests in interop/, lives in modules of its own below.
MODULES := $(sort $(patsubst %/go.mod,%,$(shell find . -name go.mod -not -path '*/testdata/*')))

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
GITREF  ?= $(shell git describe --long --tags --always 2>/dev/null)

# Without grpcnotrace gRPC brings a tracer with pages of its own, and with it HTML
# templates, which keep the linker from leaving out methods that nobody calls.
# nethttpomithttp2 leaves out the HTTP/2 of net/http, half a megabyte, which only
# pushes to https:// would use; gRPC has one of its own.
TAGS := grpcnotrace,nethttpomithttp2

FUZZTIME ?= 10s

# each runs $(1) in every module, says which, and fails at the end if one failed.
each = @status=0; for m in $(MODULES); do echo "== $$m: $(1)"; (cd $$m && $(1)) || status=1; done; exit $$status

.PHONY: help test bench generate lint format fuzz build clean

help: ## show what can be made
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## run every test of every module with the race detector
	$(call each,go test -race ./...)

bench: ## measure speed and size beside other libraries, and print the ratios
	cd bench && go run .

generate: ## write the generated files, such as docs/metrics.md
	go generate ./...

lint: ## check the format, and run go vet and staticcheck, in every module
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "run make format, for:"; echo "$$unformatted"; exit 1; fi
	$(call each,go vet ./... && go run $(STATICCHECK) ./...)

format: ## format every Go file
	gofmt -w .

fuzz: ## run each fuzz target for FUZZTIME (10s)
	@set -e; grep -rlE --include='*_test.go' '^func Fuzz' . | xargs -r -n1 dirname | sort -u | while read -r dir; do \
		grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$$dir"/*_test.go | cut -d' ' -f2 | sort | while read -r target; do \
			echo "== $$dir $$target"; \
			(cd "$$dir" && go test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) .) </dev/null || exit 1; \
		done || exit 1; \
	done

build: ## build dist/telltale, stripped, with the version of the git checkout
	CGO_ENABLED=0 go build -trimpath -tags=$(TAGS) -ldflags="-s -w -X main.version=$(VERSION) -X main.gitRef=$(GITREF)" -o dist/telltale ./cmd/telltale

clean: ## remove what was built
	rm -rf dist
