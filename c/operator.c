/* operator.c -- see operator.h. */
#include "operator.h"

mr_status mr_flush(mr_operator_data *op,
                   mr_status (*emit)(mr_operator_data *op, mr_row *row, mr_batch_data *results),
                   mr_batch_data *results) {
    if (op->flushed) return MR_OK;
    if (!op->flushing) {
        MR_TRY(mr_scan_start(&op->flush, &op->rows, op->clock_ms));
        op->flushing = true;
        op->flush_at = 0;
    }
    for (;;) {
        const mr_page *page = &op->flush.page;
        for (; op->flush_at < page->count; op->flush_at++) {
            mr_row *row = mr_row_at(mr_u32s(page->rows)[op->flush_at]);
            mr_row_reach(&op->rows, row);
            MR_TRY(emit(op, row, results));
        }
        op->flush_at = 0;
        MR_TRY(mr_scan_page(&op->flush, MR_RESULT_ROWS_MAX));
        if (page->count == 0) break;
    }
    mr_flush_stop(op);
    op->flushed = true;
    return MR_OK;
}
