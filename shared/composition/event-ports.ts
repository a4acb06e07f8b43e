import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { makeDynamoEventArchive } from "../adapters/dynamo/dynamo-event-archive.ts";
import { makeDynamoEventClaims } from "../adapters/dynamo/dynamo-event-claims.ts";
import { makeEventBridgePublisher } from "../adapters/eventbridge-publisher.ts";
import type { FunctionSettings } from "../contracts/settings.ts";
import type { EventClaims, EventPublisher } from "../core/events/ports.ts";
import type { EventArchive } from "../core/requests/state/ports.ts";
import { DAY_MS } from "../runtime/clock.ts";
import type { FunctionBase } from "./function-base.ts";

/** Where the events of requests and deliveries go: the bus, and the store that clients list. */
export interface PublishPorts {
  publisher: EventPublisher;
  archive: EventArchive;
}

/** The same, with the claims by which each webhook becomes one event. */
export interface EventPorts extends PublishPorts {
  claims: EventClaims;
}

/** The variables from which the ports of events are made. */
interface EventEnvironment {
  EVENTS_TABLE: string;
  EVENT_BUS_NAME: string;
  SETTINGS: Pick<FunctionSettings, "dedupeRetentionDays">;
}

type EventBase = Pick<FunctionBase, "client" | "awsClientConfig" | "clock" | "bodies">;

/** Makes the ports of events on EventBridge and DynamoDB. */
export function makePublishPorts(base: EventBase, env: EventEnvironment): PublishPorts {
  return {
    publisher: makeEventBridgePublisher({
      client: new EventBridgeClient(base.awsClientConfig),
      busName: env.EVENT_BUS_NAME,
    }),
    archive: makeDynamoEventArchive(eventStore(base, env)),
  };
}

/** Makes the ports of events, claims included. */
export function makeEventPorts(base: EventBase, env: EventEnvironment): EventPorts {
  return {
    ...makePublishPorts(base, env),
    claims: makeDynamoEventClaims(eventStore(base, env)),
  };
}

function eventStore({ client, clock, bodies }: EventBase, env: EventEnvironment) {
  return {
    client,
    clock,
    bodies,
    tableName: env.EVENTS_TABLE,
    retentionMs: env.SETTINGS.dedupeRetentionDays * DAY_MS,
  };
}
