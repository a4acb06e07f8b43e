import { describe, expect, test } from "vitest";
import type { ProviderAnswer } from "../../shared/core/providers/provider-client.ts";
import { linkedApi } from "../../shared/providers/linked-api/pack.ts";
import { weLink } from "../../shared/providers/we-link/pack.ts";
import { webhookOf } from "../support/payloads/webhooks.ts";

const answer = (status: number, body: unknown, headers = {}): ProviderAnswer => ({
  status,
  headers,
  body: Buffer.from(JSON.stringify(body)),
});

describe("We-Link's words mean the same in webhooks, polls and answers to submissions", () => {
  const webhook = (body: object) => weLink.parseWebhook(webhookOf({ request_id: "r1", ...body }));
  const poll = (body: object, status = 200) => weLink.client.readPoll("r1", answer(status, body));
  const submit = (body: object, status = 200, headers = {}) =>
    weLink.client.readSubmission(answer(status, body, headers), "connect");
  const polledType = (body: object) => {
    const outcome = poll(body);
    return outcome.kind === "update" ? outcome.event.type : outcome.kind;
  };

  /** Letter case, surrounding blanks and separators do not matter. */
  const spellings = (word: string) => [
    word,
    word.toLowerCase(),
    ` ${word}\n`,
    word.replaceAll("_", "-"),
    word.replaceAll("_", " "),
    word.toLowerCase().replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
  ];

  // The specification's event names are its "event-specific statuses"; azure-docs#72556.
  test.each([
    ...["SUCCESS", "COMPLETED", "CONNECTION_SENT", "MESSAGE_SENT", "LOGIN_SUCCESS"],
    ...["PROFILE_VIEWED", "PROFILE_DATA", "SEARCH_COMPLETED", "INVITATION_SENT", "VISIT_COMPLETED"],
  ])("%s, in any spelling, is the success of a request", (word) => {
    for (const status of spellings(word)) {
      const event = webhook({ status, result: { n: 1 } });
      expect([status, event.type, event.data.status]).toEqual([
        status,
        "workflow.completed",
        "completed",
      ]);
      expect(event.data.result).toEqual({ n: 1 });
      expect(polledType({ status, result: { n: 1 } })).toBe("workflow.completed");
      expect(submit({ status, result: { n: 1 } })).toMatchObject({
        kind: "accepted",
        resultEvent: { data: { status: "completed" } },
      });
    }
  });

  test.each([
    ...["FAILED", "LOGIN_FAILED", "CONNECTION_FAILED", "MESSAGE_FAILED", "PROXY_ERROR"],
    ...["WRONG_PASSWORD", "PROFILE_NOT_FOUND", "QUEUE_TIMEOUT_THRESHOLD_EXCEEDED", "STATUS_429"],
    ...["RECRUITER_AUTH_REQUIRED", "SALES_SEAT_REQUIRED", "EXPORT_FAILED"],
  ])("%s, in any spelling, is the failure of a request, with this code", (word) => {
    for (const status of spellings(word)) {
      const event = webhook({ status });
      expect([status, event.type, event.data.status]).toEqual([
        status,
        "workflow.completed",
        "failed",
      ]);
      expect(event.data.error).toMatchObject({ code: word });
      expect(polledType({ status })).toBe("workflow.completed");
    }
  });

  test.each(["PIN_REQUIRED", "LOGIN_PIN_REQUIRED", "LOGIN_CAPTCHA_REQUIRED", "ACTION_REQUIRED"])(
    "%s asks a person to act and does not end the login",
    (word) => {
      for (const status of spellings(word)) {
        expect(webhook({ status, message: "m" })).toMatchObject({
          type: "workflow.actionRequired",
          data: { status: "action_required" },
        });
        expect(polledType({ status, message: "m" })).toBe("workflow.actionRequired");
      }
    },
  );

  // evelink#156: a poll already knew these words as "no result".
  test.each([
    ...["QUEUED", "IN_QUEUE", "PENDING", "SCHEDULED", "ACCEPTED", "RECEIVED", "PROCESSING"],
    ...["IN_PROGRESS", "STARTED", "RUNNING", "RETRYING", "CONNECTION_PENDING", "SEARCH_STARTED"],
  ])("%s with a message is progress, and ends nothing", (word) => {
    for (const status of spellings(word)) {
      const body = { status, message: "Wait" };
      expect([status, webhook(body).type]).toEqual([status, "workflow.started"]);
      expect(["waiting", "workflow.started"]).toContain(polledType(body));
      expect(submit(body).kind).toBe("unknown");
    }
  });

  test.each([
    ...["REVIEWING", "HMM", "OK", "NOT_SENT", "PARTIALLY_COMPLETED", "BEING_SENT", "NO_DATA"],
    ...["42", "état", "RESENT", "constructor", "__proto__", "X".repeat(200)],
  ])("%s, which nobody knows, proves nothing, with a message or without", (status) => {
    for (const body of [{ status }, { status, message: "Something happened" }]) {
      const event = webhook(body);
      expect(event).toMatchObject({
        type: "event.unrecognised",
        unclear: { kind: "unrecognised", status },
        data: { providerRequestId: "r1", payload: { status } },
      });
      expect(polledType(body)).toBe("event.unrecognised");
      expect(submit(body)).toMatchObject({ kind: "unknown", unclear: { status } });
    }
  });

  test("An answer of a poll that does not find the request is no result", () => {
    expect(poll({ status: "NOT_FOUND", message: "No such request" })).toEqual({ kind: "noChange" });
    expect(webhook({ status: "NOT_FOUND" }).type).toBe("event.unrecognised");
  });

  test.each([
    [{ error: "PROXY_ERROR" }, "PROXY_ERROR"],
    [{ error: { code: "NEW_CODE", message: "m" } }, "NEW_CODE"],
    [{ error: [{ type: "WRONG_PASSWORD" }] }, "WRONG_PASSWORD"],
    [{ error_code: "ACCOUNT_RESTRICTED" }, "ACCOUNT_RESTRICTED"],
  ])("A word that nobody knows with the error code in %j is a failure", (more, code) => {
    const body = { status: "HMM", ...more };
    expect(webhook(body).data).toMatchObject({ status: "failed", error: { code } });
    expect(polledType(body)).toBe("workflow.completed");
  });

  test.each([
    [{ status: null, result: { n: 1 } }, "completed"],
    [{ result: { n: 1 } }, "completed"],
    [{ status: "", error: "Password Incorrect" }, "failed"],
    [{ error: { code: "PROXY_ERROR", message: "m" } }, "failed"],
    [{ status: { code: "SUCCESS" }, result: {} }, "completed"],
    [{ data: { status: "SUCCESS", result: { n: 1 } } }, "completed"],
  ])("The outcome of %j is read", (body, status) => {
    expect(webhook(body).data.status).toBe(status);
    expect(poll(body)).toMatchObject({ kind: "update", event: { data: { status } } });
  });

  // The specification: "error: Error message (on failure)".
  test.each([
    [{ status: "FAILED", error: "Password Incorrect" }, "FAILED", "Password Incorrect"],
    [{ status: "FAILED", error: ["No proxy", "No route"] }, "FAILED", "No proxy; No route"],
    [{ status: "failed", error: "", message: ["One", "Two"] }, "FAILED", "One; Two"],
    [{ status: "FAILED", error: { message: "Broken" } }, "FAILED", "Broken"],
    [{ status: "FAILED", error: { type: "PROXY_ERROR", message: "M" } }, "PROXY_ERROR", "M"],
    [{ status: "FAILED", errors: [{ message: "A" }, { message: "B" }] }, "FAILED", "A; B"],
    [{ status: "FAILED" }, "FAILED", "FAILED"],
  ])("The error of %j keeps the provider's text", (body, code, message) => {
    expect(webhook(body).data.error).toEqual({ code, message });
    expect(poll(body)).toMatchObject({ event: { data: { error: { code, message } } } });
  });

  test("A failed request keeps the part of its work that was done", () => {
    const body = { status: "FAILED", error: "PROXY_ERROR", result: { sent: 2 } };
    expect(webhook(body).data).toMatchObject({
      error: { code: "PROXY_ERROR" },
      result: { sent: 2 },
    });
  });

  test.each([
    ["FAILED", "CONNECTION_SENT", "failed", "CONNECTION_FAILED"],
    ["SUCCESS", "CONNECTION_FAILED", "completed", "CONNECTION_SENT"],
    ["SUCCESS", "login_failed", "completed", "LOGIN_SUCCESS"],
    ["SUCCESS", "LOGIN_PIN_REQUIRED", "completed", "LOGIN_SUCCESS"],
    ["FAILED", "EXPORT_SENT", "failed", "UNKNOWN"],
    ["PROCESSING", "MESSAGE_SENT", "running", "UNKNOWN"],
  ])(
    "Of the status %s and the event %s, which contradict each other, the status decides",
    (...of) => {
      const [status, event_type, ours, eventType] = of;
      const event = webhook({ status, event_type });
      expect(event.data).toMatchObject({ status: ours, eventType });
      expect(event.unclear).toMatchObject({ kind: "contradictory", status, eventType: event_type });
    },
  );

  test.each([
    ["FAILED", "PROFILE_VIEWED"],
    ["FAILED", "SEARCH_COMPLETED"],
    ["SUCCESS", "CONNECTION_SENT"],
    ["WRONG_PASSWORD", "LOGIN_FAILED"],
    ["SUCCESS", "SOMETHING_ELSE"],
  ])("The status %s and the event %s do not contradict each other", (status, event_type) => {
    const event = webhook({ status, event_type });
    expect([event.unclear, event.data.eventType]).toEqual([undefined, event_type]);
  });

  test("A success with the code of an error is a success, and is marked", () => {
    const event = webhook({ status: "SUCCESS", result: { n: 1 }, error: "PROXY_ERROR" });
    expect(event.data).toMatchObject({ status: "completed", result: { n: 1 } });
    expect(event.unclear?.kind).toBe("contradictory");
  });

  // linkedin-api#307: the code says what follows, wherever it is said.
  test.each([400, 401, 403, 404, 422, 500, 503])(
    "A submission that is refused by HTTP %i with a code ends with this code",
    (status) => {
      for (const code of ["ACCOUNT_RESTRICTED", "WRONG_PASSWORD", "STATUS_429"]) {
        const error = { code, message: "r" };
        expect(submit({ status: code, message: "r" }, status)).toEqual({ kind: "rejected", error });
        expect(submit({ error: code.toLowerCase(), message: "r" }, status)).toEqual({
          kind: "rejected",
          error,
        });
      }
    },
  );

  test("A submission that is refused with STATUS_429 tells how long to wait", () => {
    expect(submit({ status: "STATUS_429" }, 400, { "retry-after": "60" })).toEqual({
      kind: "rejected",
      error: { code: "STATUS_429", message: "STATUS_429" },
      retryAfterMs: 60_000,
    });
  });

  test("A failure next to an id is the outcome of the request", () => {
    expect(submit({ requestId: "r1", status: "ACCOUNT_RESTRICTED", message: "r" })).toMatchObject({
      kind: "accepted",
      providerRequestId: "r1",
      resultEvent: { data: { error: { code: "ACCOUNT_RESTRICTED" } } },
    });
  });

  test("A poll that is answered by an HTTP error with a code is read by the code", () => {
    for (const status of [400, 403, 404, 422]) {
      expect(poll({ status: "ACCOUNT_RESTRICTED", message: "r" }, status)).toMatchObject({
        kind: "update",
        event: { data: { status: "failed", error: { code: "ACCOUNT_RESTRICTED" } } },
      });
    }
    const code = "ACCOUNT_RESTRICTED";
    expect(poll({ status: code }, 503)).toEqual({ kind: "accountBlocked", code });
    expect(poll({ status: "PROXY_ERROR" }, 503)).toEqual({ kind: "failed", code: "HTTP_503" });
    const dead = { message: "Linked account not active", error: "Bad Request", statusCode: 400 };
    expect(poll(dead, 400)).toEqual({ kind: "accountBlocked", code: "ACCOUNT_NOT_ACTIVE" });
  });
});

describe("Linked API's words mean the same in webhooks and polls", () => {
  const webhook = (data: object, type = "workflow.completed") =>
    linkedApi.parseWebhook(
      webhookOf({
        id: `${type}:wf-1`,
        type,
        createdAt: "2026-06-25T12:00:00.000Z",
        data: { workflowId: "wf-1", accountId: "a", ...data },
      }),
    );
  const poll = (result: object, status = 200) =>
    linkedApi.client.readPoll("wf-1", answer(status, { success: true, result }));

  test.each(["completed", "COMPLETED", " Completed "])("%s is a success", (status) => {
    const completion = { actionType: "st.sendMessage", success: true };
    expect(webhook({ status, result: completion }).data).toMatchObject({ status: "completed" });
    expect(poll({ workflowStatus: status, completion })).toMatchObject({
      event: { data: { status: "completed" } },
    });
  });

  // kudu#2120: only the error of a partly done workflow survived.
  test("A failed workflow keeps the part of its work that was done", () => {
    const failure = { reason: "linkedinAccountSignedOut", message: "Out" };
    const completion = [{ actionType: "st.openPersonPage", success: true, data: { name: "Jane" } }];
    const data = {
      status: "failed",
      result: { completion, failure },
      error: { code: "linkedinAccountSignedOut", message: "Out" },
    };
    expect(webhook({ status: "FAILED", result: { completion, failure } }).data).toMatchObject(data);
    expect(poll({ workflowStatus: "Failed", completion, failure })).toMatchObject({
      event: { data },
    });
    expect(webhook({ status: "failed", result: { failure } }).data).not.toHaveProperty("result");
  });

  test.each(["pending", "QUEUED", "in_queue", "running", "STARTED", "processing"])(
    "%s is progress",
    (word) => {
      const outcome = poll({ workflowStatus: word, message: "Wait" });
      const type = outcome.kind === "update" ? outcome.event.type : outcome.kind;
      expect(["waiting", "workflow.started"]).toContain(type);
    },
  );

  test("A word that nobody knows proves nothing", () => {
    for (const status of ["paused", "HMM", "reviewing"]) {
      expect(poll({ workflowStatus: status })).toMatchObject({
        kind: "update",
        event: { type: "event.unrecognised", unclear: { kind: "unrecognised", status } },
      });
      expect(webhook({ status })).toMatchObject({
        type: "event.unrecognised",
        data: { providerRequestId: "wf-1" },
      });
    }
    expect(webhook({}, "workflow.paused")).toMatchObject({
      type: "event.unrecognised",
      unclear: { kind: "unrecognised", eventType: "workflow.paused" },
      data: { providerRequestId: "wf-1" },
    });
  });

  test.each([
    ["workflow.completed", "running"],
    ["workflow.completed", "pending"],
  ])("The type %s and the status %s contradict each other and prove nothing", (type, status) => {
    expect(webhook({ status }, type)).toMatchObject({
      type: "event.unrecognised",
      unclear: { kind: "contradictory", status },
    });
  });

  test.each([
    [{ completion: { success: true } }, "completed"],
    [{ failure: { reason: "r", message: "m" } }, "failed"],
  ])("A poll without a status whose outcome is %j is read", (result, status) => {
    expect(poll(result)).toMatchObject({ event: { data: { status } } });
  });

  test("A refusal with the code of an account or a limit counts at any HTTP status", () => {
    const refused = (type: string, status: number) =>
      linkedApi.client.readSubmission(
        answer(status, { success: false, error: { type, message: "m" } }),
        "st.sendMessage",
      ).kind;
    for (const status of [200, 400, 403, 500, 503]) {
      expect(refused("linkedinAccountSignedOut", status)).toBe("accountBlocked");
      expect(refused("LINKEDIN_ACCOUNT_SIGNED_OUT", status)).toBe("accountBlocked");
      expect(refused("tooManyRequests", status)).toBe("rateLimited");
    }
  });
});
