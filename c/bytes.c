/* bytes.c -- see bytes.h. Every machine that we run on is little-endian, so a
 * field is copied as it lies; the compiler turns the copy into one store. */
#include "bytes.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "fields are copied as they lie");

static const uint64_t canonical_nan = 0x7FF8000000000000u;

/* ---- Writing ---- */

static inline void put(mr_writer *writer, const void *field, uint32_t size) {
    if (writer->full || size > writer->room - writer->size) {
        writer->full = true;
        return;
    }
    memcpy(writer->bytes + writer->size, field, size);
    writer->size += size;
}

void mr_put_u8(mr_writer *writer, uint8_t value) { put(writer, &value, sizeof value); }
void mr_put_u16(mr_writer *writer, uint16_t value) { put(writer, &value, sizeof value); }
void mr_put_u32(mr_writer *writer, uint32_t value) { put(writer, &value, sizeof value); }
void mr_put_u64(mr_writer *writer, uint64_t value) { put(writer, &value, sizeof value); }

void mr_put_f64(mr_writer *writer, double value) {
    uint64_t bits = canonical_nan;
    if (value == value) memcpy(&bits, &value, sizeof bits);
    mr_put_u64(writer, bits);
}

void mr_put_bytes(mr_writer *writer, const uint8_t *bytes, uint32_t size) {
    if (size > 0) put(writer, bytes, size); /* `bytes` may be NULL when there are none. */
}

/* ---- Reading ---- */

static inline void get(mr_reader *reader, void *field, uint32_t size) {
    if (reader->bad || size > reader->size - reader->at) {
        reader->bad = true;
        memset(field, 0, size);
        return;
    }
    memcpy(field, reader->bytes + reader->at, size);
    reader->at += size;
}

uint8_t mr_get_u8(mr_reader *reader) {
    uint8_t value;
    get(reader, &value, sizeof value);
    return value;
}

uint16_t mr_get_u16(mr_reader *reader) {
    uint16_t value;
    get(reader, &value, sizeof value);
    return value;
}

uint32_t mr_get_u32(mr_reader *reader) {
    uint32_t value;
    get(reader, &value, sizeof value);
    return value;
}

const uint8_t *mr_get_bytes(mr_reader *reader, uint32_t size) {
    static const uint8_t nothing = 0;
    if (reader->bad || size > reader->size - reader->at) {
        reader->bad = true;
        return NULL;
    }
    if (size == 0) return &nothing;
    const uint8_t *bytes = reader->bytes + reader->at;
    reader->at += size;
    return bytes;
}
