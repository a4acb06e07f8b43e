import * as z from "zod/mini";
import { packedText } from "../../shared/adapters/dynamo/packed-text.ts";
import { makeEventPorts } from "../../shared/composition/event-ports.ts";
import { makeFunctionBase } from "../../shared/composition/function-base.ts";
import { makeRequestPorts } from "../../shared/composition/request-ports.ts";
import { consumeEnv } from "../../shared/contracts/env.ts";
import { eventType } from "../../shared/contracts/events.ts";
import type { FinalEvent } from "../../shared/core/events/envelope.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";
import { readImage, readRequestImage } from "./stream-image.ts";
import type { StreamRecord } from "./table-streams.ts";

/**
 * The relay of the trial: publishes the events that stream records carry. An event that the bus
 * does not accept goes to the outbox of the events table, which `reconcile` publishes.
 */

const env = readEnvironment("relay", consumeEnv, process.env);
const base = makeFunctionBase(env, console.error);
const { publisher, archive, claims } = makeEventPorts(base, env);
const { requests, texts } = makeRequestPorts(base, env, console.error);

const eventItem = z.object({
  id: z.string(),
  clientId: z.string(),
  type: eventType,
  envelope: z.optional(packedText),
  envelopeKey: z.optional(z.string()),
  raw: z.optional(z.instanceof(Uint8Array)),
  owner: z.string(),
});

/** An event, and how it is kept when the bus does not accept it. */
interface Carried {
  event: FinalEvent;
  /** Present for the event of a request. */
  requestId?: string;
  keep(): Promise<unknown>;
}

export async function handler({ Records }: { Records: readonly StreamRecord[] }) {
  const carried = await Promise.all(Records.map(eventsOf));
  const cancelled = await cancelledRequests(carried.flat());
  const kept = carried.map((of) => of.filter(({ requestId = "" }) => !cancelled.has(requestId)));
  // Events of one request are published one after the other.
  const rounds = roundsOf(kept);
  const failed = new Set<Carried>();
  for (const round of rounds) {
    const results = await publisher.publish(round.map(({ event }) => event));
    round.forEach((one, index) => {
      if (!results[index]?.ok) failed.add(one);
    });
  }
  const lost = new Set<Carried>();
  await Promise.all(
    [...failed].map((one) =>
      one.keep().catch((error: unknown) => {
        console.error(error);
        lost.add(one);
      }),
    ),
  );
  const published = kept.flat().filter((one) => one.requestId !== undefined && !failed.has(one));
  if (published.length > 0) await archive.store(published.map(({ event }) => event));
  const first = kept.findIndex((of) => of.some((one) => lost.has(one)));
  const itemIdentifier = Records[first]?.dynamodb.SequenceNumber;
  return { batchItemFailures: itemIdentifier === undefined ? [] : [{ itemIdentifier }] };
}

async function eventsOf({ dynamodb }: StreamRecord): Promise<Carried[]> {
  const image = readImage(dynamodb.NewImage);
  const written = readRequestImage(image);
  if (!written) return [await storedEvent(image)];
  const { entries } = written;
  const { requestId, clientId } = written.request;
  return Promise.all(
    entries.map(async ({ id, type, envelope, raw }): Promise<Carried> => {
      const event = {
        id,
        type,
        clientId,
        envelope: await texts.open(envelope),
        ...(raw ? { raw: Buffer.from(await texts.open(raw), "base64") } : {}),
      };
      const lease = { owner: "relay", untilMs: 0 };
      return { event, requestId, keep: () => claims.claim(event, lease) };
    }),
  );
}

async function storedEvent(image: unknown): Promise<Carried> {
  const { id, clientId, type, envelope, envelopeKey = "", owner } = z.parse(eventItem, image);
  const text = envelope ?? Buffer.from(await base.bodies.get(envelopeKey)).toString("utf8");
  return {
    event: { id, clientId, type, envelope: text },
    keep: () => claims.release(id, owner),
  };
}

/** After a cancel no event of the request is published (G9). */
async function cancelledRequests(carried: readonly Carried[]): Promise<Set<string>> {
  const ids = new Set(carried.flatMap(({ requestId }) => requestId ?? []));
  const found = await Promise.all([...ids].map((id) => requests.find(id)));
  return new Set(
    found.flatMap((request) => (request?.status === "CANCELLED" ? [request.requestId] : [])),
  );
}

function roundsOf(carried: readonly Carried[][]): Carried[][] {
  const rounds: Carried[][] = [];
  const seen = new Map<string, number>();
  for (const one of carried.flat()) {
    const n = one.requestId === undefined ? 0 : (seen.get(one.requestId) ?? 0);
    if (one.requestId !== undefined) seen.set(one.requestId, n + 1);
    rounds[n] = [...(rounds[n] ?? []), one];
  }
  return rounds;
}
