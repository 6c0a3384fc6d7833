/* error.c -- see error.h. */
#include "error.h"

static const char *error_name = "";
static double error_value;

mr_status mr_fail(mr_status status, const char *name, double value) {
    error_name = name;
    error_value = value;
    return status;
}

const char *mr_error_name(void) { return error_name; }

double mr_error_value(void) { return error_value; }
