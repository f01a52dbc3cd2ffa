/** The commands that `unikrun exec` runs beside a guest; `unikrun help exec` and the man page end with it too. */
export const USAGE = `Commands about a guest:
  unikrun http [:PORT]/PATH       GET from the guest; fails unless the status is 2xx or 3xx
  unikrun tcp PORT                whether the guest takes connections there
  unikrun ping [-c COUNT]         whether the guest answers at all
  unikrun dns [--type AAAA] NAME  what the guest's name servers say
  unikrun cat PATH                a file of the guest's, as its kernel has it
  unikrun ls [PATH]               the names in one of its folders
  unikrun df                      its file systems
  unikrun console                 the guest's serial line
  unikrun stats [--json]          what the guest uses
  unikrun status [--json]         what the guest is, why it is slow, what it may use
  unikrun trace [--json]          what happened when, and whose time it took
All but the last three take --timeout SECONDS (default 5).
Health checks written for containers are understood where they ask the guest itself: curl URL,
wget --spider URL, wget -O - URL and nc -z HOST PORT with their common options, in a shell's words
too (docs/exec.md).
`;

/** The first word of each, behind "unikrun". */
export const execCommands = (): string[] =>
  [...USAGE.matchAll(/^ {2}unikrun (\w+)/gm)].flatMap(([, name]) => name ?? []);
