import { oneLine } from "../../local/terminal.ts";

/** A cell of a table, and the value that a dotted path leads to. */
export type Row = Readonly<Record<string, unknown>>;

const GAP = "  ";
const LEAST_WIDTH = 12;

/**
 * Returns the lines of a table: a line of headings, and one for each row. A column without any
 * value is left out; a table without rows is one line that says so.
 *
 * @param columns dotted paths into a row, such as `health.circuit`
 * @param width columns of the terminal, to which sentences are cut; ids never are, because they are
 *   copied. Absent: nothing is cut
 */
export function tableOf(
  rows: readonly Row[],
  columns: readonly string[],
  width = Number.POSITIVE_INFINITY,
): string[] {
  if (rows.length === 0) return ["(none)"];
  const cells = rows.map((row) => columns.map((path) => cellOf(valueAt(row, path))));
  const used = columns.map((_, at) => cells.some((line) => line[at] !== ""));
  const kept = [columns.map(headingOf), ...cells].map((line) => line.filter((_, at) => used[at]));
  const texts = (kept[0] ?? []).map((_, at) => kept.map((line) => line[at] ?? ""));
  const widths = fitted(
    texts.map((column) => Math.max(...column.map(({ length }) => length))),
    { total: width, isProse: texts.map(([, ...cells]) => cells.some((cell) => /\s/.test(cell))) },
  );
  return kept.map((line) =>
    line
      .map((cell, at) => cut(cell, widths[at] ?? 0).padEnd(widths[at] ?? 0))
      .join(GAP)
      .trimEnd(),
  );
}

/** Returns a line for each member of a value, nested ones by their paths. */
export function membersTable(value: Row, width?: number): string[] {
  const flat = flatten(value);
  const nameWidth = Math.max(0, ...flat.map(([name]) => name.length));
  const room = width === undefined ? Number.POSITIVE_INFINITY : width - nameWidth - GAP.length;
  return flat.map(([name, text]) => `${name.padEnd(nameWidth)}${GAP}${cut(text, room)}`);
}

/** The value that a dotted path leads to. */
export function valueAt(row: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>((value, name) => (value as Row | undefined | null)?.[name], row);
}

/** The text of one value. Times lose their milliseconds. */
export function cellOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value) && value.every((one) => typeof one !== "object")) {
    return oneLine(value.join(","));
  }
  if (typeof value === "object") return JSON.stringify(value);
  const text = oneLine(String(value));
  return text.replace(/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d+Z$/, "$1Z");
}

function flatten(value: Row, before = ""): [string, string][] {
  return Object.entries(value).flatMap(([name, member]): [string, string][] => {
    const path = `${before}${name}`;
    const isNested = typeof member === "object" && member !== null && !Array.isArray(member);
    if (isNested) return flatten(member as Row, `${path}.`);
    return member === undefined ? [] : [[path, cellOf(member)]];
  });
}

/** `health.circuit` becomes `CIRCUIT`, `createdAt` `CREATED AT`. */
function headingOf(path: string): string {
  const name = path.slice(path.lastIndexOf(".") + 1);
  return name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ").toUpperCase();
}

/** Narrows the widest of the columns of prose until all fit, or none is left to narrow. */
function fitted(widths: number[], of: { total: number; isProse: boolean[] }): number[] {
  const narrowed = [...widths];
  const sum = () => narrowed.reduce((all, one) => all + one + GAP.length, -GAP.length);
  const widthOf = (at: number) => (of.isProse[at] ? (narrowed[at] ?? 0) : 0);
  while (sum() > of.total) {
    const widest = narrowed.map((_, at) => at).sort((a, b) => widthOf(b) - widthOf(a))[0] ?? 0;
    if (widthOf(widest) <= LEAST_WIDTH) break;
    narrowed[widest] = widthOf(widest) - 1;
  }
  return narrowed;
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
