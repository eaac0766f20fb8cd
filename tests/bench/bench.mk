# make bench, part of the Makefile: speeds here, beside others, into README.md.

# Libraries that are here: name, header and what it must declare, flags.
HASH := \#
has = $(shell printf '$(HASH)include <%s>\nvoid *f(void) { return (void *)%s; }' \
	$(2) | $(CC) $(3) -xc - -fsyntax-only 2>/dev/null && echo $(1))
BLAS_FLAGS := $(shell pkg-config --cflags openblas 2>/dev/null)
PEERS = $(call has,OPENBLAS,cblas.h openblas_set_num_threads,$(BLAS_FLAGS)) \
	$(call has,ONEDNN,dnnl.h dnnl_inner_product_forward_desc_init) \
	$(call has,XNNPACK,xnnpack.h xnn_setup_fully_connected_nc_f32)
PEER_LIB_OPENBLAS = $(shell pkg-config --libs openblas 2>/dev/null || echo -lopenblas)
ALL_PEERS := OPENBLAS ONEDNN XNNPACK

.PHONY: bench-peers
bench-peers: $(RUNTIME) $(call obj,tools/stopwatch.c)
	$(call say,link,$(BUILD)/bench-peers)
	$(Q)peers='$(strip $(PEERS))'; files=; libraries=; absent=; \
	for p in $(ALL_PEERS); do case " $$peers " in \
	*" $$p "*) name=$$(echo $$p | tr A-Z a-z); \
		files="$$files -DHAVE_$$p tests/bench/peer_$$name.c"; \
		case $$p in OPENBLAS) libraries='$(PEER_LIB_OPENBLAS)';; \
		ONEDNN) libraries="$$libraries -ldnnl";; \
		XNNPACK) libraries="$$libraries -lXNNPACK";; esac;; \
	*) absent="$$absent $$p";; esac; done; echo "$$absent" >$(BUILD)/bench-absent; \
	$(CC) -std=c11 $(WARNINGS) $(FLOAT_FLAGS) $(CFLAGS) -Itests -Itests/bench -Itools \
	-Ikernels -Ikernels/public $(BLAS_FLAGS) $$files tests/bench/peers.c \
	tests/bench/peer_mlinfer.c $(call obj,tools/stopwatch.c) $(RUNTIME) \
	-o $(BUILD)/bench-peers $$libraries -lm

# The Python that may have ONNX Runtime.
BENCH_PYTHON ?= $(firstword $(wildcard $(BUILD)/venv/bin/python3) python3)
bench: $(COMMAND) $(MODEL_SET) bench-peers
	$(Q)CC='$(CC)' CFLAGS='$(CFLAGS)' tests/bench/bench.sh '$(BUILD)' \
		'$(MODEL_SET)' '$(BENCH_PYTHON)' >$(BUILD)/bench-table
	$(Q)$(call INTO_README,bench) <$(BUILD)/bench-table
