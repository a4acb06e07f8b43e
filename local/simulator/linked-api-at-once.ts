import { randomUUID } from "node:crypto";
import { isObject, type JsonObject } from "../../shared/core/json/json.ts";
import type { JsonAnswer } from "../json-server.ts";
import { requestedFailure } from "./magic-values.ts";

/** A call that the simulated Linked API answers at once. */
export interface CallAtOnce {
  /** Whether it needs an account's token. */
  isOfAccount: boolean;
  answer(call: { accountId: string; body: unknown; nowMs: number }): JsonAnswer;
}

type Answer = (
  body: JsonObject,
  of: { accountId: string; nowMs: number },
) => unknown | { refused: { status: number; type: string } };

const PERSON = "https://www.linkedin.com/in/simulated-1";
const ACCOUNTS = ["linked-api-account-1", "linked-api-account-2"];
const SESSION = "simulated-session";

/**
 * Finds the call of a method and a path. The answers have the forms of the types of
 * `@linkedapi/node` and of `linkedapi` (PyPI), and of https://linkedapi.io/docs/admin-overview.
 * Nothing is stored: a change is answered and has no effect on later answers.
 */
export function callAtOnce(method: string, path: string): CallAtOnce | undefined {
  const isOfAccount = !path.startsWith("/admin/");
  const name = isOfAccount ? `${method} ${path}` : method === "POST" ? path.slice(7) : "";
  const found = (isOfAccount ? accountCalls : adminCalls).get(name);
  if (!found) return undefined;
  return {
    isOfAccount,
    answer({ body, ...of }) {
      const object = isObject(body) ? body : {};
      const first = Array.isArray(body) && isObject(body[0]) ? body[0] : object;
      const type = requestedFailure(first);
      if (type !== undefined) return refused(400, type);
      const { accountId, sessionId } = object;
      const needsAccount = accountBound.test(name) && accountId === undefined;
      if (needsAccount) return refused(401, "accountIdRequired");
      if (accountBound.test(name) && !ACCOUNTS.includes(String(accountId))) {
        return refused(401, "accountNotFound");
      }
      if (/Session$/.test(name) && !/create/.test(name) && sessionId !== SESSION) {
        return refused(404, "sessionNotFound");
      }
      if (/^webhook\.(set.|delete|reveal|rotate)/.test(name) && object.id === undefined) {
        return refused(400, "invalidRequestPayload");
      }
      const result = found(Array.isArray(body) ? { list: body } : object, of);
      return { status: 200, body: { success: true, result } };
    },
  };
}

/** Admin calls about an account, which name it in their body. */
const accountBound =
  /^(limits\.(get|getUsage|set|delete|resetToDefaults)|accounts\.(disconnect|reparse\w+|regenerate\w+|createReconnectionSession))$/;

function refused(status: number, type: string): JsonAnswer {
  return { status, body: { success: false, error: { type, message: `The ${type} error` } } };
}

const timeOf = (nowMs: number) => new Date(nowMs).toISOString();

const accountCalls = new Map<string, Answer>(
  Object.entries({
    "GET /account": (_: JsonObject, { accountId }) => ({
      name: `Jane Doe (${accountId})`,
      url: PERSON,
    }),
    "GET /stats/actions": (_: JsonObject, { nowMs }) => [
      { actionType: "st.sendMessage", success: true, time: timeOf(nowMs) },
      { actionType: "st.openPersonPage", success: false, time: timeOf(nowMs) },
    ],
    "POST /conversations/poll": ({ list }: JsonObject, { nowMs }) =>
      (Array.isArray(list) ? list.filter(isObject) : []).map(({ personUrl, type, since }) => ({
        personUrl,
        type,
        ...(since === undefined ? {} : { since }),
        syncUntil: timeOf(nowMs),
        messages: [{ ...message(nowMs), threadId: "simulated-thread" }],
      })),
    "POST /inbox/poll": ({ personUrl }: JsonObject, { nowMs }) => ({
      messages: [
        { ...message(nowMs), type: "st", threadId: "simulated-thread", personPublicUrl: PERSON },
      ],
      ...(personUrl === undefined
        ? {}
        : { threads: [{ threadId: "simulated-thread", type: "st", historyComplete: true }] }),
    }),
    "POST /network/poll": (_: JsonObject, { nowMs }) => ({
      events: [
        {
          id: "simulated-event",
          type: "connectionAccepted",
          personUrl: PERSON,
          detectedAt: timeOf(nowMs),
        },
      ],
    }),
  } satisfies Record<string, Answer>),
);

const message = (nowMs: number) => ({
  id: "simulated-message",
  sender: "them",
  text: "Hi, thanks for connecting!",
  time: timeOf(nowMs),
});

const limit = { category: "stMessages", period: "daily", maxValue: 40, isEnabled: true };

const webhook = (given: JsonObject, nowMs: number): JsonObject => ({
  id: `whs-${randomUUID()}`,
  url: "https://example.com/hooks/linkedapi",
  payloadMode: "fat",
  isActive: true,
  signingEnabled: false,
  headerNames: [],
  events: null,
  createdAt: timeOf(nowMs),
  ...given,
});

const secret = () => ({ signingEnabled: true, secret: randomUUID() });

const adminCalls = new Map<string, Answer>(
  Object.entries({
    "accounts.getAll": (_: JsonObject, { nowMs }) => ({
      accounts: ACCOUNTS.map((id) => ({
        id,
        name: "Jane Doe",
        url: PERSON,
        avatarUrl: null,
        headline: null,
        countryCode: "DE",
        identificationToken: `simulated-${id}`,
        status: "active",
        connectedAt: timeOf(nowMs),
      })),
      pendingConnectionSessions: [{ sessionId: SESSION, status: "pending" }],
    }),
    "accounts.disconnect": () => ({}),
    "accounts.reparseAccountInfo": () => ({ workflowId: `wf-${randomUUID()}` }),
    "accounts.regenerateIdentificationToken": ({ accountId }: JsonObject) => ({
      token: `simulated-${String(accountId)}`,
    }),
    "accounts.createConnectionSession": () => ({
      sessionId: SESSION,
      connectionLink: `https://app.linkedapi.io/connection/${SESSION}`,
    }),
    "accounts.createReconnectionSession": () => ({
      reconnectionSessionId: SESSION,
      reconnectionLink: `https://app.linkedapi.io/connection/${SESSION}`,
    }),
    "accounts.getConnectionSession": ({ sessionId }: JsonObject) => ({
      session: { sessionId, status: "pending", type: "connection" },
    }),
    "accounts.cancelConnectionSession": () => ({}),
    "limits.getDefaults": () => ({ limits: [limit] }),
    "limits.get": () => ({ limits: [limit] }),
    "limits.getUsage": () => ({ usage: [{ ...limit, currentUsage: 7 }] }),
    "limits.set": () => ({}),
    "limits.delete": () => ({}),
    "limits.resetToDefaults": () => ({}),
    "subscription.getStatus": () => ({
      status: "active",
      eligibleForTrial: false,
      cancelAtPeriodEnd: false,
    }),
    "subscription.getSeats": () => ({
      seats: [{ seatType: "core", quantity: 2, billingPeriod: "month" }],
    }),
    "subscription.setSeats": () => ({ status: "complete" }),
    "subscription.getPricing": () => ({
      products: [
        {
          id: "core-month",
          seatType: "core",
          billingPeriod: "month",
          unitPrice: 49,
          currency: "usd",
        },
      ],
    }),
    "subscription.getBillingLink": () => ({ stripeLink: "https://billing.example.com/simulated" }),
    "subscription.cancel": (_: JsonObject, { nowMs }) => ({ cancelAtDate: timeOf(nowMs) }),
    "webhook.set": ({ headers, signingEnabled, ...given }: JsonObject, { nowMs }) => ({
      webhook: webhook(
        {
          ...given,
          headerNames: isObject(headers)
            ? Object.keys(headers).map((one) => one.toLowerCase())
            : [],
          ...(signingEnabled === true ? secret() : {}),
        },
        nowMs,
      ),
    }),
    "webhook.get": () => ({ webhooks: [] }),
    "webhook.setPayloadMode": (given: JsonObject, { nowMs }) => ({
      webhook: webhook(given, nowMs),
    }),
    "webhook.setEvents": (given: JsonObject, { nowMs }) => ({ webhook: webhook(given, nowMs) }),
    "webhook.setHeaders": ({ id, headers }: JsonObject, { nowMs }) => ({
      webhook: webhook({ id, headerNames: isObject(headers) ? Object.keys(headers) : [] }, nowMs),
    }),
    "webhook.setHeader": ({ id, name }: JsonObject, { nowMs }) => ({
      webhook: webhook({ id, headerNames: [name] }, nowMs),
    }),
    "webhook.deleteHeader": ({ id }: JsonObject, { nowMs }) => ({
      webhook: webhook({ id }, nowMs),
    }),
    "webhook.setSigning": ({ id, signingEnabled }: JsonObject, { nowMs }) => ({
      webhook: webhook({ id, ...(signingEnabled === true ? secret() : {}) }, nowMs),
    }),
    "webhook.revealSecret": ({ id }: JsonObject, { nowMs }) => ({
      webhook: webhook({ id, ...secret() }, nowMs),
    }),
    "webhook.rotateSecret": ({ id }: JsonObject, { nowMs }) => ({
      webhook: webhook({ id, ...secret() }, nowMs),
    }),
    "webhook.eventTypes": () => ({
      eventTypes: ["workflow.created", "workflow.started", "workflow.completed", "account.active"],
    }),
    "webhook.delete": () => ({}),
    "webhook.deliveries": () => ({ deliveries: [] }),
    "webhook.replayDelivery": () => ({}),
    "webhook.sendTest": () => ({}),
  } satisfies Record<string, Answer>),
);
