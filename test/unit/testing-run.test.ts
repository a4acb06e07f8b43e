import { expect, test } from "vitest";
import { makeBusinessTimers } from "../../local/clock/business-timers.ts";
import { makeBusinessClock } from "../../local/clock/clock.ts";
import { functionNameOf, withVariables } from "../../testing/run/built-stack.ts";
import { openMemoryStore } from "../../testing/run/memory-store.ts";
import { makeSeededRandom } from "../../testing/run/seeded-random.ts";

test("A seed gives the same numbers, from 0 to below 1, spread evenly", () => {
  const draw = (seed: string, count: number) => {
    const random = makeSeededRandom(seed);
    return Array.from({ length: count }, random);
  };
  expect(draw("1", 20)).toEqual(draw("1", 20));
  expect(draw("1", 20)).not.toEqual(draw("2", 20));
  const many = draw("3", 10_000);
  expect(many.every((one) => one >= 0 && one < 1)).toBe(true);
  const perTenth = Object.values(Object.groupBy(many, (one) => Math.floor(one * 10)));
  expect(perTenth.map((all) => all?.length ?? 0).every((n) => n > 850 && n < 1_150)).toBe(true);
});

test("What a store in memory returns is nobody else's object", () => {
  const store = openMemoryStore();
  const put = { n: 1 };
  store.collection<{ n: number }>("one").put("b", put);
  put.n = 2;
  const again = store.collection<{ n: number }>("one");
  expect(again.get("b")).toEqual({ n: 1 });
  again.put("a", { n: 3 });
  expect(again.entries()).toEqual([
    ["a", { n: 3 }],
    ["b", { n: 1 }],
  ]);
  again.delete("b");
  expect(again.get("b")).toBeUndefined();
  expect(store.collection("other").entries()).toEqual([]);
});

test("Business time of the speed 0 moves by jumps alone", async () => {
  const clock = makeBusinessClock({ realMs: Date.now() - 5_000, businessMs: 1_000, speed: 0 });
  const timers = makeBusinessTimers(clock);
  const fired: string[] = [];
  timers.set("later", 2_000, () => fired.push("later"));
  timers.set("now", 1_000, () => fired.push("now"));
  expect(clock.now()).toBe(1_000);
  expect([clock.realMsUntil(1_000), clock.realMsUntil(1_001)]).toEqual([0, Infinity]);
  await expect.poll(() => fired).toEqual(["now"]);
  clock.jump(1_000);
  expect(clock.now()).toBe(2_000);
  await expect.poll(() => fired).toEqual(["now", "later"]);
  timers.close();
});

const variables = {
  BUSINESS_CLOCK: "{}",
  PROVIDER_BASE_URLS: '{"we-link":"http://127.0.0.1:1/provider"}',
  SETTINGS: '{"paceMinSeconds":30,"paceMaxSeconds":90}',
  WEBHOOK_TARGETS: '{"ports":[443],"allowsLocal":true,"refusedPorts":[]}',
  CONFIG_TABLE: { Ref: "Table" },
};
const run = {
  clock: { realMs: 1, businessMs: 2, speed: 0 },
  providerUrl: "http://127.0.0.1:2",
  refusedPorts: [2, 3],
  settings: { paceMinSeconds: 0 },
};
const built = {
  Resources: {
    AckwireSubmitFunction0A1B: {
      Type: "AWS::Lambda::Function",
      Properties: { Timeout: 30, Environment: { Variables: variables } },
    },
    Table: { Type: "AWS::DynamoDB::Table", Properties: {} },
  },
  Parameters: {},
  Conditions: {},
  Mappings: {},
  Outputs: {},
};

test("A run has variables of its own, and all others as they were built", () => {
  const { Resources } = withVariables(built, run);
  expect(Resources.Table).toEqual(built.Resources.Table);
  const { Timeout, Environment } = Resources.AckwireSubmitFunction0A1B?.Properties ?? {};
  const { Variables } = Environment as { Variables: Record<string, string> };
  expect(Timeout).toBe(30);
  expect(Variables.CONFIG_TABLE).toEqual({ Ref: "Table" });
  expect(Variables.PROVIDER_BASE_URLS).toBe('{"we-link":"http://127.0.0.1:2"}');
  expect(JSON.parse(Variables.BUSINESS_CLOCK ?? "")).toEqual(run.clock);
  expect(JSON.parse(Variables.WEBHOOK_TARGETS ?? "").refusedPorts).toEqual([2, 3]);
  const settings = JSON.parse(Variables.SETTINGS ?? "");
  expect(settings).toMatchObject({ paceMinSeconds: 0, paceMaxSeconds: 90 });
});

test.each([
  [{ speed: 2 }, "speed: 2"],
  [{ paceMinSeconds: -1 }, "paceMinSeconds: -1"],
  // It is read by a deployment only.
  [{ apiMemoryMib: 512 }, "apiMemoryMib: 512"],
])("The settings %j are refused", (settings, named) => {
  expect(() => withVariables(built, { ...run, settings })).toThrow(named);
});

test("A function is named by its logical id", () => {
  expect(functionNameOf("AckwireSubmitFunction0A1B")).toBe("submit");
  expect(functionNameOf("Other")).toBe("other");
});
