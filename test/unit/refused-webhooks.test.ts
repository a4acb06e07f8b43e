import { expect, test } from "vitest";
import type { Connection } from "../../shared/core/connections/ports.ts";
import {
  makeRefusedMemory,
  type RefusedWebhooks,
} from "../../shared/core/inbound/refused-webhooks.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";

const { signal } = new AbortController();

function setUp() {
  const clock = makeTestClock();
  const written: RefusedWebhooks[] = [];
  const connection = { connectionId: "cn_1" } as Connection;
  const note = makeRefusedMemory(async (_, refused) => {
    written.push(refused);
  });
  const refuse = (address: string, stored?: RefusedWebhooks) =>
    note(
      { ...connection, ...(stored ? { refused: stored } : {}) },
      { address, nowMs: clock.businessMs(), nowRealMs: clock.realMs(), signal },
    );
  return { clock, written, refuse };
}

test("The first refused webhook is stored at once, and the next ones every five seconds", async () => {
  const { clock, written, refuse } = setUp();
  for (let n = 0; n < 50; n++) await refuse("192.0.2.1");
  expect(written).toMatchObject([{ count: 1, addresses: ["192.0.2.1"] }]);
  clock.passReal(5_000);
  await refuse("192.0.2.2", written[0]);
  expect(written[1]).toMatchObject({ count: 51, addresses: ["192.0.2.1", "192.0.2.2"] });
  expect(written[1]?.since).toBe(written[0]?.since);
});

test("The count goes on from what another instance has stored", async () => {
  const { clock, written, refuse } = setUp();
  const at = new Date(clock.businessMs()).toISOString();
  await refuse("192.0.2.1", { count: 7, since: at, lastAt: at, addresses: [] });
  expect(written).toMatchObject([{ count: 8, since: at }]);
});

test("The count begins anew after a new secret, and after a day without one", async () => {
  const { clock, written, refuse } = setUp();
  await refuse("192.0.2.1");
  await refuse("192.0.2.1");
  clock.passReal(5_000);
  await refuse("192.0.2.1", undefined);
  expect(written.map(({ count }) => count)).toEqual([1, 1]);
  clock.passReal(5_000);
  clock.passBusiness(25 * 60 * 60_000);
  await refuse("192.0.2.1", written[1]);
  expect(written[2]).toMatchObject({ count: 1 });
});

test("At most five addresses are kept, the last ones, and a write that fails is no error", async () => {
  const { clock, written, refuse } = setUp();
  for (let n = 0; n < 9; n++) {
    await refuse(`192.0.2.${n}`, written.at(-1));
    clock.passReal(5_000);
  }
  expect(written.at(-1)?.addresses).toEqual([4, 5, 6, 7, 8].map((n) => `192.0.2.${n}`));
  const failing = makeRefusedMemory(() => Promise.reject(new Error("no table")));
  const of = { address: undefined, nowMs: 0, nowRealMs: 10_000, signal };
  await expect(failing({ connectionId: "cn_1" } as Connection, of)).resolves.toBeUndefined();
});
