import type { JsonObject } from "../../shared/core/json/json.ts";
import type { SimulatedProvider } from "./simulated-provider.ts";

export interface Sample {
  provider: SimulatedProvider;
  /** The name in the provider's documentation. */
  name: string;
  body: JsonObject;
}

/** The provider whose protocol the demonstration speaks as a client. */
export const demonstratedProvider = "we-link" satisfies SimulatedProvider;

/** A body for `POST /_control/send` to try out. */
export const exampleSend = JSON.stringify({
  provider: demonstratedProvider,
  body: {
    status: "SUCCESS",
    event_type: "CONNECTION_SENT",
    request_id: "mine-1",
    result: { connected: true },
  },
});

/** The webhooks in the documentation of the two providers, without signatures. */
export const samples: readonly Sample[] = [
  {
    provider: "we-link",
    name: "LOGIN_PIN_REQUIRED",
    body: {
      status: "PIN_REQUIRED",
      request_id: "req-12345",
      message: "Please provide the verification code sent to the user",
    },
  },
  {
    provider: "we-link",
    name: "LOGIN_SUCCESS",
    body: {
      status: "SUCCESS",
      request_id: "req-12345",
      result: {
        first_name: "Jane",
        last_name: "Doe",
        profile_id: "jane-doe-123",
        public_identifier: "jane-doe-public",
        premium: true,
        occupation: "Software Engineer",
        email: "jane.doe@example.com",
      },
    },
  },
  {
    provider: "we-link",
    name: "CONNECTION_SENT",
    body: {
      status: "SUCCESS",
      request_id: "req-67890",
      result: { connected: true, profile_id: "target-user-456" },
    },
  },
  {
    provider: "we-link",
    name: "asynchronous result",
    body: {
      status: "SUCCESS",
      requestId: "1234ab5678290....",
      result: { connected: true, profile_id: "ACoABC1d2f..." },
    },
  },
  {
    provider: "we-link",
    name: "WRONG_PASSWORD",
    body: { status: "FAILED", request_id: "req-24680", error: "WRONG_PASSWORD" },
  },
  ...(
    [
      ["workflow.created", "pending"],
      ["workflow.started", "running"],
    ] as const
  ).map(([type, status]) => linkedApiWorkflow(type, status, {})),
  linkedApiWorkflow("workflow.completed", "completed", { result: {} }),
  ...(
    [
      ["account.reconnectionRequired", "reconnection_required"],
      ["account.active", "active"],
      ["account.frozen", "frozen"],
      ["account.deleted", "deleted"],
    ] as const
  ).map(
    ([type, status]): Sample => ({
      provider: "linked-api",
      name: type,
      body: {
        id: `${type}:f9b4346a-9a0b-4c52-8d0e-6b1f2f6a7c11`,
        type,
        createdAt: "2026-06-25T12:05:00.000Z",
        data: { accountId: "f9b4346a-9a0b-4c52-8d0e-6b1f2f6a7c11", status },
      },
    }),
  ),
];

function linkedApiWorkflow(type: string, status: string, more: JsonObject): Sample {
  const workflowId = "wf-64835e7c-1f0a-4f63-9b1d-0d1d8a5d3c42";
  return {
    provider: "linked-api",
    name: type,
    body: {
      id: `${type}:${workflowId}`,
      type,
      createdAt: "2026-06-25T12:00:00.000Z",
      data: { workflowId, accountId: "f9b4346a-9a0b-4c52-8d0e-6b1f2f6a7c11", status, ...more },
    },
  };
}
