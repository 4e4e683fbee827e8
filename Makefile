# idkit: one Makefile for building, testing and installing.  `make help` lists the targets.
#
#   VARIANT=release|asan|tsan|coverage|lint   what to build, under build/$(VARIANT)/
#   WERROR=1                                  warnings are errors (check and lint set it)
#   V=1                                       print whole commands
#
# Layers: a folder of lib/ is compiled with the include paths of its own folder and of the folders
# below it and no others, so that a dependency that points up does not compile.

VERSION := 0.1.0
VARIANT ?= release
PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   := build/$(VARIANT)

MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '%-4s %s\n' '$1' '$2')

# ---- compiler and flags --------------------------------------------------------------------------

ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin AR),default)
AR := ar
endif

flags.release  := -O2 -g
flags.lint     := $(flags.release)
flags.asan     := -O1 -g -fsanitize=address,undefined -fno-omit-frame-pointer \
                  -fno-sanitize-recover=undefined
flags.tsan     := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
flags.coverage := -O0 -g --coverage

ifeq ($(flags.$(VARIANT)),)
$(error VARIANT=$(VARIANT) is unknown: use release, asan, tsan, coverage or lint)
endif

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
CPPFLAGS := -D_GNU_SOURCE -DIDKIT_VERSION='"$(VERSION)"'
CFLAGS   := -std=gnu11 $(flags.$(VARIANT))
LDFLAGS  := $(flags.$(VARIANT)) -Wl,--as-needed
STRICT   := $(if $(filter 1,$(WERROR)),-Werror)

MODULES      := libpq libpcre2-8 libzstd zlib libxxhash libcrypto jansson libarchive
MODULES_ALL  := $(MODULES) check
PKG_CFLAGS    = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(MODULES_ALL)))$(PKG_CFLAGS)
PKG_LIBS      = $(eval PKG_LIBS := $$(shell pkg-config --libs $(MODULES)))$(PKG_LIBS)
PKG_CHECK     = $(eval PKG_CHECK := $$(shell pkg-config --libs check))$(PKG_CHECK)
LIBS          = $(PKG_LIBS) -pthread

# These goals compile nothing themselves, and most of them install first what is missing.
BUILDLESS := deps deps-lint deps-bench check check-asan check-tsan check-versions coverage lint demo bench help clean uninstall
ifneq ($(filter-out $(BUILDLESS),$(or $(MAKECMDGOALS),all)),)
missing := $(shell for program in $(CC) $(AR) pkg-config; do \
	command -v $$program >/dev/null || echo $$program; done; \
	pkg-config --exists $(MODULES_ALL) 2>/dev/null || for module in $(MODULES_ALL); do \
	pkg-config --exists $$module 2>/dev/null || echo $$module; done)
ifneq ($(missing),)
$(error Missing: $(missing). To install what idkit needs, run "make deps")
endif
endif

# ---- layers --------------------------------------------------------------------------------------

LAYERS       := core sql stream filter pg verify track
below.core   :=
below.sql    := core
below.stream := sql core
below.filter := stream sql core
below.pg     := stream sql core
below.verify := stream sql core
below.track  := stream sql core
below.tools  := $(LAYERS)

# -iquote, not -I: <err.h> stays the system's, "err.h" is ours.
part           = $(word $1,$(subst /, ,$2))
reach          = $1 $(below.$1)
includes.lib   = $(addprefix -iquote lib/,$(call reach,$(call part,2,$1)))
includes.tools = -iquote tools $(addprefix -iquote lib/,$(LAYERS))
includes.tests = -iquote $(BUILD)/unit -iquote tests/unit \
                 $(if $(filter tools,$(call part,3,$1)),-iquote tools -iquote tests/unit/tools) \
                 $(foreach layer,$(filter $(LAYERS),$(call reach,$(call part,3,$1))),\
                 -iquote tests/unit/$(layer) -iquote lib/$(layer))
includes       = $(call includes.$(call part,1,$1),$1)

# A test's suite function is declared only by the generated list (see suites.h below).
extra.tests   := -Wno-missing-prototypes
compile_flags  = $(CPPFLAGS) $(CFLAGS) $(WARNINGS) $(extra.$(call part,1,$1)) $(PKG_CFLAGS) \
                 $(strip $(call includes,$1))

# ---- sources -------------------------------------------------------------------------------------

LIB_SOURCES  := $(sort $(wildcard $(LAYERS:%=lib/%/*.c)))
MAIN_SOURCES := $(sort $(wildcard tools/id*.c))
TOOL_SOURCES := $(filter-out $(MAIN_SOURCES),$(sort $(wildcard tools/*.c)))
UNIT_SOURCES := $(sort $(wildcard tests/unit/*.c tests/unit/*/*.c))
SUITES       := $(subst /test_,_,$(patsubst tests/unit/%.c,%,\
                $(filter tests/unit/%,$(sort $(wildcard tests/unit/*/test_*.c)))))

objects = $(patsubst %.c,$(BUILD)/%.o,$1)

LIBRARY  := $(BUILD)/libidkit.a
PROGRAMS := $(patsubst tools/%.c,$(BUILD)/bin/%,$(MAIN_SOURCES))
UNIT     := $(BUILD)/unit/run
OBJECTS  := $(call objects,$(LIB_SOURCES) $(MAIN_SOURCES) $(TOOL_SOURCES) $(UNIT_SOURCES))

# ---- building ------------------------------------------------------------------------------------

.PHONY: all build programs unit FORCE
all: programs ## build the programs (build/release/bin/)

programs: $(LIBRARY) $(PROGRAMS)
unit: $(UNIT)
build: programs unit

# Replaces $@ with $1 only when that changes it, so that what depends on it stays up to date.
define update
@mkdir -p $(@D)
@printf '%s\n' $1 >$@.new
@if cmp -s $@.new $@; then rm -f $@.new; else mv $@.new $@; fi
endef

quoted = '$(subst ','\'',$1)'

# What an object is made with.  -Werror is left out: it changes no object.
$(BUILD)/flags: FORCE
	$(call update,$(call quoted,$(CC) $(CPPFLAGS) $(CFLAGS) $(WARNINGS)))

$(BUILD)/members: FORCE
	$(call update,$(LIB_SOURCES) '')

$(BUILD)/unit/suites.h: FORCE
	$(call update,$(patsubst %,'SUITE(%)',$(SUITES)) '')

$(OBJECTS): $(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(call compile_flags,$<) $(STRICT) -MMD -MP -c -o $@ $<

$(BUILD)/tests/unit/runner.o: $(BUILD)/unit/suites.h

$(LIBRARY): $(call objects,$(LIB_SOURCES)) $(BUILD)/members
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $(filter %.o,$^)

$(PROGRAMS): $(BUILD)/bin/%: $(BUILD)/tools/%.o $(call objects,$(TOOL_SOURCES)) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

# Unit tests of tools/ link what the tools share; libpg_query is the tests' second opinion on SQL.
$(UNIT): $(call objects,$(UNIT_SOURCES)) $(call objects,$(TOOL_SOURCES)) $(LIBRARY) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBS) -lpg_query $(PKG_CHECK)

-include $(OBJECTS:.o=.d)

# ---- dependencies --------------------------------------------------------------------------------

.PHONY: deps deps-lint deps-bench
deps: ## install what is missing (Debian 12; uses sudo unless root)
	@scripts/deps.sh

deps-lint:
	@scripts/deps.sh lint

deps-bench:
	@scripts/deps.sh bench

# ---- checks --------------------------------------------------------------------------------------

# A status that no tool of ours has, so that a finding never passes for an expected failure.
export ASAN_OPTIONS  := exitcode=99:detect_leaks=1:strict_string_checks=1
export UBSAN_OPTIONS := exitcode=99:print_stacktrace=1
export TSAN_OPTIONS  := exitcode=99:halt_on_error=1

jobs = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))
build_all = $(MAKE) $(jobs) VARIANT=$1 WERROR=1 build

.PHONY: check check-unit check-e2e check-asan check-tsan check-versions lint tidy cppcheck coverage bench demo
check: deps ## everything that must pass: install, build, unit tests, end-to-end tests
	@+$(call build_all,$(VARIANT))
	@tests/run-checks.sh $(VARIANT)

check-unit: unit ## unit tests only; RUN_SUITES="core_err …" runs the named ones
	@$(UNIT) $(RUN_SUITES)

check-e2e: programs ## end-to-end tests only; TESTS="test_dump.sh:test_x …" runs the named ones
	@VARIANT=$(VARIANT) tests/run-e2e.sh $(TESTS)

check-asan: deps ## all tests with address, leak and undefined-behaviour checks
	@+$(call build_all,asan)
	@tests/run-checks.sh asan

check-tsan: deps ## all tests with data-race checks
	@+$(call build_all,tsan)
	@tests/run-checks.sh tsan

lint: deps-lint ## clean build without warnings, clang-tidy, cppcheck
	@rm -rf build/lint
	@+$(call build_all,lint)
	@+$(MAKE) $(jobs) --keep-going VARIANT=lint tidy cppcheck

TIDY := $(patsubst %.c,$(BUILD)/%.tidy,$(LIB_SOURCES) $(MAIN_SOURCES) $(TOOL_SOURCES))
tidy: $(TIDY)
$(TIDY): $(BUILD)/%.tidy: %.c $(BUILD)/%.o .clang-tidy
	$(call say,TIDY,$<)
	$(Q)clang-tidy --quiet $< -- $(call compile_flags,$<) 2>$@.log || { cat $@.log; exit 1; }
	@touch $@

cppcheck:
	$(call say,CPPC,lib tools)
	$(Q)cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
		--error-exitcode=1 -D_GNU_SOURCE -DIDKIT_VERSION='"$(VERSION)"' $(LAYERS:%=-Ilib/%) -Itools \
		$(LIB_SOURCES) $(MAIN_SOURCES) $(TOOL_SOURCES)

coverage: deps ## all tests, then the share of lines that ran, per file
	@find build/coverage -name '*.gcda' -delete 2>/dev/null || true
	@+$(call build_all,coverage)
	@tests/run-checks.sh coverage; status=$$?; scripts/coverage.sh build/coverage; exit $$status

bench: deps deps-bench ## measure against pg_dump, pg_restore, psql, pgcopydb
	@+$(MAKE) $(jobs) VARIANT=release programs
	@tests/bench/run.sh

check-versions: deps ## the main job between servers of versions 10 to 18 (fetched with npm)
	@+$(MAKE) $(jobs) VARIANT=release programs
	@tests/check-versions.sh

demo: deps ## show a backup, an upgrade and the way back, on a throw-away server
	@+$(MAKE) $(jobs) VARIANT=release programs
	@demo/demo.sh

# ---- installing ----------------------------------------------------------------------------------

.PHONY: install uninstall clean help
MAN      = $(wildcard man/*.1 man/*.5 man/*.7)
FILTERS  = $(shell find filters -type f 2>/dev/null)
man_path = $(DESTDIR)$(PREFIX)/share/man/man$(patsubst .%,%,$(suffix $1))/$(notdir $1)

install: programs ## install below PREFIX (/usr/local), with DESTDIR in front
	@install -d $(DESTDIR)$(PREFIX)/bin
	@$(if $(PROGRAMS),install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin/)
	@$(foreach page,$(MAN),install -D -m 644 $(page) $(call man_path,$(page)) &&) :
	@$(foreach file,$(FILTERS),install -D -m 644 $(file) \
		$(DESTDIR)$(PREFIX)/share/idkit/$(file) &&) :

uninstall: ## remove what install has put there
	@rm -f $(patsubst tools/%.c,$(DESTDIR)$(PREFIX)/bin/%,$(MAIN_SOURCES)) \
		$(foreach page,$(MAN),$(call man_path,$(page)))
	@rm -rf $(DESTDIR)$(PREFIX)/share/idkit

clean: ## remove everything that was built
	@rm -rf build

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
