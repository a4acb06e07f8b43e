import type { DeadLetterView } from "../../contracts/http/operator/dead-letters.ts";
import { parseJsonOrUndefined } from "../../contracts/json-text.ts";
import { toIso } from "../clock.ts";
import { isObject } from "../json/json.ts";
import type { OperatorHandlers } from "./handler-types.ts";
import type { Letter, OperatorDeps } from "./ports.ts";

/** Dead letters that a list looks at. */
const MAX_LOOKED_AT = 50;

/** Handlers of the operations on dead letters. */
export function deadLetterHandlers(deps: OperatorDeps) {
  const { queues, store, requestStore } = deps;

  async function viewOf(letter: Letter): Promise<DeadLetterView> {
    const message = readMessage(letter.body);
    const clientId = message.clientId ?? (await clientOf(message).catch(() => undefined));
    return {
      messageId: letter.messageId,
      ...(letter.sentMs === undefined ? {} : { sentAt: toIso(letter.sentMs) }),
      receives: letter.receives,
      bytes: Buffer.byteLength(letter.body),
      about: message.about,
      ...(clientId === undefined ? {} : { clientId }),
      ...(message.connectionId === undefined ? {} : { connectionId: message.connectionId }),
      ...(message.subjectId === undefined ? {} : { subjectId: message.subjectId }),
    };
  }

  /** Whose a message is that names no client. */
  async function clientOf({ connectionId, subjectId = "" }: Message): Promise<string | undefined> {
    if (subjectId.startsWith("rq_")) return (await requestStore.find(subjectId))?.clientId;
    return connectionId && (await store.connection(connectionId))?.clientId;
  }

  return {
    async listDeadLetterQueues() {
      const counts = (await queues.counts()).filter(({ hasDeadLetters }) => hasDeadLetters);
      const items = counts.map(({ name, maxRedriven, ...of }) => ({
        queue: name,
        messages: of.deadLetters,
        inFlight: of.deadLettersInFlight,
        isRedrivable: of.isRedrivable,
        ...(maxRedriven === undefined ? {} : { maxRedriven }),
      }));
      return JSON.stringify({ items });
    },

    async listDeadLetters({ params: { queue } }) {
      const letters = await queues.look(queue, MAX_LOOKED_AT);
      const items = await Promise.all(letters.map(viewOf));
      const counts = (await queues.counts()).find(({ name }) => name === queue);
      const messages = (counts?.deadLetters ?? 0) + (counts?.deadLettersInFlight ?? 0);
      return JSON.stringify({ items, messages });
    },

    async getDeadLetter({ params: { queue, messageId } }) {
      const letter = await queues.find(queue, messageId);
      const decoded = decodedBody(letter.body);
      return JSON.stringify({
        ...(await viewOf(letter)),
        body: letter.body,
        ...(decoded === undefined ? {} : { decoded }),
      });
    },

    redriveDeadLetters: async ({ params: { queue } }) =>
      JSON.stringify({ queue, messages: await queues.redriveAll(queue) }),

    async redriveDeadLetter({ params: { queue, messageId } }) {
      await queues.redrive(queue, messageId);
      return JSON.stringify({ messageId });
    },

    async dropDeadLetter({ params: { queue, messageId } }) {
      await queues.drop(queue, messageId);
      return JSON.stringify({ messageId });
    },
  } satisfies Partial<OperatorHandlers>;
}

interface Message {
  about: string;
  clientId?: string | undefined;
  connectionId?: string | undefined;
  subjectId?: string | undefined;
}

/** What a message of any of the queues names. It may be anything: it could not be processed. */
function readMessage(body: string): Message {
  const message = parseJsonOrUndefined(body);
  if (!isObject(message)) return { about: "Not a message of Ackwire" };
  const inner = isObject(message.detail) ? message.detail : {};
  const kind = textOf(message.kind) ?? textOf(message["detail-type"]);
  const provider = textOf(message.provider);
  return {
    about:
      provider !== undefined && message.receivedAtMs !== undefined
        ? `A webhook of ${provider}, to be processed`
        : (abouts.get(kind ?? "") ?? (kind ? `The event ${kind}, to be delivered` : "Unknown")),
    clientId: textOf(message.clientId) ?? textOf(inner.clientId),
    connectionId: textOf(message.connectionId),
    subjectId: textOf(message.requestId) ?? textOf(message.deliveryId) ?? textOf(inner.id),
  };
}

/** A message may have any kind, such as `constructor`. */
const abouts = new Map([
  ["accepted", "A request was accepted, its lane is to be worked"],
  ["acceptedBatch", "Requests of a batch were accepted, their lane is to be worked"],
  ["wakeUp", "A lane is to be worked"],
  ["due", "A scheduled request is due"],
  ["recur", "A recurring request fires"],
  ["dependency", "What a request depends on has happened"],
  ["continue", "A person's input is to be sent"],
  ["attempt", "A delivery is to be attempted"],
  ["job", "A recovery, or the end of a webhook, is to be carried on"],
]);

const textOf = (value: unknown) =>
  typeof value === "string" && /^[\w:.~-]{1,512}$/.test(value) ? value : undefined;

/** The webhook in a message of the inbound queue, if it is text. */
function decodedBody(body: string): string | undefined {
  const message = parseJsonOrUndefined(body);
  if (!isObject(message) || typeof message.bodyBase64 !== "string") return undefined;
  const bytes = Buffer.from(message.bodyBase64, "base64");
  const text = bytes.toString("utf8");
  return Buffer.from(text, "utf8").equals(bytes) ? text : undefined;
}
