import { createHmac, randomBytes } from "node:crypto";
import { marshall } from "@aws-sdk/util-dynamodb";
import type { InboundMessage } from "../../shared/contracts/messages/inbound.ts";
import { hashForm } from "../../shared/contracts/webhook-forms.ts";
import { sha256Hex } from "../../shared/core/crypto/digest.ts";
import { readMasterKeys, seal } from "../../shared/core/crypto/master-keys.ts";
import { signWeLink } from "../../shared/providers/we-link/pack.ts";

/** Webhooks of about 900 bytes, and the connection that they are for. */

const token = "t".repeat(64);
const pk = "connection#cn_1";
const clientId = "cl_1";
const connectionId = "cn_1";

export const webhookSecret = "the secret of the webhooks";
export const masterSecret = JSON.stringify({ current: "k1", k1: "m".repeat(64) });

/** As the config table stores it, in the form of the DynamoDB API. */
export const connectionItem = marshall({
  pk,
  clientId,
  connectionId,
  createdAt: "2026-06-25T12:00:00.000Z",
  provider: "we-link",
  tokens: [{ sha256: sha256Hex(token) }],
  sealedSecrets: seal(
    {
      masterKeys: readMasterKeys(masterSecret),
      randomHex: (bytes) => randomBytes(bytes).toString("hex"),
    },
    pk,
    JSON.stringify({ webhookSecrets: [{ secret: webhookSecret }] }),
  ),
  settings: {
    status: "active",
    signature: "enforce",
    // As a new connection has them.
    hashForms: hashForm.options,
    allowUnboundJwt: false,
    verifyByFetch: false,
  },
  version: 1,
});

function signedBody(requestId: string): string {
  const result = { text: "A profile of usual length. ".repeat(30) };
  return signWeLink({ status: "SUCCESS", request_id: requestId, result }, webhookSecret);
}

/** Returns a webhook as API Gateway passes it to a function. */
export function httpEvent(requestId: string): object {
  const body = signedBody(requestId);
  return {
    version: "2.0",
    routeKey: "POST /v1/in/{provider}/{connectionId}/{token}",
    pathParameters: { provider: "we-link", connectionId, token },
    headers: {
      "content-type": "application/json",
      "x-signature": createHmac("sha256", webhookSecret).update(body).digest("hex"),
    },
    requestContext: { requestId: "request", http: { method: "POST", path: "/" } },
    body,
    isBase64Encoded: false,
  };
}

/** Returns a batch of verified webhooks as SQS passes it to a function. */
export function queueEvent(count: number): object {
  const Records = Array.from({ length: count }, (_, n) => {
    const message: InboundMessage = {
      ...{ v: 1, provider: "we-link", clientId, connectionId, receivedAtMs: Date.now() },
      bodyBase64: Buffer.from(signedBody(`r-${n}`)).toString("base64"),
    };
    return {
      messageId: `m-${n}`,
      receiptHandle: `handle-${n}`,
      body: JSON.stringify(message),
      attributes: {
        ApproximateReceiveCount: "1",
        SentTimestamp: String(Date.now()),
        ...{ SenderId: "bench", ApproximateFirstReceiveTimestamp: String(Date.now()) },
      },
      messageAttributes: {},
      md5OfBody: "",
      eventSource: "aws:sqs",
      eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:inbound",
      awsRegion: "us-east-1",
    };
  });
  return { Records };
}
