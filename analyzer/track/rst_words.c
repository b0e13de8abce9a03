/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a RST says of itself: text or a diagnostic payload (RFC 9293 section 3.5.3), the reason of
 * an MP_TCPRST option (RFC 8684 section 3.6), a vendor's number in its window field.  Anybody may
 * write any of it: told as evidence, and no verdict rests on it.
 */
#include "analyzer/track/scene.h"
#include "parsers/packet/words.h"

#define SAID_MAX 200

static void say_diagnostic(struct scene *s, const struct rst_payload *p)
{
    const uint64_t frame = scene_rst(s)->frame;
    const char *meaning = p->meaning ? p->meaning : "a code of no registry";
    const struct text text = text_slice(p->text, 0, SAID_MAX);
    if (p->has_code && p->pen > 0)
        scene_say(s, frame, "rst.says-cause", 0,
                  "it carries a diagnostic payload (%s layout): code %u of enterprise number %u",
                  p->layout, p->code, p->pen);
    else if (p->has_code)
        scene_say(s, frame, "rst.says-cause", 0,
                  "it carries a diagnostic payload (%s layout): code %u, %s", p->layout, p->code,
                  meaning);
    if (text.n > 0)
        scene_say(s, frame, "rst.says-text", 0, "its diagnostic payload says: \"" TEXT_FMT "\"",
                  TEXT_ARG(text));
}

static void say_payload(struct scene *s)
{
    struct rst_payload p;
    if (!words_rst_payload(s->reset->deciding.payload, &p))
        return;
    const struct text text = text_slice(p.text, 0, SAID_MAX);
    if (p.kind == RST_PAYLOAD_DIAGNOSTIC)
        say_diagnostic(s, &p);
    else
        scene_say(s, scene_rst(s)->frame, "rst.says-text", 0,
                  "it carries the text \"" TEXT_FMT "\"", TEXT_ARG(text));
}

static void say_mptcp(struct scene *s)
{
    static const char *const reasons[] = {
        "unspecified error",      "MPTCP-specific error",      "lack of resources",
        "prohibited by policy",   "too much outstanding data", "unacceptable performance",
        "middlebox interference",
    };
    const int16_t reason = s->reset->deciding.mptcp_reason;
    if (reason >= 0)
        scene_say(s, scene_rst(s)->frame, "rst.says-mptcp", 0,
                  "its MP_TCPRST option gives reason %d, %s", reason,
                  reason < (int)(sizeof reasons / sizeof *reasons) ? reasons[reason]
                                                                   : "unassigned");
}

/* An ordinary window of that end has such a value by chance, and then comes more than once. */
static void say_window(struct scene *s)
{
    const struct segment *rst = scene_rst(s);
    const char *meaning;
    if (!words_netscaler_window(rst->window, &meaning))
        return;
    for (size_t i = 0; i < s->connection->n_kept; i++) {
        const struct segment *g = &s->connection->segments[i];
        if (g->from == rst->from && !(g->flags & TCP_RST) && g->window == rst->window)
            return;
    }
    scene_say(s, rst->frame, "rst.says-window", 0,
              "its window field is %u, which in the RST of a NetScaler means: %s", rst->window,
              meaning);
}

void scene_hear_rst(struct scene *s)
{
    say_payload(s);
    say_mptcp(s);
    say_window(s);
}
