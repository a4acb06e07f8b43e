import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod/mini";
import {
  consumerSchema,
  describeEvent,
  eventPattern,
  eventTypes,
} from "../shared/contracts/events.ts";
import { openApi } from "../shared/contracts/http/openapi.ts";
import { settingsSchema } from "../shared/contracts/settings.ts";
import { callTable } from "./linked-api-calls.ts";

/** Everything in `docs/contracts/`, by file name: generated from the definitions, never edited. */
export function contractDocuments(): Record<string, string> {
  return {
    "events.schema.json": json(eventsSchema()),
    "openapi.json": json(JSON.parse(openApi())),
    "asyncapi.json": json(asyncApi()),
    "patterns.json": json(patterns()),
    "linked-api-calls.md": callTable(),
    "settings.schema.json": json(z.toJSONSchema(settingsSchema, { io: "input" })),
  };
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

function asyncApi() {
  const messages = Object.fromEntries(
    eventTypes.map((type) => [
      type,
      { name: type, summary: `Published when ${describeEvent(type)}.`, payload: schemaOf(type) },
    ]),
  );
  return {
    asyncapi: "3.0.0",
    info: { title: "Ackwire events", version: "1.0.0" },
    channels: {
      bus: {
        address: "EventBridge bus of the stack (output BusName)",
        messages: Object.fromEntries(
          eventTypes.map((type) => [type, { $ref: `#/components/messages/${type}` }]),
        ),
      },
    },
    operations: {
      publish: { action: "send", channel: { $ref: "#/channels/bus" } },
    },
    components: { messages },
  };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

const directory = join(import.meta.dirname, "contracts");

/** The generated documents whose files are missing or out of date. */
export function staleDocuments(): string[] {
  return Object.entries(contractDocuments())
    .filter(([name, text]) => {
      const file = join(directory, name);
      return !existsSync(file) || readFileSync(file, "utf8") !== text;
    })
    .map(([name]) => name);
}

if (import.meta.main && process.argv.includes("--check")) {
  const stale = staleDocuments();
  if (stale.length > 0) {
    console.error(`Out of date, run \`npm run docs\`: ${stale.join(", ")}`);
    process.exitCode = 1;
  }
} else if (import.meta.main) {
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of Object.entries(contractDocuments())) {
    writeFileSync(join(directory, name), text);
  }
}
