import { describe, expect, test } from "vitest";
import { laneId } from "../../shared/core/requests/acceptance/request-id.ts";
import { minRetryAfterMs } from "../../shared/core/requests/acceptance/room-in-lane.ts";
import type { LanePause } from "../../shared/core/requests/state/record.ts";
import { toResult } from "../../shared/runtime/api-request.ts";
import { makeAcceptor } from "../support/fakes/acceptor.ts";

const NOW = 1_000_000_000;
const pausedUntil = (untilMs?: number): LanePause => ({
  reason: "STATUS_429",
  ...(untilMs === undefined ? {} : { untilMs }),
});

describe("When a full account may have room again", () => {
  test.each<[string, number, LanePause | undefined, number]>([
    ["its turn has come", NOW - 1, undefined, 5_000],
    ["its next submission is in 90 s", NOW + 90_000, undefined, 90_000],
    ["its pause ends in 20 min", NOW + 90_000, pausedUntil(NOW + 1_200_000), 1_200_000],
    ["its pause ends before its turn", NOW + 90_000, pausedUntil(NOW + 10_000), 90_000],
    ["its pause ends tomorrow", 0, pausedUntil(NOW + 86_400_000), 3_600_000],
    ["only a person ends its pause", 0, pausedUntil(), 3_600_000],
  ])("An account where %s", (_name, nextSubmissionNotBeforeMs, pause, expected) => {
    expect(minRetryAfterMs({ nextSubmissionNotBeforeMs, pause }, NOW)).toBe(expected);
  });

  test("An account whose lane cannot be read", () => {
    expect(minRetryAfterMs(undefined, NOW)).toBe(5_000);
  });
});

/** The refusal of a second request, while one may wait, and the errors that were ignored. */
async function refusalOf(of: { pauseMs: number; isReadable: boolean }) {
  const { accept, clock, lanes, ignored } = makeAcceptor((deps) =>
    of.isReadable
      ? {}
      : { lanes: { ...deps.lanes, find: () => Promise.reject(new Error("no answer")) } },
  );
  const account = { clientId: "cl_1", provider: "we-link", accountId: "a" } as const;
  const owner = { ...account, connectionId: "cn_1" };
  const request = { ...account, action: "connect", params: {} };
  await accept(request);
  await lanes.pause(laneId(owner), owner, pausedUntil(clock.businessMs() + of.pauseMs));
  return { refusal: await accept(request).catch((error: unknown) => error), ignored };
}

test("A request of a full account is refused with the time at which its pause ends", async () => {
  const { refusal } = await refusalOf({ pauseMs: 600_000, isReadable: true });
  expect(refusal).toMatchObject({ code: "TOO_MANY_REQUESTS", retryAfterMs: 600_000 });
});

test("A full account is refused as such although its lane cannot be read", async () => {
  const { refusal, ignored } = await refusalOf({ pauseMs: 600_000, isReadable: false });
  expect(refusal).toMatchObject({ code: "TOO_MANY_REQUESTS", retryAfterMs: 5_000 });
  expect(ignored).toEqual([new Error("no answer")]);
});

test.each([
  [undefined, { status: 429, code: "TOO_MANY_REQUESTS" }],
  ["we-link", { status: "TOO_MANY_REQUESTS", statusCode: 429 }],
  ["linked-api", { success: false, error: { type: "tooManyRequests" } }],
] as const)("The answer in the protocol %s has retry-after", (dialect, body) => {
  const result = toResult({
    ...{ kind: "refused", code: "TOO_MANY_REQUESTS", detail: "full", dialect },
    retryAfterMs: 89_001,
  });
  expect(result).toMatchObject({ statusCode: 429, headers: { "retry-after": "90" } });
  expect(JSON.parse(String(result.body))).toMatchObject(body);
});
