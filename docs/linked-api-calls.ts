import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { operations } from "../shared/contracts/http/operations.ts";
import python from "./linked-api-python-calls.json" with { type: "json" };

/** The calls of one version of a client of Linked API. */
export interface ClientCalls {
  version: string;
  /** Each as `POST /workflows`; a variable of the path is `{}`. */
  calls: string[];
}

const ofJavaScript = /\.(get|post|put|patch|delete)\(\s*(['"`])(\/[^'"`]*)\2/g;
const ofPython =
  /(?:http_client\.(get|post|put|patch|delete)|_post_(?:result|void))\(\s*f?(["'])(\/[^"']*)\2/g;
/** Any text that looks like the path of a call. */
const pathLike = /['"`](\/[a-z][\w.-]*(?:\/[\w.${}-]*)*)(?:\?[^'"`]*)?['"`]/g;

/**
 * Extracts the calls of a client from its sources.
 *
 * @throws Error that names a text which looks like a path and is in no call that was found
 */
export function callsIn(sources: readonly string[], language: "JavaScript" | "Python"): string[] {
  const pattern = language === "JavaScript" ? ofJavaScript : ofPython;
  const calls = new Set<string>();
  for (const source of sources) {
    for (const [, method = "post", , path = ""] of source.matchAll(pattern)) {
      calls.add(`${method.toUpperCase()} ${templateOf(path)}`);
    }
  }
  const paths = new Set([...calls].map((call) => call.split(" ")[1]));
  for (const source of sources) {
    for (const [, path = ""] of source.matchAll(pathLike)) {
      if (!paths.has(templateOf(path))) throw new Error(`The path ${path} is in no known call`);
    }
  }
  return [...calls].sort();
}

function templateOf(path: string): string {
  return path.replace(/\?.*$/, "").replaceAll(/\$?\{[^}]*\}/g, "{}");
}

/** The calls of the installed `@linkedapi/node`. */
export function nodeClientCalls(): ClientCalls {
  const folder = "node_modules/@linkedapi/node";
  const root = join(import.meta.dirname, "..");
  const { version } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
  const sources = globSync(`${folder}/dist/**/*.js`, { cwd: root }).map((file) =>
    // Their comments have examples.
    readFileSync(join(root, file), "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, ""),
  );
  return { version, calls: callsIn(sources, "JavaScript") };
}

/** The calls of `linkedapi` (PyPI), as they were extracted from its sources the last time. */
export const pythonClientCalls: ClientCalls = python;

/** What Ackwire does with a call of Linked API; `undefined`: it does not know the call. */
export function handlingOf(call: string): "served" | "passed to Linked API" | undefined {
  const found = operations.find(
    ({ dialect, method, path }) =>
      dialect === "linked-api" && `${method} ${path.replaceAll(/\{\w+\}/g, "{}")}` === call,
  );
  if (!found) return undefined;
  return found.isRelayed ? "passed to Linked API" : "served";
}

/** The table of every call of both clients, as Markdown. */
export function callTable(): string {
  const node = nodeClientCalls();
  const calls = [...new Set([...node.calls, ...pythonClientCalls.calls])].sort((a, b) =>
    pathOf(a) < pathOf(b) ? -1 : 1,
  );
  const mark = (has: boolean) => (has ? "yes" : "");
  const rows = [
    [
      "Call",
      "Ackwire",
      `\`@linkedapi/node\` ${node.version}`,
      `\`linkedapi\` ${pythonClientCalls.version}`,
    ],
    ...calls.map((call) => [
      `\`${call.replace("{}", "{id}")}\``,
      handlingOf(call) ?? "refused",
      mark(node.calls.includes(call)),
      mark(pythonClientCalls.calls.includes(call)),
    ]),
  ];
  return `# Calls of Linked API's clients\n\n${introduction}\n\n${tableOf(rows)}`;
}

const pathOf = (call: string) => call.split(" ").reverse().join(" ");

const introduction = `Generated from the sources of the official clients (\`npm run docs\`). A call that is _served_ works
on what Ackwire keeps. A call that is _passed to Linked API_ is made with the connection's
credentials and answered at once, with Linked API's own answer. Any other call is refused in Linked
API's envelope, with the type \`notFound\` or \`methodNotAllowed\`.`;

function tableOf(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, n) => Math.max(...rows.map((row) => row[n]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, n) => cell.padEnd(widths[n] ?? 0)).join(" | ")} |\n`;
  const [head = [], ...others] = rows;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...others.map(line)].join("");
}
