import { auditHandlers } from "./audit-handlers.ts";
import { clientHandlers } from "./client-handlers.ts";
import { makeClientPages } from "./client-pages.ts";
import { connectionHandlers } from "./connection-handlers.ts";
import { deadLetterHandlers } from "./dead-letter-handlers.ts";
import { deliveryHandlers } from "./delivery-handlers.ts";
import { findHandlers } from "./find-handlers.ts";
import type { OperatorHandlers } from "./handler-types.ts";
import { overviewHandlers } from "./overview-handlers.ts";
import type { OperatorDeps } from "./ports.ts";
import { requestHandlers } from "./request-handlers.ts";

/** One handler per operation of the operator API, by operation id. */
export function makeOperatorHandlers(deps: OperatorDeps): OperatorHandlers {
  const pages = makeClientPages(deps);
  return {
    ...overviewHandlers(deps, pages),
    ...findHandlers(deps, pages),
    ...requestHandlers(deps, pages),
    ...deliveryHandlers(deps, pages),
    ...connectionHandlers(deps, pages),
    ...clientHandlers(deps),
    ...deadLetterHandlers(deps),
    ...auditHandlers(deps),
  };
}

/** The client of the connection, request or delivery that a call's path names, for its audit record. */
export function makeClientOf(deps: Pick<OperatorDeps, "store" | "requestStore" | "deliveryStore">) {
  return async (params: Readonly<Record<string, string>>): Promise<string | undefined> => {
    const { connectionId, requestId, id } = params;
    if (connectionId !== undefined) return (await deps.store.connection(connectionId))?.clientId;
    if (requestId !== undefined) return (await deps.requestStore.find(requestId))?.clientId;
    return id === undefined ? undefined : (await deps.deliveryStore.find(id))?.clientId;
  };
}
