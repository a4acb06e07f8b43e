import { describe, expect, test } from "vitest";
import type { DependencyInput } from "../../shared/contracts/http/dependencies.ts";
import { requestKey } from "../../shared/core/providers/correlation.ts";
import { readDependency } from "../../shared/core/requests/dependencies/read-dependency.ts";
import type { Dependency, RequestRecord } from "../../shared/core/requests/state/record.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules } from "../support/payloads/request-rules.ts";

const DAY_MS = 86_400_000;
const nowMs = Date.UTC(2026, 5, 25, 13);
const rules = { ...requestRules, scheduleMaxMs: 30 * DAY_MS };
const predecessor = requestRecord(newOwner(), { createdMs: nowMs - 5 });
const { requestId, clientId, lane } = predecessor;

function read(
  input: Partial<DependencyInput> = {},
  of: Partial<RequestRecord> = {},
  owner = { clientId, lane },
): Promise<Dependency> {
  const stored = { ...predecessor, ...of };
  const requests = { find: async (id: string) => (id === requestId ? stored : undefined) };
  const whole: DependencyInput = { requestId, on: "succeeded", within: 60, ...input };
  return readDependency(requests, whole, owner, { nowMs, nowRealMs: nowMs, rules });
}

describe("The times of a dependency", () => {
  test.each([
    [60, 60_000],
    [0.001, 1],
    ["P14D", 14 * DAY_MS],
    ["P2W", 14 * DAY_MS],
    ["PT12H", DAY_MS / 2],
    ["PT90M", 5_400_000],
    ["PT0.25S", 250],
    ["P1DT2H3M4.5S", DAY_MS + 7_384_500],
  ])("A time of %s is %i ms", async (duration, ms) => {
    const dependency = await read({ within: duration, after: duration });
    expect(dependency).toMatchObject({ untilMs: nowMs + ms, afterMs: ms });
  });

  test.each([
    ...["", "P", "PT", "P1Y", "P1M", "P1DT", "1D", "P1W1D", "p1d", "P-1D", "P1.5D"],
    ...["PT1S1M", "PT1.0005S", "PT1H ", " PT1H"],
  ])("The duration %j is refused", async (duration) => {
    const message = "must be a duration such as P14D or PT12H, or seconds";
    const refused = (name: string) => ({
      code: "REQUEST_INVALID",
      errors: [{ field: `dependsOn.${name}`, message }],
    });
    await expect(read({ within: duration })).rejects.toMatchObject(refused("within"));
    await expect(read({ after: duration })).rejects.toMatchObject(refused("after"));
  });

  test.each([0, 0.0004, "PT0S", "P0D"])("No time to happen in is left by %s", async (none) => {
    await expect(read({ within: none })).rejects.toMatchObject({
      errors: [{ field: "dependsOn.within", message: "must be greater than 0" }],
    });
    expect(await read({ after: none })).toMatchObject({ afterMs: 0 });
  });

  test("Both times together are at most as long as a request may be scheduled ahead", async () => {
    const longest = await read({ within: "P20D", after: "P10D" });
    expect(longest).toMatchObject({ untilMs: nowMs + 20 * DAY_MS, afterMs: 10 * DAY_MS });
    expect(await read({ within: "P30D" })).toMatchObject({ afterMs: 0 });
    await expect(read({ within: "P30D", after: 0.001 })).rejects.toMatchObject({
      errors: [
        {
          field: "dependsOn.within",
          message: "must be, together with after, at most 30 days",
        },
      ],
    });
  });
});

describe("The predecessor of a request", () => {
  test("A request depends on an earlier one of the same account", async () => {
    expect(await read()).toEqual({
      ...{ requestId, on: "succeeded", untilMs: nowMs + 60_000, afterMs: 0 },
      ...{ eventSinceMs: nowMs - 5, unlessSinceMs: nowMs - 5, ancestors: [requestId], keys: [] },
    });
  });

  test.each<[string, Partial<DependencyInput>, { clientId: string; lane: string }]>([
    ["that is not stored", { requestId: "rq_other" }, { clientId, lane }],
    ["of another client", {}, { clientId: "cl_other", lane }],
    ["of another account", {}, { clientId, lane: "other" }],
  ])("A request %s is not known", async (_, input, owner) => {
    await expect(read(input, {}, owner)).rejects.toMatchObject({
      code: "PREDECESSOR_UNKNOWN",
      message: "dependsOn.requestId: there is no such request of this account",
    });
  });

  test.each<[NonNullable<DependencyInput["event"]>, string]>([
    ["connection.accepted", "connection.accepted"],
    ["CONNECTION_ACCEPTED", "connection.accepted"],
    ["message.reply", "message.reply"],
    ["MESSAGE_REPLY", "message.reply"],
  ])("The event %s is %s", async (event, expected) => {
    const dependency = await read({ on: "event", event, unless: "message.reply" });
    expect(dependency).toMatchObject({ on: "event", event: expected, unless: "message.reply" });
  });

  const dependsOn = (ancestors: readonly string[]): Dependency => ({
    ...{ requestId: "rq_1", on: "succeeded", untilMs: nowMs, afterMs: 0 },
    ...{ eventSinceMs: 1, unlessSinceMs: 2, ancestors, keys: ["theirs", "both"] },
  });

  test("A sequence begins with its first request, and is watched by the keys of all", async () => {
    const of = {
      ...{ providerRequestId: "p1", correlationKeys: ["own", "both"] },
      dependsOn: dependsOn(["rq_1", "rq_0"]),
    };
    expect(await read({}, of)).toMatchObject({
      ...{ ancestors: [requestId, "rq_1", "rq_0"], eventSinceMs: nowMs - 5, unlessSinceMs: 2 },
      keys: [requestKey("p1"), "own", "both", "theirs"],
    });
  });

  test("A sequence has at most 20 requests", async () => {
    const ids = (count: number) => Array.from({ length: count }, (_, n) => `rq_${n}`);
    const longest = await read({}, { dependsOn: dependsOn(ids(18)) });
    expect(longest.ancestors).toHaveLength(19);
    await expect(read({}, { dependsOn: dependsOn(ids(19)) })).rejects.toMatchObject({
      ...{ code: "CONFLICT", message: "a sequence has at most 20 requests" },
    });
  });
});
