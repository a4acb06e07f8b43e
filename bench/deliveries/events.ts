import { setTimeout } from "node:timers/promises";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import type { LocalFile } from "../../local/run/local-file.ts";
import { EVENT_SOURCE } from "../../shared/contracts/events.ts";
import { sha256Hex } from "../../shared/core/crypto/digest.ts";
import { requestEvent, toEventBridgeDetail } from "../../shared/core/events/envelope.ts";
import { publisherCredentials } from "../../test/support/fakes/publisher.ts";
import type { Subscriber } from "./subscribers.ts";

/** An event for one subscriber. */
export interface BenchEvent {
  id: string;
  endpoint: number;
  detail: string;
  /** Of what every POST of it must bring. */
  sha256: string;
  /** Real time just before it was put on the bus, for the first time. */
  putMs?: number;
}

const PER_CALL = 10;
const TYPE = "workflow.completed";

/** An ordinary result: a delivery of it has about a kilobyte. */
const result = {
  profile: { name: "x".repeat(40), headline: "y".repeat(120), about: "z".repeat(400) },
};

/** In the form in which `consume` and `submit` publish. */
export function makeEvent(of: {
  subscriber: Pick<Subscriber, "n" | "clientId">;
  name: string;
}): BenchEvent {
  const { subscriber, name } = of;
  const { id, clientId, envelope } = requestEvent(
    TYPE,
    {
      requestId: `bench-${subscriber.n}-${name}`,
      clientId: subscriber.clientId,
      accountId: "bench",
      provider: "we-link",
      action: "view_profile",
    },
    { atMs: Date.now(), status: "completed", eventType: "PROFILE_VIEWED", more: { result } },
  );
  const detail = toEventBridgeDetail({ clientId, envelope });
  return { id, endpoint: subscriber.n, detail, sha256: sha256Hex(envelope) };
}

/** Each subscriber gets as many, in turns, so that what goes to one of them is spread evenly. */
export function inTurns(
  places: readonly (Subscriber | undefined)[],
  of: { load: string; each: number },
): (BenchEvent | undefined)[] {
  return Array.from({ length: of.each }, (_, round) =>
    places.map(
      (subscriber) => subscriber && makeEvent({ subscriber, name: `${of.load}-${round}` }),
    ),
  ).flat();
}

export function openBus({ awsEndpoint: endpoint, busName }: LocalFile) {
  const client = new EventBridgeClient({
    endpoint,
    region: "us-east-1",
    credentials: publisherCredentials,
    maxAttempts: 1,
  });

  /** In as few calls as PutEvents allows, one after the other. */
  async function put(events: readonly BenchEvent[]): Promise<void> {
    for (let at = 0; at < events.length; at += PER_CALL)
      await call(events.slice(at, at + PER_CALL));
  }

  /** Until the bus has them: while the local run is down it is asked again. */
  async function call(events: readonly BenchEvent[]): Promise<void> {
    for (const event of events) event.putMs ??= performance.timeOrigin + performance.now();
    const Entries = events.map(({ detail }) => ({
      EventBusName: busName,
      Source: EVENT_SOURCE,
      DetailType: TYPE,
      Detail: detail,
    }));
    for (;;) {
      const answer = await client.send(new PutEventsCommand({ Entries })).catch((error: Error) => {
        if (error.name === "ValidationException") throw error;
        return undefined;
      });
      if (answer?.FailedEntryCount === 0) return;
      await setTimeout(250);
    }
  }

  return {
    put,
    /**
     * One call each at its own time, whether or not the one before was answered:
     * a slow answer delays no measured event.
     *
     * @param events those that are `undefined` leave their time empty
     */
    async putSteadily(
      events: readonly (BenchEvent | undefined)[],
      of: { perSecond: number; signal?: AbortSignal },
    ): Promise<void> {
      const startMs = performance.now();
      const puts: Promise<void>[] = [];
      for (const [at, event] of events.entries()) {
        const waitMs = startMs + (at * 1000) / of.perSecond - performance.now();
        if (waitMs > 0) await setTimeout(waitMs);
        if (of.signal?.aborted) break;
        if (event) puts.push(put([event]));
      }
      await Promise.all(puts);
    },
    close: () => client.destroy(),
  };
}
