import { randomUUID } from "node:crypto";
import { type EventSample, eventSamples } from "../../local/simulator/event-samples.ts";
import { isObject, type JsonObject } from "../../shared/core/json/json.ts";
import { callOperation } from "./call-operation.ts";
import { type Command, optionalTextOf, textOf, UsageError } from "./command.ts";
import { type FedEvent, feedOf, overlapAt } from "./event-feed.ts";
import type { Place } from "./place.ts";
import { tableOf } from "./table.ts";

const EVENT_TIMEOUT_MS = 30_000;

const LATE_RESULT = "workflow.lateResult";

const providers = [...new Set(eventSamples.map(({ provider }) => provider))];

/** `trigger TYPE`: a provider's webhook, sent to a local run by the simulator. */
export const triggerCommand: Command = {
  words: "trigger",
  summary: "Makes a simulated provider send a webhook, and waits for its event; a local run only",
  positionals: [
    {
      name: "type",
      isOptional: true,
      describe: "A type of event, or the provider's own name of one; absent: lists them",
    },
  ],
  options: {
    provider: { type: "string", choices: providers, describe: "Default: the first that has it" },
    account: { type: "string", describe: "Default: the provider's first account of the run" },
    request: {
      type: "string",
      describe: "The webhook tells the outcome of this request; if it has ended: a late result",
    },
  },
  examples: [
    "trigger",
    "trigger workflow.completed",
    `trigger message.reply --provider ${providers[1]}`,
    "trigger workflow.lateResult --request rq_64835e7c",
  ],
  async run(values, place) {
    if (values.type === undefined) return listed();
    const requestId = optionalTextOf(values, "request");
    const type = outcomeOf(textOf(values, "type"), requestId);
    const provider = optionalTextOf(values, "provider");
    const first = sampleOf(type, provider);
    const there = await place();
    if (there.local === undefined) {
      throw new UsageError(
        "trigger sends webhooks of simulated providers, which only a local run has",
      );
    }
    const told = requestId === undefined ? undefined : await submitted(there, requestId);
    const sample = told === undefined ? first : sampleOf(type, told.provider);
    const event = await trigger(
      there,
      sample,
      told ?? { accountId: optionalTextOf(values, "account") },
    );
    const lines = [`${sample.name} of ${sample.provider} became ${event.type} ${event.id}`];
    return { data: event, lines: () => lines };
  },
};

/** What a webhook is about: the account, and the request if it tells the outcome of one. */
interface About {
  accountId?: string | undefined;
  requestId?: string;
  /** The provider's id of the request. */
  providerRequestId?: string;
}

/** A late result is the outcome of a request that has ended. @throws UsageError without one */
function outcomeOf(type: string, requestId: string | undefined): string {
  if (type.toLowerCase() !== LATE_RESULT.toLowerCase()) return type;
  if (requestId !== undefined) return "workflow.completed";
  throw new UsageError(
    `${LATE_RESULT} comes when a request that has ended is told to have ended otherwise: name one with --request ID`,
  );
}

/** @throws UsageError when the provider has not been given the request yet */
async function submitted(place: Place, requestId: string) {
  const found = (await callOperation(place, "getRequest", { requestId })) as {
    provider: string;
    accountId: string;
    providerRequestId?: string;
  };
  const { provider, accountId, providerRequestId } = found;
  if (providerRequestId === undefined) {
    throw new UsageError(
      `${requestId} has no id of the provider yet, so that no webhook can be about it: \`ackwire why ${requestId}\` tells what it waits for`,
    );
  }
  return { provider, accountId, providerRequestId, requestId };
}

/**
 * Sends the sample with an id of its own, or with the id of the request that it is about.
 *
 * @returns the event that became of it
 */
async function trigger(place: Place, sample: EventSample, about: About): Promise<FedEvent> {
  const { accounts = [], providerUrl = "" } = place.local ?? {};
  const { now, speed } = (await callOperation(place, "getMe")) as { now: string; speed: number };
  const nonce = `triggered-${randomUUID()}`;
  const id = about.providerRequestId ?? nonce;
  const accountId =
    about.accountId ?? accounts.find(({ provider }) => provider === sample.provider)?.accountId;
  const sent = sample.body({ id, accountId: accountId ?? "unknown", now });
  // Another outcome than the one before: an equal one is a duplicate.
  const isOther = about.requestId !== undefined && isObject(sent.result);
  const body = isOther ? { ...sent, result: { ...(sent.result as JsonObject), nonce } } : sent;
  const response = await fetch(`${providerUrl}/_control/send`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ provider: sample.provider, body }),
  });
  if (!response.ok) throw new Error(`The simulator refuses it: ${await response.text()}`);
  return eventWith(place, { text: about.requestId ?? id, from: now, speed });
}

async function eventWith(
  place: Place,
  { text, from, speed }: { text: string; from: string; speed: number },
): Promise<FedEvent> {
  const signal = AbortSignal.timeout(EVENT_TIMEOUT_MS);
  const offset = { from, taken: {} };
  const events = feedOf(place, { offset, overlapMs: overlapAt(speed), signal, onWait: () => {} });
  for await (const event of events) {
    if (JSON.stringify(event).includes(text)) return event;
  }
  throw new Error(
    `The webhook was sent, and became no event within ${EVENT_TIMEOUT_MS / 1_000} s: \`ackwire status\` shows what was refused, and .ackwire/functions.log why`,
  );
}

/** @throws UsageError that names the types that there are */
export function sampleOf(type: string, provider?: string): EventSample {
  const ofProvider = eventSamples.filter(
    (one) => provider === undefined || one.provider === provider,
  );
  const wanted = type.toLowerCase();
  const found =
    ofProvider.find((one) => one.type.toLowerCase() === wanted) ??
    ofProvider.find((one) => one.name.toLowerCase() === wanted);
  if (found !== undefined) return found;
  const names = [...new Set(ofProvider.map((one) => one.type))].join(", ");
  throw new UsageError(
    `${provider === undefined ? "No provider sends" : `${provider} does not send`} ${type}; there are ${names}, and the providers' own names (\`ackwire trigger\` lists them)`,
  );
}

function listed() {
  const rows = eventSamples.map(({ provider, type, name }) => ({ type, provider, name }));
  return { data: { items: rows }, lines: () => tableOf(rows, ["type", "provider", "name"]) };
}
