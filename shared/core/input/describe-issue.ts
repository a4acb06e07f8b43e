import type * as z from "zod/mini";
import { describeTime } from "../../contracts/http/times.ts";
import { closest } from "./closest.ts";

type Issue = z.core.$ZodRawIssue;

/** A field's error. */
export interface FieldError {
  /** The field's path, its parts joined by dots. */
  field: string;
  message: string;
}

/**
 * Describes what a schema found wrong with an input as a predicate of which the field is
 * the subject, in Ackwire's own words: a schema library's texts name its own concepts. A
 * schema that has a message of its own keeps it. No text contains a value of the input.
 *
 * An issue that names several unknown members has one line for each of them.
 */
export function describeIssue(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return mustBe(nameOfType(issue.expected), issue.input);
    case "invalid_value":
      return mustBeOneOf(issue.values.map(String), issue.input);
    case "invalid_format":
      return describeFormat(issue.format, issue.input);
    case "too_small":
      return limitOf("at least", issue.minimum, issue);
    case "too_big":
      return limitOf("at most", issue.maximum, issue);
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`;
    case "invalid_union":
      return Array.isArray(issue.options)
        ? mustBeOneOf(issue.options.map(String), memberOf(issue.input, issue.path?.at(-1)))
        : "does not match any allowed format";
    case "unrecognized_keys":
      return unknownMembers(issue.keys, membersOf(issue.inst));
    default:
      return "is not allowed";
  }
}

/** Further unknown members have no hint: the cost is bounded whatever is sent. */
const MAX_HINTS = 20;

function unknownMembers(names: readonly string[], known: readonly string[]): string {
  return names.map((name, n) => unknownMember(n < MAX_HINTS ? name : "", known)).join("\n");
}

function unknownMember(name: string, known: readonly string[]): string {
  const meant = closest(name, known);
  return meant === undefined ? "is not known" : `is not known: did you mean ${meant}?`;
}

/** The names of an object schema's members; of another schema none. */
export function membersOf(schema: unknown): string[] {
  const { def } = (schema as { _zod?: { def?: { shape?: object } } } | undefined)?._zod ?? {};
  return Object.keys(def?.shape ?? {});
}

const typeNames: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "an integer",
  boolean: "true or false",
  object: "an object",
  record: "an object",
  array: "a list",
  tuple: "a list",
  null: "null",
  undefined: "absent",
};

function nameOfType(type: string): string {
  return typeNames[type] ?? "another kind of value";
}

function mustBe(what: string, input: unknown): string {
  if (input === undefined) return "is missing";
  const got = kindOf(input);
  return got === what || Number.isNaN(input) ? `must be ${what}` : `must be ${what}, not ${got}`;
}

function mustBeOneOf(values: readonly string[], input: unknown): string {
  if (input === undefined) return "is missing";
  const allowed = values.length === 1 ? values[0] : `one of ${values.join(", ")}`;
  const meant = typeof input === "string" ? closest(input, values) : undefined;
  const hint = meant === undefined || values.length === 1 ? "" : `; did you mean ${meant}?`;
  return `must be ${allowed}${hint}`;
}

/** What a value is, without the value. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (JSON.isRawJSON(value)) return "a number";
  if (typeof value === "boolean") return "a boolean";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function describeFormat(format: string, input: unknown): string {
  if (format === "datetime") return describeTime(input);
  if (format === "url") return "must be a URL, such as https://example.com/hooks";
  return "has a form that is not allowed";
}

const units: Readonly<Record<string, string>> = { string: "characters", array: "items" };

function limitOf(
  bound: "at least" | "at most",
  limit: number | bigint,
  { origin, input }: { origin: string; input?: unknown },
): string {
  const unit = units[origin];
  if (unit === undefined) return `must be ${bound} ${limit}`;
  const { length } = input as { length: number };
  if (length === 0) return "must not be empty";
  return `must have ${bound} ${limit} ${unit}, and has ${length}`;
}

function memberOf(input: unknown, name: PropertyKey | undefined): unknown {
  return name === undefined ? input : (input as Record<PropertyKey, unknown> | undefined)?.[name];
}
