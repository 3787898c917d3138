# `make run` and `make test` need nothing but Python 3.11+ on the machine. ARGS="…" passes options to the bridge, TESTS="…" to pytest.

PYTHON ?= python3
ARGS ?=
TESTS ?=
FAULT_SECONDS ?=
CROWD ?=
SEED ?=
QUICK ?=
ONLY ?=
A ?=
B ?=
KB ?=
PROFILE ?=
HOME_ASSISTANT ?= .venv-homeassistant
HOME_ASSISTANT_PYTHON ?= python3.13
NODE_RED ?= .nodered
NODE_RED_VERSION ?=
TERMINALS ?= --connect tcp:127.0.0.1:8899 --count 3 --every 5 --ring 20 --scan 15

VENV := .venv
BIN := $(VENV)/bin
# No pid file: one that a crash left behind would keep the next start from working.
TWISTD := $(BIN)/twistd -n --pidfile=

# Only the embedded broker needs mosquitto. Whoever names another broker, or a configuration that may name one, is not made to install it.
NEEDS_MOSQUITTO := $(if $(findstring embedded:,$(ARGS)),yes,$(if $(findstring --mqtt,$(ARGS))$(findstring --config,$(ARGS)),,yes))

.DEFAULT_GOAL := help
.PHONY: help run demo demo-homeassistant compiled build-compiled test test-compiled test-homeassistant test-nodered faults bench bench-compare bench-smoke bench-inside bench-peers lint format docs broker clean

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: $(VENV)/.run $(if $(NEEDS_MOSQUITTO),broker) ## the bridge: terminals on tcp 8899, MQTT on 127.0.0.1:1883; ARGS="--help" tells more
	@exec $(TWISTD) qyzn-bridge $(ARGS)

demo: $(VENV)/.run $(if $(NEEDS_MOSQUITTO),broker) ## the bridge with three simulated terminals, and their events
	@TWISTD=$(BIN)/twistd TERMINALS="$(TERMINALS)" exec scripts/demo $(ARGS)

demo-homeassistant: $(VENV)/.dev broker ## a real Home Assistant with simulated terminals, for a browser; it is installed first (two minutes, 1.2 GB)
	@scripts/install-homeassistant $(HOME_ASSISTANT) $(HOME_ASSISTANT_PYTHON)
	@QYZN_HOME_ASSISTANT=$(HOME_ASSISTANT) exec $(BIN)/python -m tests.homeassistant_real.showroom

compiled: $(VENV)/.dev ## a wheel in dist/ for this machine's Python, with what an event goes through compiled: a minute; needs a C compiler
	@HATCH_BUILD_HOOK_ENABLE_CUSTOM=1 $(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

test: $(VENV)/.dev ## all tests; TESTS="tests/wire -x" runs some
	@$(BIN)/python -m pytest $(TESTS)

test-compiled: build-compiled ## all tests, against compiled modules; TESTS="tests/wire -x" runs some
	@cd build/compiled && QYZN_COMPILED=1 ../../$(BIN)/python -m pytest $(TESTS)

# A copy of this folder, with the compiled modules laid over the sources.
build-compiled: $(VENV)/.dev
	@rm -rf build/compiled && mkdir -p build/compiled
	@git ls-files -z | xargs -0 cp --parents -t build/compiled
	@rm -f dist/qyzn_bridge-*-cp*.whl && $(MAKE) --no-print-directory compiled
	@$(BIN)/python -m zipfile -e dist/qyzn_bridge-*-cp*.whl build/compiled

faults: $(VENV)/.dev ## break real processes and count what is lost; FAULT_SECONDS=40 for each kind of fault, CROWD=1000 terminals for memory, SEED=…
	@QYZN_FAULTS_SECONDS=$(FAULT_SECONDS) QYZN_FAULTS_CROWD=$(CROWD) QYZN_FAULTS_SEED=$(SEED) $(BIN)/python -m pytest -m faults tests/faults $(TESTS)

test-homeassistant: $(VENV)/.dev broker ## the bridge with a real Home Assistant, which is installed first (two minutes, 1.2 GB)
	@scripts/install-homeassistant $(HOME_ASSISTANT) $(HOME_ASSISTANT_PYTHON)
	@QYZN_HOME_ASSISTANT=$(HOME_ASSISTANT) $(BIN)/python -m pytest tests/homeassistant_real $(TESTS)

test-nodered: $(VENV)/.dev broker ## the flows of etc/node-red in a real Node-RED, which is installed first (half a minute, 300 MB)
	@scripts/install-nodered $(NODE_RED) $(NODE_RED_VERSION)
	@QYZN_NODE_RED=$(NODE_RED) $(BIN)/python -m pytest tests/nodered_real $(TESTS)

bench: $(VENV)/.bench broker ## measure the bridge beside what else one might write: 20 minutes; QUICK=1 a minute; ONLY="closed-100 idle" some of it
	@$(BIN)/python -m benchmarks run --form $(if $(QUICK),quick,full) --only "$(ONLY)"

bench-compare: $(VENV)/.bench ## two results side by side: A=benchmarks/results/….json B=…; the last two unless named
	@$(BIN)/python -m benchmarks compare $(A) $(B)

bench-smoke: $(VENV)/.bench broker ## half a minute of it: nothing is lost, and no ratio is far from what it was
	@$(BIN)/python -m benchmarks run --form smoke

bench-inside: $(VENV)/.bench ## what an event costs inside the bridge, without sockets: a change of a microsecond shows; KB="0 50" PROFILE=1
	@$(BIN)/python -m benchmarks inside --kb "$(KB)" $(if $(PROFILE),--profile)

bench-peers: ## what the peers in Node.js and C need, and the bridge compiled; without them make bench leaves these out
	@npm install --silent --no-audit --no-fund --no-package-lock --prefix benchmarks/peers/node_mqttjs
	@test -e /usr/include/mosquitto.h || apt-get install -y -qq --no-install-recommends gcc libc6-dev libmosquitto-dev
	@$(MAKE) --no-print-directory build-compiled

lint: $(VENV)/.dev ## ruff and mypy --strict
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(VENV)/.dev ## let ruff sort imports and lay out the code
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

docs: $(VENV)/.run ## write docs/: the reference, JSON Schemas and the AsyncAPI document, from the declarations
	@$(BIN)/python -m bridge.reference

broker: ## install mosquitto when it is missing
	@scripts/install-mosquitto

clean: ## remove what the other targets made; the bridge's state stays
	rm -rf $(VENV) .venv-homeassistant .nodered build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis twisted/plugins/dropin.cache
	find bridge twisted tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'qyzn-bridge needs Python 3.11 or later; name one, as in: make run PYTHON=python3.12' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo 'this Python has no venv; on Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@touch $@

# Editable: twistd finds twisted/plugins/ in this folder, and a change needs no new installation.
$(VENV)/.run: $(VENV)/.created pyproject.toml
	@echo 'installing qyzn-bridge into $(VENV)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[simulator]'
	@touch $@

$(VENV)/.dev: $(VENV)/.created pyproject.toml
	@echo 'installing qyzn-bridge and its development tools into $(VENV)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.run

$(VENV)/.bench: $(VENV)/.created pyproject.toml
	@echo 'installing qyzn-bridge and what it is measured beside into $(VENV)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@ $(VENV)/.run
