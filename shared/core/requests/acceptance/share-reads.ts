import type { KnownKey } from "../state/idempotency-store.ts";
import type { RequestStore } from "../state/ports.ts";
import type { LaneAccount } from "../state/record.ts";
import type { AcceptRequestDeps, AccountDirectory } from "./accept-request.ts";

/**
 * Returns the ports of one batch, each of whose reads happens once: of a connection, an account
 * and the master keys when it is first needed; of these idempotency keys, and the requests that
 * they belong to, at once.
 *
 * @throws DEPENDENCY_DOWN
 */
export async function shareReads(
  deps: AcceptRequestDeps,
  clientId: string,
  keys: readonly string[],
): Promise<AcceptRequestDeps> {
  const { idempotency, requests } = deps;
  const known: ReadonlyMap<string, KnownKey> =
    keys.length === 0 ? new Map() : await idempotency.findMany(clientId, keys);
  const ids = [...known.values()].map(({ requestId }) => requestId);
  const stored: Awaited<ReturnType<RequestStore["findWithLanes"]>> =
    ids.length === 0 ? new Map() : await requests.findWithLanes(ids);
  return {
    ...deps,
    idempotency: { ...idempotency, find: async (_, key) => known.get(key) },
    requests: {
      ...requests,
      find: async (requestId) => stored.get(requestId)?.request ?? requests.find(requestId),
    },
    accountDirectory: sharedDirectory(deps.accountDirectory),
    masterKeys: once(deps.masterKeys),
  };
}

function sharedDirectory(directory: AccountDirectory): AccountDirectory {
  const accountKey = ({ provider, connectionId, accountId }: LaneAccount) =>
    JSON.stringify([provider, connectionId, accountId]);
  const findConnection = onceForEach(
    ({ provider, connectionId, accountId }) =>
      JSON.stringify([provider, connectionId ?? null, connectionId === undefined && accountId]),
    directory.connectionIdOf,
  );
  /** The first search of each provider: it may know the connection of every account. */
  const first = new Map<string, Promise<unknown>>();
  return {
    async connectionIdOf(of) {
      if (of.connectionId !== undefined) return findConnection(of);
      const earlier = first.get(of.provider);
      if (earlier) await earlier.catch(() => undefined);
      const found = findConnection(of);
      if (!earlier) first.set(of.provider, found);
      return found;
    },
    requireAccount: onceForEach(accountKey, directory.requireAccount),
    registerAccountIfNew: onceForEach(accountKey, directory.registerAccountIfNew),
  };
}

/** Calls `run` once for all arguments with the same key. */
function onceForEach<Of, Result>(
  keyOf: (of: Of) => string,
  run: (of: Of) => Promise<Result>,
): (of: Of) => Promise<Result> {
  const started = new Map<string, Promise<Result>>();
  return (of) => {
    const key = keyOf(of);
    const result = started.get(key) ?? run(of);
    started.set(key, result);
    return result;
  };
}

function once<Result>(run: () => Promise<Result>): () => Promise<Result> {
  let started: Promise<Result> | undefined;
  return () => (started ??= run());
}
