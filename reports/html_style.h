/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The style sheet of the HTML report: light and dark by the reader's setting, readable on paper.
 * Contrast is at least 4.5:1 in both schemes.
 */
#ifndef WHYRST_REPORTS_HTML_STYLE_H
#define WHYRST_REPORTS_HTML_STYLE_H

static const char html_style[] =
    ":root{--bg:#fff;--fg:#1c1f23;--dim:#565d66;--line:#d4d8dd;--box:#f5f6f8;--fault:#b3261e;"
    "--notice:#8a5300;--harmless:#1f6f43;--link:#0b57b0;--mark:#fdeaea;--log:#eef4fd}\n"
    "@media (prefers-color-scheme:dark){:root{--bg:#15181c;--fg:#e6e8eb;--dim:#a3abb5;"
    "--line:#3a414a;--box:#1e2329;--fault:#ff8a80;--notice:#f0b866;--harmless:#7fd6a4;"
    "--link:#8ab8ff;--mark:#43201f;--log:#1c2a3d}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;max-width:72rem;padding:1rem 1.5rem 3rem;background:var(--bg);"
    "color:var(--fg);font:16px/1.5 system-ui,sans-serif}\n"
    "h1{font-size:1.6rem;margin:.5rem 0}h2{font-size:1.3rem;margin:2rem 0 .5rem}"
    "h3{font-size:1.15rem;margin:.2rem 0}h4{font-size:1rem;margin:1rem 0 .3rem}\n"
    "a{color:var(--link)}code,.ladder{font-family:ui-monospace,monospace;font-size:.9em}\n"
    "code,q{overflow-wrap:anywhere}\n"
    ".paste{display:inline-block;background:var(--box);border:1px solid var(--line);"
    "border-radius:4px;padding:.1rem .4rem;user-select:all}\n"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;"
    "padding:.3rem .6rem;border-bottom:1px solid var(--line)}th{color:var(--dim);font-weight:600}\n"
    "td.n{text-align:right;white-space:nowrap}.arrow{white-space:nowrap}\n"
    ".wide{overflow-x:auto}\n"
    ".case{border:1px solid var(--line);border-left:6px solid var(--dim);border-radius:6px;"
    "padding:1rem 1.2rem;margin:1rem 0;break-inside:avoid-page}\n"
    ".case.fault{border-left-color:var(--fault)}.case.notice{border-left-color:var(--notice)}"
    ".case.harmless{border-left-color:var(--harmless)}\n"
    ".tag{font-weight:700}.tag.fault{color:var(--fault)}.tag.notice{color:var(--notice)}"
    ".tag.harmless{color:var(--harmless)}\n"
    ".why{font-size:1.05rem;max-width:60rem}.dim{color:var(--dim)}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:.8rem 0}"
    "dt{color:var(--dim)}dd{margin:0}\n"
    ".ladder tr.deciding td{background:var(--mark);font-weight:700}.ladder tr.rst td{"
    "color:var(--fault)}.ladder tr.log td{background:var(--log)}.ladder tr.gap td{"
    "color:var(--dim);text-align:center}\n"
    ".warn{border:1px solid var(--fault);padding:.5rem 1rem;border-radius:6px}\n"
    "footer{color:var(--dim);margin-top:2rem}\n"
    "@media print{body{max-width:none;font-size:11pt}.wide{overflow:visible}}\n";

#endif
