# build.mk -- one C source, built five ways (included by the Makefile).
#
#   build/native/libmillrace.a       the speed limit to compare with
#   build/asan/                      C unit tests under ASan, UBSan and LeakSanitizer
#   build/wasi/millrace.wasm         the module that ships
#   build/emscripten/millrace.wasm   the same tests through another toolchain (clang-14)
#   build/ubsan/millrace.wasm        the first module, where undefined behaviour traps
#
# Objects lie under build/<flavour>/ and know their headers (-MMD); they are made again
# when a recipe here or a flavour's compiler changes.

ENGINE := $(sort $(wildcard c/*.c c/*/*.c))
MODULE := $(ENGINE) wasm/memory.c
HOST := $(ENGINE) test/c/memory_native.c
UNITS := $(sort $(wildcard test/c/*_test.c))

# No fused multiply-add anywhere: results may not depend on the machine. No absolute
# path in what is built: the same bytes come out of any folder.
CFLAGS := -std=c11 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -Ic \
    -ffp-contract=off -fvisibility=hidden -ffile-prefix-map=$(CURDIR)=. -MMD -MP

# In the modules these are made fast, and all others small: what waits for memory, or is called
# once a chunk, gains nothing by being long, and everybody loads it.
FAST := $(addprefix c/,$(addsuffix .c,agg/basic alloc dirty find hash lru op/aggregate op/window \
    op/window_slices row slices table wheel))

# ---- compilers and flags by flavour -------------------------------------------------

CLANG := clang-19

NATIVE_CC := $(CLANG)
NATIVE_FLAGS := -O3

ASAN_CC := $(CLANG)
ASAN_FLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all

# Debian's clang with wasi-libc, or a real wasi-sdk where WASI_SDK_PATH says so.
# Without -nostdinc the host's headers leak in.
ifdef WASI_SDK_PATH
WASI_BIN := $(WASI_SDK_PATH)/bin/
WASI_CC := $(WASI_BIN)clang
WASI_LD := $(WASI_BIN)wasm-ld
WASI_TARGET := $(notdir $(firstword $(wildcard \
    $(WASI_SDK_PATH)/share/wasi-sysroot/lib/wasm32-wasip1 \
    $(WASI_SDK_PATH)/share/wasi-sysroot/lib/wasm32-wasi)))
WASI_LIB = $(WASI_SDK_PATH)/share/wasi-sysroot/lib/$(WASI_TARGET)
WASI_HEADERS := --sysroot=$(WASI_SDK_PATH)/share/wasi-sysroot
WASI_BUILTINS = $(shell $(WASI_CC) --target=$(WASI_TARGET) -print-libgcc-file-name)
else
WASI_CC := $(CLANG)
WASI_LD := wasm-ld-19
WASI_TARGET := wasm32-wasi
WASI_LIB := /usr/lib/wasm32-wasi
WASI_RESOURCES := /usr/lib/llvm-19/lib/clang/19
WASI_HEADERS := -nostdinc -isystem $(WASI_RESOURCES)/include -isystem /usr/include/wasm32-wasi
WASI_BUILTINS := $(WASI_RESOURCES)/lib/wasi/libclang_rt.builtins-wasm32.a
endif
WASI_FLAGS := --target=$(WASI_TARGET) -O3 -flto -msimd128 -mbulk-memory $(WASI_HEADERS)
WASI_SMALL := -Os

# The linker is called by name, not through clang: clang would run wasm-opt only if it finds one
# on PATH, and with flags of its own. The stack lies first, so that an overflow traps.
WASI_LINK = $(WASI_LD) -m wasm32 -O3 --lto-O3 --entry _initialize --export-dynamic \
    --strip-all --stack-first -z stack-size=65536 --initial-memory=16777216 --fatal-warnings \
    -L$(WASI_LIB)
WASI_CRT = $(WASI_LIB)/crt1-reactor.o

# A tenth of the module goes once more; it has no features but those of the flags above.
WASI_OPT := wasm-opt -O2 --enable-simd --enable-bulk-memory --enable-mutable-globals \
    --enable-sign-ext --enable-nontrapping-float-to-int

# Undefined behaviour traps where it happens, so this module has no imports either.
UBSAN_CC := $(WASI_CC)
UBSAN_FLAGS := --target=$(WASI_TARGET) -O1 -msimd128 -mbulk-memory $(WASI_HEADERS) \
    -fsanitize=undefined -fsanitize-trap=undefined

# Debian's Emscripten 3.1.6 wants EM_CACHE unset; its unistd.h hides sbrk from strict C11.
EMSCRIPTEN_CC := env -u EM_CACHE emcc
EMSCRIPTEN_FLAGS := -std=gnu11 -O3 -flto -msimd128 -mbulk-memory
EMSCRIPTEN_SMALL := -Os
EMSCRIPTEN_LINK := $(EMSCRIPTEN_CC) $(EMSCRIPTEN_FLAGS) -sSTANDALONE_WASM --no-entry \
    -sMALLOC=emmalloc -sALLOW_MEMORY_GROWTH -sMAXIMUM_MEMORY=4GB

# ---- recipes --------------------------------------------------------------------------

# A flavour's toolchain file changes only when its command line does.
build/%/toolchain: FORCE
	@mkdir -p $(@D)
	@echo '$(TOOLCHAIN)' | cmp -s - $@ || echo '$(TOOLCHAIN)' > $@

# $(call flavour,name,NAME,setup stage)
define flavour
build/$(1)/toolchain: TOOLCHAIN = $$($(2)_CC) $$($(2)_FLAGS) $$($(2)_SMALL) $$(FAST) \
    $$($(2)_LINK) $$($(2)_OPT) $$(CFLAGS)
build/$(1)/%.o: %.c build/$(1)/toolchain | setup-$(3)
	$$(call say,$(1),$$<)
	@mkdir -p $$(@D)
	@$$($(2)_CC) $$(CFLAGS) $$($(2)_FLAGS) $$(if $$(filter-out $$(FAST),$$<),$$($(2)_SMALL)) \
	    -c $$< -o $$@
-include $$(wildcard build/$(1)/*/*.d build/$(1)/*/*/*.d)
endef
$(eval $(call flavour,native,NATIVE,base))
$(eval $(call flavour,asan,ASAN,test))
$(eval $(call flavour,wasi,WASI,base))
$(eval $(call flavour,ubsan,UBSAN,base))
$(eval $(call flavour,emscripten,EMSCRIPTEN,test))

objects = $(patsubst %.c,build/$(1)/%.o,$(2))

build/native/libmillrace.a: $(call objects,native,$(HOST))
	$(call say,archive,$@)
	@rm -f $@
	@ar rcsD $@ $^

build/wasi/linked.wasm: $(call objects,wasi,$(MODULE))
	$(call say,link,$@)
	@$(WASI_LINK) $(WASI_CRT) $^ -lc $(WASI_BUILTINS) -o $@

build/wasi/millrace.wasm: build/wasi/linked.wasm
	$(call say,wasm-opt,$@)
	@$(WASI_OPT) $< -o $@

build/ubsan/millrace.wasm: $(call objects,ubsan,$(MODULE))
	$(call say,link,$@)
	@$(WASI_LINK) $(WASI_CRT) $^ -lc $(WASI_BUILTINS) -o $@

build/emscripten/millrace.wasm: $(call objects,emscripten,$(MODULE))
	$(call say,link,$@)
	@$(EMSCRIPTEN_LINK) $^ -o $@

build/asan/%_test: build/asan/test/c/%_test.o $(call objects,asan,$(HOST))
	$(call say,link,$@)
	@$(ASAN_CC) $(ASAN_FLAGS) $^ -lcmocka -lm -o $@

# The numbers that TypeScript needs, printed by C; touched only when they change.
build/native/abi: build/native/wasm/abi.o
	@$(NATIVE_CC) $^ -o $@

js/engine/abi.ts: build/native/abi
	@mkdir -p $(@D)
	@$< > build/abi.ts
	@cmp -s build/abi.ts $@ || { cp build/abi.ts $@; }
