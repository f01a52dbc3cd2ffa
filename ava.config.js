import v8 from "node:v8";

// ava asks for coverage data at its end, which Bun cannot give: without this the run ends in an exception.
v8.takeCoverage = () => {};

/** How ava runs on Bun: worker processes (Bun's threads lack what ava needs), and TypeScript loaded as it is. */
export default {
  extensions: { ts: "module" },
  files: ["test/**/*.test.ts"],
  timeout: "15m",
  workerThreads: false,
};
