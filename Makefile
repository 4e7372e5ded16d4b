# repdns. GNU make, no configure step. Build kinds: release (default), debug, asan, ubsan, clang.
#   make            programs into build/release
#   make run        installs what is missing, builds, serves the example on 127.0.0.1 port 5354
#   make check      installs what is missing and passes all tests
#   make doc        the handbook: build/release/handbook.html
#   make B=asan unit    unit tests of another build kind; V=1 shows commands
B ?= release
O ?= build/$(B)
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
say = @printf '  %-7s %s\n'

CC_release = gcc
CC_debug   = gcc
CC_asan    = gcc
CC_ubsan   = gcc
CC_clang   = clang
CC_fuzz    = clang
ifeq ($(origin CC),default)
CC := $(or $(CC_$(B)),gcc)
endif

WARN = -Wall -Wextra -Wconversion -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes \
       -Wformat=2 -Werror
HARDEN = -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2
HARDEN_gcc = -fstack-clash-protection -fcf-protection
OPT_release = -O2 -g $(HARDEN)
OPT_clang   = -O2 -g $(HARDEN)
OPT_debug   = -O0 -g -fPIE
OPT_asan    = -O1 -g -fPIE -fsanitize=address,undefined -fno-omit-frame-pointer \
              -fno-sanitize-recover=all
OPT_ubsan   = -O1 -g -fPIE -fsanitize=undefined -fno-sanitize-recover=all
OPT_fuzz    = -O1 -g -fPIE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
              -DREPDNS_FUZZ
OPT := $(OPT_$(B))
ifneq ($(and $(filter gcc%,$(CC)),$(filter release,$(B))),)
OPT += $(HARDEN_gcc)
# The answer path is many small functions in many files: seen as one, an answer takes a fifth less
# (tests/perf/answer-cost). Its objects hold plain code too, for tests/check-hot and all but repdnsd.
HOT_OPT  = -O3 -flto -ffat-lto-objects
HOT_LINK = -O3 -flto=auto
LINK_OPT = -fno-lto
endif
VERSION := $(shell cat VERSION 2>/dev/null || echo 0.1)
CPPFLAGS += -D_GNU_SOURCE -DREPDNS_VERSION='"$(VERSION)"' -I.
CFLAGS += -std=gnu11 $(WARN) $(OPT)
LDFLAGS += -pie -Wl,-z,relro,-z,now,-z,noexecstack $(filter -fsanitize=address% -fsanitize=undefined%,$(OPT))

LIBS_zones  = -lconfuse -llmdb -lcap
LIBS_server = $(LIBS_zones) -lev -lseccomp -lsodium -lfstrm -lprotobuf-c
LIBS_loader = $(LIBS_zones) -lspf2 -lldns -lev -lhs -lpsl -ljansson -lz -lzstd -lm
LIBS_tools  = $(LIBS_loader) -lidn2

src  = $(sort $(wildcard $(1)/*.c))
objs = $(patsubst %.c,$(O)/%.o,$(1))

ZONES_OBJ  := $(call objs,$(call src,zones))
SERVER_OBJ := $(call objs,$(filter-out server/main.c,$(call src,server))) $(O)/gen/dnstap.pb-c.o
LOADER_OBJ := $(call objs,$(filter-out loader/main.c,$(call src,loader)))
TOOLS_OBJ  := $(call objs,$(filter-out tools/main.c tools/rbldnsd.c,$(call src,tools)))
LIBZONES   = $(O)/libzones.a
LIBSERVER  = $(O)/libserver.a
LIBLOADER  = $(O)/libloader.a
LIBTOOLS   = $(O)/libtools.a
PROGRAMS   = $(O)/repdnsd $(O)/repdns-load $(O)/repdns $(O)/repdns-rbldnsd

UNITS    := $(patsubst tests/unit/%.c,%,$(call src,tests/unit))
FUZZERS  := $(patsubst tests/fuzz/%.c,%,$(filter-out tests/fuzz/main.c,$(call src,tests/fuzz)))
HELPERS  := $(patsubst tests/tools/%.c,%,$(call src,tests/tools))
UNIT_BIN  = $(UNITS:%=$(O)/tests/unit/%)
GOLDEN_BIN = $(O)/tests/golden/golden
FUZZ_BIN  = $(FUZZERS:%=$(O)/tests/fuzz/%)
HELPER_BIN = $(HELPERS:%=$(O)/tests/tools/%)

.PHONY: all
all: $(PROGRAMS)

$(O)/%.o: %.c
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The messages of dnstap; what the compiler makes of them has its own style.
$(O)/gen/dnstap.pb-c.c: server/dnstap.proto
	$(say) PROTOC $<
	@mkdir -p $(@D)
	$(Q)protoc-c --proto_path=server --c_out=$(@D) $<
$(O)/gen/%.o: $(O)/gen/%.c
	$(say) CC $<
	$(Q)$(CC) $(CPPFLAGS) -std=gnu11 $(OPT) -c -o $@ $<
$(O)/server/dnstap_frame.o: CPPFLAGS += -I$(O)/gen
$(O)/server/dnstap_frame.o: $(O)/gen/dnstap.pb-c.c

$(LIBZONES): $(ZONES_OBJ)
$(LIBSERVER): $(SERVER_OBJ)
$(LIBLOADER): $(LOADER_OBJ)
$(LIBTOOLS): $(TOOLS_OBJ)
$(O)/lib%.a:
	$(say) AR $@
	@mkdir -p $(@D)
	$(Q)rm -f $@ && ar rcs $@ $^

# server/hot-objects, with its comments.
HOT_OBJ := $(patsubst %,$(O)/%.o,$(shell sed 's/\#.*//' server/hot-objects))
$(HOT_OBJ): CFLAGS += $(HOT_OPT)
$(O)/repdnsd $(O)/tests/tools/answercost: LINK_OPT = $(HOT_LINK)
$(O)/repdnsd: $(O)/server/main.o $(LIBSERVER) $(LIBZONES)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LINK_OPT) $(LDFLAGS) -o $@ $^ $(LIBS_server)
$(O)/repdns-load: $(O)/loader/main.o $(LIBLOADER) $(LIBZONES)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LINK_OPT) $(LDFLAGS) -o $@ $^ $(LIBS_loader)
$(O)/repdns: $(O)/tools/main.o $(LIBTOOLS) $(LIBLOADER) $(LIBZONES)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LINK_OPT) $(LDFLAGS) -o $@ $^ $(LIBS_tools)
# Few libraries: it is on the way to the first answer.
$(O)/repdns-rbldnsd: $(O)/tools/rbldnsd.o $(LIBTOOLS) $(LIBLOADER) $(LIBZONES)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LINK_OPT) $(LDFLAGS) -o $@ $^ $(LIBS_zones) -lz -lzstd

# A test may use any room; the archives give it only what it calls.
TEST_LIBS = $(LIBTOOLS) $(LIBSERVER) $(LIBLOADER) $(LIBZONES)
TEST_LINK = $(sort $(LIBS_server) $(LIBS_tools)) -lcmocka
FIXTURE = $(O)/tests/golden/fixture.o $(O)/tests/golden/fixture_lists.o
$(GOLDEN_BIN) $(O)/tests/fuzz/answer $(O)/tests/fuzz/gate: $(FIXTURE)
$(UNIT_BIN) $(GOLDEN_BIN): $(O)/tests/%: $(O)/tests/%.o $(TEST_LIBS)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LINK_OPT) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(TEST_LINK)
# Test programs that the example needs too: no test library.
$(HELPER_BIN): $(O)/tests/%: $(O)/tests/%.o $(TEST_LIBS)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LINK_OPT) $(LDFLAGS) -o $@ $^ $(sort $(LIBS_server) $(LIBS_loader))
# A fuzz target is an ordinary program that replays files, or with B=fuzz libFuzzer's.
FUZZ_MAIN = $(if $(filter fuzz,$(B)),,$(O)/tests/fuzz/main.o)
$(FUZZ_BIN): $(O)/tests/%: $(O)/tests/%.o $(FUZZ_MAIN) $(TEST_LIBS)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LINK_OPT) $(LDFLAGS) $(if $(filter fuzz,$(B)),-fsanitize=fuzzer) -o $@ \
	    $(filter %.o,$^) $(filter %.a,$^) $(sort $(LIBS_server) $(LIBS_tools))

-include $(shell find $(O) -name '*.d' 2>/dev/null)

.PHONY: unit golden fuzz-replay helpers
unit: $(UNIT_BIN) helpers
	$(Q)printf '%s\n' '$(O)/tests/tools/spfcompare --pairs 200000' \
	    '$(O)/tests/tools/listcompare --cases 50000' $(UNIT_BIN) | tests/parallel
golden: $(GOLDEN_BIN) $(O)/repdnsd
	$(Q)tests/golden/run $(O)
helpers: $(HELPER_BIN)
fuzz-replay: $(FUZZ_BIN)
	$(Q)for t in $(FUZZERS); do echo $(O)/tests/fuzz/$$t tests/fuzz/corpus/$$t; done | tests/parallel

SANITIZED = asan

.PHONY: junk
# A million junk sessions; REPDNS_JUNK=10000000 for ten.
junk: $(O)/tests/unit/test_poison
	$(Q)REPDNS_JUNK=$${REPDNS_JUNK:-1000000} $<
.PHONY: rdns-names
rdns-names: $(O)/repdns-load
	$(Q)tests/rdns-score --names $(O)
# Only where the mail to measure on is found.
.PHONY: client-score
client-score: $(O)/repdns-load
	$(Q)tests/client-score $(O)

.PHONY: run check check-deps check-hot check-man check-options check-conformance check-sanitized check-valgrind check-e2e seed
# The two commands for a fresh machine.
run: deps
	$(Q)$(MAKE) --no-print-directory all $(O)/tests/tools/dnsfixture
	$(Q)tests/example/serve $(O) $(PORT)
check: deps-test
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all built-tests
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) B=clang all built-fuzz
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) B=$(SANITIZED) all built-tests
	$(Q)$(MAKE) --no-print-directory check-all
.PHONY: built-tests built-fuzz check-all
built-tests: $(UNIT_BIN) $(GOLDEN_BIN) built-fuzz helpers
built-fuzz: $(FUZZ_BIN)
check-all: format-check check-deps check-man doc check-conformance all check-options check-hot unit \
    golden seed fuzz-replay junk rdns-names client-score check-sanitized check-valgrind check-e2e
	@echo "make check: all passed"

# README and the manual pages as one page of HTML.
.PHONY: doc
doc:
	@mkdir -p $(O)
	$(Q)tools/doc/handbook $(O)/handbook.html

check-deps:
	$(Q)tests/check-deps
check-hot: $(SERVER_OBJ) $(ZONES_OBJ)
	$(Q)tests/check-hot $(O)
check-man:
	$(Q)tests/check-man
# Usage texts, manual pages, completions, exit codes and JSON against the code.
check-options: $(PROGRAMS) $(O)/tests/tools/dnsfixture
	$(Q)tests/check-options $(O)
	$(Q)tests/completion
	$(Q)tests/exit-codes $(O)
	$(Q)tests/json-forms $(O)
check-conformance:
	$(Q)tests/check-conformance
# clang's warnings, of the fuzz targets too, and the tests under the sanitizers.
check-sanitized:
	$(Q)$(MAKE) --no-print-directory B=clang all fuzz-replay
	$(Q)$(MAKE) --no-print-directory B=$(SANITIZED) all unit golden fuzz-replay
check-valgrind: $(GOLDEN_BIN) $(UNIT_BIN)
	$(Q)tests/valgrind $(O)
seed: $(PROGRAMS) helpers
	$(Q)tests/golden/seed/run $(O)
check-e2e: $(PROGRAMS) helpers
	$(Q)tests/e2e/run $(O)

.PHONY: deb check-packages check-boot
# Debian packages, into build/deb; and the tests of them in roots of their own, as root: without an
# init, and under a systemd that is booted there. BOOT=vm boots a whole machine, with AppArmor.
BOOT ?= container
deb:
	$(Q)tools/packaging/make-deb $(VERSION)
check-packages:
	$(Q)tests/packages
check-boot:
	$(Q)tests/boot/run $(BOOT)

.PHONY: deps deps-test deps-perf format-check format clean
deps deps-test deps-perf:
	$(Q)tests/install-deps $@
# Not by git, which says nothing of a checkout that is somebody else's.
OUR_C = $(shell find loader server tests tools zones -name '*.[ch]')
format-check:
	$(Q)clang-format --dry-run -Werror $(OUR_C)
format:
	$(Q)clang-format -i $(OUR_C)
clean:
	rm -rf build
