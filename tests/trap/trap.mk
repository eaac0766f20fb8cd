# The traps of test_trap, and those for Pd: libraries to preload, a program that
# traces, a plugin that counts, and classes of objects.
TRAP_DIR := $(BUILD)/tests/trap
TRAPS := $(addprefix $(TRAP_DIR)/,libtrap.so libmarks.so count-blocks.so \
	run-traced)
ifneq ($(wildcard $(PDINCLUDEDIR)/m_pd.h),)
TRAPS += $(TRAP_DIR)/trap~.pd_linux $(TRAP_DIR)/mlinfer~.pd_linux
endif
$(BUILD)/tests/test_trap: $(call obj,tests/trap/trap.c tests/trap/tracer.c)
$(TRAP_DIR)/libtrap.so: $(call obj,tests/trap/trap.c tests/trap/tracer.c)
$(TRAP_DIR)/libmarks.so: $(call obj,tests/trap/marks.c)
$(TRAP_DIR)/count-blocks.so: $(call obj,tests/trap/count_blocks.c)
$(BUILD)/obj/tests/trap/trap~.o: CFLAGS += -DPD -isystem $(PDINCLUDEDIR)
$(TRAP_DIR)/trap~.pd_linux: $(call obj,tests/trap/trap~.c)
$(BUILD)/obj/tests/trap/callbacks.o: CFLAGS += -DPD -isystem $(PDINCLUDEDIR)
# [mlinfer~] as it ships, but its clocks and its perform run armed.
$(TRAP_DIR)/mlinfer~.pd_linux: $(call obj,tests/trap/callbacks.c) pd
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS) -shared \
		-Wl,--wrap=clock_new,--wrap=clock_free,--wrap=dsp_add -o $@ \
		$(filter-out %/mlinfer.o,$(patsubst %.c,$(PD_WORK)/%.o,$(PD_SRC))) $< \
		$(LEARN) $(COMPILER) $(RUNTIME) -lm -lpthread
$(TRAP_DIR)/%.so $(TRAP_DIR)/%.pd_linux:
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS) -shared -o $@ $^
$(TRAP_DIR)/run-traced: $(call obj,tests/trap/run_traced.c tests/trap/tracer.c)
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^
tests: $(TRAPS)
