import { expect, test } from "vitest";
import { configKey, type RecurringItem } from "../../shared/contracts/config-items.ts";
import type { AcceptRequestDeps } from "../../shared/core/requests/acceptance/accept-request.ts";
import { makeFireRecurring } from "../../shared/core/requests/recurring/fire-recurring.ts";
import { makeAcceptor } from "../support/fakes/acceptor.ts";

const clientId = "cl_1";
const item: RecurringItem = {
  pk: configKey.recurring(clientId, "weekly"),
  ...{ clientId, recurringId: "weekly", provider: "we-link", connectionId: "cn_1", version: 1 },
  ...{ accountId: "a", action: "connect", status: "active", params: "{}" },
  every: { cron: "0 9 ? * MON-FRI *", timeZone: "Europe/Berlin" },
  ...{ createdAt: "2026-06-01T00:00:00.000Z", changedAt: "2026-06-01T00:00:00.000Z" },
};

/** A firing whose call stands still for this time after it has read the recurring request. */
function setUp(frozenMs: number) {
  const stored: string[] = [];
  let used: AcceptRequestDeps | undefined;
  const { accept, clock } = makeAcceptor((deps) => {
    used = deps;
    return {
      lanes: {
        ...deps.lanes,
        join: async (...args) => {
          clock.passReal(frozenMs);
          return deps.lanes.join(...args);
        },
      },
      writer: {
        ...deps.writer,
        create: async (request) => {
          stored.push(request.requestId);
          return deps.writer.create(request);
        },
      },
    };
  });
  if (!used) throw new Error("the acceptor was not made");
  const { requests, idempotency, context } = used;
  const fire = makeFireRecurring({
    ...{ requests, idempotency, context },
    recurring: { find: async () => item },
    acceptRequest: accept,
  });
  const firing = { v: 1, kind: "recur", clientId, recurringId: "weekly" } as const;
  const firesAt = new Date(clock.businessMs()).toISOString();
  return { fire: () => fire({ ...firing, firesAt }), stored };
}

test("A firing whose call stood still for less than 30 s makes its request", async () => {
  const { fire, stored } = setUp(29_999);
  await fire();
  expect(stored).toHaveLength(1);
});

test("A firing whose call stood still for longer is looked at again, because it may have been deleted", async () => {
  const { fire, stored } = setUp(30_000);
  await expect(fire()).rejects.toMatchObject({ code: "OUT_OF_TIME" });
  expect(stored).toEqual([]);
});
