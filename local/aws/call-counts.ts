/** Counts of the calls at the AWS endpoint, which an account would be billed for. */
export type CallCounts = ReturnType<typeof makeCallCounts>;

/**
 * Counts calls per caller (a function, or `other`) and operation, including
 * failed ones. `entries` is the number of messages, items or events in them.
 */
export function makeCallCounts() {
  const counts = new Map<string, { calls: number; entries: number }>();
  return {
    /** Empty receives are counted separately, because they do no work. */
    count(caller: string, operation: string, input: unknown, output?: unknown): void {
      const isReceive = operation === "sqs:ReceiveMessage";
      const entries = isReceive ? lengthOf(output, "Messages") : entriesOf(input);
      const key = `${caller} ${operation}${isReceive && entries === 0 ? " (empty)" : ""}`;
      const known = counts.get(key) ?? { calls: 0, entries: 0 };
      counts.set(key, { calls: known.calls + 1, entries: known.entries + entries });
    },
    list: () => Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function entriesOf(input: unknown): number {
  const known = ["Entries", "TransactItems"].map((member) => lengthOf(input, member));
  const tables = Object.values(Object(Object(input).RequestItems)) as { Keys?: unknown }[];
  const items = tables.map((table) =>
    lengthOf(Array.isArray(table) ? { table } : { table: table.Keys }, "table"),
  );
  return Math.max(
    1,
    ...known,
    items.reduce((sum, count) => sum + count, 0),
  );
}

function lengthOf(of: unknown, member: string): number {
  const value = (Object(of) as Record<string, unknown>)[member];
  return Array.isArray(value) ? value.length : 0;
}
