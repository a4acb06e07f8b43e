import { en } from "zod/locales";
import * as z from "zod/mini";

/**
 * Parses a function's environment by its contract, once per cold start.
 *
 * @throws Error that names every bad variable and prints no value
 */
export function readEnvironment<Schema extends z.ZodMiniType>(
  functionName: string,
  contract: Schema,
  environment: Readonly<Record<string, string | undefined>>,
): z.output<Schema> {
  // Without a locale, zod/mini says no more than "Invalid input".
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
