# The targets a newcomer needs are demo, test and build; `make check` is what a change must pass beside them.

GO             ?= go
GOLANGCI_LINT  ?= v2.15.0
GOVULNCHECK    ?= v1.8.0
BENCHTIME      ?= 1s
FUZZTIME       ?= 15s
QUICKTIME      ?= 3s
FREESWITCH     ?=
RATE           ?= 15
ROUNDS         ?= 5
SEED           ?= 0
DAEMONS        ?= 3
SWITCHES       ?= 3
CRASH          ?=
WRITE          ?= docs/performance.md
ONCE           ?=
DEMO_ADDR      ?=
VERSION        ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

# What check runs under the race detector, and fuzzes for QUICKTIME each: where goroutines meet and where strangers are read. make test and make fuzz
# do all of it.
RACY      = ./controller/delivery ./controller/route ./esl/freeswitch ./esl/wire ./models ./models/secret ./web/intake ./web/peer ./web/serve
QUICKFUZZ = esl/wire:FuzzReader esl/wire:FuzzDialString web/api:FuzzReadToken web/api:FuzzBodyFields controller/route:FuzzAnswered controller/delivery:FuzzGuard

export FREESWITCH DEMO_ADDR

.PHONY: build demo test check bench bench-live live crash fuzz clean help

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## make bin/maskline
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/maskline ./cmd/maskline

demo: build ## one masked call on a simulated switch, shown live; ONCE=1 ends after it, DEMO_ADDR=127.0.0.1:PORT moves it
	@./bin/maskline demo $(if $(filter 1,$(ONCE)),--once) $(if $(DEMO_ADDR),--addr $(DEMO_ADDR))

test: ## all tests with the race detector, on SQLite and on a MariaDB of its own
	@scripts/mariadb.sh $(GO) test -race -timeout 20m ./...
	@$(GO) test -count=1 -run='FiveHundredCalls|HangingURLs' ./cmd/maskline

check: ## format, vet, linters with gosec, known vulnerabilities, race detector, seeds of the fuzz targets
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT) run ./...
	@scripts/vulncheck.sh $(GOVULNCHECK)
	$(GO) test -race -short -timeout 5m $(RACY)
	$(GO) test -short -timeout 5m -run='^Fuzz' ./...
	@set -e; for target in $(QUICKFUZZ); do \
		$(GO) test -run='^$$' -fuzz="^$${target#*:}\$$" -fuzztime=$(QUICKTIME) ./$${target%:*}; \
	done

bench: ## the promised ratios, each measured against its rival in the same run, and what 500 calls weigh, and a thousand of which no customer hears
	$(GO) test -run='^$$' -bench=Reader -benchtime=$(BENCHTIME) ./esl/wire
	$(GO) test -run='^$$' -bench=Sight -benchtime=$(BENCHTIME) ./models/store
	$(GO) test -run='^$$' -bench='Bind|Enqueue|RawInsert' -benchtime=$(BENCHTIME) ./models/store ./web/api
	$(GO) test -run='^$$' -bench=Record -benchtime=$(BENCHTIME) ./models/store
	$(GO) test -run='^$$' -bench=Customers -benchtime=5000x ./controller/delivery
	$(GO) test -run='^$$' -bench=Calls -benchtime=2000x ./cmd/maskline
	$(GO) test -count=1 -run='FiveHundredCalls|HangingURLs' -v ./cmd/maskline

live: build ## conformance and SIPp calls on a real FreeSWITCH: make live FREESWITCH=/path/to/freeswitch
	@$(GO) build -o bin/live ./scripts/live && ./bin/live

bench-live: build ## what a call costs on a real FreeSWITCH, written into docs/performance.md: make bench-live FREESWITCH=/path/to/freeswitch [RATE=15] [ROUNDS=5]
	@$(GO) build -o bin/bench ./scripts/bench && ./bin/bench -rate $(RATE) -rounds $(ROUNDS) -out bin/bench-live.json -write $(WRITE)

crash: build ## kill, freeze and cut off daemons, database and switches under load: make crash [SEED=7] [ROUNDS=5] [DAEMONS=3] [SWITCHES=3] [FREESWITCH=…]
	@$(GO) build -o bin/crash ./scripts/crash && ./bin/crash -seed $(SEED) -rounds $(ROUNDS) -daemons $(DAEMONS) -switches $(SWITCHES) $(CRASH)
	@$(if $(FREESWITCH),$(GO) build -o bin/live ./scripts/live && ./bin/live -only 'crash|modecrash|cluster' -suite=false)

fuzz: ## each fuzz target for FUZZTIME
	@for pkg in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$target"; $(GO) test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) $$pkg || exit 1; \
		done; \
	done

clean: ## remove what was built and what the demo made
	rm -rf bin var
