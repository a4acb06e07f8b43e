import { openApi } from "../../shared/contracts/http/openapi.ts";
import { operatorOpenApi } from "../../shared/contracts/http/operator/openapi.ts";

/** Which API a tool calls, and so which key it needs. */
export type ToolApi = "operator" | "client";

/** A tool: one operation of an OpenAPI document. */
export interface OperationTool {
  name: string;
  description: string;
  api: ToolApi;
  method: string;
  path: string;
  isRead: boolean;
  /** The values of the path and the query, by where they are sent. */
  params: readonly string[];
  query: readonly string[];
  hasBody: boolean;
  takesIdempotencyKey: boolean;
  inputSchema: JsonSchema;
}

interface JsonSchema {
  type: "object";
  properties: Record<string, object>;
  required: string[];
  additionalProperties: false;
  $defs?: Record<string, object>;
}

interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required: boolean;
  description?: string;
  schema: object;
}

interface DocumentedOperation {
  operationId: string;
  summary: string;
  parameters: Parameter[];
  security: Record<string, unknown>[];
  "x-scope"?: string;
  requestBody?: { required: boolean; content: { "application/json": { schema: object } } };
}

interface Document {
  paths: Record<string, Record<string, DocumentedOperation>>;
  components: { schemas: Record<string, object> };
}

const BODY = "body";
const IDEMPOTENCY_KEY = "Idempotency-Key";

/**
 * The tools of both APIs, from their OpenAPI documents: those that only read, and with
 * `allowWrites` all. The providers' own protocols are left out: they are for existing clients.
 */
export function toolsOf(apis: readonly ToolApi[], allowWrites: boolean): OperationTool[] {
  return apis.flatMap((api) => toolsOfDocument(api)).filter(({ isRead }) => isRead || allowWrites);
}

function toolsOfDocument(api: ToolApi): OperationTool[] {
  const document = JSON.parse(api === "operator" ? operatorOpenApi() : openApi()) as Document;
  const scheme = api === "operator" ? "operatorKey" : "apiKey";
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { security }]) => security.some((one) => scheme in one))
      .map(([method, operation]) => toolOf(api, { path, method, operation, document })),
  );
}

function toolOf(
  api: ToolApi,
  of: { path: string; method: string; operation: DocumentedOperation; document: Document },
): OperationTool {
  const { path, method, operation, document } = of;
  const { parameters, requestBody, "x-scope": scope } = operation;
  const named = (where: Parameter["in"]) => parameters.filter((one) => one.in === where);
  const key = named("header").find(({ name }) => name === IDEMPOTENCY_KEY);
  const inputs = [...named("path"), ...named("query")];
  const properties = {
    ...Object.fromEntries(inputs.map(({ name, schema }) => [name, schema])),
    ...(requestBody ? { [BODY]: requestBody.content["application/json"].schema } : {}),
    ...(key ? { idempotencyKey: { ...key.schema, description: key.description } } : {}),
  };
  const required = inputs.filter((one) => one.required).map(({ name }) => name);
  if (requestBody?.required) required.push(BODY);
  return {
    name: `${api}_${operation.operationId}`,
    description: `${operation.summary}.${scope === undefined ? "" : ` Needs the scope ${scope}.`}`,
    api,
    method: method.toUpperCase(),
    path,
    isRead: method === "get",
    params: named("path").map(({ name }) => name),
    query: named("query").map(({ name }) => name),
    hasBody: requestBody !== undefined,
    takesIdempotencyKey: key !== undefined,
    inputSchema: selfContained(properties, required, document.components.schemas),
  };
}

/** A schema with everything that it refers to, without the long patterns of times. */
function selfContained(
  properties: Record<string, object>,
  required: string[],
  components: Readonly<Record<string, object>>,
): JsonSchema {
  const $defs: Record<string, object> = {};
  const follow = (schema: object) => {
    for (const [, name = ""] of JSON.stringify(schema).matchAll(
      /"#\/components\/schemas\/([^"]+)"/g,
    )) {
      const component = components[name];
      if (component === undefined || name in $defs) continue;
      $defs[name] = component;
      follow(component);
    }
  };
  follow(properties);
  const schema = {
    type: "object",
    properties,
    required,
    additionalProperties: false,
    ...(Object.keys($defs).length === 0 ? {} : { $defs }),
  };
  return JSON.parse(
    JSON.stringify(schema).replaceAll("#/components/schemas/", "#/$defs/"),
    shorter,
  );
}

function shorter(this: { format?: string }, name: string, value: unknown): unknown {
  return name === "pattern" && this.format === "date-time" ? undefined : value;
}
