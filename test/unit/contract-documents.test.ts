import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { describe, expect, test } from "vitest";
import { exampleOf } from "../../docs/event-examples.ts";
import { contractDocuments } from "../../docs/generate.ts";
import { type EventType, eventTypes, producerSchema } from "../../shared/contracts/events.ts";
import { failures } from "../../shared/contracts/failures.ts";
import { ANSWERED_GONE } from "../../shared/core/deliveries/state/delivery-state.ts";
import type { EndReason } from "../../shared/core/deliveries/state/record.ts";
import { unmatchedEventId } from "../../shared/core/events/event-id.ts";
import { root } from "../support/tree.ts";

const documents = contractDocuments();
const openApi = JSON.parse(documents["openapi.json"] ?? "{}");
const asyncApi = JSON.parse(documents["asyncapi.json"] ?? "{}");

const ajv = new Ajv2020({ strict: false, allErrors: true });
(formats as unknown as (of: Ajv2020) => void)(ajv);
ajv.addSchema(openApi, "openapi");

/** The errors of a value by a schema of the OpenAPI document. */
function errorsBy(schema: object, value: unknown): unknown {
  const text = JSON.stringify(schema).replaceAll("#/components", "openapi#/components");
  const validate = ajv.compile(JSON.parse(text));
  return validate(value) ? [] : validate.errors;
}

describe("The examples of docs/events.md", () => {
  test.each(eventTypes)("The example of %s is what the product publishes", (type) => {
    expect(producerSchema(type).safeParse(exampleOf(type)).error).toBeUndefined();
  });
});

describe("The examples of docs/events.md name what the product sends", () => {
  const requestId = "rq_1f6c29d1b6e04f7a9c55aa13-7d3e0b52";
  const connectionId = "cn_0f9e8d7c6b5a4321";
  const unmatched = { connectionId, providerObjectId: "0d3f6c1b9a" };

  test.each<[EventType, string]>([
    ["workflow.completed", `workflow.completed:${requestId}`],
    ["workflow.actionRequired", `workflow.actionRequired:${requestId}:1`],
    ["workflow.lateResult", `workflow.lateResult:${requestId}:1`],
    ["message.reply", unmatchedEventId({ type: "message.reply", ...unmatched })],
    ["event.unrecognised", unmatchedEventId({ type: "event.unrecognised", ...unmatched })],
    ["delivery.failed", "delivery.failed:dl_21b871b884e6b00a666a1feec780e3b1:1"],
    ["webhook.disabled", "webhook.disabled:wh_6ef3707b099fbe90:1782388800000"],
  ])("The example of %s has the id %s", (type, id) => {
    expect(exampleOf(type).id).toBe(id);
  });

  test("The reasons of the examples are those with which deliveries and webhooks end", () => {
    const reason: EndReason = "attempts_used";
    expect(exampleOf("delivery.failed").data).toMatchObject({ reason });
    expect(exampleOf("webhook.disabled").data).toMatchObject({ reason: ANSWERED_GONE });
  });
});

describe("The OpenAPI document", () => {
  test("It has the version of the package", () => {
    const { version } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
    expect(openApi.info.version).toBe(version);
    expect(asyncApi.info.version).toBe(version);
  });

  test.each(["Request", "Webhook", "Delivery", "Connection", "Account", "Event", "Problem"])(
    "It names the schema %s, and its examples are valid by it",
    (name) => {
      const schema = openApi.components.schemas[name];
      expect(schema.examples.length).toBeGreaterThanOrEqual(1);
      for (const example of schema.examples) expect(errorsBy(schema, example)).toEqual([]);
      expect(
        errorsBy(schema, { ...schema.examples[0], [Object.keys(schema.properties)[0] ?? ""]: [] }),
      ).not.toEqual([]);
    },
  );

  test("A problem's code is one of those that the API answers with", () => {
    const codes = Object.entries(failures).flatMap(([code, rule]) =>
      "httpStatus" in rule ? [code] : [],
    );
    expect(openApi.components.schemas.Problem.properties.code.enum).toEqual(codes);
  });

  test("An answer allows members of later versions, in every schema", () => {
    const { requestBodies: _, ...answers } = openApi.components;
    expect(JSON.stringify(answers)).not.toContain('"additionalProperties":false');
    for (const item of Object.values<Record<string, { responses: object }>>(openApi.paths)) {
      for (const { responses } of Object.values(item)) {
        expect(JSON.stringify(responses)).not.toContain('"additionalProperties":false');
      }
    }
  });

  test("An example of a body is valid by the schema of its operation", () => {
    const bodies = Object.values<
      Record<
        string,
        { requestBody?: { content: Record<string, { schema: object; example?: unknown }> } }
      >
    >(openApi.paths)
      .flatMap((item) => Object.values(item))
      .flatMap(({ requestBody }) => requestBody?.content["application/json"] ?? [])
      .filter(({ example }) => example !== undefined);
    expect(bodies.length).toBeGreaterThan(8);
    for (const { schema, example } of bodies) expect(errorsBy(schema, example)).toEqual([]);
  });

  test("Every operation describes API Gateway's own 431, and a 429 with its body", () => {
    for (const item of Object.values<
      Record<string, { responses: Record<string, { content?: object }> }>
    >(openApi.paths)) {
      for (const { responses } of Object.values(item)) {
        expect(responses["431"]?.content).toBeDefined();
        expect(JSON.stringify(responses["429"]?.content)).toContain("GatewayMessage");
      }
    }
  });
});

describe("The AsyncAPI document", () => {
  const event = openApi.components.schemas.WorkflowCompletedEvent.examples[0];
  const message = {
    version: "0",
    id: "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "detail-type": "workflow.completed",
    source: "ackwire",
    account: "123456789012",
    time: "2026-06-25T12:00:00Z",
    region: "eu-central-1",
    resources: [],
    detail: { clientId: "cl_1", ...event },
  };
  const { payload } = asyncApi.components.messages["bus.workflow.completed"];

  test("A message of the bus is EventBridge's whole event, with the client in its detail", () => {
    expect(errorsBy(payload, message)).toEqual([]);
    expect(errorsBy(payload, event)).not.toEqual([]);
    expect(errorsBy(payload, { ...message, detail: event })).not.toEqual([]);
  });

  test("It has a channel for webhooks, whose messages have the headers of Standard Webhooks", () => {
    const names = Object.keys(asyncApi.channels.webhook.messages);
    expect(names).toContain("webhook.workflow.completed");
    expect(names).toContain("webhook.WeLinkPayload");
    for (const name of names) {
      expect(asyncApi.components.messages[name].headers.required).toEqual([
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
      ]);
    }
  });
});
