# make OPS="NAME ...", part of the Makefile: the runtime with some operators and
# functions only, for small machines.

#: make OPS="NAME ..."    the runtime with these operators and functions only,
#:                 into build/firmware/: `mlinfer info --ops MODEL` lists what a
#:                 model needs, OPS=all is everything. Plain C kernels for few
#:                 bytes; KERNELS=all: those for speed. CC, AR, CFLAGS: yours

FIRMWARE := $(BUILD)/firmware
# Few kernels may be fast, many must be small.
OPTIMIZE_kernels := $(if $(filter all,$(OPS)),-Os,-O2)
OPTIMIZE_core := -Os
OPTIMIZE_firmware := -Os
FIRMWARE_FLAGS := -std=c11 $(WARNINGS) -fvisibility=hidden $(FLOAT_FLAGS) \
	-ffunction-sections -fdata-sections -fno-unwind-tables \
	-fno-asynchronous-unwind-tables -fno-pie
ifneq ($(origin CFLAGS),file) # yours
FIRMWARE_CFLAGS := $(CFLAGS)
endif
ifneq ($(OPS),all)
FIRMWARE_FLAGS += -DMLI_SOME $(OPS:%=-DMLI_WITH_%=1)
endif
ifeq ($(origin KERNELS) $(KERNELS),command line all) # all are to be fast
OPTIMIZE_kernels := -O2
else
FIRMWARE_FLAGS += -DMLI_GENERIC_ONLY -DMLI_SMALL
endif
FIRMWARE_OBJ := $(patsubst %.c,$(FIRMWARE)/%.o,$(RUNTIME_SRC))

FIRMWARE_SAID = $(CC) $(FIRMWARE_FLAGS) $(OPTIMIZE_kernels) $(FIRMWARE_CFLAGS)
$(FIRMWARE)/flags: always
	@mkdir -p $(@D)
	@echo '$(FIRMWARE_SAID)' | cmp -s - $@ || echo '$(FIRMWARE_SAID)' >$@
$(FIRMWARE)/%.o: %.c $(FIRMWARE)/flags
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(Q)$(CC) $(FIRMWARE_FLAGS) $(INC_$(firstword $(subst /, ,$<))) \
		$(OPTIMIZE_$(firstword $(subst /, ,$<))) $(FIRMWARE_CFLAGS) \
		-MMD -MP -c $< -o $@
$(FIRMWARE)/libmlinfer.a: $(FIRMWARE_OBJ)
	$(call say,ar,$@)
	$(Q)rm -f $@
	$(Q)$(AR) qcs $@ $^
$(FIRMWARE)/minimal: $(FIRMWARE)/firmware/minimal.o $(FIRMWARE)/libmlinfer.a
	$(call say,link,$@)
	$(Q)$(CC) $(FIRMWARE_FLAGS) $(FIRMWARE_CFLAGS) -no-pie $(LDFLAGS) \
		-Wl,--gc-sections -o $@ $^

# A wrong name is told: an operator that nobody has would only be missing later.
FIRMWARE_NAMES := $(shell sed -n '/^.define MLI_[A-Z]*(X)/,/[^\\]$$/p' \
	kernels/public/parts.h | grep -o 'X([A-Z0-9_]*)' | sed 's/X(\(.*\))/\1/')
ifneq ($(OPS),)
FIRMWARE_UNKNOWN := $(filter-out all $(FIRMWARE_NAMES),$(OPS))
ifneq ($(FIRMWARE_UNKNOWN),)
$(error OPS: no operator or function is called $(FIRMWARE_UNKNOWN) (there are \
	$(FIRMWARE_NAMES)))
endif
endif

.PHONY: firmware
firmware: $(FIRMWARE)/libmlinfer.a $(FIRMWARE)/minimal
	@size $(FIRMWARE)/minimal 2>/dev/null | awk 'NR == 2 { print $$1 " bytes \
	of code and constants in $(FIRMWARE)/minimal" }'
