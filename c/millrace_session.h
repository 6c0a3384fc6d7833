/* millrace_session.h -- the rows of sessions, and what becomes of events; part of millrace.h. */
#ifndef MILLRACE_SESSION_H
#define MILLRACE_SESSION_H

#include <stdint.h>

/* The record of a row: the open session of its key that ends first. Its timer is when that is
 * over: the host takes it, and drops the row. */
typedef struct mr_session {
    double start_ms;
    double last_ms;  /* Of its latest event. */
    double count;    /* Events. */
    uint32_t state;  /* A ref, which the host sets: the user's state; */
    uint32_t others; /* and another: the sessions that are open beside it. 0: there are none. */
} mr_session;

/* What becomes of an event. */
typedef enum mr_session_way {
    MR_SESSION_JOINS = 0,  /* Its key's open session has it. */
    MR_SESSION_BEGINS = 1, /* Its key has none: it is the first of one. */
    MR_SESSION_LATE = 2,   /* Its session would be over: it is of none. */
    MR_SESSION_APART = 3,  /* Its key has several, or it is not near that one: the host's to do. */
    MR_SESSION_ASK = 4,    /* In mr_found.ways: mr_session_event will tell. */
} mr_session_way;

#endif
