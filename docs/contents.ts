import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A page of the documentation. */
export interface ContentsPage {
  /** In the repository. */
  path: string;
  title: string;
  /** Its first paragraph, as one line without Markdown's marks. */
  summary: string;
}

export interface ContentsGroup {
  title: string;
  pages: ContentsPage[];
}

const root = join(import.meta.dirname, "..");

const groups: Readonly<Record<string, readonly string[]>> = {
  Start: ["README.md", "docs/local-run.md", "docs/console.md", "docs/cli.md", "docs/testing.md"],
  Use: [
    "docs/requests.md",
    "docs/pace.md",
    "docs/batches.md",
    "docs/sequences.md",
    "docs/connections.md",
    "docs/events.md",
    "docs/webhooks.md",
    "docs/receiving-webhooks.md",
    "docs/moving.md",
    "client/README.md",
    "testing/README.md",
    "examples/README.md",
  ],
  Operate: [
    "docs/deploying.md",
    "cdk/README.md",
    "docs/first-account.md",
    "docs/upgrading.md",
    "docs/restoring.md",
    "docs/operator-api.md",
    "docs/data.md",
    "docs/slos.md",
    "docs/tracing.md",
    "docs/threat-model.md",
    ...pagesOf("docs/runbooks"),
  ],
  Reference: [
    "docs/errors.md",
    "docs/limits.md",
    "docs/contracts/linked-api-calls.md",
    "docs/cost.md",
    "docs/performance.md",
    "docs/scale.md",
    "docs/emulators.md",
    "docs/rehearsal.md",
    "docs/reliability.md",
    "docs/faults.md",
    "acceptance/README.md",
    "bench/README.md",
  ],
  Project: [
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "docs/debugging.md",
    "local/README.md",
    ...readdirSync(join(root, "functions")).map((name) => `functions/${name}/README.md`),
    ...pagesOf("docs/decisions"),
    "CHANGELOG.md",
    "SECURITY.md",
  ],
};

/** The documents of a folder; its README first. */
function pagesOf(folder: string): string[] {
  const names = readdirSync(join(root, folder)).filter((name) => name.endsWith(".md"));
  return ["README.md", ...names.filter((name) => name !== "README.md").sort()].map(
    (name) => `${folder}/${name}`,
  );
}

const textOf = (path: string): string => readFileSync(join(root, path), "utf8");

/** Everything that the documentation has, in the order in which it is read. */
export function contents(read = textOf): ContentsGroup[] {
  return Object.entries(groups).map(([title, paths]) => ({
    title,
    pages: paths.map((path) => pageOf(path, read(path))),
  }));
}

function pageOf(path: string, text: string): ContentsPage {
  const [heading = "", ...paragraphs] = text.split(/\n\n+/);
  const first = paragraphs.find((text) => /^(?!```)[\w[*`“"]/.test(text)) ?? "";
  return { path, title: plain(heading.replace(/^# /, "")), summary: plain(first) };
}

function plain(markdown: string): string {
  return markdown
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll(/[*`]/g, "")
    .replaceAll(/\s+/g, " ")
    .trim();
}

/**
 * What language models read first: https://llmstxt.org
 *
 * @param generated the texts of documents that are not written yet, by path
 */
export function llmsTxt(generated: Readonly<Record<string, string>>): string {
  const groups = contents((path) => generated[path] ?? textOf(path));
  const [start] = groups[0]?.pages ?? [];
  const sections = groups.map(({ title, pages }) => {
    const lines = pages
      .filter(({ path }) => path !== start?.path)
      .map(({ path, title: name, summary }) => `- [${name}](${path}): ${shortened(summary)}`);
    return [`## ${title}`, "", ...lines, ""].join("\n");
  });
  if (start === undefined) throw new Error("there are no documents");
  const contracts = [
    "## Contracts",
    "",
    "- [OpenAPI of the clients' API](docs/contracts/openapi.json): every operation with examples",
    "- [OpenAPI of the operator API](docs/contracts/openapi-operator.json): what operators see and mend",
    "- [AsyncAPI](docs/contracts/asyncapi.json): messages on the bus and webhooks",
    "- [JSON Schema of events](docs/contracts/events.schema.json): the envelope of each event type",
    "",
  ].join("\n");
  return [`# ${start.title}`, "", `> ${shortened(start.summary)}`, "", ...sections, contracts].join(
    "\n",
  );
}

/** The sentences that fit in a line. */
function shortened(text: string): string {
  if (text.length <= 200) return text;
  const end = text.lastIndexOf(". ", 200);
  return end > 40 ? text.slice(0, end + 1) : `${text.slice(0, text.lastIndexOf(" ", 200))} …`;
}
