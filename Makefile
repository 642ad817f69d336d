# The few verbs. Everything is in CMake (CMakePresets.json) and tools/; this only strings it together.
#
#   make run      build all, start the server on https://localhost:8443 with its data in var/; Ctrl-C ends it
#   make demo     play a recorded intrusion into that server, from another terminal
#   make report   build, detect over the sample logs without a server, write report.html
#   make test     build everything, run all tests
#   make bench    build and run the benchmarks; RECORD=1 also adds the figures to the history, the plot and the README
#   make bench-serve  load on a running `tocsin serve`: SECONDS=60 of each load, EVENTS=1 million stored, PHASES="name ..." only,
#                 OUT=file for lines of JSON, RECORD=1 as above (docs/performance.md)
#   make package  build the Debian package: build/tocsin_<version>_<architecture>.deb
#   make crash    kill the server at random under load for CRASH_SECONDS (default 60); CRASH_SEED=n repeats a run
#   make fuzz     run each fuzzer for FUZZ_SECONDS (default 60), or FUZZ_RUNS executions; FUZZ="name ..." picks some,
#                 FUZZ_AT_ONCE=n runs n at once, FUZZ_PRESET=fuzz-fast does more executions in the time (docs/fuzzing.md)
#   make lint     layout and layers of the source; TIDY=1 also runs clang-tidy (slow)
#   make format   lay the source out as lint wants it
#   make clean    remove what was built; var/ stays
#
# JOBS=n: how many compilers at once. Default: the number of processors, but at most 2, for each may take 1 GB.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

JOBS ?= $(shell n=$$(nproc); echo $$((n < 2 ? n : 2)))
FUZZ_RUNS ?=
FUZZ_SECONDS ?= $(if $(FUZZ_RUNS),0,60)
FUZZ_AT_ONCE ?= 1
FUZZ_PRESET ?= fuzz
FUZZ ?=
CRASH_SECONDS ?= 60
CRASH_SEED ?=
TIDY ?=
RECORD ?=
SECONDS ?= 60
EVENTS ?= 1
PHASES ?=
OUT ?=
TOCSIN := build/release/tocsin

# $(call configure,preset,options): silent, but for errors and warnings.
configure = cmake --preset $(1) $(2) --log-level=WARNING >/dev/null
# $(call build,preset,targets): one line of progress on a terminal; elsewhere only what fails or warns.
build = echo "building $(1) with $(JOBS) jobs" && if [[ -t 1 ]]; then ninja -C build/$(1) -j$(JOBS) $(2); else ninja --quiet -C build/$(1) -j$(JOBS) $(2); fi

.PHONY: help run demo report test bench bench-serve package crash fuzz lint format clean
help:
	@sed -n 's/^#   //p' Makefile

run:
	@tools/setup.sh run
	@$(call configure,release,-DTOCSIN_TESTS=OFF -DTOCSIN_BENCH=OFF)
	@{ $(call build,release,console); } || echo "The console could not be built, see above. The rest works: the API, tocsin demo, $(TOCSIN) detect." >&2
	@$(call build,release,tocsin)
	@exec $(TOCSIN) serve

demo:
	@[[ -x $(TOCSIN) ]] || { echo "There is no $(TOCSIN) yet: make run, and then this in another terminal." >&2; exit 1; }
	@exec $(TOCSIN) demo

report:
	@tools/setup.sh report
	@$(call configure,release,-DTOCSIN_TESTS=OFF -DTOCSIN_BENCH=OFF)
	@$(call build,release,tocsin)
	@$(TOCSIN) detect content/samples/intrusion --report report.html
	@echo "The report: $(CURDIR)/report.html"

test:
	@tools/setup.sh test
	@$(call configure,dev,-DTOCSIN_CONSOLE=ON)
	@$(call build,dev,all)
	@ctest --test-dir build/dev --output-on-failure -j$(JOBS)

bench:
	@tools/setup.sh bench $(if $(RECORD),plot)
	@$(call configure,release,-DTOCSIN_TESTS=OFF -DTOCSIN_BENCH=ON)
	@$(call build,release,all)
	@python3 tools/run_benchmarks.py build/release $(if $(RECORD),--record)

bench-serve:
	@tools/setup.sh bench $(if $(RECORD),plot)
	@$(call configure,release,-DTOCSIN_TESTS=OFF -DTOCSIN_BENCH=ON)
	@$(call build,release,tocsin serve_load store_bench)
	@python3 bench/serve_bench.py build/release --seconds $(SECONDS) --events $(EVENTS) $(addprefix --only ,$(PHASES)) $(if $(OUT),--out $(OUT)) $(if $(RECORD),--record)

package:
	@tools/setup.sh package
	@$(call configure,release,-DTOCSIN_TESTS=OFF -DTOCSIN_BENCH=OFF)
	@$(call build,release,console)
	@$(call build,release,tocsin)
	@tools/package.sh build/release/tocsin build

crash:
	@tools/setup.sh test
	@$(call configure,dev)
	@$(call build,dev,tocsin)
	@CRASH_SECONDS="$(CRASH_SECONDS)" CRASH_SEED="$(CRASH_SEED)" python3 test/crash/crash_test.py build/dev/tocsin

fuzz:
	@tools/setup.sh fuzz
	@$(call configure,$(FUZZ_PRESET))
	@FUZZ_SECONDS="$(FUZZ_SECONDS)" FUZZ_RUNS="$(FUZZ_RUNS)" FUZZ_AT_ONCE="$(FUZZ_AT_ONCE)" JOBS="$(JOBS)" tools/run_fuzzers.sh build/$(FUZZ_PRESET) $(FUZZ)

lint:
	@tools/setup.sh lint
	@tools/format.sh --check
	@python3 tools/check_layers.py .
ifneq ($(TIDY),)
	@tools/setup.sh tidy
	@$(call configure,tidy)
	@$(call build,tidy,all)
endif

format:
	@tools/setup.sh lint
	@tools/format.sh

clean:
	@rm -rf build report.html
