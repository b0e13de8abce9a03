/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: a path.  Out: the bytes of the XML files there.  Only the root element's name is looked at.
 */
#include "rules/xml_files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "rules/xml_tree.h"

static void read_file(const char *path, xml_file_fn *each, void *ctx, struct complaints *c)
{
    FILE *f = fopen(path, "rb");
    char *bytes = malloc(XML_BYTES_MAX + 1);
    if (!f || !bytes) {
        complain(c, path, 0, f ? "out of memory" : "cannot be opened");
    } else {
        size_t n = fread(bytes, 1, XML_BYTES_MAX + 1, f);
        if (ferror(f))
            complain(c, path, 0, "cannot be read");
        else
            each(ctx, path, (struct text){bytes, n});
    }
    free(bytes);
    if (f)
        fclose(f);
}

static int only_xml(const struct dirent *d)
{
    return d->d_name[0] != '.' && text_ends(text_of(d->d_name), TEXT(".xml"));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_folder(const char *path, xml_file_fn *each, void *ctx, struct complaints *c)
{
    struct dirent **names;
    int n = scandir(path, &names, only_xml, by_name);
    if (n < 0) {
        complain(c, path, 0, "the folder cannot be read");
        return;
    }
    if (n == 0)
        complain(c, path, 0, "the folder holds no file *.xml");
    for (int i = 0; i < n; i++) {
        struct strbuf file;
        strbuf_init(&file);
        strbuf_printf(&file, "%s/%s", path, names[i]->d_name);
        if (file.p)
            read_file(file.p, each, ctx, c);
        strbuf_finish(&file);
        free(names[i]);
    }
    free(names);
}

void xml_files_each(const char *path, xml_file_fn *each, void *ctx, struct complaints *c)
{
    struct stat st;
    if (stat(path, &st) != 0)
        complain(c, path, 0, "cannot be found");
    else if (S_ISDIR(st.st_mode))
        read_folder(path, each, ctx, c);
    else
        read_file(path, each, ctx, c);
}

bool xml_holds_events(struct text bytes)
{
    size_t at = 0;
    for (;;) {
        at = text_find_byte(bytes, '<', at);
        if (at == SIZE_MAX || at + 1 >= bytes.n)
            return false;
        struct text rest = text_slice(bytes, at, bytes.n);
        if (text_starts(rest, TEXT("<!--")))
            at = text_find(bytes, TEXT("-->"), at + 4);
        else if (rest.p[1] == '?')
            at = text_find(bytes, TEXT("?>"), at);
        else
            return text_starts(rest, TEXT("<events")) && rest.n > 7 &&
                   strchr(" \t\r\n/>", rest.p[7]);
        if (at == SIZE_MAX)
            return false;
    }
}
