/**
 * As much of config.json as tells a unikernel from what is another runtime's. Nothing is refused here: what makes no sense counts
 * as absent, since that other runtime judges its own containers, by its own rules. spec.ts judges a unikernel's.
 */
import { withoutEngineInit } from "../engines/own-init.ts";
import type { Config } from "../spec/spec.ts";

export interface Outline {
  /** As in config.json. */
  readonly root?: { readonly path: string };
  readonly process: {
    /** Up to the first that is none. */
    readonly args: readonly string[];
    readonly cwd: string;
    readonly env: readonly string[];
  };
  readonly annotations: Readonly<Record<string, string>>;
  /** No Linux program has a machine (config-vm.md). */
  readonly hasVm: boolean;
}

/** Null for what is no JSON object. */
export function outlineOf({ value }: Config): Outline | null {
  const config = objectOf(value);
  if (!config) return null;
  const root = objectOf(config.root)?.path;
  const { args, cwd, env } = objectOf(config.process) ?? {};
  const mounts = listOf(config.mounts).flatMap((mount) => {
    const destination = objectOf(mount)?.destination;
    return isText(destination) ? [{ destination }] : [];
  });
  const words = listOf(args);
  const end = words.findIndex((word) => !isText(word));
  return {
    ...(isText(root) ? { root: { path: root } } : {}),
    annotations: Object.fromEntries(Object.entries(objectOf(config.annotations) ?? {}).filter(hasText)),
    hasVm: objectOf(config.vm) !== null,
    ...withoutEngineInit({
      mounts,
      process: {
        args: (end < 0 ? words : words.slice(0, end)).filter(isText),
        cwd: isText(cwd) ? cwd : "/",
        env: listOf(env).filter(isText),
      },
    }),
  };
}

/** No path, argument or variable has a NUL character in it. */
const isText = (value: unknown): value is string => typeof value === "string" && !value.includes("\0");

const hasText = (entry: [string, unknown]): entry is [string, string] => isText(entry[1]);

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const objectOf = (value: unknown): Readonly<Record<string, unknown>> | null =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
