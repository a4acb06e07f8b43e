import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { root, textOf } from "../support/tree.ts";

const run = promisify(execFile);

// The compiler runs once per listed file.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const section = /### An event type\n([\s\S]*?)\nThen `npm run docs`/;

/** The files that CONTRIBUTING lists for a new event type. */
const listed = [
  ...(section.exec(textOf("CONTRIBUTING.md"))?.[1] ?? "").matchAll(/^- `([^`]+)`/gm),
].map(([, file = ""]) => file);

/**
 * The edits of a contributor who adds the event type `workflow.paused`: each
 * copies the lines of `workflow.created`.
 */
const edits: Readonly<Record<string, readonly RegExp[]>> = {
  "shared/contracts/events.ts": [/^ {2}"workflow\.created": \{\n[\s\S]*?\n {2}\},\n/m],
  "client/webhook-events.ts": [
    /^ {2}"workflow\.created": Workflow.*\n/m,
    /^ {2}"workflow\.created": true,\n/m,
  ],
  "docs/event-examples.ts": [/^ {2}"workflow\.created": \{.*\n/m],
  "test/unit/webhook-events.test.ts": [/^ {2}"workflow\.created": \{.*\n/m],
  "shared/providers/we-link/webhook-body.ts": [/^ {4}"workflow\.created": null,\n/m],
  "test/support/third-provider/webhook-format.ts": [/^ {4}"workflow\.created": null,\n/m],
};

const tree = ["infra", "functions", "shared", "local", "cli", "test", "docs", "bench", "client"];
const others = ["acceptance", "cdk", "console", "examples", "testing", "package.json"];
const files = ["tsconfig.json", ".prettierrc.json", "llms.txt", "README.md", "ARCHITECTURE.md"];
const pages = ["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"];

const ROOTS = "tsconfig.listed.json";

let copy: string;

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), "ackwire-event-type-"));
  for (const entry of [...tree, ...others, ...files, ...pages]) {
    await cp(join(root, entry), join(copy, entry), { recursive: true });
  }
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  for (const file of listed) await edit(file);
  // The listed files with everything that they import: a fraction of the whole tree.
  const roots = { extends: "./tsconfig.json", include: [], files: listed };
  await writeFile(join(copy, ROOTS), JSON.stringify(roots));
  await generate();
});

afterAll(() => rm(copy, { recursive: true, force: true }));

test("CONTRIBUTING lists exactly the files that a new event type changes", () => {
  expect(listed).toEqual(Object.keys(edits));
});

test("The types and the generated documents are correct when every listed file is edited", async () => {
  expect(await typeErrors("tsconfig.json")).toBe("");
  expect(await documentErrors()).toBe("");
});

test.each(listed)("The compiler reports an error without the edit of %s", async (file) => {
  const edited = await readFile(join(copy, file), "utf8");
  await cp(join(root, file), join(copy, file));
  expect(await typeErrors(ROOTS)).toMatch(/workflow\.paused/);
  await writeFile(join(copy, file), edited);
});

test("The check of the generated documents reports a stale one when `npm run docs` has not run", async () => {
  const file = "docs/contracts/events.schema.json";
  await cp(join(root, file), join(copy, file));
  expect(await documentErrors()).toContain("events.schema.json");
});

async function edit(file: string): Promise<void> {
  let text = await readFile(join(copy, file), "utf8");
  for (const pattern of edits[file] ?? []) {
    expect(text, file).toMatch(pattern);
    text = text.replace(pattern, (found) => found + found.replace("created", "paused"));
  }
  await writeFile(join(copy, file), text);
}

const generate = () => run(process.execPath, ["docs/generate.ts"], { cwd: copy });

/** Runs a script of the copy; returns its output when it fails and an empty text when it succeeds. */
const errorsOf = (script: string, ...args: string[]): Promise<string> =>
  run(process.execPath, [join(copy, script), ...args], { cwd: copy }).then(
    () => "",
    ({ stdout, stderr }: { stdout: string; stderr: string }) => `${stdout}${stderr}` || "failed",
  );

const typeErrors = (project: string) =>
  errorsOf("node_modules/typescript/bin/tsc", "--noEmit", "--singleThreaded", "--project", project);

const documentErrors = () => errorsOf("docs/generate.ts", "--check");
