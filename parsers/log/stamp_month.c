/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Month names that are not English: the abbreviations that glibc's locales give for %b, which
 * journalctl and dmesg -T print.  One row a language; a word that two of them spell alike means the
 * same month in both, and languages for which that does not hold are left out (Croatian).
 */
#include "parsers/log/stamp.h"

static const char *const languages[] = {
    "Jan Feb Mär Apr Mai Jun Jul Aug Sep Okt Nov Dez",                 /* German */
    "Jän Feb Mär Apr Mai Jun Jul Aug Sep Okt Nov Dez",                 /* Austrian */
    "janv. févr. mars avril mai juin juil. août sept. oct. nov. déc.", /* French */
    "ene feb mar abr may jun jul ago sep oct nov dic",                 /* Spanish */
    "gen feb mar apr mag giu lug ago set ott nov dic",                 /* Italian */
    "jan fev mar abr mai jun jul ago set out nov dez",                 /* Portuguese */
    "jan feb mrt apr mei jun jul aug sep okt nov dec",                 /* Dutch */
    "jan feb mar apr maj jun jul avg sep okt nov dec",             /* Swedish, Danish, Slovene */
    "jan. feb. mars april mai juni juli aug. sep. okt. nov. des.", /* Norwegian */
    "tammi helmi maalis huhti touko kesä heinä elo syys loka marras joulu",  /* Finnish */
    "sty lut mar kwi maj cze lip sie wrz paź lis gru",                       /* Polish */
    "led úno bře dub kvě čen čec srp zář říj lis pro",                       /* Czech */
    "jan feb mar apr máj jún júl aug sep okt nov dec",                       /* Slovak */
    "jan febr márc ápr máj jún júl aug szept okt nov dec",                   /* Hungarian */
    "ian feb mar apr mai iun iul aug sep oct nov dec",                       /* Romanian */
    "gen. febr. març abr. maig juny jul. ag. set. oct. nov. des.",           /* Catalan */
    "Oca Şub Mar Nis May Haz Tem Ağu Eyl Eki Kas Ara",                       /* Turkish */
    "jan feb mar apr mai jūn jūl aug sep okt nov dec",                       /* Latvian */
    "saus. vas. kov. bal. geg. birž. liep. rugp. rugs. spal. lapkr. gruod.", /* Lithuanian */
    "jaan veebr märts apr mai juuni juuli aug sept okt nov dets",            /* Estonian */
    "янв фев мар апр мая июн июл авг сен окт ноя дек",                       /* Russian */
    "янв фев мар апр май июн июл авг сен окт ноя дек",    /* Russian, standing alone */
    "січ лют бер кві тра чер лип сер вер жов лис гру",    /* Ukrainian */
    "яну фев мар апр май юни юли авг сеп окт ное дек",    /* Bulgarian */
    "Ιαν Φεβ Μαρ Απρ Μαΐ Ιουν Ιουλ Αυγ Σεπ Οκτ Νοε Δεκ",  /* Greek */
    "1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月", /* Chinese, Japanese */
    "1월 2월 3월 4월 5월 6월 7월 8월 9월 10월 11월 12월", /* Korean */
};

unsigned stamp_month_named(struct text word)
{
    if (word.n < 3 || word.n > 12)
        return 0;
    for (size_t i = 0; i < sizeof languages / sizeof languages[0]; i++) {
        struct text name, rest = text_of(languages[i]);
        for (unsigned month = 1; month <= 12; month++) {
            text_cut(rest, ' ', &name, &rest);
            if (text_eq(name, word))
                return month;
        }
    }
    return 0;
}
