import { parseSync } from "oxc-parser";

/** A title of a test that begins with the id of a row. */
export interface MatrixTitle {
  row: string;
  /** In the repository. */
  file: string;
  /** As it is written, with `…` where the test's values are put in. */
  title: string;
}

interface Node {
  type: string;
  [member: string]: unknown;
}

/** A row's id and at least three words: shorter texts are ids of test data. */
const form = /^([A-D]\d{1,2}):? \S+ \S+ \S+/;

/**
 * The titles of a test file that begin with the id of a row, also those in tables of cases. Titles
 * of `describe` do not count. `run.ts` finds each of them among the tests that ran.
 *
 * @throws Error if the text cannot be parsed
 */
export function matrixTitles(file: string, text: string): MatrixTitle[] {
  return textsIn(file, text).flatMap((title) => {
    const row = form.exec(title)?.[1];
    return row === undefined ? [] : [{ row, file, title }];
  });
}

/**
 * The texts of a test file, its titles among them, with `…` where values are put in. The titles of
 * `describe` are left out.
 *
 * @throws Error if the text cannot be parsed
 */
export function textsIn(file: string, text: string): string[] {
  const { program, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  const found: string[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) {
      for (const one of value) visit(one);
      return;
    }
    if (typeof value !== "object" || value === null) return;
    const node = value as Node;
    if (node.type === "CallExpression" && rootOf(node) === "describe") {
      const [first, ...others] = node.arguments as Node[];
      // The tables of `describe.each` are its callee's arguments, and are visited.
      visit([node.callee, isText(first) ? [] : first, others]);
      return;
    }
    const of = textOf(node);
    if (of !== undefined) found.push(of);
    for (const member of Object.values(node)) visit(member);
  };
  visit(program);
  return found;
}

/** Whether a test that ran under `ran` is the one with this title. */
export function isTitleOf(title: string, ran: string): boolean {
  const parts = title.split("…").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^]*")}$`).test(ran);
}

const isText = (node: Node | undefined) =>
  node !== undefined && (node.type === "Literal" || node.type === "TemplateLiteral");

/** The text of a literal, with `…` for Vitest's placeholders and for expressions. */
function textOf(node: Node): string | undefined {
  if (node.type === "Literal" && typeof node.value === "string") return withoutValues(node.value);
  if (node.type !== "TemplateLiteral") return undefined;
  const quasis = node.quasis as { value: { cooked?: string } }[];
  return withoutValues(quasis.map(({ value }) => value.cooked ?? "").join("…"));
}

const withoutValues = (title: string) => title.replace(/%[sdifjoOc#$]|\$[a-zA-Z][\w.]*/g, "…");

/** The name at the start of a callee: `describe` of `describe.each(rows)(…)`. */
function rootOf(node: Node): string | undefined {
  let at: Node | undefined = node;
  while (at !== undefined && at.type !== "Identifier") {
    at = (at.callee ?? at.object ?? at.tag) as Node | undefined;
  }
  return at?.name as string | undefined;
}
