/* lru.c -- the rows of a state from newest to oldest use, each step O(1).
 *
 *   newest -> [ ] <-> [ ] <-> [ ] <- oldest
 *
 * Every use takes the next number of the state and moves the row to the front, so
 * the list is sorted by number; a number is what is saved. */
#include "row.h"

static mr_lru *lru_of(const mr_rows *rows, mr_addr address) {
    return (mr_lru *)mr_row_part(mr_row_at(address), rows->lru_at);
}

void mr_lru_add(mr_rows *rows, mr_row *row) {
    mr_lru *lru = mr_row_part(row, rows->lru_at);
    const mr_addr address = mr_addr_of(row);
    lru->newer = 0;
    lru->older = rows->newest;
    if (rows->newest != 0) {
        lru_of(rows, rows->newest)->newer = address;
    } else {
        rows->oldest = address;
    }
    rows->newest = address;
}

void mr_lru_remove(mr_rows *rows, mr_row *row) {
    mr_lru *lru = mr_row_part(row, rows->lru_at);
    if (lru->newer != 0) {
        lru_of(rows, lru->newer)->older = lru->older;
    } else {
        rows->newest = lru->older;
    }
    if (lru->older != 0) {
        lru_of(rows, lru->older)->newer = lru->newer;
    } else {
        rows->oldest = lru->newer;
    }
}
