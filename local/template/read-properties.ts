import * as z from "zod/mini";
import type { Resource } from "./resource.ts";

/**
 * Parses the properties of a resource.
 *
 * @throws Error that names the resource and each invalid property with its
 *   problem
 */
export function readProperties<T extends z.ZodMiniType>(
  schema: T,
  { type, logicalId, properties }: Resource,
): z.output<T> {
  const parsed = schema.safeParse(properties, { error: z.locales.en().localeError });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) =>
    [path.join("."), message].filter((part) => part !== "").join(": "),
  );
  throw new Error(`the local run does not support ${type} ${logicalId}: ${problems.join("; ")}`);
}
