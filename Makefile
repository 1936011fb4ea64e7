# Synap's tasks. `make` lists them.
GO        ?= go
BIN       := bin
LINT_VERS := v2.15.0
LINT      := $(CURDIR)/$(BIN)/golangci-lint-$(LINT_VERS)
FUZZTIME  ?= 10s
VERSION   := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS   := -X main.commit=$(VERSION)
SUDO      := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.DEFAULT_GOAL := help
.PHONY: help build run test test-go test-debug test-clients test-crash test-crowd test-browser lint fuzz bench bench-peers bench-live bench-regress \
    tools-apt tools-browser clean

help: ## list the tasks
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

build: ## build bin/synap-server and bin/synap-benchmark
	@mkdir -p $(BIN)
	$(GO) build -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/synap-server ./cmd/synap-benchmark

run: build ## build and serve (HTTP 15500, RESP 6379); ARGS='--resp-port 6380' passes flags
	$(BIN)/synap-server $(ARGS)

test: tools-apt lint test-clients test-debug test-go ## everything a change must pass

test-go: ## all Go tests under the race detector
	$(GO) test -race -timeout 15m ./...
	$(GO) test -tags gnet ./internal/server

test-debug: ## the store's tests with poisoned memory and invariant checks
	$(GO) test -tags synapdebug -timeout 10m ./internal/store/...

test-clients: build .cache/venv/ready ## published Python clients against the built server
	SYNAP_SERVER=$(CURDIR)/$(BIN)/synap-server .cache/venv/bin/python -W error::ResourceWarning \
	    -m unittest discover -s test/clients/python

.cache/venv/ready: test/clients/python/requirements.txt
	python3 -m venv .cache/venv
	.cache/venv/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

test-crash: ## kill the server SYNAP_KILLS times (default 200) and look for lost writes
	SYNAP_KILLS=$${SYNAP_KILLS:-200} $(GO) test -count 1 -timeout 60m -v ./test/crash
	SYNAP_CUTS=$${SYNAP_CUTS:-2000} $(GO) test -count 1 -v -run PowerCuts ./internal/persist

test-crowd: ## 5000 followers of 100 rooms over real sockets, cut at random (SYNAP_CROWD)
	SYNAP_CROWD=$${SYNAP_CROWD:-100x50x1000} $(GO) test -count 1 -timeout 30m -v -run Crowd \
	    ./test/live

test-browser: tools-browser ## benchmark reports in headless Chromium: drawn, no errors, no requests
	$(GO) test -tags browser -count 1 -v -run Browser ./internal/benchmark/report

lint: $(LINT) ## gofmt, go vet, golangci-lint
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'run gofmt -w on these files'; exit 1; }
	$(GO) vet ./...
	$(LINT) run --allow-parallel-runners ./...

$(LINT):
	@mkdir -p $(BIN)
	GOBIN=$(CURDIR)/$(BIN) $(GO) install \
	    github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERS)
	mv $(BIN)/golangci-lint $@

fuzz: ## each fuzz target for FUZZTIME (default 10s)
	@set -e; for pkg in $$($(GO) list ./...); do \
	    for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	        echo "== $$pkg $$target"; \
	        $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg; \
	    done; \
	done

bench: ## the store's benchmarks, then both servers under redis-benchmark and wrk
	$(GO) test -run '^$$' -bench . -benchtime 1s ./internal/store/... ./internal/wire/...
	SYNAP_BENCH_KEYS=10000000 $(GO) test -run '^$$' -bench 'Get|Insert|Scan|Over' \
	    -benchtime 1s -timeout 30m ./internal/store/kv
	$(MAKE) bench-peers

bench-peers: build tools-apt ## Synap and its peers in the same run
	bench/vs-redis.sh
	bench/http.sh
	bench/durability.sh
	bench/memory.sh
	bench/vs-beanstalkd.sh
	$(MAKE) bench-live

bench-live: build tools-apt ## topics, rooms and WebSockets: beside nats-server, 19 000 at once, a full server
	bench/vs-nats.sh
	bench/crowds.sh

bench-regress: ## has Synap become slower on this machine? THRESHOLD=5% RUNS=5; UPDATE=1: new baseline
	bench/regress.sh

tools-browser: # 100 MB, so no part of tools-apt
	@command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null || { \
	    $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install \
	        -y -qq --no-install-recommends chromium-headless-shell >/dev/null; }

tools-apt: ## install what the tests need (Debian's redis-server is their oracle)
	@command -v redis-server >/dev/null && command -v redis-benchmark >/dev/null \
	    && command -v wrk >/dev/null && command -v curl >/dev/null \
	    && command -v strace >/dev/null && command -v beanstalkd >/dev/null \
	    && command -v nats-server >/dev/null && python3 -c 'import ensurepip' 2>/dev/null || { \
	    $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install \
	        -y -qq --no-install-recommends redis-server redis-tools wrk curl strace beanstalkd \
	        nats-server python3-venv >/dev/null; }

clean: ## remove what the tasks made
	rm -rf $(BIN)
