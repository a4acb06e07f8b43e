/**
 * JSON as other languages parse it. Unlike JavaScript's objects, members keep their order, also
 * those whose names are numbers, and numbers keep their digits. Of two members with one name
 * the first decides the place and the last the value, as in Python and PHP.
 */
export type JsonTree =
  | { kind: "object"; members: ReadonlyMap<string, JsonTree> }
  | { kind: "array"; items: readonly JsonTree[] }
  | { kind: "string"; value: string }
  | { kind: "number"; source: string }
  /** `true`, `false` or `null`. */
  | { kind: "literal"; source: string };

const token = /\s*([{}[\],:]|"[^"\\]*(?:\\.[^"\\]*)*"|[^\s{}[\],:"]+)/gy;

/** Reads a text that is valid JSON. */
export function readJsonTree(text: string): JsonTree {
  const reader = new RegExp(token);
  const next = () => reader.exec(text)?.[1] ?? "";

  function read(first: string): JsonTree {
    if (first === "{") return { kind: "object", members: readMembers() };
    if (first === "[") return { kind: "array", items: readItems() };
    if (first.startsWith('"')) return { kind: "string", value: JSON.parse(first) };
    return { kind: /^[-\d]/.test(first) ? "number" : "literal", source: first };
  }

  function readMembers(): Map<string, JsonTree> {
    const members = new Map<string, JsonTree>();
    for (let key = next(); key !== "}" && key !== ""; key = next()) {
      if (key === ",") continue;
      next();
      members.set(JSON.parse(key), read(next()));
    }
    return members;
  }

  function readItems(): JsonTree[] {
    const items: JsonTree[] = [];
    for (let first = next(); first !== "]" && first !== ""; first = next()) {
      if (first !== ",") items.push(read(first));
    }
    return items;
  }

  return read(next());
}

/** How a language writes JSON. */
export interface JsonStyle {
  /** Between two members or items. */
  comma: string;
  /** Between a member's name and its value. */
  colon: string;
  string: (value: string) => string;
  /** @param source the digits as they were read */
  number: (source: string) => string;
  /** Whether an object with these names is written as a list. Absent: none is. */
  isList?: (names: readonly string[]) => boolean;
}

/** Writes a tree in the style of a language. */
export function writeJsonTree(tree: JsonTree, style: JsonStyle): string {
  const write = (one: JsonTree) => writeJsonTree(one, style);
  const list = (items: readonly JsonTree[]) => `[${items.map(write).join(style.comma)}]`;
  switch (tree.kind) {
    case "object": {
      if (style.isList?.([...tree.members.keys()])) return list([...tree.members.values()]);
      const members = [...tree.members].map(
        ([name, one]) => `${style.string(name)}${style.colon}${write(one)}`,
      );
      return `{${members.join(style.comma)}}`;
    }
    case "array":
      return list(tree.items);
    case "string":
      return style.string(tree.value);
    case "number":
      return style.number(tree.source);
    case "literal":
      return tree.source;
  }
}

/** Formats a string with everything but ASCII escaped, each surrogate by itself. */
export function asciiJsonString(
  value: string,
  { escapesDelete }: { escapesDelete: boolean },
): string {
  // The expression has no `u` flag, so that it finds single surrogates. Other control characters
  // are escaped already.
  return JSON.stringify(value).replace(/[^ -~]/g, (char) =>
    char === "\u007f" && !escapesDelete
      ? char
      : `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The shortest decimal digits of a finite number, and the position of its point: 0.00123 is `123` at -2. */
export function digitsOf(value: number): { sign: string; digits: string; point: number } {
  const [mantissa = "", exponent = ""] = Math.abs(value).toExponential().split("e");
  return {
    sign: value < 0 || Object.is(value, -0) ? "-" : "",
    digits: mantissa.replace(".", ""),
    point: Number(exponent) + 1,
  };
}

/** The digits in fixed notation; a whole number has no fraction. */
export function fixed({ sign, digits, point }: ReturnType<typeof digitsOf>): string {
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  const whole = digits.slice(0, point).padEnd(point, "0");
  const fraction = digits.slice(point);
  return `${sign}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}
