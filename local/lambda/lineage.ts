import { createHash } from "node:crypto";

/**
 * Lambda stops a chain of requests in which it has invoked the same function this
 * many times:
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
 */
export const MAX_RECURSIVE_INVOCATIONS = 16;

/**
 * How often each function was invoked in a chain of requests, by a digest of its
 * ARN. The chain is passed on in the `Lineage` member of the X-Ray trace header,
 * which the AWS SDK copies from the invocation to each call that it makes.
 */
export type Lineage = ReadonlyMap<string, number>;

/** Returns the lineage in a trace header: `Root=…;Parent=…;Lineage=1a2b3c4d:3|5e6f7a8b:1`. */
export function lineageOf(traceHeader: string | undefined): Lineage {
  const text = /(?:^|;)\s*Lineage=([^;]*)/.exec(traceHeader ?? "")?.[1] ?? "";
  const entries = text.split("|").map((part) => part.split(":", 2));
  return new Map(
    entries.flatMap(([key = "", count]) =>
      /^[0-9a-f]{8}$/.test(key) ? [[key, Number(count) || 0] as const] : [],
    ),
  );
}

/** Returns how often a function has been invoked in a chain. */
export function invocationsIn(lineage: Lineage, functionArn: string): number {
  return lineage.get(keyOf(functionArn)) ?? 0;
}

/**
 * Returns the member of the trace header for an invocation that these lineages
 * caused: of each function the longest of the chains, and one more of this one.
 */
export function lineageMember(causes: readonly Lineage[], functionArn: string): string {
  const next = new Map<string, number>();
  for (const lineage of causes) {
    for (const [key, count] of lineage) next.set(key, Math.max(next.get(key) ?? 0, count));
  }
  const key = keyOf(functionArn);
  next.set(key, (next.get(key) ?? 0) + 1);
  return `Lineage=${[...next].map((entry) => entry.join(":")).join("|")}`;
}

function keyOf(functionArn: string): string {
  return createHash("sha256").update(functionArn).digest("hex").slice(0, 8);
}
