import { en } from "zod/locales";
import * as z from "zod/mini";

/**
 * Parses the environment of a function, once per cold start.
 *
 * @throws Error that names every invalid variable and contains no value
 */
export function readEnvironment<Schema extends z.ZodMiniType>(
  functionName: string,
  contract: Schema,
  environment: Readonly<Record<string, string | undefined>>,
): z.output<Schema> {
  // Without a locale, every message of zod/mini is "Invalid input".
  const read = z.safeParse(contract, environment, { error: en().localeError });
  if (read.success) return read.data;
  const faults = read.error.issues.map((issue) => {
    const name = String(issue.path[0] ?? "environment");
    return `${name} (${environment[name] === undefined ? "is missing" : issue.message})`;
  });
  throw new Error(
    `The environment of ${functionName} is wrong: ${[...new Set(faults)].join(", ")}`,
  );
}
