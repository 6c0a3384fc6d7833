/* list.c -- see list.h. */
#include "list.h"

#include "error.h"

static uint8_t *element(const mr_list_shape *shape, mr_addr blob, uint32_t place) {
    return (uint8_t *)mr_at(blob) + mr_list_bytes(shape, place);
}

mr_status mr_list_grow(mr_rows *rows, const mr_list_shape *shape, uint32_t more, mr_addr *cell) {
    uint32_t *words = *cell == 0 ? NULL : mr_u32s(*cell);
    const uint32_t head = words == NULL ? 0 : words[MR_LIST_HEAD];
    const uint32_t count = words == NULL ? 0 : words[MR_LIST_COUNT];
    /* Where it has forgotten so much that moving all to the front comes rarely. */
    if (words != NULL && head >= count / 2 && mr_list_fits(shape, *cell, (uint64_t)count + more)) {
        memmove(element(shape, *cell, 0), element(shape, *cell, head), count * shape->bytes);
        words[MR_LIST_HEAD] = 0;
        return MR_OK;
    }
    const uint64_t bytes = mr_list_bytes(shape, (uint64_t)count + count / 2 + more);
    if (bytes > MR_STRING_BYTES_MAX) return mr_fail(MR_ERR_LIMIT, shape->name, count);
    mr_addr made;
    MR_TRY(mr_rows_blob_new(rows, NULL, (uint32_t)(bytes - sizeof(uint32_t)), &made));
    if (words != NULL) {
        memcpy(mr_u32s(made) + 1, words + 1, shape->at - sizeof(uint32_t));
        mr_u32s(made)[MR_LIST_HEAD] = 0;
        memcpy(element(shape, made, 0), element(shape, *cell, head), count * shape->bytes);
        mr_rows_blob_release(rows, *cell);
    }
    *cell = made;
    return MR_OK;
}

bool mr_list_check(const mr_list_shape *shape, mr_addr blob) {
    if (blob == 0 || !mr_list_fits(shape, blob, 0)) return false;
    const uint32_t *words = mr_u32s(blob);
    return mr_list_fits(shape, blob, (uint64_t)words[MR_LIST_HEAD] + words[MR_LIST_COUNT]);
}
