import { Failure } from "../../../contracts/failures.ts";
import { forEachConcurrent } from "../../for-each-concurrent.ts";
import { MAX_DEPENDENTS, registerDependents } from "../dependencies/register-dependents.ts";
import {
  type PreparedRequest,
  releaseIdempotencyKey,
  type StoreRequestDeps,
} from "./store-request.ts";

/** Calls at the same time, as in a batch. */
const CONCURRENCY = 40;

/**
 * Registers the requests among these that depend on others, by one write for each request that
 * they depend on. The key of a request for which there is no place is released.
 *
 * @param prepared in order: the first of them get the places that are left
 * @returns why requests must not be stored, by their ids: CONFLICT, DEPENDENCY_DOWN
 */
export async function placeDependents(
  deps: StoreRequestDeps,
  prepared: readonly PreparedRequest[],
): Promise<ReadonlyMap<string, Failure>> {
  const refused = new Map<string, Failure>();
  const groups = Map.groupBy(prepared, ({ request }) => request.dependsOn?.requestId);
  await forEachConcurrent([...groups], CONCURRENCY, async ([predecessorId, members]) => {
    if (predecessorId === undefined) return;
    const ids = members.map(({ request }) => request.requestId);
    const unplaced = await registerDependents(deps.writer, predecessorId, ids).catch(failureOf);
    if (unplaced instanceof Failure) {
      for (const id of ids) refused.set(id, unplaced);
      return;
    }
    const isRefused = ({ request }: PreparedRequest) => unplaced.has(request.requestId);
    await forEachConcurrent(members.filter(isRefused), CONCURRENCY, async (one) => {
      await releaseIdempotencyKey(deps, one);
      const message = `${MAX_DEPENDENTS} requests depend on that request already`;
      refused.set(one.request.requestId, new Failure("CONFLICT", message));
    });
  });
  return refused;
}

/** @throws what is no failure of these requests */
function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  throw error;
}
