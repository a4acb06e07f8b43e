import { describe, expect, test } from "vitest";
import type { RequestStatus } from "../../shared/contracts/statuses.ts";
import type { JsonObject } from "../../shared/core/json/json.ts";
import type { DialectRequests, FoundRequest } from "../../shared/core/providers/dialect.ts";
import { accountIdFromEmail } from "../../shared/providers/we-link/account.ts";
import {
  getAsWeLink,
  refuseSchedule,
  submitAsWeLink,
} from "../../shared/providers/we-link/dialect-handlers.ts";

/** The requests of a client, which note each call. */
function setUp(found?: FoundRequest) {
  const calls: unknown[] = [];
  const requests = {
    accept: async (request: unknown) => {
      calls.push(["accept", request]);
      return { requestId: "rq_1", status: "QUEUED" };
    },
    continue: async (...args: unknown[]) => {
      calls.push(["continue", ...args]);
      return { requestId: "rq_1" };
    },
    find: async (...args: unknown[]) => {
      calls.push(["find", ...args]);
      return found;
    },
  } as unknown as DialectRequests;
  const submit = (action: string, body: JsonObject, more: object = {}) => {
    const call = { clientId: "cl_1", action, body, ...more };
    return submitAsWeLink(requests, call as Parameters<typeof submitAsWeLink>[1]);
  };
  const get = (body: JsonObject) => getAsWeLink(requests, { clientId: "cl_1", body });
  return { submit, get, calls };
}

const invalid = (...errors: [field: string, message: string][]) => ({
  code: "REQUEST_INVALID",
  errors: errors.map(([field, message]) => ({ field, message })),
});

describe("We-Link's submit", () => {
  test("The request is accepted with everything that the caller gave", async () => {
    const { submit, calls } = setUp();
    const scheduled = "2027-01-01T00:00:00.000Z";
    const more = { idempotencyKey: "one", traceparent: "00-trace" };
    const body = { accountId: "a", scheduled, profile_id: "p", data: { accountId: "b" } };
    expect(await submit("connect", body, more)).toBe('{"requestId":"rq_1"}');
    const accepted = { clientId: "cl_1", accountId: "a", action: "connect", scheduled, ...more };
    expect(calls).toStrictEqual([
      ["accept", { ...accepted, params: { profile_id: "p", data: { accountId: "b" } } }],
    ]);
  });

  test("Members that name the account are no params, and null ones name none", async () => {
    const { submit, calls } = setUp();
    const body = { accountId: null, account_id: "a", AccountID: "a", Scheduled: null, n: 1 };
    await submit("connect", body);
    const of = { scheduled: undefined, idempotencyKey: undefined, traceparent: undefined };
    const accepted = { clientId: "cl_1", accountId: "a", action: "connect", ...of };
    expect(calls).toStrictEqual([["accept", { ...accepted, params: { Scheduled: null, n: 1 } }]]);
  });

  test("A login waits in the lane of its account, or else of its address", async () => {
    const { submit, calls } = setUp();
    const email = "jane@example.com";
    await submit("login_v2", { accountId: "a", email });
    await submit("login_v2", { email });
    expect(calls).toMatchObject([
      ["accept", { accountId: "a", params: { email } }],
      ["accept", { accountId: accountIdFromEmail(email), params: { email } }],
    ]);
  });

  test.each<[JsonObject, string, string]>([
    [{ email: "e" }, "accountId", "is required: only a login has no account yet"],
    [{ accountId: null }, "accountId", "is required: only a login has no account yet"],
    [{ accountId: "a", account_id: "b" }, "account_id", "names another account than accountId"],
    [
      { account_id: "a", accountId: "a", ACCOUNTID: "b" },
      "ACCOUNTID",
      "names another account than account_id",
    ],
    [{ accountId: "a", Scheduled: "x" }, "Scheduled", "must be spelt scheduled"],
    [{ accountId: "a", scheduled: "x", SCHEDULED: "x" }, "SCHEDULED", "must be spelt scheduled"],
    [{ account_id: 7 }, "account_id", "must be a string, not a number"],
  ])("%j is refused for its member %s, which %s", async (body, field, message) => {
    const { submit, calls } = setUp();
    await expect(submit("connect", body)).rejects.toMatchObject(invalid([field, message]));
    expect(calls).toEqual([]);
  });
});

describe("We-Link's login_code", () => {
  test.each<[JsonObject, unknown[]]>([
    [{ requestId: "rq_1", code: " 012 ", accountId: "a" }, ["rq_1", " 012 "]],
    [{ request_id: 7, code: 0 }, ["7", "0"]],
    [{ requestID: "rq_1", code: JSON.rawJSON("123456.0") }, ["rq_1", "123456"]],
    [{ requestId: "rq_1", code: Number.MAX_SAFE_INTEGER }, ["rq_1", "9007199254740991"]],
  ])("%j continues the login that it names with its code", async (body, args) => {
    const { submit, calls } = setUp();
    const text = await submit("login_code", body, { idempotencyKey: "one", traceparent: "00" });
    expect(text).toBe('{"requestId":"rq_1"}');
    expect(calls).toStrictEqual([["continue", "cl_1", ...args, "one"]]);
  });

  const noCode: [string, string] = ["code", "must be the code that was sent"];
  const noId: [string, string] = ["requestId", "must be the login's request id"];
  const twoIds: [string, string] = ["request_id", "names two different requests"];
  const atOnce = "is not possible for this call, which acts at once";

  test.each<[JsonObject, ...[string, string][]]>([
    [{}, noId, noCode],
    [{ requestId: "", code: "1" }, noId],
    [{ requestId: "rq_1", code: "" }, noCode],
    [{ requestId: "rq_1", code: 1.5 }, noCode],
    [{ requestId: "rq_1", code: true }, noCode],
    [{ requestId: "rq_1", code: JSON.rawJSON("9007199254740993") }, noCode],
    [{ requestId: "r", request_id: "s", code: "1" }, twoIds],
    [{ requestId: "rq_1", code: "1", scheduled: "" }, ["scheduled", atOnce]],
    [{ Scheduled: 1 }, ["Scheduled", atOnce]],
  ])("%j is refused, and no code is sent", async (body, ...errors) => {
    const { submit, calls } = setUp();
    await expect(submit("login_code", body)).rejects.toMatchObject(invalid(...errors));
    expect(calls).toEqual([]);
  });

  test("A time that is null is none", () => {
    expect(refuseSchedule({ scheduled: null, Scheduled: null, other: 1 })).toBeUndefined();
  });
});

describe("We-Link's get_response that names no request", () => {
  test.each<[JsonObject, string, string]>([
    [{}, "request_id", "must be the id of a request"],
    [{ request_id: true }, "request_id", "must be the id of a request"],
    [{ request_id: "r", requestId: "s" }, "request_id", "names two different requests"],
    [
      { request_id: "r", scheduled: 1 },
      "scheduled",
      "is not possible for this call, which acts at once",
    ],
  ])("%j is refused for its member %s, which %s", async (body, field, message) => {
    const { get, calls } = setUp();
    await expect(get(body)).rejects.toMatchObject(invalid([field, message]));
    expect(calls).toEqual([]);
  });
});

type RequestHere = Extract<FoundRequest, { request: object }>["request"];
type EventElsewhere = Extract<FoundRequest, { event: object }>["event"];

/** What follows the ids in the answer, as JSON text. */
async function answerTo(found: FoundRequest): Promise<string> {
  const { get, calls } = setUp(found);
  const text = await get({ requestID: "rq_1", request_id: "rq_1" });
  expect(calls).toStrictEqual([["find", "cl_1", "rq_1"]]);
  const ids = '{"request_id":"rq_1","requestId":"rq_1",';
  expect([text.slice(0, ids.length), text.at(-1)]).toEqual([ids, "}"]);
  return text.slice(ids.length, -1);
}
const answerOf = (request: RequestHere) => answerTo({ request });
const answerAfter = (event: EventElsewhere) => answerTo({ event });

const prompt =
  '"status":"PIN_REQUIRED","message":"Please provide the verification code sent to the user"';
const result = '{"n":1.0}';
const error = { code: "PROXY_ERROR", message: "No proxy" };
const failure = '"status":"FAILED","error":"PROXY_ERROR","message":"No proxy"';

describe("We-Link's get_response about a request that was made here", () => {
  test.each<[RequestStatus, string]>([
    ["SCHEDULED", '"status":"SCHEDULED"'],
    ["QUEUED", '"status":"QUEUED"'],
    ["SUBMITTING", '"status":"PROCESSING"'],
    ["RUNNING", '"status":"PROCESSING"'],
    ["UNKNOWN", '"status":"PROCESSING"'],
    ["ACTION_REQUIRED", prompt],
    ["SUCCEEDED", `"status":"SUCCESS","result":${result}`],
    ["FAILED", '"status":"FAILED"'],
    ["CANCELLED", '"status":"CANCELLED"'],
  ])("A request that is %s and has no error is answered %s", async (status, text) => {
    expect(await answerOf({ status, result })).toBe(text);
  });

  test("A failed request shows its error, and what was done", async () => {
    expect(await answerOf({ status: "FAILED", error })).toBe(failure);
    expect(await answerOf({ status: "FAILED", error, result })).toBe(
      `${failure},"result":${result}`,
    );
    expect(await answerOf({ status: "CANCELLED", error })).toBe('"status":"CANCELLED"');
  });

  test("A request that We-Link has not started is queued, whatever else is known", async () => {
    for (const status of ["RUNNING", "UNKNOWN"] as const) {
      const text = await answerOf({ status, pendingReason: "PENDING", result, error });
      expect(text).toBe('"status":"QUEUED"');
    }
  });

  test("A request says where a number of its result is text", async () => {
    const marked = { result, numbersAsText: true } as const;
    const tail = `"numbersAsText":true,"result":${result}`;
    expect(await answerOf({ status: "SUCCEEDED", ...marked })).toBe(`"status":"SUCCESS",${tail}`);
    expect(await answerOf({ status: "FAILED", error, ...marked })).toBe(`${failure},${tail}`);
  });
});

describe("We-Link's get_response about a request that was made elsewhere", () => {
  test.each(["workflow.started", "event.unrecognised"])(
    "After %s it goes on, without a result",
    async (type) => {
      const text = await answerAfter({ type, data: { status: "failed", error }, result });
      expect(text).toBe('"status":"PROCESSING"');
    },
  );

  test("After a prompt it asks for the code, without a result", async () => {
    const text = await answerAfter({ type: "workflow.actionRequired", data: { error }, result });
    expect(text).toBe(prompt);
  });

  test.each<[object, string]>([
    [{ status: "completed" }, '"status":"SUCCESS"'],
    [{}, '"status":"SUCCESS"'],
    [{ status: "failed" }, '"status":"FAILED"'],
    [{ status: "failed", error: "text" }, '"status":"FAILED"'],
    [{ status: "failed", error }, failure],
    [{ error: {} }, '"status":"FAILED","error":"FAILED","message":"FAILED"'],
  ])("An event with %j is answered %s, with its result", async (data, members) => {
    const event = { type: "workflow.completed", data: { ...data } };
    expect(await answerAfter(event)).toBe(members);
    expect(await answerAfter({ ...event, result })).toBe(`${members},"result":${result}`);
    const marked = { ...event, data: { ...data, numbersAsText: true }, result };
    expect(await answerAfter(marked)).toBe(`${members},"numbersAsText":true,"result":${result}`);
    for (const numbersAsText of [false, "true", 1]) {
      const unmarked = { ...event, data: { ...data, numbersAsText }, result };
      expect(await answerAfter(unmarked)).toBe(`${members},"result":${result}`);
    }
  });
});
