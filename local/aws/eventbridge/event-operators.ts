import { BlockList, isIP } from "node:net";

export type LeafMatcher = (leaf: unknown) => boolean;
export type Fields = Record<string, unknown>;

/** EventBridge compares only numbers within ±5 billion. */
const MAX_NUMBER = 5_000_000_000;

export class InvalidEventPattern extends Error {}

/** Compiles an element of a pattern's leaf array: a value, or an object with one operator. */
export function compileOperator(operator: unknown, path: string): LeafMatcher {
  if (!isFields(operator)) {
    if (Array.isArray(operator)) throw new InvalidEventPattern(`${path} has an array in an array`);
    return (leaf) => leaf === operator;
  }
  const [name, ...others] = Object.keys(operator);
  if (name === undefined || others.length > 0) {
    throw new InvalidEventPattern(`${path} must name exactly one operator in each object`);
  }
  const argument = operator[name];
  switch (name) {
    case "exists":
      if (typeof argument !== "boolean") {
        throw new InvalidEventPattern(`${path}: exists must be true or false`);
      }
      return () => argument;
    case "numeric":
      return compileNumeric(argument, path);
    case "cidr":
      return compileCidr(argument, path);
    case "anything-but":
      return compileAnythingBut(argument, path);
    default:
      return compileText(name, argument, path);
  }
}

function compileText(name: string, argument: unknown, path: string): LeafMatcher {
  if ((name === "prefix" || name === "suffix") && isFields(argument)) {
    const [key, ...others] = Object.keys(argument);
    const affix = argument["equals-ignore-case"];
    if (key !== "equals-ignore-case" || others.length > 0 || typeof affix !== "string") {
      throw new InvalidEventPattern(`${path}: ${name} takes a string or equals-ignore-case`);
    }
    const matches = compileText(name, affix.toLowerCase(), path);
    return (leaf) => typeof leaf === "string" && matches(leaf.toLowerCase());
  }
  if (typeof argument !== "string") {
    throw new InvalidEventPattern(`${path}: ${name} must be a string`);
  }
  switch (name) {
    case "prefix":
      return (leaf) => typeof leaf === "string" && leaf.startsWith(argument);
    case "suffix":
      return (leaf) => typeof leaf === "string" && leaf.endsWith(argument);
    case "equals-ignore-case":
      return (leaf) => typeof leaf === "string" && leaf.toLowerCase() === argument.toLowerCase();
    case "wildcard":
      return compileWildcard(argument, path);
    default:
      throw new InvalidEventPattern(`${path}: unrecognized match type ${name}`);
  }
}

/** `*` matches any number of characters; `\*` and `\\` match a literal `*` and `\`. */
function compileWildcard(argument: string, path: string): LeafMatcher {
  const parts = argument.match(/\\[*\\]|[^\\]/gsu) ?? [];
  if (parts.join("") !== argument) {
    throw new InvalidEventPattern(`${path}: invalid escape in wildcard`);
  }
  if (parts.some((part, index) => part === "*" && parts[index + 1] === "*")) {
    throw new InvalidEventPattern(`${path}: consecutive wildcard characters`);
  }
  const source = parts.map((part) => (part === "*" ? ".*" : escaped(part.replace(/^\\/, ""))));
  const pattern = new RegExp(`^${source.join("")}$`, "su");
  return (leaf) => typeof leaf === "string" && pattern.test(leaf);
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

function compileAnythingBut(argument: unknown, path: string): LeafMatcher {
  if (isFields(argument)) {
    const [name, ...others] = Object.keys(argument);
    if (name === undefined || others.length > 0) {
      throw new InvalidEventPattern(`${path}: anything-but takes one operator`);
    }
    const excluded = asList(argument[name], path).map((each) => compileText(name, each, path));
    return (leaf) => !excluded.some((matches) => matches(leaf));
  }
  const excluded = asList(argument, path);
  const isOneKind = ["string", "number"].some((kind) =>
    excluded.every((each) => typeof each === kind),
  );
  if (!isOneKind) {
    throw new InvalidEventPattern(`${path}: anything-but takes strings or numbers, not both`);
  }
  return (leaf) => !excluded.includes(leaf);
}

function asList(value: unknown, path: string): unknown[] {
  const list = Array.isArray(value) ? value : [value];
  if (list.length === 0) throw new InvalidEventPattern(`${path}: anything-but has an empty list`);
  return list;
}

const comparisons: Record<string, (leaf: number, bound: number) => boolean> = {
  "=": (leaf, bound) => leaf === bound,
  "<": (leaf, bound) => leaf < bound,
  "<=": (leaf, bound) => leaf <= bound,
  ">": (leaf, bound) => leaf > bound,
  ">=": (leaf, bound) => leaf >= bound,
};

function compileNumeric(argument: unknown, path: string): LeafMatcher {
  if (!Array.isArray(argument) || (argument.length !== 2 && argument.length !== 4)) {
    throw new InvalidEventPattern(`${path}: numeric takes one or two comparisons`);
  }
  const tests = [0, 2].slice(0, argument.length / 2).map((index) => {
    const compare = comparisons[String(argument[index])];
    const bound: unknown = argument[index + 1];
    if (!compare) throw new InvalidEventPattern(`${path}: unrecognized numeric comparison`);
    if (typeof bound !== "number" || Math.abs(bound) > MAX_NUMBER) {
      throw new InvalidEventPattern(`${path}: numeric bounds are numbers within ±${MAX_NUMBER}`);
    }
    return (leaf: number) => compare(leaf, bound);
  });
  if (tests.length === 2) assertRange(argument, path);
  return (leaf) =>
    typeof leaf === "number" && Math.abs(leaf) <= MAX_NUMBER && tests.every((test) => test(leaf));
}

function assertRange([first, bottom, second, top]: unknown[], path: string): void {
  const isRange = String(first).startsWith(">") && String(second).startsWith("<");
  if (!isRange)
    throw new InvalidEventPattern(`${path}: a numeric range is > or >= and then < or <=`);
  if (Number(bottom) >= Number(top)) {
    throw new InvalidEventPattern(`${path}: bottom must be less than top`);
  }
}

function compileCidr(argument: unknown, path: string): LeafMatcher {
  const [address = "", prefix = "", ...rest] = String(argument).split("/");
  const family = isIP(address);
  const bits = Number(prefix);
  const isValid =
    family !== 0 &&
    rest.length === 0 &&
    /^\d{1,3}$/.test(prefix) &&
    bits <= (family === 4 ? 32 : 128);
  if (!isValid) throw new InvalidEventPattern(`${path}: malformed CIDR`);
  const block = new BlockList();
  const kind = family === 4 ? "ipv4" : "ipv6";
  block.addSubnet(address, bits, kind);
  return (leaf) => typeof leaf === "string" && isIP(leaf) === family && block.check(leaf, kind);
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
