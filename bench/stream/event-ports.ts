import { randomUUID } from "node:crypto";
import * as original from "../../shared/composition/event-ports.ts";

/**
 * The ports of events where a stream publishes: an event is stored once, and that is all. Takes the
 * place of `shared/composition/event-ports.ts` in the functions of the trial.
 */

/** A claim that never ends: the stream publishes the event, and nobody records that it did. */
const NEVER_MS = 8_640_000_000_000_000;

/** The sweep publishes what the relay could not publish. */
const isSweep = /Reconcile/.test(process.env.AWS_LAMBDA_FUNCTION_NAME ?? "");

const isOfRequest = (envelope: string) => envelope.includes('"requestId":');

export const makePublishPorts: typeof original.makePublishPorts = (base, env) => {
  const { publisher } = original.makePublishPorts(base, env);
  return {
    publisher: {
      async publish(events) {
        const isPublished = events.map(({ envelope }) => !isSweep || isOfRequest(envelope));
        const others = await publisher.publish(events.filter((_, index) => !isPublished[index]));
        return isPublished.map((is) => (is ? { ok: true } : (others.shift() ?? { ok: true })));
      },
    },
    // The relay stores the events of requests.
    archive: { store: async () => undefined },
  };
};

export const makeEventPorts: typeof original.makeEventPorts = (base, env) => {
  const { claims } = original.makeEventPorts(base, env);
  const ports = makePublishPorts(base, env);
  if (isSweep) return { ...ports, claims };
  return {
    ...ports,
    claims: {
      ...claims,
      async claim(event) {
        const lease = { owner: `stream-${randomUUID()}`, untilMs: NEVER_MS };
        const result = await claims.claim(event, lease, { isRetriedByQueue: true });
        return result.kind === "held" ? { kind: "done", envelope: event.envelope } : result;
      },
      complete: async () => "completed",
    },
  };
};
