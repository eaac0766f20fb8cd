# The externals with the address and the thread sanitizer in pd-external/ and
# learn/, for tests/test_pd_sanitized.sh. What they call is as always: it takes
# a minute less. `make pd-sanitized` has it in everything.
SANITIZED_PD := $(foreach s,address thread,$(BUILD)/tests/$(s)/mlinfer.pd_linux)
define SANITIZED_RULES
$(BUILD)/tests/$(1)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $$(@D)
	$$(call say,cc,$$< ($(1) sanitizer))
	$$(Q)$(CC) $(BASE_FLAGS) $$(INC_$$(firstword $$(subst /, ,$$<))) -O1 -g \
		-fno-omit-frame-pointer -fsanitize=$(1) -MMD -MP -c $$< -o $$@
$(BUILD)/tests/$(1)/mlinfer.pd_linux: $(patsubst %.c,$(BUILD)/tests/$(1)/obj/%.o,\
		$(filter-out pd-external/mlinfer~.c,$(PD_SRC)) $(LEARN_SRC)) \
		$(COMPILER) $(RUNTIME)
	$$(call say,link,$$@)
	$$(Q)$(CC) -shared -fsanitize=$(1) -o $$@ $$^ -lm -lpthread
endef
$(foreach s,address thread,$(eval $(call SANITIZED_RULES,$(s))))
# Two threads that load as two Pds in a program do.
INSTANCES := $(BUILD)/tests/thread/instances
$(BUILD)/tests/thread/obj/tests/pd/instances.o: INC_tests += -DPD \
	-isystem $(PDINCLUDEDIR)
$(INSTANCES): $(patsubst %,$(BUILD)/tests/thread/obj/%.o,tests/pd/instances \
		$(addprefix pd-external/,buffers identity layout loading lookup player \
		playing resampler resampler_filter shared voice worker)) \
		$(COMPILER) $(RUNTIME)
	$(call say,link,$@)
	$(Q)$(CC) -fsanitize=thread -o $@ $^ -lm -lpthread
ifneq ($(wildcard $(PDINCLUDEDIR)/m_pd.h),)
tests: $(SANITIZED_PD) $(INSTANCES)
endif
