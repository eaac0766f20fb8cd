# The traps of test_trap, and those for Pd: a library to preload, a program that
# traces, and two classes of objects.
TRAPS := $(addprefix $(BUILD)/tests/trap/,libtrap.so run-traced)
ifneq ($(wildcard $(PDINCLUDEDIR)/m_pd.h),)
TRAPS += $(BUILD)/tests/trap/trap~.pd_linux $(BUILD)/tests/trap/mlinfer~.pd_linux
endif
$(BUILD)/tests/test_trap: $(call obj,tests/trap/trap.c tests/trap/tracer.c)
$(BUILD)/tests/trap/libtrap.so: $(call obj,tests/trap/trap.c tests/trap/tracer.c)
$(BUILD)/obj/tests/trap/trap~.o: CFLAGS += -DPD -isystem $(PDINCLUDEDIR)
$(BUILD)/tests/trap/trap~.pd_linux: $(call obj,tests/trap/trap~.c)
$(BUILD)/obj/tests/trap/clocks.o: CFLAGS += -DPD -isystem $(PDINCLUDEDIR)
# [mlinfer~] as it ships, but what its clocks call runs armed.
$(BUILD)/tests/trap/mlinfer~.pd_linux: $(call obj,tests/trap/clocks.c) | pd
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS) -shared -Wl,--wrap=clock_new,--wrap=clock_free -o $@ \
		$(filter-out %/mlinfer.o,$(patsubst %.c,$(PD_WORK)/%.o,$(PD_SRC))) $< \
		$(LEARN) $(COMPILER) $(RUNTIME) -lm -lpthread
$(BUILD)/tests/trap/%.so $(BUILD)/tests/trap/%.pd_linux:
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS) -shared -o $@ $^
$(BUILD)/tests/trap/run-traced: $(call obj,tests/trap/run_traced.c tests/trap/tracer.c)
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^
tests: $(TRAPS)
