/* abi.c -- prints js/engine/abi.ts: every number that both sides of the border know.
 *
 * A native program run by the build; it is no part of the engine. Structures hold
 * fixed-width fields only (c/millrace.h), so what this compiler says of them holds for
 * the modules too. A structure, field or constant that is missing below is found by
 * test/tidy.test.ts.
 *
 *   layouts.columns.bytes         sizeof(mr_columns)
 *   layouts.columns.at.now_ms     offsetof(mr_columns, now_ms)
 *   limits.KEY_BYTES_MAX          MR_KEY_BYTES_MAX */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "millrace.h"

typedef struct number {
    const char *name; /* As in C; "mr_" or "MR_" is left out in TypeScript. */
    long value;
} number;

typedef struct numbers {
    const char *name;
    long bytes; /* Of a structure; 0 for a group of constants. */
    number of[80];
} numbers;

#define CONSTANT(name) {#name, (long)(name)}
#define FIELD(type, field) {#field, (long)offsetof(type, field)}
#define STRUCT(type) #type, (long)sizeof(type)

static const numbers constants[] = {
    {"status",
     0,
     {CONSTANT(MR_OK), CONSTANT(MR_MORE), CONSTANT(MR_ERR_HANDLE), CONSTANT(MR_ERR_ARGUMENT),
      CONSTANT(MR_ERR_MEMORY), CONSTANT(MR_ERR_CORRUPT), CONSTANT(MR_ERR_LIMIT)}},
    {"limits",
     0,
     {CONSTANT(MR_KEY_BYTES_MAX), CONSTANT(MR_STRING_BYTES_MAX), CONSTANT(MR_REFS_BYTES_MAX),
      CONSTANT(MR_PASSES_MAX), CONSTANT(MR_FIELDS_MAX), CONSTANT(MR_COLUMNS_MAX),
      CONSTANT(MR_BATCH_ROWS_MAX), CONSTANT(MR_RESULT_ROWS_MAX), CONSTANT(MR_RESULT_BYTES_MAX),
      CONSTANT(MR_REF_BYTES), CONSTANT(MR_SEGMENT_VERSION), CONSTANT(MR_BLOCK_FIELDS_AT),
      CONSTANT(MR_BLOCK_KINDS_AT), CONSTANT(MR_PAGE_GRAVE), CONSTANT(MR_SCRATCH_BYTES),
      CONSTANT(MR_ENTRIES_PAGE)}},
    {"fieldKinds",
     0,
     {CONSTANT(MR_F64), CONSTANT(MR_I64), CONSTANT(MR_BOOL), CONSTANT(MR_STRING),
      CONSTANT(MR_TIMESTAMP), CONSTANT(MR_REF), CONSTANT(MR_REFS)}},
    {"operatorKinds",
     0,
     {CONSTANT(MR_CUSTOM), CONSTANT(MR_AGGREGATE), CONSTANT(MR_DEDUPLICATE), CONSTANT(MR_THROTTLE),
      CONSTANT(MR_WINDOW), CONSTANT(MR_JOIN), CONSTANT(MR_PATTERN), CONSTANT(MR_SESSION)}},
    {"sessionWays",
     0,
     {CONSTANT(MR_SESSION_JOINS), CONSTANT(MR_SESSION_BEGINS), CONSTANT(MR_SESSION_LATE),
      CONSTANT(MR_SESSION_APART), CONSTANT(MR_SESSION_ASK)}},
    {"assigners",
     0,
     {CONSTANT(MR_ALIGNED), CONSTANT(MR_SESSIONS), CONSTANT(MR_COUNTED),
      CONSTANT(MR_COUNTED_EACH)}},
    {"windowColumns",
     0,
     {CONSTANT(MR_WINDOW_START), CONSTANT(MR_WINDOW_END), CONSTANT(MR_WINDOW_REVISION),
      CONSTANT(MR_WINDOW_COLUMNS)}},
    {"joinColumns",
     0,
     {CONSTANT(MR_JOIN_SIDE), CONSTANT(MR_JOIN_EVENT), CONSTANT(MR_JOIN_COLUMNS),
      CONSTANT(MR_JOIN_CELL), CONSTANT(MR_JOIN_CELL_AT), CONSTANT(MR_JOIN_RIGHT),
      CONSTANT(MR_JOIN_RIGHT_AT)}},
    {"patternColumns",
     0,
     {CONSTANT(MR_PATTERN_EVENT), CONSTANT(MR_PATTERN_BITS), CONSTANT(MR_PATTERN_COLUMNS),
      CONSTANT(MR_PATTERN_STEP), CONSTANT(MR_PATTERN_CELL), CONSTANT(MR_PATTERN_CELL_AT),
      CONSTANT(MR_PATTERN_VALUE), CONSTANT(MR_PATTERN_MATCH), CONSTANT(MR_PATTERN_TIMED_OUT),
      CONSTANT(MR_PATTERN_LATE), CONSTANT(MR_PATTERN_FAILED), CONSTANT(MR_PATTERN_ASKS),
      CONSTANT(MR_PATTERN_FINAL), CONSTANT(MR_PATTERN_STOP)}},
    {"skips",
     0,
     {CONSTANT(MR_SKIP_NONE), CONSTANT(MR_SKIP_NEXT), CONSTANT(MR_SKIP_LAST),
      CONSTANT(MR_SKIP_FIRST_OF), CONSTANT(MR_SKIP_LAST_OF)}},
    {"algorithms",
     0,
     {CONSTANT(MR_SLIDING), CONSTANT(MR_FIXED), CONSTANT(MR_TOKEN_BUCKET), CONSTANT(MR_GCRA)}},
    {"passes",
     0,
     {CONSTANT(MR_PASSES_FORGOTTEN), CONSTANT(MR_PASSES_FIRST), CONSTANT(MR_PASSES_SIZE),
      CONSTANT(MR_PASSES_LIST), CONSTANT(MR_PASSES_LAST), CONSTANT(MR_PASSES_LEVEL)}},
    {"aggregates",
     0,
     {CONSTANT(MR_COUNT), CONSTANT(MR_SUM), CONSTANT(MR_MEAN), CONSTANT(MR_MIN), CONSTANT(MR_MAX),
      CONSTANT(MR_VARIANCE), CONSTANT(MR_STDDEV), CONSTANT(MR_VARIANCE_POPULATION),
      CONSTANT(MR_STDDEV_POPULATION)}},
    {"flags",
     0,
     {CONSTANT(MR_EMIT_EACH), CONSTANT(MR_EVICT), CONSTANT(MR_TRACK), CONSTANT(MR_REFRESH),
      CONSTANT(MR_TIMERS), CONSTANT(MR_KEEP_EVICTED), CONSTANT(MR_TOUCH_READS), CONSTANT(MR_LINGER),
      CONSTANT(MR_DELAY), CONSTANT(MR_FINAL), CONSTANT(MR_EXCLUSIVE), CONSTANT(MR_PARTIAL),
      CONSTANT(MR_ENTRIES), CONSTANT(MR_AS_OF)}},
    {"present",
     0,
     {CONSTANT(MR_HAS_KEYS), CONSTANT(MR_HAS_TIME), CONSTANT(MR_HAS_ORDER), CONSTANT(MR_HAS_OWN)}},
};

static const numbers structures[] = {
    {STRUCT(mr_options), {FIELD(mr_options, memory_bytes_max), FIELD(mr_options, hash_seed)}},
    {STRUCT(mr_operator_spec),
     {FIELD(mr_operator_spec, ttl_ms),    FIELD(mr_operator_spec, cleanup_ms),
      FIELD(mr_operator_spec, rows_max),  FIELD(mr_operator_spec, bytes_max),
      FIELD(mr_operator_spec, limit),     FIELD(mr_operator_spec, per_ms),
      FIELD(mr_operator_spec, burst),     FIELD(mr_operator_spec, queue_max),
      FIELD(mr_operator_spec, size),      FIELD(mr_operator_spec, slide),
      FIELD(mr_operator_spec, offset_ms), FIELD(mr_operator_spec, late_ms),
      FIELD(mr_operator_spec, before_ms), FIELD(mr_operator_spec, after_ms),
      FIELD(mr_operator_spec, kind),      FIELD(mr_operator_spec, flags),
      FIELD(mr_operator_spec, count),     FIELD(mr_operator_spec, kinds),
      FIELD(mr_operator_spec, columns),   FIELD(mr_operator_spec, algorithm),
      FIELD(mr_operator_spec, assigner),  FIELD(mr_operator_spec, pattern)}},
    {STRUCT(mr_pattern_taken),
     {FIELD(mr_pattern_taken, time_ms), FIELD(mr_pattern_taken, number),
      FIELD(mr_pattern_taken, nodes)}},
    {STRUCT(mr_pattern_term), {FIELD(mr_pattern_term, wanted), FIELD(mr_pattern_term, unwanted)}},
    {STRUCT(mr_pattern_edge),
     {FIELD(mr_pattern_edge, gap_ms), FIELD(mr_pattern_edge, takes), FIELD(mr_pattern_edge, target),
      FIELD(mr_pattern_edge, step), FIELD(mr_pattern_edge, term), FIELD(mr_pattern_edge, terms),
      FIELD(mr_pattern_edge, spare)}},
    {STRUCT(mr_pattern_state),
     {FIELD(mr_pattern_state, gap_ms), FIELD(mr_pattern_state, edge),
      FIELD(mr_pattern_state, edges), FIELD(mr_pattern_state, term), FIELD(mr_pattern_state, terms),
      FIELD(mr_pattern_state, pending), FIELD(mr_pattern_state, spare)}},
    {STRUCT(mr_pattern),
     {FIELD(mr_pattern, within_ms), FIELD(mr_pattern, partials_max), FIELD(mr_pattern, states),
      FIELD(mr_pattern, state_count), FIELD(mr_pattern, edges), FIELD(mr_pattern, edge_count),
      FIELD(mr_pattern, terms), FIELD(mr_pattern, term_count), FIELD(mr_pattern, conditions),
      FIELD(mr_pattern, steps), FIELD(mr_pattern, asks), FIELD(mr_pattern, skip),
      FIELD(mr_pattern, skip_step), FIELD(mr_pattern, passive), FIELD(mr_pattern, timed),
      FIELD(mr_pattern, timeouts)}},
    {STRUCT(mr_session),
     {FIELD(mr_session, start_ms), FIELD(mr_session, last_ms), FIELD(mr_session, count),
      FIELD(mr_session, state), FIELD(mr_session, others)}},
    {STRUCT(mr_pass), {FIELD(mr_pass, time_ms), FIELD(mr_pass, through)}},
    {STRUCT(mr_columns),
     {FIELD(mr_columns, now_ms), FIELD(mr_columns, nulls), FIELD(mr_columns, size),
      FIELD(mr_columns, present), FIELD(mr_columns, rows_max), FIELD(mr_columns, key_bytes_max),
      FIELD(mr_columns, key_offsets), FIELD(mr_columns, keys), FIELD(mr_columns, time_ms),
      FIELD(mr_columns, watermark_before), FIELD(mr_columns, order), FIELD(mr_columns, position),
      FIELD(mr_columns, column_count), FIELD(mr_columns, own_watermark), FIELD(mr_columns, columns),
      FIELD(mr_columns, validity)}},
    {STRUCT(mr_found),
     {FIELD(mr_found, size), FIELD(mr_found, rows), FIELD(mr_found, evicted),
      FIELD(mr_found, ways)}},
    {STRUCT(mr_layout),
     {FIELD(mr_layout, key_at), FIELD(mr_layout, key_bytes_at), FIELD(mr_layout, record_bytes),
      FIELD(mr_layout, field_count), FIELD(mr_layout, evicted_next_at),
      FIELD(mr_layout, evicted_by_at), FIELD(mr_layout, timer_at), FIELD(mr_layout, field_at),
      FIELD(mr_layout, field_kind)}},
    {STRUCT(mr_stats),
     {FIELD(mr_stats, rows), FIELD(mr_stats, bytes), FIELD(mr_stats, expired),
      FIELD(mr_stats, evicted), FIELD(mr_stats, nans), FIELD(mr_stats, late)}},
    {STRUCT(mr_memory),
     {FIELD(mr_memory, live_bytes), FIELD(mr_memory, reserved_bytes),
      FIELD(mr_memory, external_bytes), FIELD(mr_memory, limit_bytes)}},
    {STRUCT(mr_refs), {FIELD(mr_refs, dropped), FIELD(mr_refs, next), FIELD(mr_refs, capacity)}},
    {STRUCT(mr_due), {FIELD(mr_due, time_ms), FIELD(mr_due, row), FIELD(mr_due, spare)}},
    {STRUCT(mr_entries),
     {FIELD(mr_entries, clock_ms), FIELD(mr_entries, changes), FIELD(mr_entries, birth),
      FIELD(mr_entries, row), FIELD(mr_entries, count), FIELD(mr_entries, rows)}},
    {STRUCT(mr_changes),
     {FIELD(mr_changes, rows), FIELD(mr_changes, removed), FIELD(mr_changes, oldest),
      FIELD(mr_changes, next), FIELD(mr_changes, kept)}},
    {STRUCT(mr_page), {FIELD(mr_page, count), FIELD(mr_page, rows)}},
};

static const char *without_prefix(const char *name) {
    return strncmp(name, "mr_", 3) == 0 || strncmp(name, "MR_", 3) == 0 ? name + 3 : name;
}

static void print_all(const numbers *list, const char *indent) {
    for (const number *each = list->of; each->name != NULL; each++) {
        printf("%s%s: %ld,\n", indent, without_prefix(each->name), each->value);
    }
}

int main(void) {
    puts("// Generated by wasm/abi.c from c/millrace.h; do not edit.");
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
        printf("\nexport const %s = {\n", constants[i].name);
        print_all(&constants[i], "  ");
        puts("} as const");
    }
    puts("\n/** Sizes of structures and offsets of their fields, in bytes. */");
    puts("export const layouts = {");
    for (size_t i = 0; i < sizeof structures / sizeof *structures; i++) {
        printf("  %s: {\n    bytes: %ld,\n    at: {\n", without_prefix(structures[i].name),
               structures[i].bytes);
        print_all(&structures[i], "      ");
        puts("    },\n  },");
    }
    puts("} as const");
    return 0;
}
