import { printError, printJson, printLine } from "../../local/terminal.ts";
import { deliverableTypes } from "../../shared/contracts/events.ts";
import { callOperation } from "./call-operation.ts";
import { type Command, optionalTextOf, textOf, UsageError, type Values } from "./command.ts";
import { type FedEvent, type FeedOffset, feedOf, offsetAfter, overlapAt } from "./event-feed.ts";
import { type Answered, forward, isTaken } from "./forward.ts";
import { openListenState } from "./listen-state.ts";
import type { Place } from "./place.ts";

const client = { type: "string", describe: "Only this client's events" } as const;
const since = {
  type: "string",
  describe:
    "Begin with the events that were received at this time (UTC), such as 2026-12-01T00:00:00Z",
} as const;

/** `listen`: the webhooks of a local run or a stage, at a port of this machine. */
export const listenCommand: Command = {
  words: "listen",
  summary: "Forwards events to a port of yours, signed as webhooks; continues where it ended",
  positionals: [{ name: "receiver", describe: "A port of this machine, or a URL" }],
  options: {
    client,
    since,
    attempts: {
      type: "number",
      default: 3,
      describe: "How often an event is sent that the receiver answers with something but 2xx",
    },
  },
  examples: [
    "listen 3000",
    "listen http://127.0.0.1:3000/webhooks --stage dev --client cl_64835e7c",
    "listen 3000 --since 2026-12-01T00:00:00Z",
  ],
  async run(values, place) {
    const url = receiverUrl(textOf(values, "receiver"));
    const from = sinceOf(values);
    const there = await place();
    const me = (await callOperation(there, "getMe")) as { now: string; speed: number };
    const clientId = optionalTextOf(values, "client") ?? there.local?.clientId;
    const source = [there.apiUrl, clientId ?? "every client"].join(" ");
    const first = (): FeedOffset => ({ from: there.local ? undefined : me.now, taken: {} });
    const state = openListenState(url, source, first);
    const offset = from === undefined ? state.offset : { from, taken: {} };
    printLine(`Events of ${there.name} go to ${url}. The secret, the same at every start:`);
    printLine(`  WEBHOOK_SECRET=${state.secret}`);
    await forwardAll(there, {
      ...{ url, clientId, offset, state },
      overlapMs: overlapAt(me.speed),
      attempts: Number(values.attempts ?? 3),
      isJson: values.json === true,
    });
    return undefined;
  },
};

/** `tail`: the events as they come. */
export const tailCommand: Command = {
  words: "tail",
  summary: "Prints events as they come",
  positionals: [],
  options: { client, since },
  examples: ["tail", "tail --stage prod --client cl_64835e7c", "tail --json"],
  async run(values, place) {
    const from = sinceOf(values);
    const there = await place();
    const { now, speed } = (await callOperation(there, "getMe")) as { now: string; speed: number };
    const events = feedOf(there, {
      clientId: optionalTextOf(values, "client"),
      offset: { from: from ?? now, taken: {} },
      overlapMs: overlapAt(speed),
      signal: stopped(),
      onWait: sayWaiting,
    });
    for await (const event of events) {
      printEvent(event, { isJson: values.json === true });
    }
    return undefined;
  },
};

async function forwardAll(
  place: Place,
  of: {
    url: string;
    clientId: string | undefined;
    offset: FeedOffset;
    state: ReturnType<typeof openListenState>;
    overlapMs: number;
    attempts: number;
    isJson: boolean;
  },
): Promise<void> {
  const signal = stopped();
  let { offset } = of;
  const { clientId, overlapMs, url, attempts, state } = of;
  for await (const event of feedOf(place, {
    clientId,
    offset,
    overlapMs,
    signal,
    onWait: sayWaiting,
  })) {
    if (isWebhook(event)) {
      const onAnswer = sayingOnce(event, url);
      const answered = await forward(event, {
        url,
        secret: state.secret,
        attempts,
        signal,
        onAnswer,
      });
      if (answered === undefined) return;
      const { status } = answered;
      if (of.isJson) printJson({ id: event.id, type: event.type, status });
      else printLine(`${status} ${lineOf(event)}${isTaken(answered) ? "" : "  given up"}`);
    }
    offset = offsetAfter(offset, event, overlapMs);
    state.store(offset);
  }
}

/** Only what a webhook can subscribe to: events about deliveries are on the bus alone. */
const isWebhook = ({ type }: FedEvent) => (deliverableTypes as readonly string[]).includes(type);

/** Says of one event that its receiver does not answer, once. */
function sayingOnce({ id }: FedEvent, url: string): (answered: Answered) => void {
  let said = false;
  return (answered) => {
    if ("status" in answered || said) return;
    said = true;
    printError(`${url} does not answer (${answered.error}): ${id} waits for it`);
  };
}

function sayWaiting(failure: Error | undefined): void {
  printError(failure === undefined ? "The API answers again." : `${failure.message}; still trying`);
}

/** Prints an event: all of it as JSON, or what it is about. */
export function printEvent(event: FedEvent, { isJson }: { isJson: boolean }): void {
  if (isJson) printJson(event);
  else printLine(lineOf(event));
}

function lineOf({ listedAt, type, id, data, clientId }: FedEvent): string {
  const { eventType, status, accountId, requestId } = data;
  const what = [
    eventType === "UNKNOWN" ? undefined : eventType,
    status,
    accountId && `account ${accountId}`,
  ];
  const words = [listedAt, type, ...what.filter(Boolean), requestId, id, clientId];
  return words.filter(Boolean).join("  ");
}

/** Aborts at the first Ctrl-C. */
function stopped(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => controller.abort());
  }
  return controller.signal;
}

/** @throws UsageError */
function sinceOf(values: Values): string | undefined {
  const text = optionalTextOf(values, "since");
  if (text === undefined) return undefined;
  const ms = Date.parse(text);
  if (/Z$/.test(text) && !Number.isNaN(ms)) return new Date(ms).toISOString();
  throw new UsageError("--since must be a time in UTC, such as 2026-12-01T00:00:00Z");
}

/** A port is one of this machine. @throws UsageError */
export function receiverUrl(receiver: string): string {
  const port = Number(receiver);
  if (/^\d+$/.test(receiver) && port >= 1 && port <= 65_535) return `http://127.0.0.1:${port}/`;
  if (/^https?:\/\//.test(receiver) && URL.canParse(receiver)) return new URL(receiver).href;
  throw new UsageError(
    "The receiver must be a port from 1 to 65535, or a URL such as http://127.0.0.1:3000/hooks",
  );
}
