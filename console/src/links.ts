import type { Answer } from "./api/call.ts";

/** The addresses of the console's pages: they can be linked to, and hold no secret. */

const part = encodeURIComponent;

export const toRequest = (id: string) => `/requests/${part(id)}`;
export const toEvent = (id: string) => `/events/${part(id)}`;
export const toDelivery = (id: string) => `/deliveries/${part(id)}`;
export const toConnection = (id: string) => `/connections/${part(id)}`;
export const toWebhook = (clientId: string) => `/webhooks/${part(clientId)}`;
export const toClient = (id: string) => `/clients/${part(id)}`;
export const toDeadLetters = (queue: string) => `/dead-letters/${part(queue)}`;
export const toDeadLetter = (queue: string, messageId: string) =>
  `/dead-letters/${part(queue)}/${part(messageId)}`;
export const toFound = (id: string) => `/find/${part(id)}`;
export const toAccount = (clientId: string, accountId: string, connectionId?: string) =>
  `/accounts/${part(clientId)}/${part(accountId)}${
    connectionId === undefined ? "" : `?connectionId=${part(connectionId)}`
  }`;

type Need = Answer<"GET /v1/operator/overview">["needsYou"][number];

/** The page on which something that needs a person is shown and mended. */
export function toNeed({ subject, clientId, kind }: Need): string {
  switch (subject.kind) {
    case "connection":
      return toConnection(subject.id);
    case "queue":
      return toDeadLetters(subject.id);
    case "request":
      return toRequest(subject.id);
    case "action":
      return "/audit";
    case "account":
      return toAccount(clientId ?? "", subject.id, subject.connectionId);
    case "webhook":
      return clientId === undefined ? toFound(subject.id) : toWebhook(clientId);
    default:
      throw new Error(`There is no page for a ${kind}`);
  }
}

type FoundKind = Answer<"GET /v1/operator/find/{id}">["items"][number]["kind"];

/** The page of what was found, or undefined where that is its story. */
export function toThing(kind: FoundKind | undefined, id: string): string {
  switch (kind) {
    case "request":
      return toRequest(id);
    case "event":
      return toEvent(id);
    case "delivery":
      return toDelivery(id);
    case "connection":
      return toConnection(id);
    case "client":
      return toClient(id);
    default:
      return toFound(id);
  }
}
