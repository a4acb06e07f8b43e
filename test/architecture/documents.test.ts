import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";
import { staleDocuments } from "../../docs/generate.ts";
import { settingsSchema } from "../../shared/contracts/settings.ts";
import { documents, root, textOf } from "../support/tree.ts";

test.each(Object.keys(settingsSchema.shape))(
  "docs/deploying.md documents the setting %s",
  (name) => {
    expect(textOf("docs/deploying.md")).toContain(`\`${name}\``);
  },
);

test("docs/contracts is generated from the definitions (run `npm run docs`)", () => {
  expect(staleDocuments()).toEqual([]);
});

test("the repository has documents", () => {
  expect(documents.length).toBeGreaterThan(60);
});

describe.each(documents)("%s", (document) => {
  const text = withoutCode(textOf(document));

  test("has links that lead to files and headings", () => {
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
    const local = targets.filter((target) => !/^(https?|mailto):/.test(target));
    expect(local.filter((target) => !leadsSomewhere(document, target))).toEqual([]);
  });

  test("names paths of the repository that exist", () => {
    const paths = [...text.matchAll(/`([\w.-]+\/[\w./{},*<>-]*)`/g)]
      .map(([, path = ""]) => path)
      .filter((path) => folders.test(path) && !placeholder.test(path));
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

describe("each guarantee has one owning test", () => {
  const rows = [
    ...textOf("ARCHITECTURE.md").matchAll(/^\| \[(G\d+)\]\(#\w+\)[^|]*\| `([^`]+)` +\|$/gm),
  ].map(([, id = "", file = ""]) => ({ id, file }));

  test("ARCHITECTURE lists G1 to G12", () => {
    expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 12 }, (_, at) => `G${at + 1}`));
  });

  test.each(rows)("$id is in a title of $file", ({ id, file }) => {
    const titles = textOf(file).match(/\b(?:test|describe|says)(?:\.each)?\([^;{]*?["`].*["`]/g);
    expect(titles?.filter((title) => title.includes(`(${id})`))).toHaveLength(1);
  });
});

const folders =
  /^(\.ci|\.github|bench|cli|client|docs|examples|functions|infra|local|shared|test)\//;

/** `test/**`, `shared/providers/<provider>/`, `functions/NAME`: not one path. */
const placeholder = /[<>{}*]|\/[A-Z_]+$/;

/** The text without its fenced blocks, whose paths can be those of another machine. */
function withoutCode(text: string): string {
  return text.replace(/^ *```[\s\S]*?^ *```$/gm, "");
}

function leadsSomewhere(document: string, target: string): boolean {
  const [path = "", heading] = target.split("#");
  const file = path === "" ? document : normalize(join(dirname(document), path));
  if (!existsSync(join(root, file))) return false;
  return heading === undefined || headingsOf(file).includes(heading);
}

/** The anchors that GitHub gives the headings of a document. */
function headingsOf(file: string): string[] {
  return [...withoutCode(textOf(file)).matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\w\s-]/g, "")
      .replaceAll(" ", "-"),
  );
}
