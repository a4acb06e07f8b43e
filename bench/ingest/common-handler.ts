import { createHmac, timingSafeEqual } from "node:crypto";
import { IdempotencyConfig } from "@aws-lambda-powertools/idempotency";
import { DynamoDBPersistenceLayer } from "@aws-lambda-powertools/idempotency/dynamodb";
import { makeHandlerIdempotent } from "@aws-lambda-powertools/idempotency/middleware";
import { Logger } from "@aws-lambda-powertools/logger";
import { injectLambdaContext } from "@aws-lambda-powertools/logger/middleware";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import middy from "@middy/core";
import type { APIGatewayProxyEventV2 } from "aws-lambda";

/**
 * The receipt of a webhook with the usual libraries: middy, and of Powertools the logger and the
 * idempotency, which stores the body's hash before the call and its answer after it.
 */

const { INBOUND_QUEUE_URL: QueueUrl, EVENTS_TABLE = "", WEBHOOK_SECRET = "" } = process.env;
const logger = new Logger({ serviceName: "common" });
const sqs = new SQSClient({});
const persistenceStore = new DynamoDBPersistenceLayer({ tableName: EVENTS_TABLE });
const config = new IdempotencyConfig({ eventKeyJmesPath: "body" });

export const handler = middy<APIGatewayProxyEventV2>()
  .use(injectLambdaContext(logger))
  .use(makeHandlerIdempotent({ persistenceStore, config }))
  .handler(async ({ headers, body = "", isBase64Encoded }) => {
    const bytes = Buffer.from(body, isBase64Encoded ? "base64" : "utf8");
    const expected = createHmac("sha256", WEBHOOK_SECRET).update(bytes).digest();
    const sent = Buffer.from(headers["x-signature"] ?? "", "hex");
    if (sent.length !== expected.length || !timingSafeEqual(sent, expected)) {
      return { statusCode: 401 };
    }
    const MessageBody = JSON.stringify(JSON.parse(bytes.toString("utf8")));
    const { MessageId } = await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    logger.info("Webhook accepted", { MessageId });
    return { statusCode: 200, body: '{"accepted":true}' };
  });
