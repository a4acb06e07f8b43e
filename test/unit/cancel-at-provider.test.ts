import { expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { ProviderId } from "../../shared/contracts/providers.ts";
import {
  type CancelAtProviderDeps,
  cancelAtProvider,
} from "../../shared/core/requests/results/cancel-at-provider.ts";
import type { CallResult } from "../../shared/core/requests/state/ports.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";
import { providerClients } from "../../shared/providers/provider-clients.ts";
import { notingIn } from "../support/noting.ts";
import { makeRequestParts } from "../support/payloads/request-parts.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { answered } from "../support/simulations/workers-simulation.ts";

const answerOf = (cancelled: unknown) => answered(200, { success: true, result: { cancelled } });

/** A running request of an account with a token, and a provider that answers a cancel like this. */
function setUp(
  of: Partial<RequestRecord> = {},
  { result = answerOf(true), status = "active", provider = "linked-api" }: World = {},
) {
  const owner = newOwner({ provider });
  const request = requestRecord(owner, {
    ...{ status: "RUNNING", providerRequestId: "theirs/1", ...of },
  });
  const { connection } = makeRequestParts(owner);
  const read = {
    ...{ ...connection, settings: { ...connection.settings, status } },
    secrets: { ...connection.secrets, credentials: { "linked-api-token": "token" } },
  };
  const calls: unknown[] = [];
  const noting = notingIn(calls);
  const deps = {
    accounts: { find: noting("account", { identificationToken: "of the account" }) },
    connections: { read: noting("connection", status === "deleted" ? undefined : read) },
    calls: { send: noting("send", result) },
    providerClients,
  } as unknown as CancelAtProviderDeps;
  const { connectionId, accountId } = owner;
  const readConnection = ["connection", connectionId];
  const headers = { "linked-api-token": "token", "identification-token": "of the account" };
  const sent = { method: "DELETE", path: "/workflows/theirs%2F1", headers };
  const asked = [
    readConnection,
    ["account", connectionId, accountId],
    ["send", "linked-api", sent, 3_000],
  ];
  return { deps, calls, asked, readConnection, cancel: () => cancelAtProvider(deps, request) };
}

interface World {
  result?: CallResult;
  status?: "active" | "paused" | "deleted";
  provider?: ProviderId;
}

test.each<[string, CallResult, string]>([
  ["confirms it", answerOf(true), "cancelled"],
  ["refuses it", answerOf(false), "refused"],
  ["says something else", answerOf("perhaps"), "unknown"],
  ["does not answer", { kind: "incomplete", reason: "TIMEOUT" }, "unknown"],
  ["cannot be reached", { kind: "notSent", reason: "ECONNREFUSED" }, "unknown"],
])("A provider that %s is asked to cancel once", async (_, result, answer) => {
  const { cancel, calls, asked } = setUp({}, { result });
  expect(await cancel()).toBe(answer);
  expect(calls).toEqual(asked);
});

test.each<[string, Partial<RequestRecord>, World]>([
  ["that has ended", { status: "SUCCEEDED" }, {}],
  ["that waits for input", { status: "ACTION_REQUIRED" }, {}],
  ["of unknown outcome", { status: "UNKNOWN" }, {}],
  ["whose id at the provider is not known", { providerRequestId: undefined }, {}],
  ["whose provider cannot cancel", {}, { provider: "we-link" }],
])("Nobody can be asked to cancel a request %s", async (_, of, world) => {
  const { cancel, calls } = setUp(of, world);
  expect(await cancel()).toBe("impossible");
  expect(calls).toEqual([]);
});

test.each([
  ["deleted", "impossible"],
  ["paused", "paused"],
] as const)("Nobody is asked to cancel on a connection that is %s", async (status, answer) => {
  const { cancel, calls, readConnection } = setUp({}, { status });
  expect(await cancel()).toBe(answer);
  expect(calls).toEqual([readConnection]);
});

test("A cancel fails when the connection or the account cannot be read, and asks nobody", async () => {
  const down = new Failure("DEPENDENCY_DOWN", "the store is down");
  const rejects = () => Promise.reject(down);
  const broken: Partial<CancelAtProviderDeps>[] = [
    { connections: { read: rejects } },
    { accounts: { find: rejects } },
  ];
  for (const one of broken) {
    const { deps, calls } = setUp();
    const request = requestRecord(newOwner({ provider: "linked-api" }), {
      ...{ status: "RUNNING", providerRequestId: "theirs" },
    });
    await expect(cancelAtProvider({ ...deps, ...one }, request)).rejects.toBe(down);
    expect(calls.flat()).not.toContain("send");
  }
});
