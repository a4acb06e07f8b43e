import type { SubmitQueue } from "./ports.ts";
import { isTerminal, type RequestRecord } from "./record.ts";

/** Sends a message for each request that depends on one that has ended. @throws DEPENDENCY_DOWN */
export async function tellDependents(
  submitQueue: SubmitQueue,
  requests: readonly RequestRecord[],
): Promise<void> {
  const told = requests
    .filter(isTerminal)
    .flatMap(({ dependents = [], clientId }) =>
      dependents.map((requestId) => ({ requestId, clientId })),
    );
  await Promise.all(
    told.map(({ requestId, clientId }) =>
      submitQueue.send({ v: 1, kind: "dependency", requestId }, { clientId }),
    ),
  );
}
