import { isTerminal } from "../state/record.ts";
import type { RequestWriter } from "../state/request-writer.ts";

/** Requests that depend on one and were registered before it ended. */
export const MAX_DEPENDENTS = 100;

/**
 * Registers requests with the one that they depend on, before they are stored. One conditional
 * write keeps the limit, however many calls register requests at once. A request that is registered
 * already keeps its place, so that a repeated call is not refused; a place whose request is never
 * stored stays taken. With a request that has ended nothing is registered, and nothing is refused.
 *
 * @param requestIds in order: the first of them get the places that are left
 * @returns the ids for which there is no place
 * @throws DEPENDENCY_DOWN
 */
export async function registerDependents(
  writer: Pick<RequestWriter, "change">,
  predecessorId: string,
  requestIds: readonly string[],
): Promise<ReadonlySet<string>> {
  let refused: readonly string[] = [];
  await writer.change(
    predecessorId,
    (predecessor) => {
      refused = [];
      if (isTerminal(predecessor)) return undefined;
      const { dependents = [] } = predecessor;
      const added = requestIds.filter((id) => !dependents.includes(id));
      const placed = added.slice(0, Math.max(0, MAX_DEPENDENTS - dependents.length));
      refused = added.slice(placed.length);
      if (placed.length === 0) return undefined;
      return { ...predecessor, dependents: [...dependents, ...placed] };
    },
    MAX_ATTEMPTS,
  );
  return new Set(refused);
}

/** As many other calls as there are places may come first. */
const MAX_ATTEMPTS = MAX_DEPENDENTS;
