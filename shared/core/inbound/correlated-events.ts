import type { InboundMessage } from "../../contracts/messages/inbound.ts";
import { unmatchedEventId } from "../events/event-id.ts";
import type { ProviderEvent } from "../events/provider-event.ts";
import { type CorrelatedType, correlatedTypes, eventKeys } from "../providers/correlation.ts";
import type { ProviderPack } from "../providers/provider-pack.ts";
import type { CorrelatedEvent, CorrelationStore } from "../requests/state/correlation-ports.ts";
import type { ProviderClients, SubmitQueue } from "../requests/state/ports.ts";
import type { LoadedWebhook } from "./load-webhook.ts";

/**
 * Stores an event that may release or stop dependent requests. Called before the ack, so that
 * every acked event counts. Does nothing for other events.
 *
 * @throws DEPENDENCY_DOWN
 */
export async function recordCorrelatedEvent(
  correlations: Pick<CorrelationStore, "recordEvent">,
  { pack, event }: { pack: Pick<ProviderPack, "client">; event?: ProviderEvent },
  message: InboundMessage,
  signal?: AbortSignal,
): Promise<void> {
  const correlated = event && correlatedEvent(pack, event, message);
  if (correlated) await correlations.recordEvent(correlated, signal);
}

/**
 * Notifies requests that this event releases or stops. Stores the event too, because a webhook
 * that was released from quarantine was not stored at its receipt.
 *
 * @throws DEPENDENCY_DOWN; the message must be processed again
 */
export async function notifyWatchers(
  deps: {
    correlations: CorrelationStore;
    submitQueue: SubmitQueue;
    providerClients: ProviderClients;
  },
  { event, message }: LoadedWebhook,
): Promise<void> {
  const providerClient = deps.providerClients[message.provider];
  const correlated = correlatedEvent({ client: providerClient }, event, message);
  if (!correlated) return;
  await deps.correlations.recordEvent(correlated);
  const { clientId } = message;
  const watchers = await deps.correlations.findWatchers(correlated);
  await Promise.all(
    watchers.map((requestId) =>
      deps.submitQueue.send({ v: 1, kind: "dependency", requestId }, { clientId }),
    ),
  );
}

/** The event with its keys; `undefined` for an event that no request can depend on. */
function correlatedEvent(
  { client }: Pick<ProviderPack, "client">,
  event: ProviderEvent,
  { connectionId, receivedAtMs }: InboundMessage,
): CorrelatedEvent | undefined {
  const type = correlatedTypes.find((one): one is CorrelatedType => one === event.type);
  if (type === undefined) return undefined;
  const keys = eventKeys(event, client.correlatedMembers);
  if (keys.length === 0) return undefined;
  const { accountId } = event.data;
  return {
    connectionId,
    type,
    eventId: unmatchedEventId({ ...event, connectionId }),
    keys,
    receivedMs: receivedAtMs,
    ...(accountId === undefined ? {} : { accountId }),
  };
}
