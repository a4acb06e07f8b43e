import { describe, expect, test } from "vitest";
import { discriminatorOf } from "../../shared/core/events/event-id.ts";
import { canonicalJson } from "../../shared/core/json/json.ts";
import type { ProviderAnswer } from "../../shared/core/providers/provider-client.ts";
import {
  readLinkedApiCancel,
  readLinkedApiPoll,
  readLinkedApiSubmission,
} from "../../shared/providers/linked-api/answers.ts";

const answer = (status: number, body: unknown, headers = {}): ProviderAnswer => ({
  status,
  headers,
  body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
});
const submitted = (status: number, body: unknown, headers = {}) =>
  readLinkedApiSubmission(answer(status, body, headers));
const polled = (status: number, body: unknown, headers = {}) =>
  readLinkedApiPoll("wf-1", answer(status, body, headers));

const workflow = (of: object) => ({ success: true, result: { workflowId: "wf-1", ...of } });
const refusal = (error: unknown) => ({ success: false, error });
const typed = (type: string) => refusal({ type, message: "Why" });

/** A number that the bus cannot carry. */
const HUGE = "123456789012345678901234567890";
const workflowText = (members: string) =>
  `{"success":true,"result":{"workflowId":"wf-1",${members}}}`;

const inMinute = { "retry-after": "60" };
const ids = { workflowId: "wf-1", providerRequestId: "wf-1" };

describe("The answer to a submission that contains the outcome", () => {
  const accepted = { kind: "accepted", providerRequestId: "wf-1" };
  const ended = { type: "workflow.completed", providerObjectId: "wf-1" };
  const completion = { actionType: "st.sendMessage", success: true, label: "mine" };

  test.each([undefined, "completed"])(
    "A completion with the status %j is the result of the request",
    (workflowStatus) => {
      expect(submitted(200, workflow({ workflowStatus, completion }))).toStrictEqual({
        ...accepted,
        resultEvent: {
          ...ended,
          labels: ["mine"],
          data: {
            ...{ ...ids, status: "completed", action: "st.sendMessage" },
            ...{ eventType: "MESSAGE_SENT", result: completion },
          },
        },
      });
    },
  );

  test.each([
    [
      { failure: { reason: "linkedinAccountSignedOut", message: "Out" } },
      { code: "linkedinAccountSignedOut", message: "Out" },
    ],
    [{}, { code: "WORKFLOW_FAILED", message: "The workflow failed" }],
  ])("The failure in %j ends the request", (more, error) => {
    expect(submitted(200, workflow({ workflowStatus: "failed", ...more }))).toStrictEqual({
      ...accepted,
      resultEvent: {
        ...ended,
        data: { ...ids, status: "failed", eventType: "UNKNOWN", error },
      },
    });
  });

  test.each([
    ["completed without a completion", { workflowStatus: "completed" }],
    ["running beside a completion", { workflowStatus: "running", completion }],
    ["a word that is not listed beside a completion", { workflowStatus: "paused", completion }],
    ["running with a reason to wait", { workflowStatus: "running", pendingReason: "queued" }],
  ])("An answer that says %s is the acceptance alone", (_, of) => {
    expect(submitted(200, workflow(of))).toStrictEqual(accepted);
  });

  test("A workflow that waits says why, in Linked API's words", () => {
    const waiting = { workflowStatus: "pending", pendingReason: " outsideWorkingHours " };
    expect(submitted(200, workflow(waiting))).toStrictEqual({
      ...accepted,
      pendingReason: "outsideWorkingHours",
    });
  });

  test("A result is marked where a number of it is text, and an acceptance is not", () => {
    const done = workflowText(`"workflowStatus":"completed","completion":{"n":${HUGE}}`);
    expect(submitted(200, done)).toStrictEqual({
      ...accepted,
      resultEvent: {
        ...ended,
        data: { ...ids, status: "completed", eventType: "UNKNOWN", result: { n: HUGE } },
      },
      numbersAsText: true,
    });
    expect(submitted(200, workflowText(`"workflowStatus":"pending","n":${HUGE}`))).toStrictEqual(
      accepted,
    );
  });
});

describe("The workflow that the answer to a submission names", () => {
  test.each([
    ["a text of 512 characters", "w".repeat(512), "w".repeat(512)],
    ["an integer", 12, "12"],
  ])("An id that is %s is the request's", (_, workflowId, providerRequestId) => {
    const read = submitted(200, workflow({ workflowId }));
    expect(read).toStrictEqual({ kind: "accepted", providerRequestId });
  });

  test.each([
    ["a text of 513 characters", "w".repeat(513)],
    ["an empty text", ""],
    ["no integer", 1.5],
    ["null", null],
  ])("An answer whose id is %s leaves the outcome unknown", (_, workflowId) => {
    const read = submitted(200, workflow({ workflowId }));
    expect(read).toStrictEqual({ kind: "unknown", code: "HTTP_200" });
  });

  test.each([199, 300])("A workflow in an answer with HTTP %i proves nothing", (status) => {
    const read = submitted(status, workflow({}));
    expect(read).toStrictEqual({ kind: "unknown", code: `HTTP_${status}` });
  });

  test("A success counts as one, whatever error stands beside it", () => {
    const body = { ...workflow({}), error: { type: "invalidWorkflow", message: "Why" } };
    expect(submitted(400, body)).toStrictEqual({ kind: "unknown", code: "HTTP_400" });
    expect(submitted(200, body)).toStrictEqual({ kind: "accepted", providerRequestId: "wf-1" });
  });
});

describe("The answer that refuses a submission", () => {
  const rejected = (code: string, message = "Why") => ({
    kind: "rejected",
    error: { code, message },
  });

  test.each(["", "<html>", {}, { success: false }])(
    "A 403 without an error (%j) forbids the call",
    (body) => {
      expect(submitted(403, body)).toStrictEqual({
        kind: "forbidden",
        error: { code: "HTTP_403", message: "Linked API answered 403" },
      });
    },
  );

  test.each(["requestNotAllowed", "dailyConnectionAttemptsExceeded", "noteLimitExceeded"])(
    "%s ends the request, and tells how long its category must wait",
    (type) => {
      const read = submitted(400, typed(type), inMinute);
      expect(read).toStrictEqual({ ...rejected(type), retryAfterMs: 60_000 });
      expect(submitted(400, typed(type))).toStrictEqual(rejected(type));
    },
  );

  test("A refusal that pauses nothing tells no time, whatever Retry-After says", () => {
    const read = submitted(400, typed("invalidWorkflow"), inMinute);
    expect(read).toStrictEqual(rejected("invalidWorkflow"));
  });

  test("The limit that a type names is one of the category, and that of a 429 is not", () => {
    expect(submitted(400, typed("tooManyRequests"), inMinute)).toStrictEqual({
      kind: "rateLimited",
      isOfCategory: true,
      retryAfterMs: 60_000,
    });
    expect(submitted(429, typed("tooManyRequests"), inMinute)).toStrictEqual({
      kind: "rateLimited",
      retryAfterMs: 60_000,
    });
  });

  test.each(["outsideWorkingHours", "workingHoursWaitExpired"])(
    "%s lets the account wait, without a time where none is given",
    (code) => {
      expect(submitted(400, typed(code))).toStrictEqual({ kind: "temporarilyUnavailable", code });
    },
  );

  test.each(["httpError", "workflowTimeout"])(
    "%s, which only Linked API's client creates, proves nothing",
    (code) => {
      expect(submitted(400, typed(code), inMinute)).toStrictEqual({ kind: "unknown", code });
    },
  );

  // A gateway or a server that gives up waiting for its own work answers 408.
  test.each([408, 500, 502, 504, 599])(
    "After a %i a request was perhaps carried out, unless the type says that it waits",
    (status) => {
      const unknown = { kind: "unknown", code: `HTTP_${status}` };
      expect(submitted(status, typed("requestTimeout"))).toStrictEqual(unknown);
      expect(submitted(status, typed("requestNotAllowed"), inMinute)).toStrictEqual(unknown);
      expect(submitted(status, typed("httpError"))).toStrictEqual(unknown);
      expect(submitted(status, refusal("Request Timeout"))).toStrictEqual(unknown);
      const code = "outsideWorkingHours";
      expect(submitted(status, typed(code), inMinute)).toStrictEqual({
        kind: "temporarilyUnavailable",
        code,
        retryAfterMs: 60_000,
      });
      expect(submitted(status, typed("subscriptionRequired"))).toStrictEqual({
        kind: "credentialsRefused",
        code: "subscriptionRequired",
      });
    },
  );

  test.each([407, 409, 499])("A type that is not listed refuses for HTTP %i", (status) => {
    expect(submitted(status, typed("somethingElse"))).toStrictEqual(rejected("somethingElse"));
  });

  test("A 401 is about the credentials, unless its type is listed as something else", () => {
    expect(submitted(401, typed("somethingElse"))).toStrictEqual({
      kind: "credentialsRefused",
      code: "HTTP_401",
    });
    expect(submitted(401, typed("requestNotAllowed"))).toStrictEqual(rejected("requestNotAllowed"));
  });

  test.each<[unknown, string, string]>([
    [{ code: "one", message: "Why" }, "one", "Why"],
    [{ name: "one", message: "Why" }, "one", "Why"],
    [{ type: "", code: "one", name: "other", message: "Why" }, "one", "Why"],
    [{ type: 7, code: null, name: "one", message: "Why" }, "one", "Why"],
    [{ type: "one", code: "other", message: "Why" }, "one", "Why"],
    [{ type: "one" }, "one", "one"],
    [{ type: "one", message: 7 }, "one", "one"],
    ["one", "one", "one"],
    [{ type: "Too_Many_Words", message: "Why" }, "Too_Many_Words", "Why"],
  ])("Of the error %j the code and the message are read", (error, code, message) => {
    expect(submitted(400, refusal(error))).toStrictEqual(rejected(code, message));
  });

  test("Of a long code 256 characters are read, and of a long message 1,000", () => {
    const error = { type: "t".repeat(257), message: "m".repeat(1_001) };
    const read = submitted(400, refusal(error));
    expect(read).toStrictEqual(rejected("t".repeat(256), "m".repeat(1_000)));
  });

  test.each([[{ message: "Why" }], [{ type: "" }], [""], [null], [7], [["invalidWorkflow"]]])(
    "The error %j names no type, and proves nothing",
    (error) => {
      const read = submitted(400, refusal(error));
      expect(read).toStrictEqual({ kind: "unknown", code: "HTTP_400" });
    },
  );
});

describe("The answer to a poll", () => {
  const failed = (code: string) => ({ kind: "failed", code });

  test("A workflow that Linked API does not find is no news", () => {
    for (const workflowStatus of ["not_found", "NOT FOUND"]) {
      expect(polled(200, workflow({ workflowStatus }))).toStrictEqual({ kind: "noChange" });
    }
    const completion = { success: true };
    expect(polled(404, workflow({ completion }))).toStrictEqual({ kind: "noChange" });
  });

  test("A status that is not listed is told with the whole answer, and ends nothing", () => {
    const result = { workflowId: "wf-1", workflowStatus: "paused" };
    expect(polled(200, { success: true, result })).toStrictEqual({
      kind: "update",
      numbersAsText: false,
      event: {
        type: "event.unrecognised",
        providerObjectId: "wf-1",
        discriminator: discriminatorOf(canonicalJson(result)),
        unclear: { kind: "unrecognised", status: "paused", body: JSON.stringify(result) },
        data: { ...ids, eventType: "UNKNOWN", payload: result },
      },
    });
  });

  test("A workflow that runs is told as started, without its other members", () => {
    const text = workflowText(`"workflowStatus":"running","n":${HUGE}`);
    expect(polled(200, text)).toStrictEqual({
      kind: "update",
      numbersAsText: true,
      event: {
        type: "workflow.started",
        providerObjectId: "wf-1",
        data: { ...ids, status: "running", eventType: "UNKNOWN" },
      },
    });
    const paused = workflowText(`"workflowStatus":"paused","n":${HUGE}`);
    expect(polled(200, paused)).toMatchObject({ kind: "update", numbersAsText: true });
  });

  test("A workflow that has completed without a completion has ended without a result", () => {
    expect(polled(200, workflow({ workflowStatus: "completed" }))).toStrictEqual({
      kind: "update",
      numbersAsText: false,
      event: {
        type: "workflow.completed",
        providerObjectId: "wf-1",
        data: { ...ids, status: "completed", eventType: "UNKNOWN" },
      },
    });
  });

  test.each([
    ["a number", 2],
    ["a text that is empty", ""],
    ["no id at all", {}],
  ])("An answer whose workflow is %s is about another one", (_, workflowId) => {
    const read = polled(200, workflow({ workflowId, workflowStatus: "completed" }));
    expect(read).toStrictEqual(failed("ANSWERS_ANOTHER_WORKFLOW"));
  });

  test.each([
    [429, typed("invalidLinkedApiToken")],
    [429, workflow({ workflowStatus: "completed" })],
    [400, typed("tooManyRequests")],
    [200, typed("tooManyRequests")],
  ])("After a %i with %j the next poll waits as long as Retry-After says", (status, body) => {
    expect(polled(status, body, inMinute)).toStrictEqual({
      kind: "rateLimited",
      retryAfterMs: 60_000,
    });
    expect(polled(status, body)).toStrictEqual({ kind: "rateLimited" });
  });

  test.each(["linkedApiTokenRequired", "invalidLinkedApiToken", "subscriptionRequired"])(
    "%s is about the connection at any status",
    (code) => {
      for (const status of [200, 400, 403, 500]) {
        expect(polled(status, typed(code))).toStrictEqual({ kind: "credentialsRefused", code });
      }
    },
  );

  test.each(["identificationTokenRequired", "linkedinAccountSignedOut"])(
    "%s is about the account at any status",
    (code) => {
      for (const status of [200, 401, 403, 500]) {
        expect(polled(status, typed(code))).toStrictEqual({ kind: "accountBlocked", code });
      }
    },
  );

  test.each([
    [401, typed("somethingElse"), { kind: "credentialsRefused", code: "somethingElse" }],
    [403, typed("somethingElse"), { kind: "forbidden", code: "somethingElse" }],
    [400, typed("outsideWorkingHours"), failed("outsideWorkingHours")],
    [200, typed("requestNotAllowed"), failed("requestNotAllowed")],
    [500, workflow({ workflowStatus: "completed" }), failed("HTTP_500")],
    [300, workflow({ workflowStatus: "completed" }), failed("HTTP_300")],
    [200, { success: true, result: [] }, failed("HTTP_200")],
    [200, { success: true }, failed("HTTP_200")],
    [200, { success: "true", result: { workflowStatus: "completed" } }, failed("HTTP_200")],
    [200, workflow({ workflowStatus: null, completion: null }), failed("ANSWER_NOT_UNDERSTOOD")],
  ])("An answer %i with %j is read by its type, else by its status", (status, body, expected) => {
    expect(polled(status, body)).toStrictEqual(expected);
  });

  test("A failure is told where the status is missing", () => {
    const failure = { reason: "personNotFound", message: "Nobody" };
    expect(polled(200, workflow({ failure, completion: null }))).toMatchObject({
      kind: "update",
      event: {
        type: "workflow.completed",
        data: { status: "failed", error: { code: "personNotFound", message: "Nobody" } },
      },
    });
  });
});

describe("The answer to a cancel", () => {
  test.each([
    ["a text", 200, { success: true, result: { cancelled: "true" } }],
    ["a number", 200, { success: true, result: { cancelled: 0 } }],
    ["a refusal", 200, { success: false, result: { cancelled: true } }],
    ["a list", 200, { success: true, result: [true] }],
    ["in an answer 404", 404, { success: true, result: { cancelled: false } }],
    ["in an answer 500", 500, { success: true, result: { cancelled: true } }],
  ])("What is %s tells neither that it is cancelled nor that it is too late", (_, status, body) => {
    expect(readLinkedApiCancel(answer(status, body))).toBe("unknown");
  });

  test("Any 2xx may tell it", () => {
    const told = (cancelled: boolean) => ({ success: true, result: { cancelled } });
    expect(readLinkedApiCancel(answer(202, told(true)))).toBe("cancelled");
    expect(readLinkedApiCancel(answer(299, told(false)))).toBe("refused");
  });
});
