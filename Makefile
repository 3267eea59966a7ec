# Everything here needs Go and make, and nothing else. `make help` lists the targets.
.POSIX:
.SUFFIXES:
.NOTPARALLEL:

GO      ?= go
SANDBOX ?= .sandbox
BENCH    = .bench
SEEDS   ?= 10000
FUZZTIME ?= 10m
ARGS    ?=
BIN      = $(SANDBOX)/bin

# The oldest Go that the modules build with: 1.GO_MINOR.
GO_MINOR = 25

# What kube-apiserver says it is. Without it kubectl refuses the server's version.
K8S_MINOR   = 35
K8S_VERSION = v1.35.4
K8S_INFO    = k8s.io/component-base/version
K8S_LDFLAGS = -s -w -X $(K8S_INFO).gitVersion=$(K8S_VERSION) -X $(K8S_INFO).gitMajor=1 -X $(K8S_INFO).gitMinor=$(K8S_MINOR)

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.7.0

# The packages of the sandbox that do not contain Kubernetes: staticcheck would
# read all of it, in minutes and gigabytes.
SANDBOX_LIGHT = ./pki ./process ./manifest

# No C compiler is needed to build; the same setting in every target keeps one build cache.
BUILD = CGO_ENABLED=0 $(GO) build

# What has no part in the life of a pod: the kubelet API (streams, logs, figures),
# the node object, credentials, EIPs and claims (which the pods of the campaign do
# not have), the reaper that works from outside, and the loops with goroutines,
# which the campaign takes turn by turn. All of it has tests of its own.
NOT_PLAYED = provider/(attach|claims|eip|exec[a-z]*|follow|forwardexec|health|log[a-z]*|metrics|orphans|place|portforward|resource|stats|usage)\.go:|vnode/(access|auth|config|configz|credentials|event[a-z]*er|informer|kubelet[a-z]*|limits|metrics|node[a-z]*|queue|signing|tail|taints|validate|vnode)\.go:

# The size of the churn that `make churn` runs.
CHURN_PODS  = 500
CHURN_KILLS = 30

.PHONY: help fuzz faults test-faults faults-coverage churn sandbox sandbox-up sandbox-down build bench profile build-bench test test-main test-sandbox test-nested \
	fmt vet lint goldens clean check-go

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r target text; do \
		printf '  make %-14s %s\n' "$$target" "$$text"; done

sandbox: build ## Run a cluster with an ECI virtual node here, until Ctrl-C (flags: ARGS='--help')
	@$(BIN)/eci-sandbox up --dir $(SANDBOX) $(ARGS)

sandbox-up: build ## The same in the background; returns when all is ready
	@$(BIN)/eci-sandbox up --detach --dir $(SANDBOX) $(ARGS)

sandbox-down: ## Stop what sandbox-up started
	@if test -x $(BIN)/eci-sandbox; then $(BIN)/eci-sandbox down --dir $(SANDBOX); \
	else echo "No sandbox has been built in $(SANDBOX), so none runs."; fi

build: check-go ## Build all programs into .sandbox/bin
	@mkdir -p $(BIN)
	@echo "==> building eci-vnode and eci-emulator"
	@$(BUILD) -o $(BIN)/ ./cmd/eci-vnode ./cmd/eci-emulator
	@if test -x $(BIN)/eci-sandbox; then echo "==> building eci-sandbox"; else \
		echo "==> building eci-sandbox: Kubernetes $(K8S_VERSION) and etcd from source."; \
		echo "    The first time this takes about ten minutes; afterwards a second."; fi
	@GO="$(GO)" sandbox/build.sh $(BIN)/eci-sandbox "$(K8S_LDFLAGS)"
	@ln -sf eci-sandbox $(BIN)/kubectl

bench: build build-bench ## Measure against the raw API server and the library, about twenty minutes (flags: ARGS='-help')
	@$(BIN)/eci-bench -bin-dir $(BIN) -dir $(BENCH) $(ARGS)

profile: build build-bench ## The same, and save CPU and heap profiles of eci-vnode into .bench
	@$(BIN)/eci-bench -bin-dir $(BIN) -dir $(BENCH) -profile $(ARGS)
	@echo "==> read them with: go tool pprof -top $(BIN)/eci-vnode $(BENCH)/cpu-1.pprof"

build-bench: check-go
	@bin=$$(cd $(BIN) && pwd) && cd sandbox/bench && $(BUILD) -o "$$bin/eci-bench" .

test: fmt vet lint test-main test-faults test-nested test-sandbox ## Run every check and every test
	@echo "==> all tests passed"

test-main: check-go
	@if cc=$$($(GO) env CC) && command -v "$${cc%% *}" >/dev/null; then \
		echo "==> go test -race ./..."; CGO_ENABLED=1 $(GO) test -race ./...; \
		echo "==> go test ./provider/eip: all seeds, which the race detector would make slow"; $(GO) test ./provider/eip; \
	else \
		echo "==> go test ./..."; \
		echo "!!! NO RACE DETECTOR: it needs a C compiler and there is none here"; $(GO) test ./...; \
	fi

# Without the race detector, which makes a seed ten times as slow; test-main
# plays a few seeds with it.
test-faults: check-go
	@$(MAKE) faults SEEDS=2000

faults: check-go ## Play a campaign of random faults on all cores (SEEDS=100000), see docs/reliability.md
	@mkdir -p $(BENCH)
	@echo "==> $(SEEDS) seeds of the campaign of faults"
	@$(GO) test -c -o $(BENCH)/campaign.test ./provider/campaign
	@$(BENCH)/campaign.test -test.timeout 0 -test.run 'Seed|CannotBeMade' -seeds=$(SEEDS) -crowd=10000 -progress

faults-coverage: check-go ## Which lines of provider and vnode the campaign reaches (SEEDS=2000)
	@mkdir -p $(BENCH)
	@$(GO) test -count=1 -timeout 0 -run Seed -coverpkg=./provider,./vnode -coverprofile=$(BENCH)/faults.cover ./provider/campaign -args -seeds=$(SEEDS)
	@$(GO) tool cover -func=$(BENCH)/faults.cover | grep -v '100.0%' | grep -vE '$(NOT_PLAYED)' | grep -v ^total
	@grep -vE '$(NOT_PLAYED)' $(BENCH)/faults.cover | awk 'NR > 1 { all += $$2; if ($$3) reached += $$2 } \
		END { printf "%d of %d statements of what the campaign plays are reached: %.1f %%\n", reached, all, 100 * reached / all }'

# The seeds and the corpus of each target run with go test as well.
fuzz: check-go ## Run every fuzz target, one after the other (FUZZTIME=10m for each)
	@find cmd eci provider vnode -name '*_test.go' -exec grep -H '^func Fuzz' {} + | \
		sed 's|^\(.*\)/[^/]*:func \(Fuzz[A-Za-z0-9_]*\).*|\1 \2|' | sort | while read -r dir target; do \
		echo "==> $$target in $$dir, for $(FUZZTIME)"; \
		$(GO) test "./$$dir" -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) </dev/null || exit 1; \
	done

# Every nested module but the sandbox, whose tests need its programs.
test-nested: check-go
	@set -e; for module in $$(find . -mindepth 2 -name go.mod -not -path './sandbox/*'); do \
		dir=$$(dirname "$$module"); echo "==> $$dir: go vet and go test"; \
		(cd "$$dir" && $(GO) vet ./... && $(GO) test ./...); \
	done

# CGO_ENABLED=0 as in the build, so that Kubernetes is compiled once; the end
# to end tests drive the built programs, and are never taken from the cache.
test-sandbox: build
	@echo "==> sandbox: go vet, staticcheck and go test"
	@cd sandbox && CGO_ENABLED=0 $(GO) vet ./... && CGO_ENABLED=0 $(GO) run $(STATICCHECK) $(SANDBOX_LIGHT) && \
		CGO_ENABLED=0 $(GO) test -vet=off ./...
	@echo "==> sandbox/e2e: go vet, staticcheck and go test, on a control plane of its own"
	@bin=$$(cd $(BIN) && pwd) && cd sandbox/e2e && CGO_ENABLED=0 $(GO) vet ./... && \
		CGO_ENABLED=0 $(GO) run $(STATICCHECK) ./... && \
		CGO_ENABLED=0 ECI_SANDBOX_BIN="$$bin" $(GO) test -count=1 -timeout 20m ./...
	@echo "==> sandbox/bench: go vet, staticcheck and go test, in its quick mode"
	@bin=$$(cd $(BIN) && pwd) && cd sandbox/bench && CGO_ENABLED=0 $(GO) vet ./... && \
		CGO_ENABLED=0 $(GO) run $(STATICCHECK) ./... && \
		CGO_ENABLED=0 ECI_SANDBOX_BIN="$$bin" $(GO) test -count=1 ./...

churn: build ## Kill eci-vnode 30 times under 500 pods, faults and API server restarts (CHURN_PODS=, CHURN_KILLS=)
	@bin=$$(cd $(BIN) && pwd) && cd sandbox/e2e && CGO_ENABLED=0 ECI_SANDBOX_BIN="$$bin" \
		ECI_CHURN_PODS=$(CHURN_PODS) ECI_CHURN_KILLS=$(CHURN_KILLS) $(GO) test -count=1 -timeout 60m -run TestChurn -v .

fmt: check-go ## Check that every Go file is formatted
	@echo "==> gofmt"
	@unformatted=$$(gofmt -l cmd deploy eci fuzzbounds provider vnode sandbox) && test -z "$$unformatted" || \
		{ echo "not formatted (gofmt -w them):"; echo "$$unformatted"; exit 1; }

vet: check-go ## go vet the main module
	@echo "==> go vet ./..."
	@$(GO) vet ./...

lint: check-go ## staticcheck the main module
	@echo "==> staticcheck ./..."
	@$(GO) run $(STATICCHECK) ./...

goldens: check-go ## Rewrite the golden files from what the code does now
	$(GO) test ./provider/request ./provider/status ./provider/explain ./cmd/eci-vnode -run Golden -update

clean: sandbox-down ## Stop the sandbox and remove all that was built
	rm -rf $(SANDBOX) $(BENCH)

check-go:
	@command -v $(GO) >/dev/null || { \
		echo "Go is missing: install Go 1.$(GO_MINOR) or newer from https://go.dev/dl/ and put it in PATH." >&2; exit 1; }
	@version=$$($(GO) env GOVERSION) || exit 1; minor=$${version#go1.}; minor=$${minor%%[!0-9]*}; \
		test "$${minor:-0}" -ge $(GO_MINOR) || { \
		echo "Go 1.$(GO_MINOR) or newer is needed, this is $$version: get it from https://go.dev/dl/." >&2; exit 1; }
