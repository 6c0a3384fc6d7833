/* millrace_pattern.h -- patterns on the border: a part of millrace.h, which includes it. */
#ifndef MILLRACE_PATTERN_H
#define MILLRACE_PATTERN_H

#include <stdint.h>

/* A pattern: the value columns of its input, the number of a ref for the event, and a bit for each
 * condition that holds for it; and those of its results. A match comes as a row for each of its
 * events, the last one first: the step that took it, the cell of its ref, the address of that; then
 * a row that says what it is, below 0, and its time. A question is told in the same way: does
 * condition MR_PATTERN_ASKS - STEP hold for the event in the cell, after these? Before the next
 * push or advance the host writes 1 (no) or 2 (yes) to the byte at VALUE. Of a late event no more
 * than the position counts, and its ref is the host's again; as it is when the push ends with an
 * error before the event. */
enum { MR_PATTERN_EVENT = 0, MR_PATTERN_BITS = 1, MR_PATTERN_COLUMNS = 2 };
enum {
    MR_PATTERN_STEP = 0,
    MR_PATTERN_CELL = 1,
    MR_PATTERN_CELL_AT = 2,
    MR_PATTERN_VALUE = 3,
};
enum { /* STEP of the last row. */
       MR_PATTERN_MATCH = -1,
       MR_PATTERN_TIMED_OUT = -2,
       MR_PATTERN_LATE = -3,
       MR_PATTERN_FAILED = -4, /* The event in the cell could not be run: a limit was reached. */
       MR_PATTERN_ASKS = -5,   /* Condition 0; and so on. */
};

/* Where an edge of a pattern goes, if not to a state: the match is whole, or can no more be. */
enum { MR_PATTERN_FINAL = -1, MR_PATTERN_STOP = -2 };

/* After a match, partial ones go that began */
typedef enum mr_skip {
    MR_SKIP_NONE = 0,     /* (none), */
    MR_SKIP_NEXT = 1,     /* with its first event, */
    MR_SKIP_LAST = 2,     /* before its end, */
    MR_SKIP_FIRST_OF = 3, /* before the first event of a step, */
    MR_SKIP_LAST_OF = 4,  /* before the last event of a step. */
} mr_skip;

/* The conditions that have to hold, and those that must not. */
typedef struct mr_pattern_term {
    uint32_t wanted;
    uint32_t unwanted;
} mr_pattern_term;

/* An edge that an event may take: if any of its terms is true. */
typedef struct mr_pattern_edge {
    double gap_ms;  /* Less than that must lie between the event and the one before; Infinity. */
    uint32_t takes; /* Is the event part of the match? */
    int32_t target; /* A state, or MR_PATTERN_FINAL or MR_PATTERN_STOP. */
    uint32_t step;  /* As which it is taken. */
    uint32_t term;  /* The first one, */
    uint32_t terms; /* and how many there are. */
    uint32_t spare;
} mr_pattern_edge;

typedef struct mr_pattern_state {
    double gap_ms; /* After so long no edge of it can be taken; Infinity: it always can. */
    uint32_t edge;
    uint32_t edges;
    uint32_t term; /* If any of these is true, who comes here is a match as well. */
    uint32_t terms;
    uint32_t pending; /* A partial match whose time is over here is a match. */
    uint32_t spare;
} mr_pattern_state;

/* What a pattern looks for: an automaton without moves that take no event. State 0 is the start. */
typedef struct mr_pattern {
    double within_ms;      /* Less than that must lie between first and last event; Infinity. */
    uint32_t partials_max; /* Partial matches of a key. */
    uint32_t states;       /* Addresses and sizes of arrays. */
    uint32_t state_count;
    uint32_t edges;
    uint32_t edge_count;
    uint32_t terms;
    uint32_t term_count;
    uint32_t conditions;
    uint32_t steps;
    uint32_t asks;      /* A bit for each condition that only the host can answer. */
    uint32_t skip;      /* mr_skip, */
    uint32_t skip_step; /* and its step. */
    uint32_t passive;   /* Events for which no condition holds change nothing. */
    uint32_t timed;     /* Events have times: they are put in order first. */
    uint32_t timeouts;  /* Partial matches whose time is over are told. */
} mr_pattern;

/* An event that partial matches have taken. There are as many of these as the blob of a row's refs
 * has cells, and they lie before them; what the cell of one holds is its ref, or 0. */
typedef struct mr_pattern_taken {
    double time_ms;
    uint32_t number; /* It is so many-th of its time. Free: the next free one; + 1. */
    uint32_t nodes;  /* How many steps it was taken as. */
} mr_pattern_taken;

#endif
