/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Line filling counts characters, not bytes; every byte of the input is escaped before it comes
 * here.
 */
#include "reports/lines.h"

#include "reports/show.h"
#include "reports/tell.h"

#define WIDTH_USUAL 100

void lines_say(struct lines *l, struct text t)
{
    strbuf_escaped(&l->b, t);
}

void lines_cut(struct lines *l, struct text t, size_t max)
{
    bool was_cut;
    lines_say(l, tell_cut(t, max, &was_cut));
    if (was_cut)
        strbuf_str(&l->b, " ... (cut)");
}

void lines_time(struct lines *l, instant_ns t, unsigned digits)
{
    show_time(&l->b, t, digits, l->o->zone);
}

void lines_ends(struct lines *l, const struct reset *r)
{
    char client[ENDPOINT_TEXT_MAX], server[ENDPOINT_TEXT_MAX];
    endpoint_format(reset_end(r, SIDE_CLIENT), client);
    endpoint_format(reset_end(r, SIDE_SERVER), server);
    strbuf_printf(&l->b, "%s -> %s", client, server);
    if (reset_connection(r)->client_guessed)
        strbuf_str(&l->b, " (roles guessed)");
}

void lines_print(struct lines *l, enum style style)
{
    static const char *const codes[] = {"",           "\033[1m",  "\033[1;31m",
                                        "\033[1;33m", "\033[32m", "\033[2m"};
    bool colored = l->o->color && style != STYLE_PLAIN;
    if (colored)
        fputs(codes[style], l->out);
    fwrite(l->b.p ? l->b.p : "", 1, l->b.n, l->out);
    fputs(colored ? "\033[0m\n" : "\n", l->out);
    strbuf_reset(&l->b);
}

static size_t columns_of(struct text t)
{
    size_t n = 0;
    for (size_t i = 0; i < t.n; i++)
        n += ((unsigned char)t.p[i] & 0xc0) != 0x80;
    return n;
}

void lines_fill(struct lines *l, const char *first, unsigned indent)
{
    size_t width = l->o->width ? l->o->width : WIDTH_USUAL, column = columns_of(text_of(first));
    struct text t = strbuf_view(&l->b), word;
    bool fresh = true;
    fputs(first, l->out);
    while (t.n > 0) {
        text_cut(t, ' ', &word, &t);
        if (word.n == 0)
            continue;
        size_t n = columns_of(word);
        if (!fresh && column + 1 + n > width) {
            fprintf(l->out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!fresh) {
            fputc(' ', l->out);
            column++;
        }
        fwrite(word.p, 1, word.n, l->out);
        column += n;
        fresh = false;
    }
    fputc('\n', l->out);
    strbuf_reset(&l->b);
}

void lines_fill_text(struct lines *l, const char *first, unsigned indent, struct text t)
{
    strbuf_reset(&l->b);
    lines_cut(l, t, TELL_WORDS_MAX);
    lines_fill(l, first, indent);
}
