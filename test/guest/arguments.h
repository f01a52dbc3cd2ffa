#pragma once

/*
 * Splits "cmdline" in place at blanks, tabs and newlines. A backslash takes the next character as it is; '...' and "..."
 * keep blanks, except that the other quote inside one takes its place. The array ends with NULL.
 */
char **arguments_split(char *text, int *count);
