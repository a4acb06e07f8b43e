import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { BlobStore, Clock, EventClaims, EventPublisher } from "../core/ports.ts";
import { makeDynamoEventClaims } from "./dynamo-event-claims.ts";
import { makeEventBridgePublisher } from "./eventbridge-publisher.ts";

/** What a function needs that claims and publishes events. */
export function openEventStore(options: {
  sdk: object;
  clock: Clock;
  bodies: BlobStore;
  tableName: string;
  busName: string;
  retentionMs: number;
}): { claims: EventClaims; publisher: EventPublisher } {
  const { sdk, busName, ...store } = options;
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(sdk));
  return {
    claims: makeDynamoEventClaims({ ...store, client }),
    publisher: makeEventBridgePublisher({ client: new EventBridgeClient(sdk), busName }),
  };
}
