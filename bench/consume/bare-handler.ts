import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { DynamoDBDocumentClient, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import type { SQSEvent } from "aws-lambda";

/**
 * The floor of `consume`: claims each event by a conditional put, publishes all with one call,
 * records each as published, and nothing else. It keeps no provider's ids and joins no requests.
 */

const { EVENTS_TABLE: TableName, EVENT_BUS_NAME: EventBusName } = process.env;
const db = DynamoDBDocumentClient.from(new DynamoDBClient({}));
const bus = new EventBridgeClient({});

interface Webhook {
  request_id: string;
}

export async function handler({ Records }: SQSEvent) {
  const events = Records.map(({ messageId, body }) => {
    const { bodyBase64, clientId } = JSON.parse(body) as { bodyBase64: string; clientId: string };
    const text = Buffer.from(bodyBase64, "base64").toString("utf8");
    const data = JSON.parse(text) as Webhook;
    const id = `workflow.completed:${data.request_id}`;
    const type = "workflow.completed";
    const envelope = JSON.stringify({ id, type, createdAt: new Date().toISOString(), data });
    return { messageId, clientId, id, type, envelope };
  });
  await Promise.all(
    events.map(({ id, clientId, type, envelope }) =>
      db.send(
        new PutCommand({
          TableName,
          Item: { id, clientId, type, envelope, status: "CLAIMED", leaseUntilMs: Date.now() },
          ConditionExpression: "attribute_not_exists(id)",
        }),
      ),
    ),
  );
  const Entries = events.map(({ type, clientId, envelope }) => ({
    ...{ EventBusName, Source: "ackwire", DetailType: type },
    Detail: `{"clientId":${JSON.stringify(clientId)},${envelope.slice(1)}`,
  }));
  const { Entries: results = [] } = await bus.send(new PutEventsCommand({ Entries }));
  const published = events.filter((_, index) => results[index]?.EventId !== undefined);
  await Promise.all(
    published.map(({ id }) =>
      db.send(
        new UpdateCommand({
          TableName,
          Key: { id },
          UpdateExpression: "SET #status = :published REMOVE leaseUntilMs",
          ExpressionAttributeNames: { "#status": "status" },
          ExpressionAttributeValues: { ":published": "PUBLISHED" },
        }),
      ),
    ),
  );
  const failed = events.filter((event) => !published.includes(event));
  return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}
