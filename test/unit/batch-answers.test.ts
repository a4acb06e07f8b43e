import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { batchJson, readBatchItem } from "../../shared/core/api/handlers/batch.ts";
import { InvalidRequest } from "../../shared/core/input/invalid-request.ts";
import type { Wait } from "../../shared/core/requests/state/request-view.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";

describe("A request of a batch", () => {
  const item = {
    ...{ provider: "we-link", accountId: "a", action: "connect" },
    params: { profile_id: "p" },
  };
  const ofBatch = { group: "g", priority: "high", traceparent: "t" } as const;

  test("What the batch says for all applies to a request that says nothing else", () => {
    const expected = { ...item, ...ofBatch, clientId: "cl_1" };
    expect(readBatchItem("cl_1", item, ofBatch)).toEqual(expected);
    const own = { group: "own", priority: "normal", idempotencyKey: "k" };
    expect(readBatchItem("cl_1", { ...item, ...own }, ofBatch)).toEqual({ ...expected, ...own });
  });

  test("A batch that says nothing adds the client only", () => {
    expect(readBatchItem("cl_1", item, {})).toEqual({ ...item, clientId: "cl_1" });
  });

  test.each(["clientId", "traceparent"])("A request of a batch cannot name its %s", (name) => {
    const read = readBatchItem("cl_1", { ...item, [name]: "other" }, ofBatch);
    expect(read).toBeInstanceOf(InvalidRequest);
    expect(read).toMatchObject({ code: "REQUEST_INVALID", errors: [{ field: name }] });
  });

  test("A request of a batch that is not valid is refused with every field", () => {
    const read = readBatchItem("cl_1", { ...item, accountId: 5, action: 6 }, ofBatch);
    expect(read).toBeInstanceOf(InvalidRequest);
    const fields = read instanceof InvalidRequest ? read.errors.map(({ field }) => field) : [];
    expect(fields.sort()).toEqual(["accountId", "action"]);
  });
});

describe("The answer to a batch", () => {
  const answer = (...of: Parameters<typeof batchJson>) => JSON.parse(batchJson(...of));

  test("A batch of nothing has no items", () => {
    expect(batchJson([], new Map())).toBe('{"accepted":0,"refused":0,"items":[]}');
  });

  test("Each item has its request with what it waits for, or its problem, in order", () => {
    const expectedAt = "2026-06-26T12:00:00.000Z";
    const [first, second] = [requestRecord(newOwner()), requestRecord(newOwner())];
    const wait: Wait = {
      ...{ waitsFor: "schedule", reason: "It waits", position: 3 },
      expectedMs: Date.parse(expectedAt),
    };
    const results = [
      first,
      new Failure("TOO_MANY_REQUESTS", "the lane is full"),
      new InvalidRequest([{ field: "params", message: "is missing" }]),
      second,
      new Failure("NOT_AFTER_UNREACHABLE", "too late", { expectedAt }),
    ];
    const problem = { type: "about:blank" };
    expect(answer(results, new Map([[first.requestId, wait]]))).toEqual({
      accepted: 2,
      refused: 3,
      items: [
        {
          status: 202,
          request: expect.objectContaining({
            ...{ requestId: first.requestId, status: "QUEUED", waitsFor: "schedule" },
            ...{ waitReason: "It waits", position: 3, expectedAt },
          }),
        },
        {
          status: 429,
          problem: {
            ...{ ...problem, title: "Too many requests: try again later", status: 429 },
            ...{ code: "TOO_MANY_REQUESTS", detail: "the lane is full" },
          },
        },
        {
          status: 400,
          problem: {
            ...{ ...problem, title: "The request is not valid", status: 400 },
            ...{ code: "REQUEST_INVALID", detail: "params: is missing" },
            errors: [{ field: "params", message: "is missing" }],
          },
        },
        { status: 202, request: expect.not.objectContaining({ waitsFor: expect.anything() }) },
        {
          status: 422,
          problem: {
            ...{ ...problem, title: "The request cannot be submitted by its notAfter" },
            ...{ status: 422, code: "NOT_AFTER_UNREACHABLE", detail: "too late", expectedAt },
          },
        },
      ],
    });
  });
});
