/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The elements and attributes of a file of rules; rules.rng says the same to XML editors.
 */
#include "rules/shape.h"

#define NONE                                                                                       \
    {                                                                                              \
        NULL, false, false, NULL                                                                   \
    }
#define OPERATOR_ATTRIBUTES                                                                        \
    {"is", false, false, NULL}, {"is-not", false, false, NULL}, {"in", false, false, NULL},        \
        {"not-in", false, false, NULL}, {"at-least", false, false, NULL},                          \
        {"at-most", false, false, NULL}, {"more-than", false, false, NULL},                        \
        {"less-than", false, false, NULL}, {"near", false, false, NULL},                           \
        {"within", false, false, NULL}, {"near-timer", false, true, timers},                       \
        {"contains", false, false, NULL}, {"starts", false, false, NULL},                          \
        {"ends", false, false, NULL}, {"known", false, false, booleans},                           \
    {                                                                                              \
        "nocase", false, false, booleans                                                           \
    }

static const char *const booleans[] = {"true", "false", NULL};
static const char *const severities[] = {"harmless", "notice", "fault", NULL};
static const char *const risks[] = {"none", "low", "medium", "high", NULL};
static const char *const joins[] = {"tuple", "endpoint", "pid", "address", "host", NULL};
static const char *const sides[] = {"client", "server", "sender", "receiver", "path", NULL};
static const char *const anchors[] = {"rst", "start", "close", NULL};
static const char *const versions[] = {"1", NULL};
static const char *const timers[] = {"any", "network", "proxy", "server", "client", "kernel", NULL};
static const char *const claims[] = {"nothing", "opened",  "ended", "reset",
                                     "timeout", "refused", NULL};

static const char *const in_rules[] = {"rule", NULL};
static const char *const in_rule[] = {"title",     "bind",     "require", "support", "contradict",
                                      "severity",  "conclude", "also",    "remedy",  "collect",
                                      "reference", "example",  NULL};
static const char *const in_bind[] = {"where", NULL};
static const char *const conditions[] = {"fact", "bound", "exists",   "all",
                                         "any",  "not",   "at-least", NULL};

static const struct shape_attribute of_rules[] = {{"version", true, false, versions}, NONE};
static const struct shape_attribute of_rule[] = {{"id", true, false, NULL},
                                                 {"cause", true, false, NULL},
                                                 {"severity", false, false, severities},
                                                 {"supersedes", false, false, NULL},
                                                 NONE};
static const struct shape_attribute of_bind[] = {
    {"name", true, false, NULL},    {"event", false, false, NULL}, {"claim", false, true, claims},
    {"join", false, true, joins},   {"side", false, false, sides}, {"from", false, false, anchors},
    {"before", false, false, NULL}, {"after", false, false, NULL}, NONE};
static const struct shape_attribute of_where[] = {
    {"field", true, false, NULL}, OPERATOR_ATTRIBUTES, NONE};
static const struct shape_attribute of_weighing[] = {
    {"weight", true, false, NULL}, {"of", false, false, NULL}, NONE};
static const struct shape_attribute of_severity[] = {
    {"is", true, false, severities}, {"of", false, false, NULL}, NONE};
static const struct shape_attribute of_conclude[] = {{"base", true, false, NULL}, NONE};
static const struct shape_attribute of_also[] = {{"when", true, false, NULL}, NONE};
static const struct shape_attribute of_remedy[] = {{"risk", true, false, risks},
                                                   {"command", false, false, NULL},
                                                   {"when", false, false, NULL},
                                                   NONE};
static const struct shape_attribute of_collect[] = {{"when", false, false, NULL}, NONE};
static const struct shape_attribute of_example[] = {
    {"fires", false, false, NULL}, {"silent", false, false, NULL}, NONE};
static const struct shape_attribute of_fact[] = {
    {"id", false, false, NULL}, {"name", true, false, NULL}, OPERATOR_ATTRIBUTES, NONE};
static const struct shape_attribute of_bound[] = {{"id", false, false, NULL},
                                                  {"name", true, false, NULL},
                                                  {"field", true, false, NULL},
                                                  OPERATOR_ATTRIBUTES,
                                                  NONE};
static const struct shape_attribute of_exists[] = {
    {"id", false, false, NULL}, {"bind", true, false, NULL}, NONE};
static const struct shape_attribute of_group[] = {{"id", false, false, NULL}, NONE};
static const struct shape_attribute of_at_least[] = {
    {"id", false, false, NULL}, {"n", true, false, NULL}, NONE};

static const struct shape shapes[] = {
    {"rules", in_rules, false, true, of_rules},
    {"rule", in_rule, false, true, of_rule},
    {"title", NULL, true, true, NULL},
    {"bind", in_bind, false, false, of_bind},
    {"where", NULL, false, false, of_where},
    {"require", conditions, false, false, NULL},
    {"support", conditions, false, false, of_weighing},
    {"contradict", conditions, false, false, of_weighing},
    {"severity", conditions, false, false, of_severity},
    {"conclude", NULL, true, true, of_conclude},
    {"also", NULL, true, true, of_also},
    {"remedy", NULL, true, true, of_remedy},
    {"collect", NULL, true, true, of_collect},
    {"reference", NULL, true, true, NULL},
    {"example", NULL, false, false, of_example},
    {"fact", NULL, false, false, of_fact},
    {"bound", NULL, false, false, of_bound},
    {"exists", NULL, false, false, of_exists},
    {"all", conditions, false, true, of_group},
    {"any", conditions, false, true, of_group},
    {"not", conditions, false, true, of_group},
    {"at-least", conditions, false, true, of_at_least},
};

const struct shape *rule_shapes(size_t *n)
{
    *n = sizeof shapes / sizeof *shapes;
    return shapes;
}
