import type { ProviderId } from "../../../shared/contracts/providers.ts";
import type { Connection } from "../../../shared/core/connections/ports.ts";
import type { RequestsDeps } from "../../../shared/core/requests/requests.ts";
import type { TextStore } from "../../../shared/core/requests/state/ports.ts";

/** Stores every text in its item. */
const texts: TextStore = {
  store: async (_, inline) => ({ inline }),
  open: async (text) => {
    if ("inline" in text) return text.inline;
    throw new Error("the text is gone");
  },
};

const keys = { current: "k1", keys: new Map([["k1", "the master key of one test"]]) };

/** What a simulation of requests needs beside its stores: one client with one connection. */
export function makeRequestParts(of: {
  clientId: string;
  connectionId: string;
  provider: ProviderId;
}) {
  const { clientId, connectionId, provider } = of;
  const connection: Connection = {
    clientId,
    connectionId,
    provider,
    createdAt: "2026-06-25T12:00:00.000Z",
    tokens: [],
    settings: {
      status: "active",
      signature: "enforce",
      hashForms: ["raw"],
      allowUnboundJwt: false,
      verifyByFetch: false,
    },
    secrets: { webhookSecrets: [], credentials: {} },
  };
  /** A client without a rate limit, whose accounts are all registered. */
  const client = {
    rates: { tryConsume: async () => true },
    accountDirectory: {
      connectionIdOf: async () => connectionId,
      requireAccount: async () => undefined,
      registerAccountIfNew: async () => undefined,
    },
    events: { find: async () => undefined, list: async () => ({ events: [] }) },
    connectionIdsOf: async () => [connectionId],
  } satisfies Partial<RequestsDeps>;
  const connections = { read: async () => connection, readThrottled: async () => connection };
  return { connection, connections, client, texts, masterKeys: async () => keys };
}
