/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One text of the case, told apart as a host snapshot or a log by its first bytes.  A text that
 * holds no log line at all is said to be none.
 */
#include <string.h>

#include "analyzer/case/case_parts.h"
#include "parsers/host/host.h"
#include "parsers/input/walk.h"
#include "parsers/log/journal_file.h"
#include "parsers/log/reader.h"

#define PROBE ((size_t)16 << 10)

struct text case_text_head(struct source *source)
{
    const uint8_t *p;
    const size_t n = source_peek(source, PROBE, &p);
    return (struct text){(const char *)p, n < PROBE ? n : PROBE};
}

/* What some editors write before the first line (Unicode section 23.8). */
static void skip_byte_order_mark(struct source *source)
{
    const struct text mark = TEXT("\xEF\xBB\xBF");
    if (text_starts(case_text_head(source), mark))
        source_consume(source, mark.n);
}

/* A report that was left in the folder is no evidence, though each of its lines has a time. */
static bool is_own_report(struct text head)
{
    const struct text begins[] = {TEXT("{\"type\":\"capture\",\"capture\":\""),
                                  TEXT("{\"type\":\"log\",\"file\":\""),
                                  TEXT("{\"type\":\"host\",\"file\":\"")};
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (text_starts(head, begins[i]))
            return true;
    return false;
}

/* Packets as tcpdump prints them: "12:19:13.836032 IP 192.0.2.10.56002 > ... Flags [S]". */
static bool is_of_tcpdump(struct text line)
{
    size_t at = text_find(line, TEXT(" IP "), 0);
    at = at == SIZE_MAX ? text_find(line, TEXT(" IP6 "), 0) : at;
    return at <= sizeof "2026-11-28 12:19:13.836032000" &&
           (text_find(line, TEXT(": Flags ["), at) != SIZE_MAX ||
            text_find(line, TEXT(", proto TCP (6), "), at) != SIZE_MAX ||
            text_find(line, TEXT("next-header TCP (6) "), at) != SIZE_MAX);
}

/* As tshark does: "    1   0.000000   192.0.2.10 \xe2\x86\x92 192.0.2.20   TCP 74 ... [SYN] Seq=0".
 */
static bool is_of_tshark(struct text line)
{
    const size_t at = text_find(line, TEXT(" TCP "), 0);
    return at != SIZE_MAX && text_find(line, TEXT("] Seq="), at) != SIZE_MAX &&
           (text_find(line, TEXT(" \xe2\x86\x92 "), 0) < at ||
            text_find(line, TEXT(" -> "), 0) < at);
}

static bool is_printed_packets(struct text head)
{
    size_t at = 0;
    while (at < head.n && (head.p[at] == ' ' || head.p[at] == '\n'))
        at++;
    const struct text line = text_slice(head, at, text_find_byte(head, '\n', at));
    if (text_starts(line, TEXT("IP ")) || text_starts(line, TEXT("IP6 "))) /* with -t */
        return text_find(line, TEXT(": Flags ["), 0) != SIZE_MAX;
    if (line.n > 0 && line.p[0] >= '0' && line.p[0] <= '9')
        return is_of_tcpdump(line) || is_of_tshark(line);
    return text_find(text_slice(head, 0, 400), TEXT("\"_index\": \"packets-"), 0) != SIZE_MAX;
}

/* Why a text is not read, though nobody said what to take it for; NULL: it is. */
static const char *not_a_log(struct text head)
{
    if (is_own_report(head))
        return "a report of this program";
    if (is_printed_packets(head))
        return "packets as tcpdump or tshark prints them, not as they were: give the capture "
               "itself, or make one with -w";
    return log_probe(head) == 0 ? "text, but its first lines are not those of a log or a known "
                                  "snapshot (--as log:PATH reads it as a log)"
                                : NULL;
}

bool case_read_text(struct case_run *run, struct case_input *in, struct source *source,
                    const struct input *input, bool snapshots_read, struct error *err)
{
    skip_byte_order_mark(source);
    const struct text head = case_text_head(source);
    const char *as = case_setting_for(run->config->as, run->config->n_as, source_name(source));
    bool wanted = as && strcmp(as, "log") == 0;
    bool is_journal = text_starts(head, TEXT(JOURNAL_FILE_MAGIC));
    const struct host_kind *kind = is_journal ? NULL : host_sniff(head, in->name);
    if (is_journal && !journal_file_readable()) {
        in->taken_for = "skipped";
        in->why = TEXT("a systemd journal file, which this build does not read: export it with "
                       "journalctl --file NAME -o json");
        case_unused(run, in);
        return true;
    }
    if (!wanted && kind)
        return case_read_host(run, in, source, kind, err);
    const char *why = wanted || is_journal ? NULL : not_a_log(head);
    if (why) {
        in->taken_for = "skipped";
        in->why = text_of(why);
        if (input->is_given)
            case_unused(run, in);
        return true;
    }
    if (!snapshots_read) /* which may say its host's zone and when it booted */
        return is_journal || case_note_twin(run, in->name, head) ||
               error_set(err, ERROR_NO_MEMORY, "", "out of memory");
    struct case_log out = {.name = in->name, .first = INSTANT_NONE, .last = INSTANT_NONE};
    flaws_init(&out.flaws);
    in->taken_for = "log";
    bool good = case_read_log(run, &out, source, input->is_compressed ? UINT64_MAX : input->size,
                              is_journal, err);
    in->n_bytes = source_offset(source);
    if (source_n_unused(source) > 0)
        flaws_add_n(&out.flaws, "input.compressed-bytes-unused", 0, source_n_unused(source));
    case_note_failure(run, in, source);
    struct case_log *slot = good ? vec_push(&run->logs) : NULL;
    if (slot)
        *slot = out;
    else
        flaws_finish(&out.flaws);
    return good && (slot != NULL || error_set(err, ERROR_NO_MEMORY, "", "out of memory"));
}
