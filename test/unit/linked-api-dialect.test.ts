import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { RequestStatus } from "../../shared/contracts/statuses.ts";
import type { DialectRequests, FoundRequest } from "../../shared/core/providers/dialect.ts";
import {
  cancelAsLinkedApi,
  getAsLinkedApi,
  startAsLinkedApi,
} from "../../shared/providers/linked-api/dialect-handlers.ts";

/** Every status of a request, and that of a workflow by which Linked API's clients know it. */
const statuses = [
  ["SCHEDULED", "pending"],
  ["QUEUED", "pending"],
  ["SUBMITTING", "running"],
  ["RUNNING", "running"],
  ["UNKNOWN", "running"],
  ["ACTION_REQUIRED", "running"],
  ["SUCCEEDED", "completed"],
  ["FAILED", "failed"],
  ["CANCELLED", "failed"],
] as const satisfies readonly (readonly [RequestStatus, string])[];

/** The requests of a client, which note each call. */
function setUp(of: { status?: RequestStatus; found?: FoundRequest; refuses?: Error } = {}) {
  const calls: unknown[] = [];
  const requests = {
    accept: async (request: unknown) => {
      calls.push(["accept", request]);
      return { requestId: "rq_1", status: of.status ?? "QUEUED" };
    },
    find: async (...args: unknown[]) => {
      calls.push(["find", ...args]);
      return of.found;
    },
    cancel: async (...args: unknown[]) => {
      calls.push(["cancel", ...args]);
      if (of.refuses) throw of.refuses;
      return {};
    },
  } as unknown as DialectRequests;
  return { requests, calls };
}

const account = { clientId: "cl_1", accountId: "acc-1" };
const actionType = "st.sendMessage";

describe("Linked API's start of a workflow", () => {
  test("The action is submitted with everything that the caller gave", async () => {
    const { requests, calls } = setUp();
    const more = { idempotencyKey: "one", traceparent: "00-trace" };
    const body = { actionType, text: "Hi", label: "mine", scheduled: null };
    const text = await startAsLinkedApi(requests, { ...account, ...more, body });
    expect(text).toBe('{"success":true,"result":{"workflowId":"rq_1","workflowStatus":"pending"}}');
    const params = { text: "Hi", label: "mine", scheduled: null };
    expect(calls).toStrictEqual([["accept", { ...account, ...more, action: actionType, params }]]);
  });

  test("A list is submitted as it is, under the name of its first action", async () => {
    const { requests, calls } = setUp();
    const body = [{ actionType, n: 1 }, { actionType: "st.openPersonPage" }] as const;
    await startAsLinkedApi(requests, { ...account, body });
    expect(calls).toStrictEqual([["accept", { ...account, action: actionType, params: body }]]);
  });

  test.each(statuses)(
    "A workflow whose request is %s already, as for a repeated call, is %s",
    async (status, workflowStatus) => {
      const { requests } = setUp({ status });
      const text = await startAsLinkedApi(requests, { ...account, body: { actionType } });
      expect(JSON.parse(text)).toStrictEqual({
        success: true,
        result: { workflowId: "rq_1", workflowStatus },
      });
    },
  );

  test("A time is refused in an action and in a later one of a list", async () => {
    const { requests, calls } = setUp();
    const timed = { actionType, scheduled: "2027-01-01T00:00:00.000Z" };
    for (const body of [timed, [{ actionType }, timed] as const]) {
      await expect(startAsLinkedApi(requests, { ...account, body })).rejects.toMatchObject({
        code: "REQUEST_INVALID",
        errors: [
          {
            field: "scheduled",
            message:
              "is not a part of Linked API's protocol, in which a workflow starts in its turn",
          },
        ],
      });
    }
    expect(calls).toEqual([]);
  });
});

type RequestHere = Extract<FoundRequest, { request: object }>["request"];
type EventElsewhere = Extract<FoundRequest, { event: object }>["event"];

/** The `result` of the answer, as JSON text. */
async function resultOf(found: FoundRequest, workflowId = "rq_1"): Promise<string> {
  const { requests, calls } = setUp({ found });
  const text = await getAsLinkedApi(requests, { clientId: "cl_1", workflowId });
  expect(calls).toStrictEqual([["find", "cl_1", workflowId]]);
  expect([text.slice(0, 25), text.at(-1)]).toEqual(['{"success":true,"result":', "}"]);
  return text.slice(25, -1);
}
const resultOfRequest = (request: RequestHere) => resultOf({ request });
const resultOfEvent = (event: EventElsewhere) => resultOf({ event }, "wf-1");

describe("Linked API's look at a workflow that was started here", () => {
  const done = '{"actionType":"a","n":1.0}';

  test("While Linked API has not started it, it is pending, with Linked API's reason", async () => {
    for (const status of ["RUNNING", "UNKNOWN"] as const) {
      const text = await resultOfRequest({ status, pendingReason: "outsideWorkingHours" });
      expect(text).toBe(
        '{"workflowId":"rq_1","workflowStatus":"pending","pendingReason":"outsideWorkingHours"}',
      );
    }
  });

  test("Only a request that has succeeded or failed shows a result", async () => {
    for (const [status] of statuses) {
      const isShown = status === "SUCCEEDED" || status === "FAILED";
      const text = await resultOfRequest({ status, result: done });
      expect([status, text.includes(`,"completion":${done}}`)]).toEqual([status, isShown]);
      expect([status, text.includes("completion")]).toEqual([status, isShown]);
    }
  });

  test.each<[Partial<RequestHere>, object]>([
    [{ status: "FAILED" }, { reason: "workflowFailed", message: "The workflow failed" }],
    [
      { status: "FAILED", error: { code: "personNotFound", message: "Nobody" } },
      { reason: "personNotFound", message: "Nobody" },
    ],
    [
      { status: "CANCELLED", error: { code: "ANY", message: "Any" } },
      { reason: "cancelled", message: "The workflow was cancelled" },
    ],
  ])("The request %j is shown as failed, with the reason %j", async (request, failure) => {
    const text = await resultOfRequest({ status: "FAILED", ...request });
    expect(JSON.parse(text)).toStrictEqual({
      workflowId: "rq_1",
      workflowStatus: "failed",
      failure,
    });
  });

  test.each(["SUCCEEDED", "FAILED"] as const)(
    "A request that has %s says where a number of its result is text",
    async (status) => {
      const result = '{"n":"123456789012345678901234567890"}';
      const text = await resultOfRequest({ status, result, numbersAsText: true });
      expect(JSON.parse(text)).toMatchObject({
        numbersAsText: true,
        completion: { n: "123456789012345678901234567890" },
      });
      expect(await resultOfRequest({ status, result })).not.toContain("numbersAsText");
    },
  );

  test.each([
    ["a completion", '{"actionType":"a","label":"rq_1","n":1.0}', '{"actionType":"a","n":1.0}'],
    [
      "one of several completions",
      '[{"label":"mine","n":1e400},{"label":"rq_1","m":12345678901234567890}]',
      '[{"label":"mine","n":1e400},{"m":12345678901234567890}]',
    ],
    ["what is no object", '["rq_1",null,{"label":"rq_1"}]', '["rq_1",null,{}]'],
    ["the data of a completion", '{"data":{"label":"rq_1"},"n":1.0}', undefined],
    ["another member", '{"name":"rq_1","n":1.0}', undefined],
    ["a text alone", '"rq_1"', undefined],
    ["a label that only contains it", '{"label":"rq_1 or mine",  "n":1.0}', undefined],
    [
      "a completion beside data that is nested very deeply",
      `{"label":"rq_1","deep":${"[".repeat(70)}${"]".repeat(70)}}`,
      `{"deep":${"[".repeat(70)}${"]".repeat(70)}}`,
    ],
  ])(
    "The label that Ackwire has added is taken from completions alone, with every digit kept: %s",
    async (_, result, shown = result) => {
      const text = await resultOfRequest({ status: "SUCCEEDED", result });
      expect(text).toBe(`{"workflowId":"rq_1","workflowStatus":"completed","completion":${shown}}`);
    },
  );

  test("A completion beside a failure loses the label, and the failure keeps its own", async () => {
    const failure = '"failure":{"label":"rq_1","reason":"r","message":"m"}';
    const result = `{"completion":[{"label":"rq_1","n":1.0}],${failure}}`;
    expect(await resultOfRequest({ status: "SUCCEEDED", result })).toBe(
      `{"workflowId":"rq_1","workflowStatus":"completed","completion":[{"n":1.0}],${failure}}`,
    );
  });

  test.each([
    ["a list of completions that look like results", '[{"completion":1,"failure":2}]'],
    ["a failure alone", '{"failure":{"reason":"r","message":"m"}}'],
    ["a completion of an action beside its type", '{"actionType":"a","completion":1,"failure":2}'],
  ])("The result that is %s is one completion", async (_, result) => {
    expect(await resultOfRequest({ status: "SUCCEEDED", result })).toBe(
      `{"workflowId":"rq_1","workflowStatus":"completed","completion":${result}}`,
    );
  });
});

describe("Linked API's look at a workflow that was started elsewhere", () => {
  const completed = (data: object, result?: string): EventElsewhere => ({
    type: "workflow.completed",
    data: { ...data },
    ...(result === undefined ? {} : { result }),
  });
  const completion = '{"actionType":"a","n":1.0}';

  test.each([
    ["workflow.created", "pending"],
    ["workflow.started", "running"],
    ["event.unrecognised", "running"],
  ])("After %s it is %s, without a result", async (type, workflowStatus) => {
    const text = await resultOfEvent({ type, data: { status: "failed" }, result: completion });
    expect(text).toBe(`{"workflowId":"wf-1","workflowStatus":"${workflowStatus}"}`);
  });

  test("Its failure has a reason where the event names none, and keeps what was done", async () => {
    const plain = '"failure":{"reason":"workflowFailed","message":"The workflow failed"}';
    for (const error of [undefined, "text", {}]) {
      expect(await resultOfEvent(completed({ status: "failed", error }))).toBe(
        `{"workflowId":"wf-1","workflowStatus":"failed",${plain}}`,
      );
    }
    const error = { code: "personNotFound", message: "Nobody" };
    const failure = '"failure":{"reason":"personNotFound","message":"Nobody"}';
    const result = `{"completion":${completion},"failure":{"reason":"x"}}`;
    expect(await resultOfEvent(completed({ status: "failed", error }, result))).toBe(
      `{"workflowId":"wf-1","workflowStatus":"failed",${failure},"completion":${completion}}`,
    );
  });

  test.each(["completed", "failed"])(
    "A %s one says where a number of its result is text",
    async (status) => {
      const marked = await resultOfEvent(completed({ status, numbersAsText: true }, completion));
      expect(JSON.parse(marked)).toMatchObject({ numbersAsText: true, completion: { n: 1 } });
      for (const numbersAsText of [undefined, false, "true"]) {
        const text = await resultOfEvent(completed({ status, numbersAsText }, completion));
        expect(text).not.toContain("numbersAsText");
      }
    },
  );

  test("A thin event of its end shows that it has ended", async () => {
    expect(await resultOfEvent(completed({ status: "completed" }))).toBe(
      '{"workflowId":"wf-1","workflowStatus":"completed"}',
    );
  });

  test.each(["account.active", "message.reply", "workflow.actionRequired"])(
    "An event %s under this id is no workflow",
    async (type) => {
      const { requests } = setUp({ found: { event: { type, data: { status: "completed" } } } });
      const looked = getAsLinkedApi(requests, { clientId: "cl_1", workflowId: "wf-1" });
      await expect(looked).rejects.toMatchObject({
        code: "NOT_FOUND",
        message: "there is no such workflow",
      });
    },
  );
});

describe("Linked API's cancel of a workflow", () => {
  const cancel = (requests: DialectRequests) =>
    cancelAsLinkedApi(requests, { clientId: "cl_1", workflowId: "rq_1" });

  test("What is cancelled is answered true, and what is too late false", async () => {
    const { requests, calls } = setUp();
    expect(await cancel(requests)).toBe('{"success":true,"result":{"cancelled":true}}');
    expect(calls).toStrictEqual([["cancel", "cl_1", "rq_1"]]);
    const late = setUp({ refuses: new Failure("CONFLICT", "it runs") });
    expect(await cancel(late.requests)).toBe('{"success":true,"result":{"cancelled":false}}');
  });

  test.each([
    ["that there is none", new Failure("NOT_FOUND", "no such request")],
    ["that it cannot be read", new Failure("DEPENDENCY_DOWN", "no table")],
    ["of another kind", Object.assign(new Error("not ours"), { code: "CONFLICT" })],
  ])("An error %s is no answer about the workflow, and is passed on", async (_, refuses) => {
    await expect(cancel(setUp({ refuses }).requests)).rejects.toBe(refuses);
  });
});
