# The commands of developers and CI.  `make` lists the targets.

# VERSION is the version of the package, YYYY.MM.DD-SERIAL.  The default day is that of
# the last commit.
DAY := $(shell TZ=UTC git log -1 --format=%cd --date=format-local:%Y.%m.%d 2>/dev/null || date -u +%Y.%m.%d)
VERSION ?= $(DAY)-1
# Recipes read it from their environment, so that any value is a single word.
export VERSION

# The sandbox updates from this version to the next.
RUN_VERSIONS = $(DAY)-1 $(DAY)-2

# NAME is the name of the sandbox. Only `make NAME=x` sets it, because some shells have a
# variable NAME.
ifneq ($(filter command,$(origin NAME)),)
export NAME
endif

SEEDS = 1000
# The shells of the daemons are simulated with SHELL_SEEDS, and run on a real
# etcd with ETCD_SEEDS.
SHELL_SEEDS = 2000
ETCD_SEEDS = 100
FUZZTIME = 20s
STATICCHECK = go tool -modfile=tools/go.mod staticcheck

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build all programs into build/
	@debian/build --check "$$VERSION"
	go build -trimpath -ldflags "-X github.com/cybozu-go/neco/pkg/daemon.Version=$$VERSION" -o build/ ./cmd/...

.PHONY: run
run: sandbox-debs ## Start a data centre of three boot servers here and update it
	build/neco-sandbox run $(foreach v,$(RUN_VERSIONS),--deb build/neco_$(v)_amd64.deb)

.PHONY: run-keep
run-keep: sandbox-debs ## The same, and leave it running for build/neco-sandbox [NAME=other]
	build/neco-sandbox $(if $(filter command,$(origin NAME)),--name "$$NAME") run $(foreach v,$(RUN_VERSIONS),--deb build/neco_$(v)_amd64.deb) --keep

.PHONY: sandbox-debs
sandbox-debs:
	@tools/need dpkg:dpkg gzip:gzip
	go build -o build/ ./cmd/neco-sandbox
	dctest/sandbox/build-debs build $(RUN_VERSIONS)

.PHONY: check
check: lint test ## lint and test

.PHONY: lint
lint: ## Format, vet, staticcheck, actionlint
	@files=$$(gofmt -l *.go cmd dctest internal pkg tools); test -z "$$files" || { echo "not formatted, run gofmt -w: $$files" >&2; exit 1; }
	go vet -tags=sandbox,dctest,vault,shell,login ./...
	$(STATICCHECK) -tags=sandbox,dctest,vault,shell,login ./...
	go tool -modfile=tools/go.mod actionlint -shellcheck= -pyflakes= .github/workflows/*.yml

.PHONY: test
test: ## All tests, with the race detector, and SEEDS=1000 simulated updates
	@tools/need gcc:gcc git:git dpkg-deb:dpkg curl:curl
	go test -race $$(go list ./... | grep -v /dctest/simulation)
	go test ./dctest/simulation -args -seeds=$(SEEDS)
	go test ./dctest/simulation/model
	go test ./dctest/simulation/shells -args -seeds=$(SHELL_SEEDS)
	cd tools/kubernetes && go test ./...

.PHONY: test-newer
test-newer: ## The tests with a newer artifact set, in a copy of the repository
	@tools/need git:git dpkg-deb:dpkg curl:curl
	tools/test-newer

.PHONY: test-shell
test-shell: ## The daemons' shells on a real etcd behind a failing network [ETCD_SEEDS=100]
	go test -tags=shell -count=1 -timeout=60m -parallel=12 -run='OnEtcd' ./dctest/simulation/shells -args -seeds=$(ETCD_SEEDS)

.PHONY: test-sandbox
test-sandbox: ## The tests that run real packages in the sandbox
	@tools/need dpkg:dpkg gzip:gzip
	go test -tags=sandbox -count=1 -timeout=60m ./dctest/sandbox/... ./cmd/neco-sandbox/...

# FROM is the commit whose package test-upgrade updates.
FROM ?=

.PHONY: test-upgrade
test-upgrade: ## Update a data centre of the commit FROM, killed at each step, in the sandbox
	@tools/need dpkg:dpkg gzip:gzip
	go test -tags=upgrade -count=1 -timeout=30m -v -run='Earlier' ./dctest/sandbox/kills -args -from=$(FROM)

.PHONY: test-vault
test-vault: ## The tests against a real Vault, which is built first
	dctest/images/build vault
	go test -tags=vault -count=1 ./pkg/vault/... ./pkg/join ./pkg/setup

.PHONY: test-ignitions
test-ignitions: ## The ignition templates, by Ignition, systemd, shellcheck, BIRD and chronyd
	@tools/need shellcheck:shellcheck systemd-analyze:systemd bird:bird2 chronyd:chrony jq:jq
	cd dctest/ignitions && go vet ./... && go test -count=1 ./...

.PHONY: test-login
test-login: ## The tests with a real sshd and visudo, in a mount namespace (root)
	@tools/need-stopped sshd:openssh-server visudo:sudo script:bsdutils nsenter:util-linux
	go test -tags=login -count=1 ./pkg/logins ./pkg/sessionlog

.PHONY: dc
dc: ## Start a virtual data centre: systemd boot servers behind a BGP fabric (root) [MENU=dctest/menu-5.yml]
	dctest/dc up

.PHONY: dc-down
dc-down: ## End the virtual data centre and its Docker daemon
	dctest/dc down

.PHONY: test-deb
test-deb: ## Build the package on two paths, one with an empty cache, and compare the bytes [PART=tools|package]
	tools/test-deb "$$VERSION" $(PART)

.PHONY: simulate
simulate: ## Simulate SEEDS=1000 updates with faults, or replay SEED=n [PLANT=bug]
	go test ./dctest/simulation -run=TestSeedsHoldTheInvariants -count=1 -timeout=0 -v -args $(if $(SEED),-seed=$(SEED) -plant=$(PLANT),-seeds=$(SEEDS))

.PHONY: fuzz
fuzz: ## Fuzz every decoder for FUZZTIME=20s
	@git grep -o '^func Fuzz[A-Za-z0-9_]*' -- '*_test.go' | \
	while IFS=: read -r file name; do \
		echo "$${file%/*} $${name#func }"; \
		go test "./$${file%/*}" -run='^$$' -fuzz="^$${name#func }\$$" -fuzztime=$(FUZZTIME) || exit 1; \
	done

.PHONY: bench
bench: ## Benchmarks
	go test -run='^$$' -bench=. -benchmem ./...

# CONTENTS_MIB is the size of all images in MiB, and ROUNDS how often both ways are measured.
CONTENTS_MIB = 5120
ROUNDS = 3
# AT_A_TIME is the number of images that crane and curl process at the same time.
AT_A_TIME = 2

.PHONY: bench-contents
bench-contents: ## Upload 5 GiB of images, compared with crane and curl [CONTENTS_MIB=5120] [ROUNDS=3] [AT_A_TIME=2]
	@tools/need curl:curl
	go run ./dctest/contentsbench -size=$(CONTENTS_MIB) -rounds=$(ROUNDS) -at-a-time=$(AT_A_TIME)

# MACHINES is the number of machines of the fleet.
MACHINES = 10000

.PHONY: bench-fleet
bench-fleet: ## Let sabakan-state-setter observe MACHINES=10000 simulated machines [ROUNDS=3]
	go build -o build/ ./dctest/fleetbench
	build/fleetbench -machines $(MACHINES) -rounds $(ROUNDS)

.PHONY: deb
deb: ## Build build/neco_VERSION_amd64.deb (VERSION=YYYY.MM.DD-SERIAL)
	@tools/need gzip:gzip
	@debian/build build "$$VERSION"
	@[ -n "$$NECO_TOOLS" ] || echo "without the programs of other projects; docs/package.md says how to add them"
	@ls "build/neco_$${VERSION}_amd64.deb" "build/neco_$${VERSION}_amd64.deb.sha256"

.PHONY: tools
tools: tools-need ## Build and download the programs of other projects in the package, into build/tools
	@rm -rf build/tools
	@mkdir -p build
	go run ./cmd/toolset stage build/tools

.PHONY: bundles
bundles: tools-need ## Build the bundles of programs for the computers of operators (VERSION=YYYY.MM.DD-SERIAL)
	@debian/bundles build "$$VERSION"
	@cd build && ../debian/bundles --names "$$VERSION" | xargs ls

# runc contains C code and links a library.
.PHONY: tools-need
tools-need:
	@tools/need gcc:gcc /usr/include/stdio.h:libc6-dev /usr/include/seccomp.h:libseccomp-dev

.PHONY: tools-pin
tools-pin: ## Read the digests of these programs from their publishers (internet), and show what changed
	@go run ./cmd/toolset pin; code=$$?; \
	git status --short debian/tools.yaml debian/tools; \
	git --no-pager diff debian/tools.yaml debian/tools; \
	exit $$code

.PHONY: lint-deb
lint-deb: ## Build the package and examine it with lintian [VERSION=YYYY.MM.DD-SERIAL]
	@tools/need gzip:gzip lintian:lintian
	@debian/build build "$$VERSION"
	@echo "examines build/neco_$${VERSION}_amd64.deb, built from this tree"
	lintian --fail-on error,warning --allow-root "build/neco_$${VERSION}_amd64.deb"

# SUITE is the name of a suite in the table of docs/development.md.
SUITE ?=
export SUITE

.PHONY: suite
suite: ## Run a suite as CI does, with its data centre [SUITE=functions]
	@.ci/run-suite "$$SUITE"

# WORKFLOW is the name of a file in .github/workflows.
WORKFLOW ?= main

.PHONY: pipeline
pipeline: ## List the commands of a workflow, or run them in a fresh clone [WORKFLOW=main] [TAG=test-…] [RUN=1]
	go run ./dctest/pipeline $(if $(filter-out 0 no,$(RUN)),-run) $${TAG:+-ref "$$TAG"} "$(WORKFLOW)"

# TAG is test-YYYY.MM.DD-SERIAL or release-YYYY.MM.DD-SERIAL. docs/cicd.md explains releases.
TAG ?=
export TAG

.PHONY: release-version
release-version: ## Check the form of a tag, and print its version [TAG=test-YYYY.MM.DD-SERIAL]
	@tools/release version "$$TAG"

.PHONY: release-files
release-files: tools-need ## Build the files of a release into build/release [TAG=test-YYYY.MM.DD-SERIAL]
	@tools/release files "$$TAG"

.PHONY: release-create
release-create: ## Create a draft or a pre-release on GitHub [TAG=test-YYYY.MM.DD-SERIAL]
	@tools/release create "$$TAG"

.PHONY: release-candidate
release-candidate: ## Commit the artifact set, and push the commit with the tag of a candidate
	@tools/release candidate

.PHONY: generate
generate: generate-coil ## Update the generated tables of docs/ and etc/coil.yaml
	go test ./pkg/cli -run=TestDocs -count=1 -args -update
	go test ./pkg/status -run=TestTheSchema -count=1 -args -update

.PHONY: generate-coil
generate-coil: ## Update the definitions of Coil's custom resources in etc/coil.yaml
	cd tools/kubernetes && go run .

# It is not a part of generate: Helm and its dependencies take minutes to download and
# build. A test fails if the manifests are stale.
.PHONY: generate-cilium
generate-cilium: ## Render etc/cilium.yaml and etc/cilium-pre.yaml from Cilium's chart
	cd tools/cilium && go run .

# ARTIFACTS_FLAGS is empty to choose among pre-releases and other major versions, too.
ARTIFACTS_FLAGS = --release

.PHONY: artifacts
artifacts: ## Choose the newest artifacts and compute their digests, on the internet [ARTIFACTS_FLAGS=--release]
	go run ./cmd/generate-artifacts $(ARTIFACTS_FLAGS) -o artifacts.go --digests artifacts_digests.go

.PHONY: check-artifacts
check-artifacts: ## Compare artifacts.go with the newest artifacts, on the internet
	go run ./cmd/generate-artifacts $(ARTIFACTS_FLAGS) -o build/artifacts.txt
	@diff -u artifacts.go build/artifacts.txt || { echo "artifacts.go is stale; run make artifacts" >&2; exit 1; }

.PHONY: clean
clean: ## Remove the build directory; the cache in ~/.cache/neco stays
	rm -rf build
