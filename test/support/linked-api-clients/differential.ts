/**
 * Compares what a client of Linked API gets from the simulated Linked API and from
 * Ackwire: ids, times, tokens and secrets differ, and nothing else may.
 */
export function comparable(answer: unknown): unknown {
  return JSON.parse(JSON.stringify(answer ?? null), (key, value) => {
    if (typeof value !== "string") return value;
    if (/^(id|workflow_?id|workflowId|token|secret|identification_?token)$/i.test(key)) {
      return `a ${key}`;
    }
    if (/^(wf|rq|wh|whs|dl)[-_][0-9a-f-]{8,}$/.test(value)) return "an id";
    return /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) ? "a time" : value;
  });
}

/** The names of the operations whose answers differ, each with both answers. */
export function differences(
  direct: Readonly<Record<string, unknown>>,
  through: Readonly<Record<string, unknown>>,
): Record<string, { direct: unknown; through: unknown }> {
  const names = [...new Set([...Object.keys(direct), ...Object.keys(through)])];
  return Object.fromEntries(
    names.flatMap((name) => {
      const pair = { direct: comparable(direct[name]), through: comparable(through[name]) };
      const isSame = JSON.stringify(pair.direct) === JSON.stringify(pair.through);
      return isSame ? [] : [[name, pair]];
    }),
  );
}
