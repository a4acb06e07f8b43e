import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { format, resolveConfig } from "prettier";
import * as z from "zod/mini";
import {
  consumerSchema,
  deliverableTypes,
  describeEvent,
  EVENT_SOURCE,
  type EventType,
  eventPattern,
  eventTypes,
} from "../shared/contracts/events.ts";
import { jsonSchemaOf } from "../shared/contracts/http/json-schema.ts";
import { API_VERSION, openApi } from "../shared/contracts/http/openapi.ts";
import {
  providerFormats,
  webhookHeaderSchemas,
} from "../shared/contracts/http/openapi-webhooks.ts";
import { operatorOpenApi } from "../shared/contracts/http/operator/openapi.ts";
import {
  OPERATOR_ACTION,
  OPERATOR_SOURCE,
  operatorAction,
} from "../shared/contracts/operator-action.ts";
import { settingsSchema } from "../shared/contracts/settings.ts";
import { clientTypes } from "./client-types.ts";
import { llmsTxt } from "./contents.ts";
import { eventsPage } from "./events-page.ts";
import { faultsPage } from "./faults-page.ts";
import { callTable } from "./linked-api-calls.ts";
import { settingsTypes } from "./settings-types.ts";

/** Everything in `docs/contracts/`, by file name: generated from the definitions, never edited. */
export function contractDocuments(): Record<string, string> {
  return {
    "events.schema.json": json(eventsSchema()),
    "openapi.json": json(JSON.parse(openApi())),
    "openapi-operator.json": json(JSON.parse(operatorOpenApi())),
    "asyncapi.json": json(asyncApi()),
    "patterns.json": json(patterns()),
    "linked-api-calls.md": callTable(),
    "settings.schema.json": json(z.toJSONSchema(settingsSchema, { io: "input" })),
  };
}

/** The contracts, and the types of the packages, by their path in the repository. */
async function generatedFiles(): Promise<Record<string, string>> {
  const contracts = Object.entries(contractDocuments());
  const pages = {
    "docs/events.md": await formatted("docs/events.md", eventsPage()),
    "docs/faults.md": await formatted("docs/faults.md", faultsPage()),
  };
  return {
    ...Object.fromEntries(contracts.map(([name, text]) => [`docs/contracts/${name}`, text])),
    "client/api-types.ts": await clientTypes(openApi()),
    "infra/ackwire-settings.ts": settingsTypes(),
    ...pages,
    "llms.txt": llmsTxt(pages),
  };
}

/** As `npm run format` writes it. */
async function formatted(path: string, text: string): Promise<string> {
  const options = await resolveConfig(join(root, path));
  return format(text, { ...options, parser: "markdown" });
}

function schemaOf(type: (typeof eventTypes)[number]) {
  const { $schema: _, ...schema } = z.toJSONSchema(consumerSchema(type), { io: "input" });
  return { title: type, description: `Published when ${describeEvent(type)}.`, ...schema };
}

function eventsSchema() {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Ackwire events",
    description: "The envelope of each event: EventBridge's `detail` without `clientId`.",
    oneOf: eventTypes.map((type) => ({ $ref: `#/$defs/${type}` })),
    $defs: Object.fromEntries(eventTypes.map((type) => [type, schemaOf(type)])),
  };
}

function patterns() {
  return {
    all: eventPattern(),
    ...Object.fromEntries(eventTypes.map((type) => [type, eventPattern(type)])),
  };
}

function eventMessageOf(type: EventType) {
  const { schema } = jsonSchemaOf(consumerSchema(type), "answer");
  const { properties = {}, required = [], ...rest } = schema;
  return busMessageOf(type, EVENT_SOURCE, {
    title: type,
    ...rest,
    required: ["clientId", ...required],
    properties: {
      clientId: { type: "string", description: "Whose event it is: a rule sees all clients." },
      ...properties,
    },
  });
}

/** The members of EventBridge's event that matter to a consumer, around its `detail`. */
function busMessageOf(type: string, source: string, detail: object) {
  return {
    type: "object",
    required: ["version", "id", "detail-type", "source", "account", "time", "region", "detail"],
    properties: {
      version: { type: "string" },
      id: { type: "string", description: "EventBridge's own id: another one for each publish." },
      "detail-type": { type: "string", const: type },
      source: { type: "string", const: source },
      account: { type: "string" },
      time: { type: "string", format: "date-time" },
      region: { type: "string" },
      resources: { type: "array", items: { type: "string" } },
      detail,
    },
  };
}

function asyncApi() {
  const action = jsonSchemaOf(operatorAction, "answer");
  const bus = [
    ...eventTypes.map((type) => [type, describeEvent(type), eventMessageOf(type)] as const),
    [
      OPERATOR_ACTION,
      "a person has changed something",
      busMessageOf(OPERATOR_ACTION, OPERATOR_SOURCE, action.schema),
    ] as const,
  ].map(([type, when, payload]) => [
    `bus.${type}`,
    {
      name: type,
      title: type,
      summary: `Published when ${when}.`,
      contentType: "application/json",
      payload,
    },
  ]);
  const headers = {
    type: "object",
    required: Object.keys(webhookHeaderSchemas),
    properties: Object.fromEntries(
      Object.entries(webhookHeaderSchemas).map(([name, { description, schema }]) => [
        name,
        { description, ...schema },
      ]),
    ),
  };
  const webhooks = [
    ...deliverableTypes.map((type) => [type, consumerSchema(type), describeEvent(type)] as const),
    ...providerFormats.map(
      ({ name, schema }) => [name, schema, "the webhook has this format"] as const,
    ),
  ].map(([name, schema, when]) => [
    `webhook.${name}`,
    {
      name,
      title: name,
      summary: `Sent when ${when}.`,
      contentType: "application/json",
      headers,
      payload: jsonSchemaOf(schema, "answer").schema,
    },
  ]);
  const namesOf = (messages: (string | object)[][]) =>
    Object.fromEntries(messages.map(([name]) => [name, { $ref: `#/components/messages/${name}` }]));
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Ackwire events",
      version: API_VERSION,
      description:
        "What Ackwire publishes on its EventBridge bus, and what it sends to a client's webhook. Messages may get new members in later versions.",
      license: { name: "Apache-2.0" },
    },
    defaultContentType: "application/json",
    channels: {
      bus: {
        address: null,
        title: "The stack's EventBridge bus (output BusName)",
        description: "EventBridge's whole event. Every rule sees the events of all clients.",
        messages: namesOf(bus),
      },
      webhook: {
        address: null,
        title: "The URL of a client's webhook",
        description:
          "One POST for each attempt, signed according to Standard Webhooks. In thin mode `data.result` is left out.",
        messages: namesOf(webhooks),
      },
    },
    operations: {
      publish: {
        action: "send",
        summary: "Publishes an event",
        channel: { $ref: "#/channels/bus" },
      },
      deliver: {
        action: "send",
        summary: "Delivers an event to the client's webhook",
        channel: { $ref: "#/channels/webhook" },
      },
    },
    components: {
      schemas: action.components,
      messages: Object.fromEntries([...bus, ...webhooks]),
    },
  };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

const root = join(import.meta.dirname, "..");

/** The generated files that are missing or out of date. */
export async function staleDocuments(): Promise<string[]> {
  return Object.entries(await generatedFiles())
    .filter(([name, text]) => {
      const file = join(root, name);
      return !existsSync(file) || readFileSync(file, "utf8") !== text;
    })
    .map(([name]) => name);
}

if (import.meta.main && process.argv.includes("--check")) {
  const stale = await staleDocuments();
  if (stale.length > 0) {
    console.error(`Out of date, run \`npm run docs\`: ${stale.join(", ")}`);
    process.exitCode = 1;
  }
} else if (import.meta.main) {
  for (const [name, text] of Object.entries(await generatedFiles())) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
}
