/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/clock/clock_lag.h"

/* Lags seen in logs of real daemons through rsyslog and journald: mostly milliseconds, a long thin
 * tail; and a line may precede its RST.  Between the rows the share grows evenly. */
static const struct row {
    double lag;   /* seconds */
    double share; /* of lines that trail by less */
    double area;  /* under the share up to here */
} rows[] = {{-2.0, 0, 0},          {-0.01, 0.002, 0.00199}, {0.0, 0.04, 0.0022},
            {0.01, 0.66, 0.0057},  {0.03, 0.88, 0.0211},    {0.1, 0.96, 0.0855},
            {0.25, 0.99, 0.23175}, {2.0, 0.998, 1.97125},   {10.0, 1, 9.96325}};
#define ROWS (sizeof rows / sizeof rows[0])

/* The area under the share of lines that trail by less than lag. */
static double area_to(double lag)
{
    if (lag <= rows[0].lag)
        return 0;
    if (lag >= rows[ROWS - 1].lag)
        return rows[ROWS - 1].area + (lag - rows[ROWS - 1].lag);
    size_t i = 1;
    while (lag > rows[i].lag)
        i++;
    const struct row *a = &rows[i - 1], *b = &rows[i];
    double in = lag - a->lag, slope = (b->share - a->share) / (b->lag - a->lag);
    return a->area + in * (a->share + slope * in / 2);
}

/* What is reported happened evenly within the due time, the stamp was cut to its precision: the
 * lag lies between a triangle's ends, and the share is averaged over it.  most: from the due start
 * to the stamp's own start. */
static double density(double most, double due, double precision)
{
    double least = most - due;
    double late = area_to(most + precision) - area_to(least + precision);
    double early = area_to(most) - area_to(least);
    double share = (late - early) / (due * precision);
    return share > 0 ? share : 0;
}

double clock_lag_density(const struct clock_pair *p, instant_ns offset, instant_ns width)
{
    const double ns = 1e-9;
    instant_ns precision = p->precision < 1000 ? 1000 : p->precision;
    double due = (double)(p->due_last - p->due_first + width) * ns, cut = (double)precision * ns;
    instant_ns trails = p->log - offset - p->due_first + width / 2;           /* at the due start */
    instant_ns leads = p->due_last + offset - p->log - precision + width / 2; /* the mirror image */
    double after = p->order == CLOCK_LEADS ? 0 : density((double)trails * ns, due, cut);
    double before = p->order == CLOCK_TRAILS ? 0 : density((double)leads * ns, due, cut);
    return p->order == CLOCK_AROUND ? (after + before) / 2 : after + before;
}
