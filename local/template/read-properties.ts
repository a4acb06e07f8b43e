import * as z from "zod/mini";
import type { Resource } from "./resource.ts";

/** @throws an error that names the resource, and each property with what is wrong with it */
export function readProperties<T extends z.ZodMiniType>(
  schema: T,
  { type, logicalId, properties }: Resource,
): z.output<T> {
  const parsed = schema.safeParse(properties, { error: z.locales.en().localeError });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) =>
    [path.join("."), message].filter((part) => part !== "").join(": "),
  );
  throw new Error(`the local run cannot follow ${type} ${logicalId}: ${problems.join("; ")}`);
}
