# What leaves the house, part of the Makefile: `make bela`, `make dist`,
# `make libpd`. Each is looked at, as it will be shipped, before it is done.

.PHONY: bela dist libpd
#: make bela       a folder for Bela, build/bela; BELA=arm64: for Gem
#: make dist       packages for deken in build/dist, for every architecture that
#:                 has a compiler here
#: make libpd      both classes for a program that has libpd in it,
#:                 build/libmlinfer-pd.a

# ------------------------------------------------------------------ Bela ----
# Flat: Bela's Pd looks into the project's folder only, and the IDE takes files.

BELA ?= armv7
BELA_DIR := $(BUILD)/bela
BELA_STRIP_armv7 := arm-linux-gnueabihf-strip
BELA_STRIP_arm64 := aarch64-linux-gnu-strip
bela: $(BELA)
	$(Q)[ -f '$(BUILD)/$(BELA)/pd/mlinfer/mlinfer~.pd_linux' ] || { \
	echo "no cross compiler: install gcc-$(if $(filter arm64,$(BELA)),aarch64-linux-gnu,arm-linux-gnueabihf)" >&2; exit 1; }
	$(Q)packages/bela.sh '$(BUILD)/$(BELA)/pd/mlinfer' $(BELA_STRIP_$(BELA)) \
		'$(BELA_DIR)'
	$(Q)packages/check.sh bela 'Linux-$(BELA)-32' '$(BELA_DIR)'
	@echo "Drag what is in $(BELA_DIR) into the IDE, or:"
	@echo "    scp -r $(BELA_DIR) root@bela.local:Bela/projects/"

# ----------------------------------------------------------------- deken ----
# A package for each architecture, so that nobody downloads another one's
# binaries; and one of the sources, which deken wants to see.

DIST := $(ABSOLUTE_BUILD)/dist
HERE := $(patsubst x86_64%,amd64,$(patsubst aarch64%,arm64,$(shell uname -m)))
WINDOWS_PLATFORM := x86_64-w64-mingw32
ifeq ($(shell uname -s),Darwin)
PACKAGES ?= darwin
else
PACKAGES ?= $(HERE) $(HERE)-64 $(filter-out $(HERE),armv7 arm64) windows
endif

# Architecture, folder, strip, what to call.
PACK_amd64 := Linux-amd64-32 $(BUILD)/pd strip pd
PACK_amd64-64 := Linux-amd64-64 $(BUILD)/pd64 strip pd64
PACK_arm64 := Linux-arm64-32 \
	$(if $(filter arm64,$(HERE)),$(BUILD)/pd strip pd,$(BUILD)/arm64/pd aarch64-linux-gnu-strip arm64)
PACK_arm64-64 := Linux-arm64-64 $(BUILD)/pd64 strip pd64
PACK_armv7 := Linux-armv7-32 $(BUILD)/armv7/pd arm-linux-gnueabihf-strip armv7
PACK_windows := Windows-amd64-32 $(BUILD)/windows/pd \
	$(WINDOWS_PLATFORM)-strip windows
# On a Mac, for that Mac; nobody has run this yet.
PACK_darwin := Darwin-$(HERE)-32 $(BUILD)/pd strip pd

dist: $(foreach p,$(PACKAGES),$(word 4,$(PACK_$(p))))
	@rm -rf '$(DIST)' && mkdir -p '$(DIST)'
	$(Q)packages/pack.sh '$(CURDIR)' $(VERSION) Sources - - '$(DIST)'
	$(Q)set -e; pack() { [ -d "$$2/mlinfer" ] || return 0; \
		packages/pack.sh '$(CURDIR)' $(VERSION) $$1 "$$2/mlinfer" $$3 '$(DIST)'; }; \
		$(foreach p,$(PACKAGES),pack $(PACK_$(p));)
	$(Q)for package in '$(DIST)'/*.dek; do \
		packages/check.sh dek '$(CURDIR)' "$$package" || exit 1; \
		echo "$$package"; done

# The same objects; only what knows Pd's numbers is compiled for larger ones.
.PHONY: pd64
PD64_EXTENSION := linux-$(HERE)-64.so
pd64: $(RUNTIME) $(COMPILER) $(LEARN)
	+$(Q)$(MAKE) --no-print-directory PD_DIR='$(BUILD)/pd64/mlinfer' \
		PD_WORK='$(BUILD)/pd64-work' PD_EXTENSION=$(PD64_EXTENSION) \
		PD_CFLAGS=-DPD_FLOATSIZE=64 pd

# MinGW-w64; Pd's functions are linked by a library made of their names.
WINDOWS := $(BUILD)/windows
WINDOWS_CC := $(WINDOWS_PLATFORM)-gcc
.PHONY: windows
windows:
	+$(Q)if command -v $(WINDOWS_CC) >/dev/null; then \
	mkdir -p '$(WINDOWS)' && { echo 'LIBRARY pd.dll'; echo EXPORTS; \
	sed 's/#.*//; s/ data/ DATA/' packages/pd-functions.txt; } \
		>'$(WINDOWS)/pd.def' && \
	$(WINDOWS_PLATFORM)-dlltool -d '$(WINDOWS)/pd.def' -l '$(WINDOWS)/pd.dll' && \
	$(MAKE) --no-print-directory BUILD='$(WINDOWS)' CC=$(WINDOWS_CC) \
	AR=$(WINDOWS_PLATFORM)-ar PLATFORM=$(WINDOWS_PLATFORM) PD_EXTENSION=dll \
	CFLAGS='-O2 $(shell cat packages/windows/flags)' \
	SYSTEM='-include $(CURDIR)/packages/windows/system.h' \
	PD_MORE='PDBINDIR=$(abspath $(WINDOWS))' pd; \
	else echo "  no $(WINDOWS_CC): windows left out (tools/dependencies.sh dist)"; fi

# ----------------------------------------------------------------- libpd ----
# The externals' objects and all that they use. LIBPD_CFLAGS has to be what
# libpd was compiled with: -DPDINSTANCE -DPDTHREADS for several Pds in one
# program, -DPD_FLOATSIZE=64.

LIBPD_CFLAGS ?=
OBJCOPY ?= objcopy
LIBPD := $(BUILD)/libmlinfer-pd.a
LIBPD_OBJ := $(patsubst %.c,$(BUILD)/libpd/%.o,$(filter-out \
	pd-external/oldglibc.c,$(PD_SRC)))
LIBPD_FLAGS := $(FLAGS) $(LIBPD_CFLAGS)
$(BUILD)/libpd/flags: always
	@mkdir -p $(@D)
	@echo '$(LIBPD_FLAGS)' | cmp -s - $@ || echo '$(LIBPD_FLAGS)' >$@
$(BUILD)/libpd/%.o: %.c $(BUILD)/libpd/flags
	@mkdir -p $(@D)
	$(call say,cc,$< (libpd))
	$(Q)$(CC) $(BASE_FLAGS) $(INC_$(firstword $(subst /, ,$<))) $(CFLAGS) \
		$(LIBPD_CFLAGS) -MMD -MP -c $< -o $@
# One object that shows its two setup functions: no name in it meets another of
# the program's.
$(LIBPD): $(LIBPD_OBJ) $(LEARN) $(COMPILER) $(RUNTIME)
	$(call say,ar,$@)
	$(Q)rm -f $@
	$(Q)$(CC) -r -nostdlib -o $(BUILD)/libpd/mlinfer.o $(LIBPD_OBJ) \
		-Wl,--start-group $(LEARN) $(COMPILER) $(RUNTIME) -Wl,--end-group
	$(Q)$(OBJCOPY) --localize-hidden $(BUILD)/libpd/mlinfer.o
	$(Q)$(AR) qcs $@ $(BUILD)/libpd/mlinfer.o
libpd: $(LIBPD)
-include $(LIBPD_OBJ:.o=.d)
