#!/usr/bin/env bun
/** Stands for unikrun in validation tests: whatever program a bundle wants, it gets the probe unikernel, which does as much as it can. */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";

const repository = resolve(import.meta.dirname, "../..");
const argv = process.argv.slice(2);
const bundle = argv[argv.indexOf("--bundle") + 1];

if (argv.includes("create") && bundle !== undefined && argv.includes("--bundle")) {
  const config = JSON.parse(readFileSync(`${bundle}/config.json`, "utf8"));
  const line = (config.process?.args ?? []).join(" ");
  const [, seconds] = /\bsleep (\d+)/.exec(line) ?? [];
  // A loop of a shell's waits to be killed.
  const wanted = seconds ?? (/\bwhile\b/.test(line) ? "1000" : undefined);
  if (config.process) {
    config.process.args = ["/probe.bin", ...(wanted === undefined ? ["return", "0"] : ["sleep", wanted])];
    copyFileSync(`${repository}/build/guest/probe.bin`, resolve(bundle, config.root.path, "probe.bin"));
    writeFileSync(`${bundle}/config.json`, JSON.stringify(config));
  }
}
const run = Bun.spawnSync({
  cmd: [`${repository}/dist/unikrun`, ...argv],
  stdio: ["inherit", "inherit", "inherit"],
});
process.exit(run.exitCode);
