import { readConfig } from "../edit-file.ts";
import { ENGINES, type Engine, findEngine, isThisRuntime } from "../engines.ts";
import { type Finding, toldBy } from "../finding.ts";
import { checkProgram } from "../wanted.ts";

/** Those that are there, and whether they know this runtime. */
export function checkEngines(root: string): Finding[] {
  const found = ENGINES.flatMap((name) => findEngine(root, name) ?? []).map((engine) =>
    checkEngine(root, engine),
  );
  if (found.length > 0) return found;
  const fact = `there is none of ${ENGINES.join(", ")}`;
  return [{ status: "missing", subject: "engines", fact, advice: "install one" }];
}

function checkEngine(root: string, engine: Engine): Finding {
  const subject = engine.name;
  const version = engine.version ?? "of unknown version";
  try {
    const entries = engine.files.flatMap((file) => {
      const text = readConfig({ root, file });
      return text === null ? [] : engine.format.list(text, file).filter(isThisRuntime);
    });
    const [entry] = entries;
    if (!entry)
      return {
        status: "warning",
        subject,
        fact: `${version}; does not know unikrun`,
        advice: `unikrun install ${engine.name}`,
      };
    checkProgram(root, entry.binary ?? "");
    const names = entries.map(({ name }) => name).join(", ");
    return { status: "ok", subject, fact: `${version}; has ${names} (${entry.binary})` };
  } catch (error) {
    const { fact, advice } = toldBy(error, "correct that");
    return {
      status: "warning",
      subject,
      fact: `${version}; ${fact}`,
      advice: `${advice.replace("; nothing was changed", "")}; then unikrun install ${engine.name}`,
    };
  }
}
