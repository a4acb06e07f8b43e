import { jwtVerify } from "jose";
import { expect } from "vitest";
import type { JsonObject } from "../../shared/core/json/json.ts";
import { verified } from "../support/fakes/webhook-receiver.ts";
import { isProven } from "../support/payloads/webhooks.ts";
import { hmacOf } from "../support/runs/inbound-run.ts";
import type { WeLinkScenarios } from "../support/scenarios/we-link-scenarios.ts";
import { makeSpecification } from "../support/specification.ts";

/** "Asynchronous Processing" and "Event Types & Payloads", for webhooks in We-Link's format. */
export function weLinkOutbound(scenarios: () => WeLinkScenarios): void {
  const { states, everySentenceHasItsTest } = makeSpecification([
    "We push the final result directly to your configured webhook endpoint the moment the task is finished.",
    "This is the most efficient approach.",
    "Webhook payload delivered to your endpoint",
    "result may vary according to the type of the endpoint",
    '"hash": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...." // hash for verification',
    "Requests that remain queued for too long are automatically marked as failed with the status QUEUE_TIMEOUT_THRESHOLD_EXCEEDED.",
    "Results are delivered via your webhook just like any other async request",
    // Event Types & Payloads
    "Each event carries a consistent payload structure with type-specific result data.",
    "LOGIN_PIN_REQUIRED Payload:",
    // Common Payload Fields: Field | Type | Description
    "Every webhook payload contains these standard fields:",
    "status | string | SUCCESS, FAILED, or event-specific status",
    "request_id | string | Unique identifier matching the original API request",
    "result | object | Event-specific result data (on success)",
    "error | string | Error message (on failure)",
    "hash | string | HMAC signature for verification",
  ]);

  const bothForms = () => Promise.all(Object.values(scenarios()));
  const plain = () => scenarios()["hmac-hex"];

  states(
    "We push the final result directly to your configured webhook endpoint the moment the task is finished.",
    async () => {
      for (const { results } of await bothForms()) {
        for (const { post, requestId } of Object.values(results)) {
          expect(JSON.parse(post.body)).toMatchObject({ request_id: requestId });
        }
      }
    },
  );

  states("This is the most efficient approach.", async () => {
    // There is one POST for each result, and it contains the same data as a poll.
    const { posts, polled, results } = await plain();
    expect(posts).toHaveLength(Object.keys(results).length);
    const { hash: _, ...payload } = results.connection.body;
    expect(polled).toMatchObject(payload);
  });

  states("Webhook payload delivered to your endpoint", async () => {
    for (const { results } of await bothForms()) {
      const { body, requestId, post } = results.connection;
      expect(post).toMatchObject({
        method: "POST",
        headers: { "content-type": "application/json" },
      });
      expect(body).toEqual({
        status: "SUCCESS",
        request_id: requestId,
        requestId,
        result: { connected: true, profile_id: "ACoABC1d2f..." },
        hash: expect.any(String),
      });
    }
  });

  states("result may vary according to the type of the endpoint", async () => {
    const { connection, message, session } = (await plain()).results;
    for (const { body, payload } of [connection, message, session]) {
      expect(body.result).toEqual(payload.result);
    }
  });

  states(
    '"hash": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...." // hash for verification',
    async () => {
      const { results, webhook } = await scenarios().jwt;
      for (const { body, requestId, post } of Object.values(results)) {
        expect(body.hash).toMatch(/^eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9\./);
        const key = Buffer.from(webhook.secret);
        const { payload } = await jwtVerify(String(body.hash), key, { algorithms: ["HS256"] });
        expect(payload.request_id).toBe(requestId);
        expect(isProven(post.body, [webhook.secret], { hashForms: ["jwt"] })).toBe(true);
      }
    },
  );

  states(
    "Requests that remain queued for too long are automatically marked as failed with the status QUEUE_TIMEOUT_THRESHOLD_EXCEEDED.",
    async () => {
      const { body } = (await plain()).results.expired;
      expect(body).toMatchObject({ status: "QUEUE_TIMEOUT_THRESHOLD_EXCEEDED" });
      expect(body).not.toHaveProperty("result");
    },
  );

  states("Results are delivered via your webhook just like any other async request", async () => {
    for (const { results, client } of await bothForms()) {
      const { requestId, body } = results.later;
      const { body: request } = await client.native("GET", `/v1/requests/${requestId}`);
      expect(request).toMatchObject({ status: "SUCCEEDED", scheduled: expect.any(String) });
      expect(body).toMatchObject({ status: "SUCCESS", request_id: requestId });
    }
  });

  states(
    "Each event carries a consistent payload structure with type-specific result data.",
    async () => {
      const { results } = await plain();
      for (const { body } of Object.values(results)) {
        const [first, ...others] = Object.keys(body);
        expect([first, others.at(-1)]).toEqual(["status", "hash"]);
      }
    },
  );

  states("LOGIN_PIN_REQUIRED Payload:", async () => {
    const { body, requestId } = (await plain()).results.prompt;
    expect(body).toEqual({
      status: "PIN_REQUIRED",
      request_id: requestId,
      requestId,
      message: "Please provide the code",
      hash: expect.any(String),
    });
  });

  states("Every webhook payload contains these standard fields:", async () => {
    for (const { results } of await bothForms()) {
      for (const { body } of Object.values(results)) {
        const { status, request_id, hash } = body;
        expect([typeof status, typeof request_id, typeof hash]).toEqual(Array(3).fill("string"));
      }
    }
  });

  states("status | string | SUCCESS, FAILED, or event-specific status", async () => {
    const { connection, failure, prompt } = (await plain()).results;
    const statuses = [connection, failure, prompt].map(({ body }) => body.status);
    expect(statuses).toEqual(["SUCCESS", "FAILED", "PIN_REQUIRED"]);
  });

  states("request_id | string | Unique identifier matching the original API request", async () => {
    for (const { results } of await bothForms()) {
      for (const { body, requestId } of Object.values(results)) {
        expect([body.request_id, body.requestId]).toEqual([requestId, requestId]);
      }
    }
  });

  states("result | object | Event-specific result data (on success)", async () => {
    const { results } = await plain();
    for (const { body, payload } of Object.values(results)) {
      expect("result" in body).toBe(payload.status === "SUCCESS");
    }
  });

  states("error | string | Error message (on failure)", async () => {
    const { failure, connection } = (await plain()).results;
    expect(failure.body).toMatchObject({ status: "FAILED", error: "PROFILE_NOT_FOUND" });
    expect(connection.body).not.toHaveProperty("error");
  });

  states("hash | string | HMAC signature for verification", async () => {
    const { results, webhook } = await plain();
    for (const { post } of Object.values(results)) {
      // We-Link's sample verifies the hash of the reserialised body.
      const { hash, ...data } = JSON.parse(post.body) as JsonObject;
      expect(hash).toBe(hmacOf(JSON.stringify(data), webhook.secret));
      expect(isProven(post.body, [webhook.secret], { hashForms: ["raw"] })).toBe(true);
      expect(isProven(post.body, [`${webhook.secret}x`])).toBe(false);
      expect(isProven(post.body.replace('"status":"', '"status":"X'), [webhook.secret])).toBe(
        false,
      );
      // The headers also contain a valid signature.
      expect(verified(post, webhook.secret)).toEqual({ ...data, hash });
    }
  });

  everySentenceHasItsTest();
}
