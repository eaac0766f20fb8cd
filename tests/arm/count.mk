# make count-arm, part of the Makefile: what a sample costs on ARM.

#:: make count-arm  what a sample costs on a Cortex-A8 and a Cortex-A53, in
#::                 instructions under qemu, into README.md; MODEL=FILE: of one

.PHONY: count-arm count-arm-programs runtime-armv7 runtime-arm64
COUNT := $(BUILD)/arm-count
COUNT_SRC := $(addprefix tests/arm/,count_plugin.c arm_text.c cortex_a8.c cortex_a53.c \
	cache_model.c)

# The runtime as the ARM externals have it.
runtime-armv7 runtime-arm64: runtime-%:
	+$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/$* CC='$(ARM_CC)' \
	AR=$(ARM_PLATFORM)-ar CFLAGS='$(ARM_OPT) $(ARM_FLAGS)' \
	$(BUILD)/$*/libmlinfer.a
runtime-armv7: ARM_PLATFORM := arm-linux-gnueabihf
runtime-armv7: ARM_FLAGS := -mcpu=cortex-a8 -mfpu=neon -mfloat-abi=hard
runtime-arm64: ARM_PLATFORM := aarch64-linux-gnu
runtime-arm64: ARM_FLAGS := -mcpu=cortex-a53
runtime-armv7 runtime-arm64: ARM_CC = $(ARM_PLATFORM)-gcc

$(COUNT)/count.so: $(COUNT_SRC) $(wildcard tests/arm/*.h) tests/qemu_plugin.h
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) -std=c11 -O2 $(WARNINGS) -shared -fPIC \
		-fvisibility=hidden -Itests -o $@ $(COUNT_SRC)
count-arm-programs: $(COUNT)/count.so runtime-armv7 runtime-arm64
	$(Q)arm-linux-gnueabihf-gcc -std=c11 $(WARNINGS) $(ARM_OPT) -static \
		-mcpu=cortex-a8 -mfpu=neon -mfloat-abi=hard -Icore \
		tests/arm/count_run.c $(BUILD)/armv7/libmlinfer.a -o $(COUNT)/run-armv7
	$(Q)aarch64-linux-gnu-gcc -std=c11 $(WARNINGS) $(ARM_OPT) -static \
		-mcpu=cortex-a53 -Icore tests/arm/count_run.c \
		$(BUILD)/arm64/libmlinfer.a -o $(COUNT)/run-arm64

# Models with random weights that speeds are told of.
MODEL_SET := $(BUILD)/model-set
$(BUILD)/tests/model-set: $(BUILD)/obj/tests/bench/model_set.o
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lm
tests: $(BUILD)/tests/model-set
$(MODEL_SET): $(BUILD)/tests/model-set
	$(Q)rm -rf $@ && mkdir -p $@ && $< $@

# Between <!-- $1 --> and <!-- end --> of the README: the text on standard input.
define INTO_README
{ cat >$(BUILD)/table && cat $(BUILD)/table && \
sed -i -e '/<!-- $(1) -->/,/<!-- end -->/{//!d}' \
	-e '/<!-- $(1) -->/r $(BUILD)/table' README.md; }
endef

objects: $(call obj,$(COUNT_SRC) tests/arm/count_run.c tests/bench/model_set.c)

ifeq ($(MODEL),)
count-arm: $(COMMAND) $(MODEL_SET) count-arm-programs
	$(Q)tests/arm/count.sh '$(BUILD)' '$(MODEL_SET)' $(COUNT_MODELS) \
		>$(COUNT)/table
	$(Q)$(call INTO_README,count-arm) <$(COUNT)/table
else
count-arm: $(COMMAND) count-arm-programs
	$(Q)tests/arm/count.sh '$(BUILD)' '$(dir $(MODEL))' '$(notdir $(MODEL))'
endif
