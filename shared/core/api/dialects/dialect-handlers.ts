import { Failure } from "../../../contracts/failures.ts";
import type { HandlerAnswer } from "../../../contracts/http/operation.ts";
import { type ProviderId, providerPacks } from "../../../contracts/providers.ts";
import type { Accounts } from "../../administration/accounts.ts";
import type { Deliveries } from "../../deliveries/deliveries.ts";
import type { Webhooks } from "../../deliveries/webhooks/webhooks.ts";
import { replaceLimits, withoutLimits } from "../../pace/merge-pace-settings.ts";
import type { DialectLimits, DialectRelay, DialectRequests } from "../../providers/dialect.ts";
import type { Requests } from "../../requests/requests.ts";
import { dialectWebhooks } from "./dialect-webhooks.ts";
import { findRequest } from "./find-request.ts";

export interface DialectHandlersDeps {
  requests: Requests;
  accounts: Accounts;
  webhooks: Webhooks;
  deliveries: Deliveries;
}

/** One handler per operation of every provider's dialect, by operation id. */
export function makeDialectHandlers({
  requests,
  accounts,
  webhooks,
  deliveries,
}: DialectHandlersDeps) {
  return Object.assign(
    {},
    ...Object.values(providerPacks).map(({ id, dialect }) =>
      dialect?.handlers({
        requests: requestsOf(id, requests),
        relay: relayOf(id, requests, accounts),
        limits: limitsOf(id, accounts),
        webhooks: dialectWebhooks(id, webhooks),
        deliveries,
      }),
    ),
  ) as Readonly<Record<string, (input: never) => Promise<HandlerAnswer>>>;
}

function relayOf(
  provider: ProviderId,
  requests: Requests,
  accounts: DialectHandlersDeps["accounts"],
): DialectRelay {
  return {
    call: (of) => requests.relay({ provider, ...of }),
    registerAccount: ({ clientId, connectionId, accountId, providerToken, askedRealMs }) =>
      accounts.registerToken(
        { clientId, provider, connectionId, accountId },
        providerToken,
        askedRealMs,
      ),
    tokenOf: (of) => accounts.tokenOf(of),
  };
}

function limitsOf(provider: ProviderId, accounts: Accounts): DialectLimits {
  const which = { provider };
  return {
    defaults: () => accounts.defaultLimits().map((limit) => ({ ...limit, isEnabled: true })),
    get: ({ clientId, accountId }) => accounts.limits(clientId, accountId, which),
    set: ({ clientId, accountId }, limits) =>
      accounts.changeLimits(clientId, accountId, which, (own) => replaceLimits(own, limits)),
    delete: ({ clientId, accountId }, limits) =>
      accounts.changeLimits(clientId, accountId, which, (own) => withoutLimits(own, limits)),
    reset: ({ clientId, accountId }, isKept) =>
      accounts.resetLimits(clientId, accountId, which, isKept),
  };
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
