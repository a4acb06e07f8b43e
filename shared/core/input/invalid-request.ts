import * as z from "zod/mini";
import { Failure, type Remedy } from "../../contracts/failures.ts";
import { describeIssue, type FieldError, kindOf } from "./describe-issue.ts";

export type { FieldError } from "./describe-issue.ts";

/** A REQUEST_INVALID that lists every invalid field. Its own message names none, so that it can be logged. */
export class InvalidRequest extends Failure<"REQUEST_INVALID"> {
  readonly errors: readonly FieldError[];

  /** @param remedy what to do about the one field that is named */
  constructor(errors: readonly FieldError[], remedy?: Remedy) {
    super("REQUEST_INVALID", `${errors.length} invalid fields`, remedy && { remedy });
    this.errors = errors;
  }
}

/** Parses the input by the schema, or returns its errors. No message contains a value of the input. */
export function validate<Schema extends z.ZodMiniType>(
  schema: Schema,
  input: unknown,
): { output: z.output<Schema>; errors: FieldError[] } | { errors: FieldError[] } {
  const read = z.safeParse(schema, input, { error: describeIssue });
  if (read.success) return { output: read.data, errors: [] };
  return { errors: read.error.issues.flatMap((issue) => fieldErrors(issue, [], input)) };
}

/** Longer names of unknown members are cut: an answer is not as large as the body. */
const MAX_FIELD_LENGTH = 200;

function fieldErrors(
  issue: z.core.$ZodIssue,
  above: readonly PropertyKey[],
  input: unknown,
): FieldError[] {
  const at = [...above, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    const lines = issue.message.split("\n");
    return issue.keys.map((key, n) => error([...at, key], lines[n] ?? issue.message));
  }
  // A key or a value of a record: its own issues say more than the record's.
  if (issue.code === "invalid_key" || issue.code === "invalid_element") {
    return issue.issues.slice(0, 1).map((inner) => error(at, inner.message));
  }
  if (issue.code === "invalid_union" && issue.errors.length > 0 && issue.message === NO_FORM) {
    return unionErrors(issue.errors, at, input);
  }
  return [error(at, issue.message)];
}

const NO_FORM = describeIssue({ code: "invalid_union", errors: [], input: undefined });

/** The errors of the form whose kind of value was sent, or all kinds that are allowed. */
function unionErrors(
  forms: readonly (readonly z.core.$ZodIssue[])[],
  at: readonly PropertyKey[],
  input: unknown,
): FieldError[] {
  const isOtherKind = (issues: readonly z.core.$ZodIssue[]) =>
    issues.some(({ code, path }) => code === "invalid_type" && path.length === 0);
  const meant = forms.find((issues) => !isOtherKind(issues));
  if (meant) return meant.flatMap((issue) => fieldErrors(issue, at, input));
  const value = at.reduce<unknown>(
    (part, name) => (part as Record<PropertyKey, unknown> | undefined | null)?.[name],
    input,
  );
  if (value === undefined) return [error(at, "is missing")];
  const kinds = forms
    .flat()
    .flatMap(({ message }) => /^must be (.+?)(?:, not .*)?$/.exec(message)?.[1] ?? []);
  return [error(at, `must be ${[...new Set(kinds)].join(" or ")}, not ${kindOf(value)}`)];
}

function error(path: readonly PropertyKey[], message: string): FieldError {
  const field = path.map(String).join(".");
  return { field: cut(field), message };
}

function cut(text: string): string {
  return text.length > MAX_FIELD_LENGTH ? `${text.slice(0, MAX_FIELD_LENGTH)}…` : text;
}
