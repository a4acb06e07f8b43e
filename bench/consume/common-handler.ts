import { BatchProcessor, EventType, processPartialResponse } from "@aws-lambda-powertools/batch";
import { IdempotencyConfig, makeIdempotent } from "@aws-lambda-powertools/idempotency";
import { DynamoDBPersistenceLayer } from "@aws-lambda-powertools/idempotency/dynamodb";
import { Logger } from "@aws-lambda-powertools/logger";
import { injectLambdaContext } from "@aws-lambda-powertools/logger/middleware";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import middy from "@middy/core";
import type { SQSEvent, SQSRecord } from "aws-lambda";

/**
 * The same with the usual libraries: middy, and of Powertools the logger, the batch processor and
 * the idempotency of each record, which is published by a call of its own.
 */

const { EVENTS_TABLE = "", EVENT_BUS_NAME: EventBusName } = process.env;
const logger = new Logger({ serviceName: "common" });
const bus = new EventBridgeClient({});
const processor = new BatchProcessor(EventType.SQS);
const persistenceStore = new DynamoDBPersistenceLayer({ tableName: EVENTS_TABLE });
const config = new IdempotencyConfig({ eventKeyJmesPath: "data.request_id" });

interface Message {
  clientId: string;
  data: { request_id: string };
}

const publish = makeIdempotent(
  async ({ clientId, data }: Message) => {
    const type = "workflow.completed";
    const id = `${type}:${data.request_id}`;
    const createdAt = new Date().toISOString();
    const Detail = JSON.stringify({ clientId, id, type, createdAt, data });
    const entry = { EventBusName, Source: "ackwire", DetailType: type, Detail };
    const { Entries: [result] = [] } = await bus.send(new PutEventsCommand({ Entries: [entry] }));
    if (result?.EventId === undefined) throw new Error(`${id} was rejected`);
    logger.info("Event published", { eventId: id });
    return { eventId: id };
  },
  { persistenceStore, config },
);

async function handleRecord({ body }: SQSRecord): Promise<void> {
  const { bodyBase64, clientId } = JSON.parse(body) as { bodyBase64: string; clientId: string };
  const text = Buffer.from(bodyBase64, "base64").toString("utf8");
  await publish({ clientId, data: JSON.parse(text) as Message["data"] });
}

export const handler = middy<SQSEvent>()
  .use(injectLambdaContext(logger))
  .handler(async (event, context) => {
    config.registerLambdaContext(context);
    return processPartialResponse(event, handleRecord, processor, { context });
  });
