# Millrace. `make help` lists what can be made; every target does its own set-up.
#
# C recipes and their flags are in wasm/build.mk, installing is in scripts/setup.
# What is said about building goes to stderr, and nothing is said under `make -s`, so
# that stdout has only what a demo prints.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.DEFAULT_GOAL := help

QUIET := $(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS))))
say = @$(if $(QUIET),:,printf '  %-11s %s\n' '$(1)' '$(2)' >&2)

BIN := node_modules/.bin
MODULES := build/wasi/millrace.wasm build/emscripten/millrace.wasm
SETUP ?= scripts/setup
SOURCES := $(shell find js -name '*.ts' -not -path js/engine/abi.ts 2>/dev/null)
SCRIPTS := $(SOURCES) $(shell find test demo -name '*.ts' -o -name '*.[cm]js' -o -name '*.js' 2>/dev/null) \
    $(wildcard *.ts *.js)

# TypeScript programs run as they are written, with the package as its users get it.
# MILLRACE_MODULE=emscripten runs them on that build's module instead.
RUN := node --import tsx
ifdef MILLRACE_MODULE
export MILLRACE_WASM := $(CURDIR)/build/$(MILLRACE_MODULE)/millrace.wasm
endif

.PHONY: help
help: ## List the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 22

# ---- the user's targets -------------------------------------------------------------

.PHONY: setup setup-base setup-test setup-runtimes setup-tools setup-firefox
setup: ## Install what is missing: Debian packages, npm packages
	@$(SETUP) base test runtimes
setup-base:
	@$(SETUP) base
setup-test:
	@$(SETUP) base test
setup-runtimes:
	@$(SETUP) base runtimes
setup-tools:
	@$(SETUP) base runtimes tools
setup-firefox:
	@$(SETUP) base firefox

.PHONY: all
all: dist/millrace.wasm $(MILLRACE_WASM) ## Build the package into dist/

.PHONY: demo own edge edge-flood takeover dashboard dashboard-screenshots
demo: all ## Three million flights, a kill and a resume (ARGS="--json ..." for one run)
	@$(RUN) $(if $(ARGS),demo/flights/main.ts $(ARGS),demo/flights/show.ts)
own: all ## Counts per key of your data: FILE=events.ndjson KEY=user.id [TIME=ts]
	@$(RUN) demo/own/main.ts $(if $(FILE),--file '$(FILE)') $(if $(KEY),--key '$(KEY)') \
	    $(if $(TIME),--time '$(TIME)') $(ARGS)
takeover: all ## Logins that were guessed, in a log of sshd: FILE=/var/log/auth.log [YEAR=2014]
	@$(RUN) demo/takeover/main.ts $(if $(FILE),--file '$(FILE)') $(if $(YEAR),--year '$(YEAR)')
edge: all ## A worker that limits, deduplicates and counts, in workerd (PORT=8787)
	@$(RUN) demo/edge/main.ts
edge-flood: all ## Flood it: latencies beside an empty worker's (ARGS="connections seconds")
	@$(RUN) demo/edge/flood.ts $(ARGS)
dashboard: all ## A page that replays the flights through a Worker (PORT=5173)
	@$(BIN)/vite --config demo/dashboard/vite.config.ts --port $(or $(PORT),5173) --strictPort
dashboard-screenshots: all | setup-runtimes ## Take the pictures of it that the README shows
	@$(BIN)/vitest run --config test/runtimes.config.ts test/browser/dashboard.test.ts
	@cp build/test/dashboard-{light,dark}.png demo/dashboard/

.PHONY: bench bench-quick
bench: all ## Measure everything; writes build/bench.json
	@$(RUN) --expose-gc test/bench/main.ts $(ARGS)
bench-quick: all ## Measure a subset, in under a minute
	@$(RUN) --expose-gc test/bench/main.ts --quick $(ARGS)

.PHONY: docs
docs: js/engine/abi.ts | setup-base ## Build the reference of all exports into build/docs
	$(call say,typedoc,build/docs)
	@$(BIN)/typedoc --logLevel Warn

.PHONY: test
test: setup ## Everything that must hold: lints, types, C and TypeScript tests on every build
	@rm -rf build/test
	@for step in '-j2 build-all' 'lint -j2' test-c fuzz-smoke test-js test-runtimes reproducible; do \
	    $(MAKE) SETUP=true $$step; \
	done

.PHONY: clean
clean: ## Remove everything that was built
	rm -rf build dist js/engine/abi.ts

include wasm/build.mk

# ---- builds -------------------------------------------------------------------------

.PHONY: build-all module native
build-all: all module native build/ubsan/millrace.wasm $(UNITS:test/c/%.c=build/asan/%)
module: $(MODULES) ## Build both modules
native: build/native/libmillrace.a ## Build the engine for this machine

# The bundler clears dist first, and puts the module and these libraries into the code.
BUNDLED := cborg fast-string-truncated-width idb
dist/node.mjs dist/millrace.wasm &: $(SOURCES) js/engine/abi.ts build/wasi/millrace.wasm \
    tsdown.config.ts tsconfig.json package.json Makefile | setup-base
	$(call say,bundle,dist)
	@$(BIN)/tsdown --logLevel error 2>&1 | { grep -v 'Node.js v20.* is deprecated' || true; } >&2
	@for each in $(BUNDLED); do printf '== %s\n' $$each; cat node_modules/$$each/[Ll][Ii][Cc]*; done \
	    > dist/LICENSES.txt
	@cp build/wasi/millrace.wasm dist/ && touch dist/node.mjs

# ---- tests --------------------------------------------------------------------------

# Reports go to build/test, where scripts/tally finds them.
export ASAN_OPTIONS := detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS := print_stacktrace=1
export ASAN_SYMBOLIZER_PATH := /usr/lib/llvm-19/bin/llvm-symbolizer

.PHONY: test-c
test-c: $(UNITS:test/c/%.c=build/asan/%) ## C unit tests under ASan, UBSan and LeakSanitizer
	@mkdir -p build/test; : > build/test/c.log; failed=0; \
	for unit in $^; do \
	    { printf '== %s\n' "$$unit"; $$unit; } 2>&1 | tee -a build/test/c.log || failed=1; \
	done; exit $$failed

.PHONY: test-js
test-js: test-js-wasi test-js-emscripten test-js-ubsan ## TypeScript tests on every module
test-js-%: module build/ubsan/millrace.wasm all
	@MILLRACE_MODULE=$* $(BIN)/vitest run --reporter=default --reporter=json \
	    --outputFile.json=build/test/$*.json $(TESTS)

# Those that have a short form in `make test`, in full.
.PHONY: gates
GATES := claims crash damaged_folder demo_kills hostile_bytes hours nth_call power soak
gates: module all | setup-test ## The long gates: kills, faults, power cuts, no end
	@MILLRACE_GATES=full $(BIN)/vitest run --testTimeout 900000 $(GATES:%=test/%.test.ts)

# What users get, in dist, where they run it.
.PHONY: test-runtimes
test-runtimes: all module | setup-runtimes ## The package: in Node, a browser, an edge worker
	@$(BIN)/vitest run --config test/runtimes.config.ts --reporter=default --reporter=json \
	    --outputFile.json=build/test/runtimes.json $(TESTS)

# Not a part of `make test`: it installs half a gigabyte of other people's tools.
.PHONY: package-test
package-test: all | setup-tools ## The packed package in fresh projects of every kind
	@$(RUN) test/package/main.ts $(ARGS)

.PHONY: test-firefox
test-firefox: all | setup-firefox ## The package in Firefox, which is installed first
	@$(BIN)/vitest run --config test/firefox.config.ts $(TESTS)

# The same modules, bit for bit, from a copy in another folder.
.PHONY: reproducible
reproducible: $(MODULES) ## Build again elsewhere: the same bytes
	@copy=$$(mktemp -d)/somewhere-else; trap 'rm -rf "$${copy%/*}"' EXIT; mkdir "$$copy"; \
	cp -r Makefile c wasm "$$copy"; \
	$(MAKE) -s -j2 -C "$$copy" SETUP=true module; \
	for each in $^; do cmp "$$each" "$$copy/$$each"; sha256sum "$$each"; done

# ---- fuzzing ------------------------------------------------------------------------

# What was found on the way is kept under build/corpus, and gone on from.
FUZZERS := $(patsubst test/c/fuzz/%.c,build/fuzz/%,$(wildcard test/c/fuzz/*_fuzz.c))
FUZZ_SECONDS := 60
FUZZ_CC := $(CLANG)
FUZZ_FLAGS := $(ASAN_FLAGS) -fsanitize=fuzzer-no-link
$(eval $(call flavour,fuzz,FUZZ,test))
-include $(wildcard build/fuzz/test/c/fuzz/*.d)

build/fuzz/%_fuzz: build/fuzz/test/c/fuzz/%_fuzz.o $(call objects,fuzz,$(HOST))
	$(call say,link,$@)
	@$(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer $^ -o $@

.PHONY: fuzz fuzz-smoke
fuzz fuzz-smoke: $(FUZZERS) ## Fuzz the engine, a minute for each target
	@mkdir -p build/test; for fuzzer in $^; do \
	    name=$${fuzzer##*/}; corpus=build/corpus/$$name; mkdir -p "$$corpus"; \
	    log=build/test/$$name.log; \
	    "$$fuzzer" -max_total_time=$(FUZZ_SECONDS) -max_len=2048 \
	        -artifact_prefix="$$corpus-" "$$corpus" 2> "$$log" || { cat "$$log"; exit 1; }; \
	    printf '%s: seed %s, %s\n' "$$name" \
	        "$$(sed -n 's/^INFO: Seed: //p' "$$log")" "$$(tail -n 1 "$$log")"; \
	done
fuzz-smoke: FUZZ_SECONDS := 2

# ---- coverage -----------------------------------------------------------------------

# Of the C unit tests alone: what only fuzzing reaches is not known to be right.
COVERED := $(UNITS:test/c/%.c=build/cover/%)
COVER_CC := $(CLANG)
COVER_FLAGS := -O1 -g -fprofile-instr-generate -fcoverage-mapping -DMR_COVERAGE
$(eval $(call flavour,cover,COVER,test))

build/cover/%_test: build/cover/test/c/%_test.o $(call objects,cover,$(HOST))
	$(call say,link,$@)
	@$(COVER_CC) $(COVER_FLAGS) $^ -lcmocka -lm -o $@

.PHONY: coverage
coverage: $(COVERED) ## What the C unit tests reach: a table, and build/cover/html
	@rm -f build/cover/*.profraw; for unit in $^; do \
	    LLVM_PROFILE_FILE="$$unit.profraw" $$unit > "$$unit.log" 2>&1 || { cat "$$unit.log"; exit 1; }; \
	done
	@llvm-profdata-19 merge build/cover/*.profraw -o build/cover/all.profdata
	@for how in 'show -format=html -show-branches=count -output-dir=build/cover/html' \
	    'report -show-region-summary=false'; do \
	    llvm-cov-19 $$how $(addprefix -object ,$^) -ignore-filename-regex=test/ \
	        -instr-profile build/cover/all.profdata; \
	done | tee build/cover/report.txt
	@awk '/^TOTAL/ && ($$7 + 0 < 98 || $$10 + 0 < 90) || /^(alloc|save)\.c/ && $$7 + 0 < 100 \
	    { print "too little: " $$1; failed = 1 } END { exit failed }' build/cover/report.txt

# ---- lints --------------------------------------------------------------------------

C_FILES := $(wildcard c/*.[ch] c/*/*.[ch] wasm/*.[ch] test/c/*.[ch])
TIDY := $(patsubst %,build/tidy/%.ok,$(ENGINE) wasm/memory.c wasm/abi.c)

.PHONY: lint format format-check tidy eslint typecheck
lint: format-check tidy eslint typecheck ## All static checks
format: | setup-test ## Format all sources: clang-format, prettier
	@clang-format-19 -i $(C_FILES)
	@$(BIN)/prettier --write --log-level warn $(SCRIPTS)
format-check: | setup-test
	$(call say,format)
	@clang-format-19 --dry-run -Werror $(C_FILES)
	@$(BIN)/prettier --check --log-level warn $(SCRIPTS)
tidy: $(TIDY)
build/tidy/wasm/memory.c.ok: TIDY_FLAGS = $(WASI_FLAGS)
build/tidy/%.ok: % $(filter %.h,$(C_FILES)) .clang-tidy | setup-test
	$(call say,tidy,$<)
	@mkdir -p $(@D)
	@clang-tidy-19 --quiet $< -- $(filter-out -MMD -MP,$(CFLAGS)) $(TIDY_FLAGS) 2> $@.log \
	    || { cat $@.log >&2; exit 1; }
	@touch $@
eslint: js/engine/abi.ts dist/node.mjs | setup-base
	$(call say,eslint)
	@$(BIN)/eslint --max-warnings 0 --cache --cache-location build/eslint.json .
typecheck: js/engine/abi.ts dist/node.mjs | setup-base ## Types of everything, as in an editor
	$(call say,tsc)
	@$(BIN)/tsc --noEmit

.PHONY: FORCE
FORCE:
