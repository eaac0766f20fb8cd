# The Pd externals, part of the Makefile: `make pd`, `make arm`.

PDLIBBUILDER_DIR ?= /usr/share/pd-lib-builder
PDINCLUDEDIR ?= /usr/include/pd
PD_DIR := $(BUILD)/pd/mlinfer
PD_WORK := $(BUILD)/pd-work
PD_SRC := $(call src,pd-external)
PD_EXTENSION ?= $(if $(filter Darwin,$(shell uname -s)),pd_darwin,pd_linux)
PD_BINARIES = mlinfer.$(PD_EXTENSION) mlinfer~.$(PD_EXTENSION)

.PHONY: pd pd-sanitized arm armv7 arm64
#: make pd         the Pd externals only, into build/pd/mlinfer
#: make arm        the Pd externals for ARMv7 (Bela) and arm64, if there are
#:                 compilers, into build/armv7/pd and build/arm64/pd
#:: make pd-sanitized   the Pd externals with a sanitizer: SANITIZER=address
#::                 (the default) into build/address/pd, or SANITIZER=thread

# For `make objects`; the externals themselves are built by pd-lib-builder.
INC_pd-external := -Ilearn -Icompiler -Icore -Ikernels/public -isystem $(PDINCLUDEDIR) \
	-DPD
ifneq ($(wildcard $(PDINCLUDEDIR)/m_pd.h),)
objects: $(call obj,$(PD_SRC))
endif

# pd-lib-builder puts objects beside their sources: so it gets a folder of links
# to them, and the checkout stays clean.
define PD_LINKS
mkdir -p $(PD_WORK)/pd-external && \
find $(PD_WORK)/pd-external -name '*.[ch]' -exec rm -f {} + && \
ln -s $(abspath $(wildcard pd-external/*.c pd-external/*.h)) \
	$(PD_WORK)/pd-external && mkdir -p $(PD_WORK)/packages/windows && \
ln -sf $(abspath $(wildcard packages/windows/*.[ch])) \
	$(PD_WORK)/packages/windows
endef

define PD_BUILD
$(MAKE) --no-print-directory -C $(PD_WORK) \
	-f $(CURDIR)/Makefile.pdlibbuilder CC='$(CC)' MLI_CFLAGS='$(CFLAGS) $(PD_CFLAGS)' \
	MLI_LIBS='$(abspath $(LEARN) $(COMPILER) $(RUNTIME))' \
	PDINCLUDEDIR='$(PDINCLUDEDIR)' PDLIBBUILDER_DIR='$(PDLIBBUILDER_DIR)' \
	extension=$(PD_EXTENSION) $(if $(PLATFORM),PLATFORM=$(PLATFORM)) $(PD_MORE)
endef

pd: $(RUNTIME) $(COMPILER) $(LEARN)
	$(call say,pd,$(PD_DIR))
	$(Q)[ -f '$(PDINCLUDEDIR)/m_pd.h' ] || { echo "no m_pd.h in \
	$(PDINCLUDEDIR): install puredata-dev, or give PDINCLUDEDIR=" >&2; exit 1; }
	$(Q)[ -f '$(PDLIBBUILDER_DIR)/Makefile.pdlibbuilder' ] || { echo "no \
	pd-lib-builder in $(PDLIBBUILDER_DIR): install pd-lib-builder, or give \
	PDLIBBUILDER_DIR=" >&2; exit 1; }
	$(Q)$(PD_LINKS)
	+$(Q)$(PD_BUILD) >$(PD_WORK)/log || { \
		grep -v '^++++' $(PD_WORK)/log; exit 1; }
	$(Q)rm -rf $(PD_DIR) && mkdir -p $(addprefix $(PD_DIR)/,models examples bela)
	$(Q)cp $(addprefix $(PD_WORK)/,$(PD_BINARIES)) LICENSE $(wildcard README.md help-patches/*.pd) \
		$(PD_DIR)
	$(Q)cp help-patches/examples/*.pd $(PD_DIR)/examples
	$(Q)cp help-patches/bela/*.pd $(PD_DIR)/bela
	$(Q)for m in $(wildcard models/*/*.bin); do \
		cp "$$m" $(PD_DIR)/models/ || exit 1; done

# Everything in the externals is watched, Pd itself is not; kernels are plain C
# only, as test_damage watches the others. The sanitizer's library has to be in
# the process first:
#
#   make pd-sanitized SANITIZER=address
#   ASAN_OPTIONS=detect_leaks=0 LD_PRELOAD=$(gcc -print-file-name=libasan.so) \
#       pd -nogui -noaudio -path build/address/pd/mlinfer -lib mlinfer~ ...
#
# for SANITIZER=thread libtsan.so, and `setarch -R` in front of pd. A finding is
# printed, and ends Pd (address) or makes its exit status 66 (thread).
SANITIZER ?= address
pd-sanitized:
	+$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/$(SANITIZER) KERNELS=generic \
	CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=$(SANITIZER)' pd

#:: make screenshots  every help patch and example in a Pd window, into
#::                 docs/pictures (needs xvfb, imagemagick and puredata-gui)
.PHONY: screenshots
screenshots: pd
	$(Q)help-patches/screenshots.sh '$(BUILD)'

ARM_OPT ?= -O2 -D_FILE_OFFSET_BITS=64
armv7 arm64:
	+$(Q)if command -v $(ARM_CC) >/dev/null; then \
	$(MAKE) --no-print-directory BUILD=$(BUILD)/$@ CC=$(ARM_CC) \
	AR=$(ARM_PLATFORM)-ar CFLAGS='$(ARM_OPT) $(ARM_FLAGS)' \
	PLATFORM=$(ARM_PLATFORM) pd; \
	else echo "  no $(ARM_CC): $@ left out"; fi
armv7: ARM_PLATFORM := arm-linux-gnueabihf
armv7: ARM_FLAGS := -mcpu=cortex-a8 -mfpu=neon -mfloat-abi=hard
arm64: ARM_PLATFORM := aarch64-linux-gnu
arm64: ARM_FLAGS := -mcpu=cortex-a53
armv7 arm64: ARM_CC = $(ARM_PLATFORM)-gcc
arm: armv7 arm64

# Small models for tests/test_pd*.sh.
PD_MODELS := $(BUILD)/tests/pd-models
$(PD_MODELS): $(BUILD)/obj/tests/pd/models.o $(COMPILER) $(RUNTIME)
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lm
tests: $(PD_MODELS)

# The test of the shared images takes just them, which need no Pd.
INC_tests += -Ipd-external
$(BUILD)/tests/test_pd_shared: $(call obj,pd-external/shared.c \
	pd-external/identity.c)
$(BUILD)/tests/test_pd_training: $(call obj,pd-external/training.c \
	pd-external/worker.c)
$(BUILD)/tests/test_pd_resampler: $(call obj,pd-external/resampler.c \
	pd-external/resampler_filter.c pd-external/layout.c)
