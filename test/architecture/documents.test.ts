import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";
import { contents } from "../../docs/contents.ts";
import { staleDocuments } from "../../docs/generate.ts";
import { settingsSchema } from "../../shared/contracts/settings.ts";
import { documents, root, textOf } from "../support/tree.ts";

test.each(Object.keys(settingsSchema.shape))(
  "The setting %s is documented in docs/deploying.md",
  (name) => {
    expect(textOf("docs/deploying.md")).toContain(`\`${name}\``);
  },
);

test("The generated files are those of the definitions (run `npm run docs`)", async () => {
  expect(await staleDocuments()).toEqual([]);
});

test("Every document is in the contents of the documentation", () => {
  const listed = contents().flatMap(({ pages }) => pages.map(({ path }) => path));
  const pages = documents.filter((path) => !path.startsWith(".github/"));
  expect(listed.toSorted()).toEqual(pages.toSorted());
});

test("The repository has more than 60 documents", () => {
  expect(documents.length).toBeGreaterThan(60);
});

describe.each(documents)("The document %s", (document) => {
  const text = withoutCode(textOf(document));

  test(`The links of ${document} lead to files and headings`, () => {
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
    const local = targets.filter((target) => !/^(https?|mailto):/.test(target));
    expect(local.filter((target) => !leadsSomewhere(document, target))).toEqual([]);
  });

  test(`The paths that ${document} names exist`, () => {
    const paths = [...text.matchAll(/`([\w.-]+\/[\w./{},*<>-]*)`/g)]
      .map(([, path = ""]) => path)
      .filter((path) => folders.test(path) && !placeholder.test(path));
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

describe("The owning tests of the guarantees", () => {
  const rows = [
    ...textOf("ARCHITECTURE.md").matchAll(/^\| \[(G\d+)\]\(#\w+\)[^|]*\| `([^`]+)` +\|$/gm),
  ].map(([, id = "", file = ""]) => ({ id, file }));

  test("ARCHITECTURE.md lists the guarantees G1 to G12", () => {
    expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 12 }, (_, at) => `G${at + 1}`));
  });

  test.each(rows)("The guarantee $id is in exactly one title of $file", ({ id, file }) => {
    const titles = textOf(file).match(/\b(?:test|describe|states)(?:\.each)?\([^;{]*?["`].*["`]/g);
    expect(titles?.filter((title) => title.includes(`(${id})`))).toHaveLength(1);
  });
});

const folders =
  /^(acceptance|\.ci|\.github|bench|cdk|cli|client|console|docs|examples|functions|infra|local|rehearsal|shared|test)\//;

/** Matches placeholders such as `test/**`, `shared/providers/<provider>/` and `functions/NAME`. */
const placeholder = /[<>{}*]|\/[A-Z_]+$/;

/** Returns the text without its fenced blocks, whose paths may be outside the repository. */
function withoutCode(text: string): string {
  return text.replace(/^ *```[\s\S]*?^ *```$/gm, "");
}

function leadsSomewhere(document: string, target: string): boolean {
  const [path = "", heading] = target.split("#");
  const file = path === "" ? document : normalize(join(dirname(document), path));
  if (!existsSync(join(root, file))) return false;
  return heading === undefined || headingsOf(file).includes(heading);
}

/** Returns the anchors that GitHub creates for the headings of a document. */
function headingsOf(file: string): string[] {
  return [...withoutCode(textOf(file)).matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\w\s-]/g, "")
      .replaceAll(" ", "-"),
  );
}
