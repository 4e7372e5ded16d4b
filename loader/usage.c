/* Usage texts; see usage.h. */
#include "loader/usage.h"

#include <stdbool.h>
#include <string.h>

enum { COLUMNS = 80, COLUMN_MOST = 36 };

/* Where a line is, which is broken before COLUMNS and goes on at indent. */
struct line {
    FILE *out;
    size_t at, indent;
    bool begun; /* a blank is due before the next piece */
};

/* What is not broken. */
static void
put(struct line *line, const char *before, const char *piece, size_t n, const char *after)
{
    size_t size = strlen(before) + n + strlen(after);
    if (line->begun && line->at + 1 + size > COLUMNS) {
        fprintf(line->out, "\n%*s", (int)line->indent, "");
        line->at = line->indent;
    } else if (line->begun) {
        fputc(' ', line->out);
        line->at++;
    }
    fprintf(line->out, "%s%.*s%s", before, (int)n, piece, after);
    line->at += size;
    line->begun = true;
}

static void
put_words(struct line *line, const char *text)
{
    while (*text != '\0') {
        size_t n = strcspn(text, " ");
        put(line, "", text, n, "");
        text += n + (text[n] == ' ');
    }
}

/* Name and text in two columns, the first of them so wide. */
static void
put_row(FILE *out, const char *name, const char *words, size_t width, const char *text)
{
    int n = fprintf(out, "  %s%s%s", name, words[0] != '\0' ? " " : "", words);
    size_t used = n < 0 ? 0 : (size_t)n;
    size_t indent = width + 4;
    int blanks = used + 2 < indent ? (int)(indent - used) : 2;
    struct line line = {.out = out, .at = used + (size_t)blanks, .indent = indent};
    fprintf(out, "%*s", blanks, "");
    put_words(&line, text);
    fputc('\n', out);
}

static size_t
wider(size_t width, size_t than)
{
    return than > width && than <= COLUMN_MOST ? than : width;
}

void
usage_print(FILE *out, const struct usage *usage)
{
    size_t width = 0;
    fprintf(out, "usage: %s [OPTION...] COMMAND ..., see %s COMMAND --help\n", usage->program,
        usage->program);
    for (size_t i = 0; i < usage->command_count; i++)
        width =
            wider(width, strlen(usage->commands[i].name) + 1 + strlen(usage->commands[i].words));
    for (size_t i = 0; i < usage->command_count; i++)
        put_row(
            out, usage->commands[i].name, usage->commands[i].words, width, usage->commands[i].text);
    struct line line = {.out = out, .indent = 2};
    put_words(&line, "options:");
    for (size_t i = 0; i < usage->option_count; i++)
        put(&line, "", usage->options[i].form, strlen(usage->options[i].form),
            i + 1 < usage->option_count ? "," : "");
    fputc('\n', out);
}

const struct usage_command *
usage_find(const struct usage *usage, const char *name)
{
    for (size_t i = 0; i < usage->command_count; i++) {
        const struct usage_command *command = &usage->commands[i];
        for (const char *p = command->name; *p != '\0' && command->options != NULL;) {
            size_t n = strcspn(p, "|");
            if (n == strlen(name) && memcmp(p, name, n) == 0)
                return command;
            p += n + (p[n] == '|');
        }
    }
    return NULL;
}

static const struct usage_option *
find_option(const struct usage *usage, char letter)
{
    for (size_t i = 0; i < usage->option_count; i++)
        if (usage->options[i].letter == letter)
            return &usage->options[i];
    return NULL;
}

void
usage_print_command(
    FILE *out, const struct usage *usage, const struct usage_command *command, const char *name)
{
    struct line line = {.out = out, .indent = strlen("usage: ") + strlen(usage->program) + 1};
    size_t width = 0;
    put_words(&line, "usage:");
    put_words(&line, usage->program);
    put_words(&line, name);
    for (const char *p = command->options; *p != '\0'; p++) {
        const struct usage_option *option = find_option(usage, *p);
        bool needed = p > command->options && p[-1] == '!';
        if (option == NULL || *p == 'h')
            continue;
        put(&line, needed ? "" : "[", option->form, strlen(option->form), needed ? "" : "]");
        width = wider(width, strlen(option->form));
    }
    put_words(&line, command->words);
    fputs("\n  ", out);
    line = (struct line){.out = out, .at = 2, .indent = 2};
    put_words(&line, command->text);
    fputc('\n', out);
    for (const char *p = command->options; *p != '\0'; p++) {
        const struct usage_option *option = find_option(usage, *p);
        if (option != NULL)
            put_row(out, option->form, "", wider(width, strlen("-h, --help")), option->text);
    }
}
