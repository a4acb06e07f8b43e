import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { awsClientDefaults as sdk } from "../../shared/runtime/aws-clients.ts";

/**
 * The floor of `POST /v1/requests`: what must be done by hand and nothing else.
 * It knows its one key, gives out the lane's place, stores the request, sends
 * the message, answers.
 */

const { REQUESTS_TABLE = "", SUBMIT_QUEUE_URL = "", BENCH_KEY_SHA256 = "" } = process.env;
const db = DynamoDBDocumentClient.from(new DynamoDBClient(sdk));
const sqs = new SQSClient(sdk);
const keySha256 = Buffer.from(BENCH_KEY_SHA256, "hex");

interface HttpEvent {
  headers: Record<string, string>;
  body?: string;
  isBase64Encoded: boolean;
}

export async function handler({ headers, body = "", isBase64Encoded }: HttpEvent) {
  const key = (headers.authorization ?? "").replace("Bearer ", "");
  if (!timingSafeEqual(createHash("sha256").update(key).digest(), keySha256)) {
    return { statusCode: 401 };
  }
  const request = JSON.parse(isBase64Encoded ? Buffer.from(body, "base64").toString() : body);
  const lane = createHash("sha256").update(request.accountId).digest("hex").slice(0, 24);
  const requestId = `rq_${lane}${randomBytes(10).toString("hex")}`;
  const now = Date.now();
  const { provider, accountId, action } = request;
  await db.send(
    new UpdateCommand({
      TableName: REQUESTS_TABLE,
      Key: { lane, id: "#lane" },
      UpdateExpression:
        "SET clientId = :client, provider = :provider, connectionId = :connection, accountId = :account, lastPlace = :now, waiting = if_not_exists(waiting, :none) + :one, dueAt = if_not_exists(dueAt, :now), dueShard = :shard",
      ConditionExpression:
        "(attribute_not_exists(lastPlace) OR lastPlace <= :now) AND (attribute_not_exists(waiting) OR waiting < :limit)",
      ExpressionAttributeValues: {
        ...{
          ":client": "bench",
          ":provider": provider,
          ":connection": "co",
          ":account": accountId,
        },
        ...{ ":now": now, ":none": 0, ":one": 1, ":limit": 100_000, ":shard": "0" },
      },
      ReturnValues: "ALL_OLD",
    }),
  );
  const createdAt = new Date(now).toISOString();
  const view = { requestId, status: "QUEUED", provider, accountId, action, createdAt };
  const id = `workflow.created:${requestId}`;
  const event = { id, type: "workflow.created", createdAt, data: view };
  await db.send(
    new PutCommand({
      TableName: REQUESTS_TABLE,
      Item: {
        ...{ lane, id: requestId, clientId: "bench", listedAs: `${createdAt}#${requestId}` },
        ...{ laneKey: `wait#${now}`, dueShard: "0", dueAt: now, sweepShard: "0", sweepAt: now },
        ...{ ...view, params: JSON.stringify(request.params), outbox: [JSON.stringify(event)] },
      },
      ConditionExpression: "attribute_not_exists(lane)",
    }),
  );
  const MessageBody = JSON.stringify({ v: 1, kind: "accepted", requestId, wakesLane: false });
  await sqs.send(new SendMessageCommand({ QueueUrl: SUBMIT_QUEUE_URL, MessageBody }));
  return {
    statusCode: 202,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...view, attempts: 0 }),
  };
}
