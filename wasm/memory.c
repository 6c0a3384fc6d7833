/* memory.c -- how the modules get memory: the engine's only platform code.
 *
 * The wasi build owns all memory behind its static data and grows it with the
 * one instruction for that. Under Emscripten libc believes the same of itself,
 * so there we ask its sbrk, which also uses up the initial memory and tells the
 * host when memory grew (env.emscripten_notify_memory_growth). */
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

uint32_t mr_host_grow(uint32_t pages) {
    return (uint32_t)__builtin_wasm_memory_grow(0, pages); /* -1 when refused. */
}

#endif
