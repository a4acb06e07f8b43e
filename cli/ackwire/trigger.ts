import { randomUUID } from "node:crypto";
import { type EventSample, eventSamples } from "../../local/simulator/event-samples.ts";
import { callOperation } from "./call-operation.ts";
import { type Command, optionalTextOf, textOf, UsageError } from "./command.ts";
import { type FedEvent, feedOf, overlapAt } from "./event-feed.ts";
import type { Place } from "./place.ts";
import { tableOf } from "./table.ts";

const EVENT_TIMEOUT_MS = 30_000;

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
  },
  examples: [
    "trigger",
    "trigger workflow.completed",
    `trigger message.reply --provider ${providers[1]}`,
  ],
  async run(values, place) {
    if (values.type === undefined) return listed();
    const sample = sampleOf(textOf(values, "type"), optionalTextOf(values, "provider"));
    const there = await place();
    if (there.local === undefined) {
      throw new UsageError(
        "trigger sends webhooks of simulated providers, which only a local run has",
      );
    }
    const event = await trigger(there, sample, optionalTextOf(values, "account"));
    const lines = [`${sample.name} of ${sample.provider} became ${event.type} ${event.id}`];
    return { data: event, lines: () => lines };
  },
};

/** Sends the sample with an id of its own. @returns the event that became of it */
async function trigger(place: Place, sample: EventSample, account?: string): Promise<FedEvent> {
  const { accounts = [], providerUrl = "" } = place.local ?? {};
  const { now, speed } = (await callOperation(place, "getMe")) as { now: string; speed: number };
  const id = `triggered-${randomUUID()}`;
  const accountId =
    account ?? accounts.find(({ provider }) => provider === sample.provider)?.accountId;
  const body = sample.body({ id, accountId: accountId ?? "unknown", now });
  const response = await fetch(`${providerUrl}/_control/send`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ provider: sample.provider, body }),
  });
  if (!response.ok) throw new Error(`The simulator refuses it: ${await response.text()}`);
  return eventWith(place, { id, from: now, speed });
}

async function eventWith(
  place: Place,
  { id, from, speed }: { id: string; from: string; speed: number },
): Promise<FedEvent> {
  const signal = AbortSignal.timeout(EVENT_TIMEOUT_MS);
  const offset = { from, taken: {} };
  const events = feedOf(place, { offset, overlapMs: overlapAt(speed), signal, onWait: () => {} });
  for await (const event of events) {
    if (JSON.stringify(event).includes(id)) return event;
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
