import { type ProviderId, providerPacks } from "../providers.ts";
import { bodyExamples, furtherExamples, schemaExamples } from "./examples.ts";
import { jsonSchemaOf } from "./json-schema.ts";
import { dialectErrors, errorAnswers, gatewayMessage } from "./openapi-errors.ts";
import { webhooksSection } from "./openapi-webhooks.ts";
import { type Operation, operations } from "./operations.ts";
import { problem } from "./problem.ts";

/** The version of the package, which `package.json` states too. */
export const API_VERSION = "0.1.0";

let built: string | undefined;

/** The OpenAPI 3.1 document of the HTTP API, as JSON text. */
export function openApi(): string {
  built ??= JSON.stringify(document());
  return built;
}

const description = `Accepts asynchronous requests and providers' webhooks, and delivers signed webhooks.

A path that is not in this document is answered 404, and a method that its path does not have (\`HEAD\`, \`OPTIONS\` and \`TRACE\` among them) 405 with \`allow\`: by a problem document (RFC 9457), below the paths of a provider's own protocol in the provider's shape. \`docs/errors.md\` lists every \`code\`, whether to repeat the call, and what to do.

Answers may get new members in later versions.`;

function document() {
  const components: Components = {};
  const paths = pathsOf(operations, components, (operation) => ({
    tags: [tagOf(operation)],
    security: securityOf(operation),
  }));
  for (const { name, schema } of dialectErrors) {
    add(components, { [name]: jsonSchemaOf(schema, "answer").schema });
  }
  const { webhooks, components: webhookComponents } = webhooksSection();
  add(components, webhookComponents);
  return {
    openapi: "3.1.0",
    info: {
      title: "Ackwire",
      version: API_VERSION,
      description,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers,
    tags: [...new Set(operations.map(tagOf))].map((name) => ({
      name,
      description: tagDescriptions[name] ?? "Calls in the words of this provider's own clients",
    })),
    paths,
    webhooks,
    components: { schemas: components, securitySchemes },
  };
}

/** Where the API is served. */
export const servers = [
  {
    url: "https://{apiId}.execute-api.{region}.amazonaws.com",
    description: "A deployed stack: its output ApiUrl, or its own domain",
    variables: { apiId: { default: "abcdef1234" }, region: { default: "eu-central-1" } },
  },
  { url: "http://127.0.0.1:8787", description: "The local run" },
];

export type Components = Record<string, object>;

/** The paths of these operations, the documented ones; the schemas that they name go to `components`. */
export function pathsOf<Described extends Operation>(
  described: readonly Described[],
  components: Components,
  annotate: (operation: Described) => object,
) {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of described) {
    if (operation.isUndocumented) continue;
    paths[operation.path] ??= {};
    Object.assign(paths[operation.path] ?? {}, {
      [operation.method.toLowerCase()]: {
        ...describe(operation, components),
        ...annotate(operation),
      },
    });
  }
  for (const { schema } of [{ schema: problem }, { schema: gatewayMessage }]) {
    add(components, jsonSchemaOf(schema, "answer").components);
  }
  return paths;
}

function add(components: Components, found: Components): void {
  for (const [name, schema] of Object.entries(found)) {
    const example = schemaExamples[name];
    const examples = [example, ...(furtherExamples[name] ?? [])];
    components[name] = example === undefined ? schema : { ...schema, examples };
  }
}

const securitySchemes = {
  apiKey: { type: "http", scheme: "bearer", description: "ackwire_<keyId>_<secret>" },
  ...Object.fromEntries(
    Object.values(providerPacks).flatMap(({ dialect }) =>
      (dialect?.credentials ?? []).map(({ scheme, header, description: about }) => [
        scheme,
        { type: "apiKey", in: "header", name: header, description: about },
      ]),
    ),
  ),
};

const idempotencyKey = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description: "A repeated call with the same key and body gets the same answer",
  schema: { type: "string", minLength: 1, maxLength: 255, pattern: "^[\\x21-\\x7e]+$" },
} as const;

const traceparent = {
  name: "traceparent",
  in: "header",
  required: false,
  description:
    "The caller's trace (W3C Trace Context): events and webhooks of the request name it. An invalid one is ignored.",
  schema: { type: "string" },
} as const;

function securityOf({ isPublic, dialect, needsAccount }: Operation): object[] {
  if (isPublic) return [];
  if (dialect === undefined) return [{ apiKey: [] }];
  const { credentials = [] } = providerPacks[dialect].dialect ?? {};
  const needed = credentials.filter(
    ({ holds }) => holds !== "accountToken" || needsAccount !== false,
  );
  // The schemes of one object are required together.
  return [Object.fromEntries(needed.map(({ scheme }) => [scheme, []]))];
}

const tags: Readonly<Record<string, string>> = {
  requests: "Requests",
  groups: "Requests",
  accounts: "Accounts",
  "recurring-requests": "Recurring requests",
  connections: "Connections",
  keys: "API keys",
  events: "Events",
  webhook: "Webhook",
  deliveries: "Deliveries",
  recoveries: "Deliveries",
};

const tagDescriptions: Readonly<Record<string, string>> = {
  Requests: "Operations that a provider carries out for an account",
  "Recurring requests": "Requests that are made at the times of a cron expression",
  Accounts: "Pace, token and pause of the accounts for which requests are made",
  Connections: "Credentials at the providers, and the URLs that they call",
  "API keys": "The keys of this API",
  Events: "What happened, as it was published on the bus",
  Webhook: "Where a client gets its events",
  Deliveries: "Each event that was sent to the webhook, with its attempts",
  Service: "For everyone, without a key",
};

function tagOf({ dialect, path }: { dialect?: ProviderId; path: string }): string {
  if (dialect !== undefined) return `${providerPacks[dialect].name}'s protocol`;
  return tags[path.split("/")[2] ?? ""] ?? "Service";
}

function describe(operation: Operation, components: Components) {
  const { operationId, summary, params, query, body, answer, repeatedAnswer } = operation;
  const content = answer.schema && {
    content: json(schemaOf(answer.schema, "answer", components)),
  };
  const example = bodyExamples[operationId];
  return {
    operationId,
    summary,
    parameters: [
      ...parametersOf("path", params),
      ...parametersOf("query", query),
      ...(operation.takesIdempotencyKey ? [idempotencyKey, traceparent] : []),
    ],
    ...(body && {
      requestBody: {
        required: !operation.isRelayed,
        content: json(schemaOf(body, "body", components), example),
      },
    }),
    responses: {
      ...(repeatedAnswer && {
        [repeatedAnswer.status]: { description: repeatedAnswer.description, ...content },
      }),
      [answer.status]: { description: answer.description, ...content },
      ...errorAnswers(operation),
      ...(operation.isRelayed ? { default: relayedAnswer } : {}),
    },
  };
}

const relayedAnswer = {
  description: "Any other answer of the provider, as it is",
  content: json({}),
};

function parametersOf(place: "path" | "query", schema: Operation["params"] | Operation["query"]) {
  const { properties = {}, required = [] } = jsonSchemaOf(schema, "parameters").schema;
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: required.includes(name),
    schema: property,
  }));
}

function json(schema: object, example?: unknown) {
  return { "application/json": { schema, ...(example === undefined ? {} : { example }) } };
}

function schemaOf(
  schema: NonNullable<Operation["body"]>,
  of: "answer" | "body",
  components: Components,
): object {
  const described = jsonSchemaOf(schema, of);
  add(components, described.components);
  return described.schema;
}
