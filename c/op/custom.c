/* custom.c -- an operator whose function is the host's.
 *
 * The host finds the rows of a chunk (mr_find), runs the user's function over them and
 * commits what it did (mr_row_create, mr_row_touch, mr_row_remove). The record is the
 * fields that the host asked for. */
#include "../operator.h"

static MR_COLD mr_status fields(const mr_operator_spec *spec, uint8_t *fields_out,
                                uint32_t *count_out) {
    memcpy(fields_out, spec->kinds, spec->count);
    *count_out = spec->count;
    return MR_OK;
}

const mr_operator_kind mr_kind_custom = {
    .name = "custom",
    .flags = MR_ENTRIES,
    .fields = fields,
};
