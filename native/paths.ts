/** Paths as text; node:path would cost 2 ms in every call. All take and give absolute paths. */

/** "/a/b" of "/a/b/c"; "/" of "/a". */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

/** An absolute path of parts, with "." , ".." and doubled slashes worked out; it never leads above "/". */
export function joinPaths(...parts: readonly string[]): string {
  const names: string[] = [];
  for (const name of parts.join("/").split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return `/${names.join("/")}`;
}
