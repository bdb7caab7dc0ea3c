# `make help` lists the targets. CI runs exactly these.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin
PY := $(BIN)/python
STACK := devstack/bootstrap
LARGE := HELIOGRAPH_SERVERS_SIZE=large
S ?=
URL ?=
ARGS ?=

.PHONY: security sbom help setup browser up down reset status logs demo test unit e2e faults soak lint types protos lock fmt charts charts-values charts-golden openapi bench bench-home bench-rpc bench-fanout bench-likes bench-auth bench-graph bench-telemetry erasure-check images images-test k8s-test k8s-up k8s-down dashboards observability-check observe trace

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: ## Install what is missing and make .venv from the locks
	@$(STACK) setup

browser: ## As setup, and a Chromium for the tests of pages
	@$(STACK) browser

up: ## Start the whole system on 127.0.0.1 and print its addresses
	@$(STACK) up

down: ## Stop it, keep its data
	@$(STACK) down

reset: ## Stop it and drop its data
	@$(STACK) reset

status: ## Show every process of it
	@$(STACK) status

logs: ## Show logs: make logs S=feed
	@$(STACK) logs $(S)

demo: setup ## A photo reaches a follower, on the running system (or at URL=...), through REST alone
	@$(if $(URL),$(PY) -m demo --url $(URL),$(STACK) run -- $(PY) -m demo)

test: browser ## All tests: unit without servers, the rest on real servers started and stopped here
	@$(PY) -m devstack servers run -- tests/run

unit: setup ## Tests that touch no network
	@tests/run unit

e2e: browser ## End-to-end tests on a whole system of their own
	@$(PY) -m devstack servers run -- tests/run e2e

faults: setup ## Kill and starve it; nothing acknowledged may be lost
	@$(PY) -m devstack servers run -- tests/run faults

soak: setup ## Random plays against every feed's definition, for long: make soak PLAYS=200 STEPS=50 SEED=7
	@ORACLE_PLAYS=$(or $(PLAYS),100) ORACLE_STEPS=$(or $(STEPS),40) ORACLE_SEED=$(or $(SEED),0) $(PY) -m devstack servers run -- tests/run oracle

bench: bench-home bench-rpc bench-fanout bench-likes bench-auth bench-graph bench-telemetry ## All benchmarks; what they found goes to bench/results/latest.json

bench-home: setup ## The home feed under load, beside a static route and a textbook's stack: a quarter of an hour
	@$(LARGE) $(PY) -m devstack servers run -- $(PY) -m bench.home $(ARGS)

bench-rpc: setup ## What an internal call costs both of its ends: batched, and unary with and without the kit
	@$(PY) -m bench.rpc

bench-fanout: setup ## Posts to followers, end to end, beside stream-framework and plain writers: a quarter of an hour
	@$(LARGE) $(PY) -m devstack servers run -- $(PY) -m bench.fanout $(ARGS)

bench-likes: setup ## Likes of one post by many people at once: grouped, and one by one
	@$(LARGE) $(PY) -m devstack servers run -- $(PY) -m bench.likes

bench-auth: setup ## What signing in costs: argon2, log-ins, refreshes, token checks
	@$(LARGE) $(PY) -m devstack servers run -- $(PY) -m bench.auth

bench-graph: setup ## Follow, unfollow, block and lists at an account that 1,000,000 follow
	@$(LARGE) $(PY) -m devstack servers run -- $(PY) -m bench.graph_lists

bench-telemetry: setup ## What metrics and traces add to the home feed's latency: twelve minutes
	@$(LARGE) $(PY) -m devstack servers run -- $(PY) -m bench.telemetry $(ARGS)

erasure-check: setup ## Look into every store for what is left of an account: make erasure-check USER=ID
	@test "$(origin USER)" = "command line" || { echo "whose? make erasure-check USER=<id or username>" >&2; exit 64; }
	@$(STACK) erasure-check "$(USER)" $(foreach name,$(ALSO),--also "$(name)")

lint: setup ## ruff, import contracts, drift of stubs, locks, charts' values and the OpenAPI document
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(PY) protos/generate.py --check
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(PY) requirements/lock.py --check
	@$(PY) -m gateway openapi --check
	@$(PY) -m deploy.observability check --no-promtool
	@$(PY) -m deploy.k8s.values --check

security: setup ## Known vulnerabilities, bandit, leaked secrets, bills of materials, pins
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(PY) -m deploy.security

sbom: setup ## A CycloneDX bill of materials per image: build/sbom
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(PY) -m deploy.security.sbom

dashboards: setup ## Write dashboards, rules of objectives, and the charts' copies of them
	@$(PY) -m deploy.observability generate

observability-check: setup ## Rules and dashboards: promtool, drift, a runbook and tests for each alert, metrics that exist
	@$(PY) -m deploy.observability check

observe: setup ## Prometheus and a collector beside the running system; shows whether every dashboard finds its data
	@$(PY) -m deploy.observability observe $(ARGS)

trace: ## Traces that the collector took: make trace, make trace ID=...
	@$(PY) -m deploy.observability trace $(ID)

types: setup ## pyright, strict
	@$(BIN)/pyright

fmt: setup ## Format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

charts: setup ## Charts: lint, unit tests, golden files, schemas of three Kubernetes, kube-score, truth (ARGS="lint unit")
	@$(PY) -m deploy.k8s.check $(ARGS)

charts-values: setup ## Write the charts' values, their schemas and the library's defaults from deploy/k8s/values
	@$(PY) -m deploy.k8s.values

charts-golden: setup ## Write the charts' golden files and READMEs
	@$(PY) -m deploy.k8s.check --golden

k8s-test: setup ## Charts and images on a cluster of one node, or that of KUBECONFIG, under load; root, `make images` (ROLLOUTS=20, KEEP=1)
	@$(if $(ROLLOUTS),ROLLOUTS=$(ROLLOUTS)) $(if $(KEEP),KEEP=$(KEEP)) $(PY) -m deploy.k8s.test run

k8s-up: setup ## That cluster alone; prints what to export
	@$(PY) -m deploy.k8s.test up

k8s-down: setup ## Put it away, also what an interrupted start left
	@$(PY) -m deploy.k8s.test down

protos: setup ## Generate the stubs from protos/
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(PY) protos/generate.py

openapi: setup ## Write gateway/openapi.json
	@$(PY) -m gateway openapi

lock: setup ## Renew requirements/*.lock (make lock UPGRADE=1 takes newer versions)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(PY) requirements/lock.py $(if $(UPGRADE),--upgrade)

images: ## Build the images: make images [SERVICES="user feed"] [TAG=0.1.0] [REPOSITORY=heliograph] [BASE=pinned] [ENGINE=docker]
	@python3 -m deploy.images.build $(SERVICES) $(if $(TAG),--tag "$(TAG)") $(if $(REPOSITORY),--repository "$(REPOSITORY)") \
	  $(if $(BASE),--base "$(BASE)") $(if $(ENGINE),--engine "$(ENGINE)") $(if $(SOURCE),--source "$(SOURCE)")

images-test: setup images ## Look into each image, and run the whole system and the demo from them
	@$(PY) -m devstack servers run -- $(PY) -m pytest deploy/images/tests/containers
