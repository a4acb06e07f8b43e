import { en } from "zod/locales";
import * as z from "zod/mini";
import { Failure, type Remedy } from "../../contracts/failures.ts";

export interface FieldError {
  /** The field's path, its parts joined by dots. */
  field: string;
  message: string;
}

/** A REQUEST_INVALID that lists every invalid field. */
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
  // Without a locale, zod/mini says no more than "Invalid input".
  const read = z.safeParse(schema, input, { error: en().localeError });
  if (read.success) return { output: read.data, errors: [] };
  return { errors: read.error.issues.flatMap(fieldErrors) };
}

function fieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  const at = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ field: [...at, key].join("."), message: "is not known" }));
  }
  return [{ field: at.join("."), message: issue.message }];
}
