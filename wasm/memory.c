/* memory.c -- how the modules get memory: the engine's only platform code.
 *
 * The wasi build owns all memory behind its static data: first what the module has
 * from its start, then what the one instruction for that grows. Under Emscripten libc
 * believes the same of itself, so there we ask its sbrk, which does so too and tells
 * the host when memory grew (env.emscripten_notify_memory_growth). */
#define _DEFAULT_SOURCE /* Else strict C11 hides sbrk. */
#include "../c/alloc.h"

#if defined(__EMSCRIPTEN__)

#include <unistd.h>

uint32_t mr_host_grow(uint32_t pages) {
    uintptr_t end = (uintptr_t)sbrk(0);
    uint64_t first = (end + MR_PAGE_BYTES - 1) / MR_PAGE_BYTES;
    uint64_t bytes = (first + pages) * MR_PAGE_BYTES - end;
    if (bytes > INT32_MAX || sbrk((intptr_t)bytes) == (void *)-1) return UINT32_MAX;
    return (uint32_t)first;
}

#else

/* From the linker: where static data and the stack end. */
extern const uint8_t heap_base __asm__("__heap_base");

/* The pages that the module has from its start and that were not given yet. */
static uint32_t unused;
static uint32_t unused_end;

/* Before anybody else can make memory grow. */
__attribute__((constructor)) static void find_initial_memory(void) {
    unused = (uint32_t)(((uintptr_t)&heap_base + MR_PAGE_BYTES - 1) / MR_PAGE_BYTES);
    unused_end = (uint32_t)__builtin_wasm_memory_size(0);
}

uint32_t mr_host_grow(uint32_t pages) {
    const uint32_t first = unused;
    unused = pages <= unused_end - first ? first + pages : unused_end; /* Pages ascend. */
    if (unused - first == pages) return first;
    return (uint32_t)__builtin_wasm_memory_grow(0, pages); /* -1 when refused. */
}

#endif
