/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints the option and command tables in the forms that people and shells want.  Nothing is
 * written here that the tables do not say, but for the frame of the manual page.
 */
#include "reports/usage.h"

#include <string.h>

void usage_getopt(const struct usage *u, struct option *out, char *letters)
{
    size_t n = 0, k = 0;
    for (; n < u->n_options && n < USAGE_OPTIONS_MAX; n++) {
        const struct usage_option *o = &u->options[n];
        out[n] = (struct option){.name = o->long_name,
                                 .has_arg = o->argument ? required_argument : no_argument,
                                 .val = o->short_name};
        if (o->short_name > 255)
            continue;
        letters[k++] = (char)o->short_name;
        if (o->argument)
            letters[k++] = ':';
    }
    letters[k] = '\0';
    out[n] = (struct option){0};
}

static void help_option(const struct usage_option *o, FILE *out)
{
    char head[64];
    int n = snprintf(head, sizeof head, "%c%c%s --%s%s%s", o->short_name < 256 ? '-' : ' ',
                     o->short_name < 256 ? o->short_name : ' ', o->short_name < 256 ? "," : " ",
                     o->long_name, o->argument ? " " : "", o->argument ? o->argument : "");
    if (n > 29)
        fprintf(out, "  %s\n  %-30s%s\n", head, "", o->about);
    else
        fprintf(out, "  %-30s%s\n", head, o->about);
}

void usage_help(const struct usage *u, FILE *out)
{
    fputs("whyrst tells why TCP connections were reset, from captures and logs.\n\n"
          "usage: whyrst [OPTIONS] PATH...\n"
          "       whyrst COMMAND [OPTIONS] [ARGUMENTS]\n\n"
          "Paths are captures (pcap, pcapng), logs, host snapshots, folders and archives in any\n"
          "mix; each is recognised by its content, and - is standard input.\n\ncommands:\n",
          out);
    for (size_t i = 0; i < u->n_commands; i++)
        fprintf(out, "  %-10s%-28s %s\n", u->commands[i].name, u->commands[i].arguments,
                u->commands[i].about);
    fputs("\noptions:\n", out);
    for (size_t i = 0; i < u->n_options; i++)
        help_option(&u->options[i], out);
    fputs("\nexit status: 0 report written, 1 --fail-on met, 2 usage or rule error, or a\n"
          "report that could not be written, 3 no input could be read, 4 some inputs failed.\n",
          out);
}

/* roff takes a leading dot or quote, and backslashes and hyphens, for its own. */
static void man_text(const char *s, FILE *out)
{
    for (; *s; s++) {
        if (*s == '-' || *s == '\\')
            fputc('\\', out);
        fputs(*s == '\\' ? "e" : (char[]){*s, '\0'}, out);
    }
}

static void man_option(const struct usage_option *o, FILE *out)
{
    fputs(".TP\n", out);
    if (o->short_name < 256)
        fprintf(out, "\\fB\\-%c\\fR, ", o->short_name);
    fputs("\\fB\\-\\-", out);
    man_text(o->long_name, out);
    fputs("\\fR", out);
    if (o->argument)
        fprintf(out, " \\fI%s\\fR", o->argument);
    fputc('\n', out);
    man_text(o->about, out);
    fputc('\n', out);
}

void usage_man(const struct usage *u, FILE *out)
{
    fputs(".TH WHYRST 1 \"\" \"whyrst " WHYRST_VERSION "\" \"User Commands\"\n"
          ".SH NAME\nwhyrst \\- tell why TCP connections were reset\n"
          ".SH SYNOPSIS\n.B whyrst\n[\\fIOPTIONS\\fR] \\fIPATH\\fR...\n.br\n.B whyrst\n"
          "\\fICOMMAND\\fR [\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]\n"
          ".SH DESCRIPTION\n"
          "Reads packet captures together with the logs and host snapshots that were collected\n"
          "with them, rebuilds every TCP connection, ties each reset to log lines by time and\n"
          "address, and says who sent the reset, how it came about, why, on what evidence, and\n"
          "what to do about it. Inputs are recognised by content. Syslog over UDP that a capture\n"
          "holds is a log as well, one for each sender. Nothing is executed, resolved or\n"
          "fetched.\n.SH COMMANDS\n",
          out);
    for (size_t i = 0; i < u->n_commands; i++) {
        fprintf(out, ".TP\n\\fB%s\\fR ", u->commands[i].name);
        man_text(u->commands[i].arguments, out);
        fputc('\n', out);
        man_text(u->commands[i].about, out);
        fputc('\n', out);
    }
    fputs(".SH OPTIONS\n", out);
    for (size_t i = 0; i < u->n_options; i++)
        man_option(&u->options[i], out);
    fputs(".SH EXIT STATUS\n"
          ".TP\n0\nThe report was written. A truncated or damaged capture is a caveat in it "
          "and still 0.\n"
          ".TP\n1\n\\fB\\-\\-fail\\-on\\fR was met.\n"
          ".TP\n2\nWrong usage, configuration or rules; or a report could not be written.\n"
          ".TP\n3\nNo input could be read.\n"
          ".TP\n4\nSome inputs failed, such as a compressed file that breaks off (what came "
          "before the break is in the report); with \\fB\\-\\-strict\\fR also any warning.\n"
          ".SH ENVIRONMENT\n"
          ".TP\n\\fBNO_COLOR\\fR, \\fBTERM=dumb\\fR\nNo colour, unless \\fB\\-\\-color\\fR asks "
          "for it; a dumb terminal gets no progress line either.\n"
          ".SH EXAMPLES\n"
          ".TP\nA folder of captures, logs and snapshots, in any mix:\n"
          ".B whyrst evidence/\n"
          ".TP\nA page for the ticket and lines for a script:\n"
          ".B whyrst \\-o report.html \\-o report.jsonl server.pcap auth.log\n"
          ".TP\nOne log line, here of those that a capture holds on their way to a collector:\n"
          ".B whyrst \\-\\-explain\\-log \\(aqserver.pcap (syslog from 192.0.2.7):3\\(aq "
          "server.pcap\n"
          ".TP\nThe causes, most frequent first:\n"
          ".B whyrst \\-\\-format json evidence/ | jq \\-r \\(aqselect(.type==\"diagnosis\").cause"
          "\\(aq | sort | uniq \\-c | sort \\-rn\n"
          ".SH SEE ALSO\n.BR tcpdump (1),\n.BR tshark (1),\n.BR journalctl (1),\n.BR jq (1)\n",
          out);
}

void usage_completions(const struct usage *u, FILE *out)
{
    fputs("# bash completion for whyrst\ncomplete -o default -W '", out);
    for (size_t i = 0; i < u->n_commands; i++)
        fprintf(out, "%s ", u->commands[i].name);
    for (size_t i = 0; i < u->n_options; i++)
        fprintf(out, "--%s%s", u->options[i].long_name, i + 1 < u->n_options ? " " : "");
    fputs("' whyrst\n", out);
}
