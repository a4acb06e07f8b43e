import { type Api, forEach } from "../run/api.ts";

/** A request that the load makes, and what must become of it. */
export interface Order {
  /** In its params, and so in what the provider sees. */
  marker: string;
  provider: "we-link" | "linked-api";
  accountId: string;
  /** Its place among the account's requests. */
  n: number;
  mustEnd: "SUCCEEDED" | "FAILED";
  requestId?: string;
}

/** Every tenth request is one that the simulator is asked to fail. */
const FAILING_EVERY = 10;

export function makeOrders(of: {
  accounts: number;
  perAccount: number;
  linkedAccounts: number;
}): Order[] {
  return Array.from({ length: of.accounts }, (_, account) => {
    const provider = account < of.linkedAccounts ? "linked-api" : "we-link";
    const accountId = `bench-${account}`;
    return Array.from({ length: of.perAccount }, (_, n): Order => {
      const fails = (account + n) % FAILING_EVERY === 0;
      const mustEnd = fails ? "FAILED" : "SUCCEEDED";
      return { marker: `m-${account}-${n}`, provider, accountId, n, mustEnd };
    });
  }).flat();
}

/** Linked API's accounts must be known, with their tokens; We-Link's come by their first request. */
export async function makeLinkedAccounts(api: Api, orders: readonly Order[]): Promise<void> {
  const linked = orders.filter(({ provider, n }) => provider === "linked-api" && n === 0);
  await forEach(linked, 10, async ({ accountId }) => {
    const body = { provider: "linked-api", identificationToken: `simulated-${accountId}` };
    await api.call(`/v1/accounts/${accountId}`, { method: "PUT", body });
  });
}

export function bodyOf(order: Order, scheduled?: string): object {
  const { provider, accountId, marker, mustEnd } = order;
  const when = scheduled === undefined ? {} : { scheduled };
  if (provider === "we-link") {
    const fail = mustEnd === "FAILED" ? { note: "fail:PROFILE_NOT_FOUND" } : {};
    const params = { profile_id: marker, ...fail };
    return { provider, accountId, action: "connect", params, ...when };
  }
  const fail = mustEnd === "FAILED" ? { note: "fail-workflow:personNotFound" } : {};
  const action = "st.openPersonPage";
  const params = { actionType: action, personUrl: marker, ...fail };
  return { provider, accountId, action, params, ...when };
}

/** The marker of what a provider was asked to do. */
export function markerIn(body: unknown): string {
  const { profile_id, personUrl } = Object(body) as Record<string, unknown>;
  return String(profile_id ?? personUrl);
}

/** Each account's requests one after the other, in their order; of many accounts at once. */
export async function acceptAll(
  api: Api,
  orders: readonly Order[],
  of: {
    concurrency: number;
    /** A key makes it safe to ask again; without one, an answer that is lost gives a second request. */
    withKeys: boolean;
    scheduledOf?: (order: Order) => string | undefined;
  },
): Promise<void> {
  const accounts = [...Map.groupBy(orders, ({ accountId }) => accountId).values()].map((list) =>
    list.values(),
  );
  await Promise.all(
    Array.from({ length: of.concurrency }, async () => {
      for (let next = accounts.shift(); next; next = accounts.shift()) {
        const { value: order, done } = next.next();
        if (done) continue;
        const { requestId } = await api.call<{ requestId: string }>("/v1/requests", {
          headers: {
            ...api.authorization,
            ...(of.withKeys ? { "idempotency-key": order.marker } : {}),
          },
          body: bodyOf(order, of.scheduledOf?.(order)),
        });
        order.requestId = requestId;
        accounts.push(next);
      }
    }),
  );
}
