import { Failure } from "../../../contracts/failures.ts";
import type { HandlerAnswer } from "../../../contracts/http/operation.ts";
import { type ProviderId, providerPacks } from "../../../contracts/providers.ts";
import type { Deliveries } from "../../deliveries/deliveries.ts";
import type { Webhooks } from "../../deliveries/webhooks/webhooks.ts";
import type { DialectRequests } from "../../providers/dialect.ts";
import type { Requests } from "../../requests/requests.ts";
import { findRequest } from "./find-request.ts";

export interface DialectHandlersDeps {
  requests: Requests;
  webhooks: Webhooks;
  deliveries: Deliveries;
}

/** One handler per operation of every provider's dialect, by operation id. */
export function makeDialectHandlers({ requests, webhooks, deliveries }: DialectHandlersDeps) {
  return Object.assign(
    {},
    ...Object.values(providerPacks).map(({ id, dialect }) =>
      dialect?.handlers({ requests: requestsOf(id, requests), webhooks, deliveries }),
    ),
  ) as Readonly<Record<string, (input: never) => Promise<HandlerAnswer>>>;
}

/** The use cases on requests, restricted to the requests of one provider. */
function requestsOf(provider: ProviderId, requests: Requests): DialectRequests {
  return {
    accept: (of) => requests.accept({ provider, ...of }),
    continue: (...of) => requests.continue(...of),
    find: (clientId, id) => findRequest(requests, { clientId, provider, id }),
    async cancel(clientId, requestId) {
      const request = await requests.get(clientId, requestId);
      if (request.provider !== provider) {
        throw new Failure("NOT_FOUND", "there is no such request");
      }
      return requests.cancel(clientId, requestId);
    },
  };
}
