/** The expressions of DynamoDB, on plain values. Each text is compiled once. */

export type Item = Record<string, unknown>;

/** What an expression's placeholders stand for. */
export interface Placeholders {
  names: Readonly<Record<string, string>>;
  values: Readonly<Record<string, unknown>>;
}

type Evaluate<T> = (item: Item | undefined, of: Placeholders) => T;
type Path = readonly string[];

/** Splits into words, placeholders, paths, numbers and signs. */
const TOKENS = /[#:]?[A-Za-z0-9_]+(?:\.[#A-Za-z0-9_]+)*|<>|<=|>=|[=<>(),+-]/g;

class Tokens {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = text.match(TOKENS) ?? [];
  }

  peek(): string {
    return this.#tokens[this.#at] ?? "";
  }

  next(): string {
    return this.#tokens[this.#at++] ?? "";
  }

  /** Takes the next token if it is this one, in any case. */
  takes(token: string): boolean {
    if (this.peek().toUpperCase() !== token) return false;
    this.#at++;
    return true;
  }

  expect(token: string): void {
    if (!this.takes(token)) throw new Error(`expected ${token}, found ${this.peek() || "the end"}`);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }
}

const conditions = new Map<string, Evaluate<boolean>>();
const updates = new Map<string, readonly Clause[]>();

/** Whether a condition, a filter or a key condition holds for an item. */
export function holds(text: string, item: Item | undefined, of: Placeholders): boolean {
  let compiled = conditions.get(text);
  if (!compiled) {
    const tokens = new Tokens(text);
    compiled = alternatives(tokens);
    if (!tokens.isAtEnd) throw new Error(`cannot read ${text} at ${tokens.peek()}`);
    conditions.set(text, compiled);
  }
  return compiled(item, of);
}

function alternatives(tokens: Tokens): Evaluate<boolean> {
  const parts = [conjunction(tokens)];
  while (tokens.takes("OR")) parts.push(conjunction(tokens));
  return parts.length === 1
    ? (parts[0] as Evaluate<boolean>)
    : (item, of) => parts.some((part) => part(item, of));
}

function conjunction(tokens: Tokens): Evaluate<boolean> {
  const parts = [term(tokens)];
  while (tokens.takes("AND")) parts.push(term(tokens));
  return parts.length === 1
    ? (parts[0] as Evaluate<boolean>)
    : (item, of) => parts.every((part) => part(item, of));
}

function term(tokens: Tokens): Evaluate<boolean> {
  if (tokens.takes("NOT")) {
    const negated = term(tokens);
    return (item, of) => !negated(item, of);
  }
  if (tokens.takes("(")) {
    const inner = alternatives(tokens);
    tokens.expect(")");
    return inner;
  }
  const first = tokens.next();
  if (tokens.takes("(")) return functionOf(first, tokens);
  return comparison(operand(first), tokens);
}

function functionOf(name: string, tokens: Tokens): Evaluate<boolean> {
  const value = operand(tokens.next());
  const argument = tokens.takes(",") ? operand(tokens.next()) : undefined;
  tokens.expect(")");
  if (name === "attribute_exists") return (item, of) => value(item, of) !== undefined;
  if (name === "attribute_not_exists") return (item, of) => value(item, of) === undefined;
  if (name === "begins_with" && argument) {
    return (item, of) => {
      const text = value(item, of);
      return typeof text === "string" && text.startsWith(String(argument(item, of)));
    };
  }
  throw new Error(`there is no function ${name}`);
}

function comparison(left: Evaluate<unknown>, tokens: Tokens): Evaluate<boolean> {
  const sign = tokens.next().toUpperCase();
  if (sign === "BETWEEN") {
    const low = operand(tokens.next());
    tokens.expect("AND");
    const high = operand(tokens.next());
    return (item, of) => {
      const value = left(item, of);
      return compare(low(item, of), value) <= 0 && compare(value, high(item, of)) <= 0;
    };
  }
  if (sign === "IN") {
    tokens.expect("(");
    const any = [operand(tokens.next())];
    while (tokens.takes(",")) any.push(operand(tokens.next()));
    tokens.expect(")");
    return (item, of) => any.some((one) => compare(left(item, of), one(item, of)) === 0);
  }
  const right = operand(tokens.next());
  const test = signs[sign];
  if (!test) throw new Error(`there is no comparison ${sign}`);
  return (item, of) => test(compare(left(item, of), right(item, of)));
}

/** By the result of `compare`, which is not a number for what cannot be compared. */
const signs: Readonly<Record<string, (order: number) => boolean>> = {
  "=": (order) => order === 0,
  "<>": (order) => order !== 0,
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
  ">": (order) => order > 0,
  ">=": (order) => order >= 0,
};

/** Negative, zero or positive; NaN where the types differ or an attribute is missing. */
export function compare(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a === "boolean" && typeof b === "boolean") return a === b ? 0 : Number.NaN;
  return Number.NaN;
}

function operand(token: string): Evaluate<unknown> {
  if (token.startsWith(":")) {
    return (_, { values }) => {
      if (!(token in values)) throw new Error(`the value ${token} is not given`);
      return values[token];
    };
  }
  const path = token.split(".");
  return (item, of) => valueAt(item, resolved(path, of));
}

const resolved = (path: Path, { names }: Placeholders): Path =>
  path.map((part) => (part.startsWith("#") ? nameOf(part, names) : part));

function nameOf(part: string, names: Placeholders["names"]): string {
  const name = names[part];
  if (name === undefined) throw new Error(`the name ${part} is not given`);
  return name;
}

function valueAt(item: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) => (value === undefined ? undefined : (value as Item)[part]),
    item,
  );
}

interface Clause {
  kind: string;
  path: Path;
  value: Evaluate<unknown>;
}

/** Changes an item in place. */
export function update(text: string, item: Item, of: Placeholders): void {
  let clauses = updates.get(text);
  if (!clauses) {
    clauses = readUpdate(new Tokens(text));
    updates.set(text, clauses);
  }
  // Every value is read from the item as it was.
  const changes = clauses.map(({ kind, path, value }) => ({
    kind,
    path: resolved(path, of),
    value: value(item, of),
  }));
  for (const { kind, path, value } of changes) {
    const parent = valueAt(item, path.slice(0, -1)) as Item | undefined;
    if (!parent) throw new Error(`the path ${path.join(".")} is not in the item`);
    changeOf[kind]?.(parent, path.at(-1) ?? "", value);
  }
}

const changeOf: Readonly<Record<string, (parent: Item, name: string, value: unknown) => void>> = {
  SET: (parent, name, value) => {
    if (value === undefined) throw new Error(`SET ${name} to an attribute that is not there`);
    parent[name] = value;
  },
  REMOVE: (parent, name) => {
    delete parent[name];
  },
  ADD: (parent, name, value) => {
    const before = parent[name];
    parent[name] =
      value instanceof Set
        ? new Set([...((before as Set<unknown>) ?? []), ...value])
        : Number(before ?? 0) + Number(value);
  },
  DELETE: (parent, name, value) => {
    const taken = value as Set<unknown>;
    const before = (parent[name] as Set<unknown> | undefined) ?? [];
    const left = new Set([...before].filter((one) => !taken.has(one)));
    // There are no empty sets.
    if (left.size > 0) parent[name] = left;
    else delete parent[name];
  },
};

function readUpdate(tokens: Tokens): Clause[] {
  const clauses: Clause[] = [];
  while (!tokens.isAtEnd) {
    const kind = tokens.next().toUpperCase();
    if (!(kind in changeOf)) throw new Error(`there is no clause ${kind}`);
    do {
      const path = tokens.next().split(".");
      if (kind === "SET") tokens.expect("=");
      clauses.push({ kind, path, value: kind === "REMOVE" ? () => undefined : sum(tokens) });
    } while (tokens.takes(","));
  }
  return clauses;
}

function sum(tokens: Tokens): Evaluate<unknown> {
  const left = updateOperand(tokens);
  if (tokens.takes("+")) {
    const right = updateOperand(tokens);
    return (item, of) => numeric(left(item, of)) + numeric(right(item, of));
  }
  if (tokens.takes("-")) {
    const right = updateOperand(tokens);
    return (item, of) => numeric(left(item, of)) - numeric(right(item, of));
  }
  return left;
}

function numeric(value: unknown): number {
  if (typeof value !== "number") throw new Error("an operand of a sum is not a number");
  return value;
}

function updateOperand(tokens: Tokens): Evaluate<unknown> {
  const first = tokens.next();
  if (!tokens.takes("(")) return operand(first);
  if (first !== "if_not_exists") throw new Error(`there is no function ${first}`);
  const value = operand(tokens.next());
  tokens.expect(",");
  const otherwise = operand(tokens.next());
  tokens.expect(")");
  return (item, of) => value(item, of) ?? otherwise(item, of);
}
