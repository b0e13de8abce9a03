/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How values of the case become JSON: clean UTF-8, times in UTC, durations in seconds, and a key
 * only for what is known.  Functions that give a json_t give a new reference, NULL when memory ran
 * out.
 */
#ifndef WHYRST_REPORTS_JSON_PUT_H
#define WHYRST_REPORTS_JSON_PUT_H

#include <jansson.h>

#include "rules/diagnosis.h"

json_t *json_line(const char *type); /* {"type": type} */
json_t *json_clean(struct text t);   /* invalid bytes become U+FFFD */

void json_put(json_t *o, const char *key, json_t *value);      /* takes value; NULL: nothing */
void json_put_text(json_t *o, const char *key, struct text t); /* nothing for an empty text */
void json_put_str(json_t *o, const char *key, const char *s);  /* nothing for NULL or "" */
void json_put_int(json_t *o, const char *key, uint64_t n);
/* RFC 3339 in UTC; nothing for INSTANT_NONE. */
void json_put_time(json_t *o, const char *key, instant_ns t, unsigned digits);
/* A number of seconds; nothing for INSTANT_NONE. */
void json_put_seconds(json_t *o, const char *key, instant_ns ns);
/* {"ip": ..., "port": ...}; nothing for the address zero, no port for port 0. */
void json_put_endpoint(json_t *o, const char *key, const struct endpoint *e);
void json_put_address(json_t *o, const char *key, const struct address *a);
/* "sent_in": {"capture": ..., "frame": ...}, the datagram that carried the line; nothing where none
 * is known. */
void json_put_datagram(json_t *o, const struct case_file *c, const struct event *e);
/* As many decimals as a stamp of that precision has. */
unsigned json_digits(instant_ns precision);

/* The line of one diagnosis. */
json_t *json_diagnosis(const struct findings *f, const struct diagnosis *d);

#endif
