import { expect, test } from "vitest";
import type { AccountItem } from "../../shared/contracts/config-items.ts";
import { type AccountsDeps, makeAccounts } from "../../shared/core/administration/accounts.ts";
import { laneId } from "../../shared/core/requests/acceptance/request-id.ts";

const accountOf = (connectionId: string, accountId: string): AccountItem => ({
  pk: `account#${connectionId}#${accountId}`,
  ...{ clientId: "cl_1", connectionId, accountId, provider: "we-link", preset: "careful" },
  createdAt: "2026-06-25T12:00:00.000Z",
});

function open(accounts: AccountItem[], wakeEarly: (lane: string) => Promise<void>) {
  const errors: unknown[] = [];
  const { wakeLanesOf } = makeAccounts({
    store: {
      accountsOf: async (_: string, { limit, after = "" }: { limit: number; after?: string }) =>
        accounts
          .filter((one) => `${one.connectionId}#${one.accountId}` > after)
          .toSorted((one, other) => (one.pk < other.pk ? -1 : 1))
          .slice(0, limit),
    },
    laneScheduler: { wakeEarly: ({ lane }: { lane: string }) => wakeEarly(lane) },
    stagePace: { defaultPreset: "careful" },
    onNonFatalError: (error: unknown) => errors.push(error),
  } as unknown as AccountsDeps);
  return { wakeLanesOf, errors };
}

test("A connection that is active again wakes its own lanes, at most 200 of them", async () => {
  const own = Array.from({ length: 250 }, (_, n) => accountOf("cn_b", `acc-${1_000 + n}`));
  const others = ["cn_a", "cn_c"].map((connectionId) => accountOf(connectionId, "acc-1"));
  const woken: string[] = [];
  const { wakeLanesOf } = open([...others, ...own], async (lane) => void woken.push(lane));
  await wakeLanesOf({ clientId: "cl_1", connectionId: "cn_b" });
  expect(woken.toSorted()).toEqual(own.slice(0, 200).map(laneId).toSorted());
});

test("A lane that cannot be woken does not keep the others from it, and fails nothing", async () => {
  const own = ["acc-1", "acc-2", "acc-3"].map((accountId) => accountOf("cn_b", accountId));
  const woken: string[] = [];
  const { wakeLanesOf, errors } = open(own, async (lane) => {
    if (lane === laneId(own[0] as AccountItem)) throw new Error("throttled");
    woken.push(lane);
  });
  await wakeLanesOf({ clientId: "cl_1", connectionId: "cn_b" });
  expect([woken.length, errors]).toEqual([2, [new Error("throttled")]]);
});
