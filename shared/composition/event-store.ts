import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { makeDynamoEventClaims } from "../adapters/dynamo/dynamo-event-claims.ts";
import { makeEventBridgePublisher } from "../adapters/eventbridge-publisher.ts";
import type { Clock } from "../core/clock.ts";
import type { EventClaims, EventPublisher } from "../core/events/ports.ts";
import type { BlobStore } from "../core/inbound/ports.ts";

/** What a function needs that claims and publishes events. */
export function openEventStore(options: {
  /** The function's one client of DynamoDB. */
  client: DynamoDBDocumentClient;
  /** How the client of EventBridge is made. */
  sdk: object;
  clock: Clock;
  bodies: BlobStore;
  tableName: string;
  busName: string;
  retentionMs: number;
}): { claims: EventClaims; publisher: EventPublisher } {
  const { sdk, busName, ...store } = options;
  return {
    claims: makeDynamoEventClaims(store),
    publisher: makeEventBridgePublisher({ client: new EventBridgeClient(sdk), busName }),
  };
}
