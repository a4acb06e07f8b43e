import { randomUUID } from "node:crypto";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import {
  CallToolRequestSchema,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
} from "@modelcontextprotocol/sdk/types.js";
import { API_VERSION } from "../../shared/contracts/http/openapi.ts";
import { type Api, CallFailure, callApi } from "./call-api.ts";
import { type OperationTool, type ToolApi, toolsOf } from "./mcp-tools.ts";
import type { Place } from "./place.ts";
import { UsageError } from "./usage-error.ts";

/** A server with the tools for which there are keys. @throws Error when there is no key at all */
export function mcpServer(place: Place, { allowWrites }: { allowWrites: boolean }): Server {
  const apis = apisOf(place);
  const tools = toolsOf(Object.keys(apis) as ToolApi[], allowWrites);
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const server = new Server(
    { name: "ackwire", version: API_VERSION },
    { capabilities: { tools: {} }, instructions: instructionsFor(place, allowWrites) },
  );
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: tools.map(described) }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
    const tool = byName.get(params.name);
    if (tool === undefined) {
      throw new McpError(ErrorCode.InvalidParams, `There is no tool ${params.name}`);
    }
    const api = apis[tool.api] as Api;
    return callTool(api, tool, params.arguments ?? {});
  });
  return server;
}

/** @throws Error when there is no key at all */
function apisOf(place: Place): Partial<Record<ToolApi, Api>> {
  const { apiUrl, apiKey, isOfClient = false } = place;
  const keyName = isOfClient ? "ACKWIRE_API_KEY" : "ACKWIRE_OPERATOR_KEY";
  const operator = { apiUrl, key: () => place.operatorKey(), keyName };
  if (apiKey === undefined) {
    void place.operatorKey();
    return { operator };
  }
  const client = { apiUrl, key: apiKey, keyName: "ACKWIRE_API_KEY" };
  return { ...(isOfClient || hasOperatorKey(place) ? { operator } : {}), client };
}

function hasOperatorKey(place: Place): boolean {
  try {
    void place.operatorKey();
    return true;
  } catch {
    return false;
  }
}

function instructionsFor({ name }: Place, allowWrites: boolean): string {
  return [
    `Ackwire (${name}) hands requests to providers for accounts, and delivers signed webhooks.`,
    "Tools that begin with client_ act as one client; operator_ tools see all clients.",
    "Begin with operator_getOverview for what needs a person, and operator_find for the story of any id.",
    allowWrites
      ? "Tools that change something take effect at once; give `why` where a body has it."
      : "Only tools that read are offered: the server was started without --allow-writes.",
  ].join(" ");
}

function described({ name, description, inputSchema, isRead, method }: OperationTool) {
  return {
    name,
    description,
    inputSchema,
    annotations: {
      readOnlyHint: isRead,
      destructiveHint: !isRead,
      idempotentHint: method !== "POST",
    },
  };
}

async function callTool(api: Api, tool: OperationTool, values: Record<string, unknown>) {
  const { method, path, params, query, hasBody, takesIdempotencyKey, inputSchema } = tool;
  const unknown = Object.keys(values).filter((name) => !(name in inputSchema.properties));
  const missing = inputSchema.required.filter((name) => values[name] === undefined);
  const wrong = [
    ...unknown.map((name) => `${name} is not known`),
    ...missing.map((name) => `${name} is missing`),
  ];
  if (wrong.length > 0) return failed(wrong.join("; "));
  const pick = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, values[name]]));
  try {
    const answer = await callApi(api, {
      ...{ method, path },
      params: pick(params),
      query: pick(query),
      ...(hasBody ? { body: values.body ?? {} } : {}),
      ...(takesIdempotencyKey
        ? { headers: { "idempotency-key": String(values.idempotencyKey ?? randomUUID()) } }
        : {}),
    });
    return { content: [{ type: "text" as const, text: JSON.stringify(answer ?? {}, null, 2) }] };
  } catch (error) {
    if (error instanceof CallFailure || error instanceof UsageError) return failed(error.message);
    throw error;
  }
}

function failed(text: string) {
  return { isError: true, content: [{ type: "text" as const, text }] };
}
