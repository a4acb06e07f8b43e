import * as z from "zod/mini";
import { type ProviderId, providerPacks } from "../providers.ts";
import { type Operation, operations } from "./operations.ts";
import { problem } from "./problem.ts";

/** The packs that have a dialect, each with it. */
const dialects = Object.values(providerPacks).flatMap(({ id, dialect }) =>
  dialect ? [{ id, ...dialect }] : [],
);

let built: string | undefined;

/** The OpenAPI 3.1 document of the HTTP API, as JSON text. */
export function openApi(): string {
  built ??= JSON.stringify(document());
  return built;
}

function document() {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of operations) {
    paths[operation.path] ??= {};
    Object.assign(paths[operation.path] ?? {}, {
      [operation.method.toLowerCase()]: describe(operation),
    });
  }
  return {
    openapi: "3.1.0",
    info: { title: "Ackwire", version: "1.0.0" },
    paths,
    components: {
      schemas: {
        problem: schemaOf(problem, "output"),
        ...Object.fromEntries(
          dialects.map(({ id, errorSchema }) => [errorName(id), schemaOf(errorSchema, "output")]),
        ),
      },
      securitySchemes: {
        apiKey: { type: "http", scheme: "bearer", description: "ackwire_<keyId>_<secret>" },
        ...Object.fromEntries(
          dialects.flatMap(({ credentials }) =>
            credentials.map(({ scheme, header, description }) => [
              scheme,
              { type: "apiKey", in: "header", name: header, description },
            ]),
          ),
        ),
      },
    },
  };
}

/** The schema of a dialect's errors: `my-provider` has `myProviderError`. */
function errorName(dialect: ProviderId): string {
  return `${dialect.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())}Error`;
}

const idempotencyKey = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description: "A repeated call with the same key and body gets the same answer",
  schema: { type: "string", minLength: 1, maxLength: 255 },
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

function describe(operation: Operation) {
  const { operationId, summary, params, query, body, answer, repeatedAnswer } = operation;
  const content = answer.schema && { content: json(schemaOf(answer.schema, "output")) };
  return {
    operationId,
    summary,
    security: securityOf(operation),
    parameters: [
      ...parametersOf("path", params),
      ...parametersOf("query", query),
      ...(operation.takesIdempotencyKey ? [idempotencyKey] : []),
    ],
    ...(body && {
      requestBody: { required: !operation.isRelayed, content: json(schemaOf(body, "input")) },
    }),
    responses: {
      ...(repeatedAnswer && {
        [repeatedAnswer.status]: { description: repeatedAnswer.description, ...content },
      }),
      [answer.status]: { description: answer.description, ...content },
      ...problemsOf(operation),
      ...(operation.isRelayed ? { default: relayedAnswer } : {}),
    },
  };
}

const relayedAnswer = {
  description: "Any other answer of the provider, as it is",
  content: json({}),
};

const meanings = {
  400: "The request is not valid; `errors` names each invalid field",
  401: "The API key is missing or not valid",
  404: "Not found, or it belongs to another client",
  409: "The resource's current state does not allow this operation, or it was changed meanwhile: read it again",
  413: "The body is too large",
  429: "Too many requests; API Gateway answers this one without a problem body",
  500: "Internal error",
  504: "The provider did not answer in time; the call may have taken effect",
  503: "Try again after `retry-after` seconds",
} as const;

function errorContent(dialect: ProviderId | undefined): object {
  if (dialect === undefined) {
    return { "application/problem+json": { schema: { $ref: "#/components/schemas/problem" } } };
  }
  return json({ $ref: `#/components/schemas/${errorName(dialect)}` });
}

function problemsOf({ isPublic, problems, body, dialect, isRelayed }: Operation) {
  if (isPublic) return {};
  const late = isRelayed ? ([504] as const) : [];
  const tooLarge = body ? ([413] as const) : [];
  const statuses = [400, 401, ...problems, ...tooLarge, 429, 500, 503, ...late] as const;
  const content = errorContent(dialect);
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: meanings[status], ...(status === 429 ? {} : { content }) },
    ]),
  );
}

function parametersOf(place: "path" | "query", schema: z.ZodMiniType) {
  const { properties = {}, required = [] } = schemaOf(schema, "input");
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: required.includes(name),
    schema: property,
  }));
}

function json(schema: object) {
  return { "application/json": { schema } };
}

function schemaOf(schema: z.ZodMiniType, io: "input" | "output") {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}
