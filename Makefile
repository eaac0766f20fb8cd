# mlinfer: neural networks inside Pure Data. `make help` lists the targets.

VERSION := 0.1.0
BUILD ?= build
PREFIX ?= $(HOME)/.local
PDLIBDIR ?= $(HOME)/.local/lib/pd/extra
STRIP ?= strip
KERNELS ?= all

# Rounding is part of the contract: no contraction, no fast-math, ever.
FLOAT_FLAGS := -ffp-contract=off -fno-fast-math -fno-math-errno
# Lines are known to a debugger, variables are not: knowing them takes twice the
# time to compile the kernels. CFLAGS="-O0 -g" is for debugging.
CFLAGS ?= -O2 -g1
WARNINGS := -Wall -Wextra
BASE_FLAGS := -std=c11 $(WARNINGS) -fPIC -fvisibility=hidden $(FLOAT_FLAGS)
ifeq ($(KERNELS),generic)
BASE_FLAGS += -DMLI_GENERIC_ONLY
endif

# Who may include whom: a folder sees only the folders named here.
INC_kernels := -Ikernels -Ikernels/public
INC_core := -Icore $(INC_kernels)
# What ask the system for memory and files see it as it is (SYSTEM).
INC_compiler := -Icompiler -Icompiler/onnx -Icore -Ikernels/public $(SYSTEM)
INC_learn := -Ilearn -Icompiler -Icore -Ikernels/public $(SYSTEM)
INC_tools := -Itools -Icompiler -Icore -Ikernels/public \
	-DMLINFER_VERSION='"$(VERSION)"'
INC_firmware := -Icore
INC_tests := -Itests $(INC_tools) -Ilearn -Ikernels -Icompiler/onnx

src = $(sort $(wildcard $(addsuffix /*.c,$(1))))
obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

RUNTIME_SRC := $(call src,kernels core)
COMPILER_SRC := $(call src,compiler $(addprefix compiler/,passes onnx nam \
	rtneural guitarml layers tflite))
LEARN_SRC := $(call src,learn)
TOOL_SRC := $(call src,tools)
TEST_SRC := $(call src,tests)
TEST_PROGRAMS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(filter tests/test_%.c,$(TEST_SRC)))
TEST_SUPPORT := $(filter-out tests/test_%.c,$(TEST_SRC))

RUNTIME := $(BUILD)/libmlinfer.a
COMPILER := $(BUILD)/libmlcompiler.a
LEARN := $(BUILD)/libmllearn.a
COMMAND := $(BUILD)/mlinfer

.PHONY: all help command pd objects tests demo check check-long bench readme weights zoo deps \
	install clean always objects kernel-objects syntax sources
.SECONDARY: # objects stay
ifeq ($(OPS),)
all: command pd
else
all: firmware
endif
HELP := Makefile pd-external/pd.mk packages/packages.mk firmware/firmware.mk \
	tests/arm/count.mk
help:
	@sed -n 's/^#: //p' $(HELP)
	@echo; echo "For work on mlinfer itself:"
	@sed -n 's/^#:: //p' $(HELP)

#: make            the command and the Pd externals, into build/
#: make demo       a sound and a gesture through real, headless Pd
#: make install    into PDLIBDIR and PREFIX
#: make deps       install what is missing (Debian/Ubuntu)
#: make check      every test
#:: make check-long the same, exhaustively: half an hour on two cores
#:: make bench      known models and layers here, beside other libraries, into
#::                 README.md
#:: make readme     the table of formats in README.md
#:: make weights    the shipped models with f16 and int8 weights: size, speed,
#::                 error, into models/README.md
#:: make zoo        ten known architectures against PyTorch (needs PyTorch)
#:: make KERNELS=generic   leave the vector builds out
#:: make V=1        show the commands

# One short line a file; V=1 shows the commands.
ifeq ($(V),)
Q := @
say = @printf '  %-5s %s\n' '$(1)' '$(2)'
endif

# Other flags, other objects: this file changes with them. What the compiler
# says of an object is kept beside it, for the test that it says nothing.
FLAGS := $(CC) $(BASE_FLAGS) $(CFLAGS) $(VERSION), said
$(BUILD)/flags: always
	@mkdir -p $(@D)
	@echo '$(FLAGS)' | cmp -s - $@ || echo '$(FLAGS)' >$@

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(Q)$(CC) $(BASE_FLAGS) $(INC_$(firstword $(subst /, ,$<))) $(CFLAGS) -MMD -MP -c $< -o $@ \
		2>$@.said; status=$$?; cat $@.said >&2; exit $$status

$(RUNTIME): $(call obj,$(RUNTIME_SRC))
	$(call say,ar,$@)
	$(Q)rm -f $@
	$(Q)$(AR) qcs $@ $^
$(COMPILER): $(call obj,$(COMPILER_SRC))
	$(call say,ar,$@)
	$(Q)rm -f $@
	$(Q)$(AR) qcs $@ $^
$(LEARN): $(call obj,$(LEARN_SRC))
	$(call say,ar,$@)
	$(Q)rm -f $@
	$(Q)$(AR) qcs $@ $^
$(COMMAND): $(call obj,$(TOOL_SRC)) $(COMPILER) $(RUNTIME)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lsndfile -lm

command: $(COMMAND) $(RUNTIME)

# Tests may use everything, and the command's parts but its main().
TEST_LINK := $(call obj,$(filter-out tools/main.c,$(TOOL_SRC))) $(call obj,$(TEST_SUPPORT))
$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(TEST_LINK) $(LEARN) $(COMPILER) $(RUNTIME)
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -Wl,--wrap=mli_kernels_at -o $@ \
		$(filter %.o,$^) $(filter %.a,$^) -lcmocka -lsndfile -lm -lpthread

# Here allocations are made to fail.
comma := ,
$(BUILD)/tests/test_memory $(BUILD)/tests/test_cost \
	$(BUILD)/tests/test_learn_memory: private LDFLAGS += $(addprefix -Wl$(comma)--wrap=,malloc calloc realloc aligned_alloc free)

# Built with sanitizers, the runtime in it too: these see every step outside.
SANITIZE := -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all
# In the kernels, checks are called, not written out at each access, and what the
# address sanitizer sees as well is left to it: they take a quarter of the time
# to compile.
CHECKS_CALLED = -fno-sanitize=null,pointer-overflow,object-size $(if $(shell $(CC) --version | grep clang),-mllvm -asan-instrumentation-with-call-threshold=0,--param asan-instrumentation-with-call-threshold=0)
SANITIZED := $(patsubst %.c,$(BUILD)/sanitized/%.o,$(RUNTIME_SRC) \
	tests/test_damage.c tests/tiny_files.c tests/exercise.c \
	tests/file_builder.c tests/stored_matrix.c)
$(BUILD)/sanitized/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,cc,$< (sanitized))
	$(Q)$(CC) $(BASE_FLAGS) $(INC_$(firstword $(subst /, ,$<))) $(SANITIZE) \
		$(if $(filter kernels/%,$<),$(CHECKS_CALLED)) -MMD -MP -c $< -o $@
$(BUILD)/tests/test_damage: $(SANITIZED)
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(SANITIZE) -o $@ $^ -lcmocka -lm
tests: $(TEST_PROGRAMS)
includes-%: # what a room may include, for the test that it may nothing else
	@echo '$(filter -I%,$(INC_$*))'
# Every object, linked or not.
sources:
	@echo '$(ALL_SRC)'
ALL_SRC := $(RUNTIME_SRC) $(COMPILER_SRC) $(LEARN_SRC) $(TOOL_SRC) $(TEST_SRC) \
	firmware/minimal.c tests/bench/peers.c tests/bench/peer_mlinfer.c \
	$(call src,tests/fuzz tests/parts)
KERNEL_SRC := $(call src,kernels)
objects: $(call obj,$(ALL_SRC))
kernel-objects: $(call obj,$(KERNEL_SRC))
# Only read, a room at a time: for warnings.
syntax: $(patsubst %,syntax-%,core compiler learn tools tests)
syntax-%:
	$(Q)$(CC) $(BASE_FLAGS) $(INC_$*) $(CFLAGS) -fsyntax-only \
		$(filter $*/%,$(ALL_SRC))

include pd-external/pd.mk
ABSOLUTE_BUILD := $(abspath $(BUILD))
include packages/packages.mk
include tests/trap/trap.mk
include tests/pd/sanitized.mk
include tests/arm/count.mk
include firmware/firmware.mk

# -------------------------------------------------- what people ask for ----

JOBS := $(shell nproc 2>/dev/null || echo 2)
IN_TESTS := MLI_ROOT='$(CURDIR)' MLI_BUILD='$(ABSOLUTE_BUILD)'

deps:
	@tools/dependencies.sh check

# They begin first, so that none of them is waited for at the end.
SLOW_OBJECTS := $(patsubst %.c,$(BUILD)/sanitized/%.o,$(KERNEL_SRC)) \
	$(call obj,$(KERNEL_SRC))
SLOW_TESTS := tests/test_build.sh tests/test_pd_arm.sh
check:
	@tools/dependencies.sh check
	@tools/newer_pd.sh '$(ABSOLUTE_BUILD)'
	@$(MAKE) --no-print-directory -j$(JOBS) $(SLOW_OBJECTS) all tests arm \
		pd64
	@$(IN_TESTS) tests/run.sh $(abspath $(SLOW_TESTS) $(filter-out \
		$(SLOW_TESTS),$(wildcard tests/test_*.sh)) $(TEST_PROGRAMS))
check-long: export MLI_LONG = 1
check-long: check

demo:
	@tools/dependencies.sh demo
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@help-patches/demo/run.sh '$(ABSOLUTE_BUILD)'

include tests/bench/bench.mk

readme: $(COMMAND)
	@sed -i -e '/<!-- formats -->/,/<!-- end -->/{//!d}' README.md
	@$(COMMAND) formats --markdown | \
		sed -i -e '/<!-- formats -->/r /dev/stdin' README.md

weights: $(COMMAND)
	@BUILD='$(ABSOLUTE_BUILD)' models/weights.sh

zoo: $(COMMAND)
	@BUILD='$(ABSOLUTE_BUILD)' models/zoo/zoo.sh

install: all
	mkdir -p '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PDLIBDIR)/mlinfer'
	cp $(COMMAND) '$(DESTDIR)$(PREFIX)/bin/'
	cp -R $(PD_DIR)/. '$(DESTDIR)$(PDLIBDIR)/mlinfer/'
	packages/strip.sh $(STRIP) $(addprefix \
		'$(DESTDIR)$(PDLIBDIR)/mlinfer'/,$(PD_BINARIES))

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD)/obj $(BUILD)/sanitized $(BUILD)/firmware $(BUILD)/tests -name '*.d' 2>/dev/null)
