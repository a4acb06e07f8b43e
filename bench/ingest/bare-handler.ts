import { createHmac, timingSafeEqual } from "node:crypto";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";

/** The floor of `ingest`: verifies the HMAC, parses, makes one SQS call, answers. */

const { INBOUND_QUEUE_URL: QueueUrl, WEBHOOK_SECRET = "" } = process.env;
const sqs = new SQSClient({});

interface HttpEvent {
  headers: Record<string, string>;
  body?: string;
  isBase64Encoded: boolean;
}

export async function handler({ headers, body = "", isBase64Encoded }: HttpEvent) {
  const bytes = Buffer.from(body, isBase64Encoded ? "base64" : "utf8");
  const expected = createHmac("sha256", WEBHOOK_SECRET).update(bytes).digest();
  const sent = Buffer.from(headers["x-signature"] ?? "", "hex");
  if (sent.length !== expected.length || !timingSafeEqual(sent, expected)) {
    return { statusCode: 401 };
  }
  const MessageBody = JSON.stringify(JSON.parse(bytes.toString("utf8")));
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  return { statusCode: 200, body: '{"accepted":true}' };
}
