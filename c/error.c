/* error.c -- see error.h. */
#include "error.h"

static const char *error_name = "";
static double error_value;

void mr_error_set(const char *name, double value) {
    error_name = name;
    error_value = value;
}

const char *mr_error_name(void) { return error_name; }

double mr_error_value(void) { return error_value; }
