import { afterAll, beforeAll, expect, test } from "vitest";
import { samples } from "../../local/simulator/samples.ts";
import {
  type Address,
  type InboundRun,
  postTo,
  signed,
  startInboundRun,
} from "../support/runs/inbound-run.ts";

let inbound: InboundRun;
let addresses: Record<"we-link" | "linked-api", Address>;
beforeAll(async () => {
  inbound = await startInboundRun();
  addresses = {
    "we-link": await inbound.connect({ provider: "we-link" }),
    "linked-api": await inbound.connect({ provider: "linked-api" }),
  };
});
afterAll(() => inbound.close());

/** A payload's name in the specification, its body, and the expected type, status and event name. */
type Row = [
  name: string,
  body: object,
  type: string,
  status: string | undefined,
  eventType: string,
];

const completed = "workflow.completed";

const weLinkEvents: Row[] = (
  [
    ["LOGIN_SUCCESS", "SUCCESS", "completed"],
    ["LOGIN_FAILED", "FAILED", "failed"],
    ["CONNECTION_SENT", "SUCCESS", "completed"],
    ["CONNECTION_FAILED", "FAILED", "failed"],
    ["MESSAGE_SENT", "SUCCESS", "completed"],
    ["MESSAGE_FAILED", "FAILED", "failed"],
    ["PROFILE_VIEWED", "SUCCESS", "completed"],
    ["PROFILE_DATA", "SUCCESS", "completed"],
    ["SEARCH_COMPLETED", "SUCCESS", "completed"],
  ] as const
).map(([event_type, status, ours]) => [
  event_type,
  { status, request_id: `event-${event_type}`, event_type },
  completed,
  ours,
  event_type,
]);

const errorCodes: Row[] = [
  "WRONG_PASSWORD",
  "PROXY_ERROR",
  "ACCOUNT_RESTRICTED",
  "STATUS_429",
  "PROFILE_NOT_FOUND",
  "RECRUITER_ACKNOWLEDGEMENT_REQUIRED",
  "QUEUE_TIMEOUT_THRESHOLD_EXCEEDED",
].map((error) => {
  const body = { status: "FAILED", request_id: `error-${error}`, error };
  return [
    error,
    body,
    completed,
    "failed",
    error === "WRONG_PASSWORD" ? "LOGIN_FAILED" : "UNKNOWN",
  ];
});

const reply = { status: "SUCCESS", request_id: "event-MESSAGE_REPLY", event_type: "MESSAGE_REPLY" };
const pin = { status: "PIN_REQUIRED", request_id: "event-PIN", event_type: "LOGIN_PIN_REQUIRED" };

const weLink: Row[] = [
  ...weLinkEvents,
  ...errorCodes,
  ["MESSAGE_REPLY", reply, "message.reply", undefined, "MESSAGE_REPLY"],
  ["LOGIN_PIN_REQUIRED", pin, "workflow.actionRequired", "action_required", "LOGIN_PIN_REQUIRED"],
  sample("LOGIN_SUCCESS", completed, "completed", "LOGIN_SUCCESS"),
  sample("LOGIN_PIN_REQUIRED", "workflow.actionRequired", "action_required", "LOGIN_PIN_REQUIRED"),
  sample("CONNECTION_SENT", completed, "completed", "CONNECTION_SENT"),
  sample("asynchronous result", completed, "completed", "CONNECTION_SENT"),
];

const workflowId = "wf-64835e7c";
const failure = { reason: "linkedinAccountSignedOut", message: "signed out" };
const completion = { actionType: "st.sendConnectionRequest", success: true };

const linkedApi: Row[] = [
  sample("workflow.created", "workflow.created", "pending", "UNKNOWN"),
  sample("workflow.started", "workflow.started", "running", "UNKNOWN"),
  sample("workflow.completed", completed, "completed", "UNKNOWN"),
  ended("thin", "completed", {}, "UNKNOWN"),
  ended("fat", "completed", { result: completion }, "CONNECTION_SENT"),
  ended("failed", "failed", { result: { failure } }, "UNKNOWN"),
  sample(
    "account.reconnectionRequired",
    "account.reconnectionRequired",
    "reconnection_required",
    "UNKNOWN",
  ),
  sample("account.active", "account.active", "active", "UNKNOWN"),
  sample("account.frozen", "account.frozen", "frozen", "UNKNOWN"),
  sample("account.deleted", "account.deleted", "deleted", "UNKNOWN"),
];

function ended(mode: string, status: string, more: object, eventType: string): Row {
  const id = `workflow.completed:${workflowId}-${mode}`;
  const data = { workflowId: `${workflowId}-${mode}`, accountId: "f9b4346a", status, ...more };
  const body = { id, type: completed, createdAt: "2026-06-25T12:00:00.000Z", data };
  return [`workflow.completed, ${mode}`, body, completed, status, eventType];
}

/** Returns the row of a sample payload of the specification. */
function sample(name: string, type: string, status: string, eventType: string): Row {
  const found = samples.find((one) => one.name === name);
  if (!found) throw new Error(`no sample ${name}`);
  return [`${name}, the sample`, found.body, type, status, eventType];
}

test("Every payload of the specification is published as the event that it describes", async () => {
  for (const provider of ["we-link", "linked-api"] as const) {
    const { url, secret } = addresses[provider];
    for (const [name, body, type, status, eventType] of provider === "we-link"
      ? weLink
      : linkedApi) {
      const before = inbound.received.length;
      const text = provider === "we-link" ? signed(body, secret) : JSON.stringify(body);
      const answer = await postTo(url, text);
      await expect.poll(() => inbound.received.length).toBe(before + 1);
      const event = inbound.received[before]?.detail;
      const { data } = event ?? {};
      expect([name, answer.status, event?.type, data?.status, data?.eventType]).toEqual([
        name,
        200,
        type,
        status,
        eventType,
      ]);
      // A failed event has `error`, any other has `result`, and no event has both.
      expect(data).not.toHaveProperty(status === "failed" ? "result" : "error");
      if (status === "failed") expect(data).toHaveProperty("error.code");
    }
  }
  await inbound.nothingMore();
  expect(inbound.received).toHaveLength(weLink.length + linkedApi.length);
});
