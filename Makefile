# simbridge: everything a person starts by hand. `make` alone lists it.

SHELL := bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
# What is started from here keeps its bytecode, as an installed gateway does, whatever the shell says.
unexport PYTHONDONTWRITEBYTECODE
# Passed on: make demo ARGS=--once, make test ARGS="tests/sip -x"
ARGS ?=
# What `make deb` builds for: this machine, unless said otherwise.
SUITE ?= $(shell . /etc/os-release && echo $$VERSION_CODENAME)
ARCHITECTURE ?= $(shell dpkg --print-architecture)

# $(call install,RUN OR DEV,LOCK): fill .venv from the lock of this Python, with hashes, once per lock.
# Works where python3-venv is missing, as on a bare Debian: pip stays outside.
define install
version=$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])') || {
	echo "make: $(PYTHON) is missing. On Debian: sudo apt install python3 python3-pip" >&2; exit 1; }
lock=$(2)-$$version.lock
if [ ! -f "$$lock" ]; then
	echo "make: simbridge runs on Python 3.11 (Debian 12) and 3.13 (Debian 13); $(PYTHON) is $$version. Name another with make PYTHON=..." >&2
	exit 1
fi
stamp=.venv/$(1)-$$(cat "$$lock" pyproject.toml | sha256sum | cut -c -16)
[ ! -e "$$stamp" ] || exit 0
help=$$($(PYTHON) -m pip --help 2>/dev/null) || {
	echo "make: pip is missing. On Debian: sudo apt install python3-pip" >&2; exit 1; }
if [[ "$$help" != *--python* ]]; then
	echo "make: this pip ($$($(PYTHON) -m pip --version | cut -d ' ' -f 2)) is too old: it must know --python, as pip does since 22.3. Debian 12 and 13 bring a newer one." >&2
	exit 1
fi
if [ "$$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" != "$$version" ]; then
	echo "Making .venv for Python $$version ..."
	$(PYTHON) -m venv --clear --without-pip .venv
fi
total=$$(grep -c '^[a-z0-9]' "$$lock")
echo "Installing $$total packages into .venv. This happens once and takes a minute or two ..."
pip=(env PYTHONUNBUFFERED=1 "$(PYTHON)" -m pip --python .venv/bin/python --disable-pip-version-check install)
"$${pip[@]}" --progress-bar off --require-hashes --requirement "$$lock" | {
	count=0
	while read -r word name rest; do
		case $$word in
			Collecting | Processing) count=$$((count + 1)); echo "  [$$count/$$total] $${name##*/}" ;;
			Requirement) count=$$((count + 1)) ;;
			Building) echo "  building: $$rest" ;;
			Installing) echo "  unpacking ..." ;;
		esac
	done
}
"$${pip[@]}" --quiet --no-deps --no-build-isolation --editable .
rm -f .venv/$(1)-*
touch "$$stamp"
endef

.PHONY: help
help: ## list what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/make \1\t\2/' | expand -t 18

.PHONY: demo
demo: venv ## the gateway with emulated modems, on this machine; needs nothing but Python
	@exec .venv/bin/simbridge demo $(ARGS)

.PHONY: test
test: programs venv-dev ## the whole test suite; installs the programs it needs from Debian
	@# Stores sync each step to the disk: where there is room, what the tests write stays in memory.
	if [ -z "$${TMPDIR:-}" ] && [ "$$(df --output=avail /dev/shm 2>/dev/null | tail -n 1)" -gt 4000000 ] 2>/dev/null &&
		! findmnt -no OPTIONS /dev/shm | grep -q noexec; then
		export TMPDIR=/dev/shm
	fi
	exec .venv/bin/python -m pytest -n 6 --dist loadscope --no-loadscope-reorder $(ARGS)

.PHONY: soak
soak: programs venv-dev ## faults, ten thousand calls and a thousand days of a shop in their full count; some hours, on a calm machine
	@export SIMBRIDGE_SOAK=1
	.venv/bin/python -m pytest tests/faults/test_*.py tests/faults/hub.py tests/faults/many_calls.py tests/faults/cards.py tests/faults/no_disk.py tests/faults/restarts.py tests/faults/stalls.py tests/faults/stops.py tests/faults/watchdog.py tests/end_to_end/two_gateways.py tests/audio/twenty_seeds.py tests/audio/test_recorder.py::test_an_hour_of_drifting_clocks_stays_aligned tests/audio/test_recorder.py::test_repair_of_files_cut_anywhere tests/interop/test_sip_kamailio.py::test_a_provider_that_was_down_is_registered_at_within_five_seconds tests/store/replication/test_replication.py tests/store/replication/replication_kills.py tests/store/shop_document/test_shop_file.py tests/store/test_database.py tests/store/test_later_release.py tests/flows tests/telephony/test_route_trial.py tests/api/test_fuzz.py tests/web/test_pages.py tests/browser/test_screens.py tests/browser/test_first_run.py --only-rerun '(?!)' -s $(ARGS)
	.venv/bin/python -m pytest -m hypothesis --timeout 3600 --ignore=tests/store/shop_document/test_shop_file.py $(ARGS)

.PHONY: hardware
hardware: venv-dev ## what only a real modem or sound card shows: ARGS="PORT --voice PORT --call NUMBER"
	@exec .venv/bin/python -m tests.hardware $(ARGS)

.PHONY: bench
bench: venv-dev ## delay, set-up time and cost of bridged and recorded calls, 1 to 16 at once, also on a strained machine; nine minutes
	@exec .venv/bin/python -m tests.bench $(ARGS)

.PHONY: deb
deb: ## a Debian package that holds all it needs: make deb SUITE=trixie ARCHITECTURE=arm64
	@exec systemd/deb/build "$(SUITE)" "$(ARCHITECTURE)"

.PHONY: deb-test
deb-test: deb ## install, play, upgrade and purge that package in a clean root of its suite; needs root, debootstrap, systemd-container
	@systemd/deb/try "$(SUITE)" "$(ARCHITECTURE)"
	systemd/deb/try-page "$(SUITE)"

.PHONY: bench-sip
bench-sip: venv-dev ## registrations and calls a second between SIP phones, their cost, and whether memory grows
	@exec .venv/bin/python -m tests.bench.sip_load $(ARGS)

.PHONY: bench-flood
bench-flood: venv-dev ## a running call while strangers send a thousand packets a second and hold 200 connections open
	@exec .venv/bin/python -m tests.bench.flood $(ARGS)

.PHONY: bench-panel
bench-panel: venv-dev ## every page with 100,000 calls in the store; thirty people with open panels, and clients that send slowly, beside a running call
	@.venv/bin/python -m tests.bench.pages $(ARGS)
	.venv/bin/python -m tests.bench.crowd
	.venv/bin/python -m tests.bench.slow_clients

.PHONY: fuzz
fuzz: venv-dev ## a million broken SIP messages, texts that try to become header fields, speech that might be keys, requests to the API
	@exec .venv/bin/python -m tests.fuzz $(ARGS)

.PHONY: crash
crash: venv-dev ## daemons killed in the midst of calls, and power cuts: make crash ARGS="--rounds 1000 --lanes 8 --power-cuts 1000"
	@exec .venv/bin/python -m tests.crash $(ARGS)

.PHONY: lint
lint: venv-dev ## ruff and mypy, as strict as they are set in pyproject.toml
	@.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

.PHONY: venv
venv:
	@$(call install,run,requirements)

.PHONY: venv-dev
venv-dev:
	@$(call install,dev,requirements-dev)

.PHONY: programs
programs: ## install the Debian packages that the tests need, where they are missing
	@exec .ci/install $$(sed 's/#.*//' tests/debian-packages.txt)

.PHONY: lock
lock: venv-dev ## choose the newest versions that pyproject.toml allows and write the locks
	@$(PYTHON) -m pip --python .venv/bin/python --disable-pip-version-check install --quiet uv
	work=$$(mktemp -d); trap 'rm -rf "$$work"' EXIT
	.venv/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' > "$$work/build.in"
	compile=(.venv/bin/uv pip compile --quiet --system-certs --generate-hashes --upgrade --no-emit-index-url --no-header)
	for version in 3.11 3.13; do
		for machine in aarch64 x86_64; do
			mkdir -p "$$work/$$machine"
			wanted=(pyproject.toml "$$work/build.in" --python-version "$$version" --python-platform "$$machine-manylinux_2_28")
			# --no-build: what owners install must come as wheels, on a Raspberry Pi too.
			"$${compile[@]}" "$${wanted[@]}" --no-build -o "$$work/$$machine/run"
			"$${compile[@]}" "$${wanted[@]}" --extra dev --constraints "$$work/$$machine/run" -o "$$work/$$machine/dev"
			sed -i "s#$$work/\($$machine/\)\?##" "$$work/$$machine/run" "$$work/$$machine/dev"
		done
		cmp "$$work/aarch64/run" "$$work/x86_64/run"
		cmp "$$work/aarch64/dev" "$$work/x86_64/dev"
		{ echo "# Python $$version on x86_64 and aarch64; made by 'make lock'."; cat "$$work/x86_64/run"; } > requirements-$$version.lock
		{ echo "# Python $$version on x86_64 and aarch64, with what tests need; made by 'make lock'."; cat "$$work/x86_64/dev"; } > requirements-dev-$$version.lock
	done
