import * as z from "zod/mini";
import { consoleHeaders } from "../../shared/contracts/console-headers.ts";
import type { BilledUnits } from "../aws/billing/billed-units.ts";
import type { CallCounts } from "../aws/call-counts.ts";
import {
  type JsonAnswer,
  type JsonRequest,
  type LocalServer,
  refuseUnlessJson,
  startJsonServer,
} from "../json-server.ts";
import { buildConsole, type ConsoleFile } from "./console-files.ts";

const updateSchema = z.strictObject({
  assemblyDir: z.optional(z.string()),
  share: z.optional(z.number().check(z.gt(0), z.lte(1))),
});

export interface ConsoleOptions {
  port: number;
  addresses: { apiUrl: string; providerUrl: string };
  /** The operator key that the console's page gets. */
  operatorKey: string;
  /** Origins of the pages that may embed the console. */
  frameAncestors: readonly string[];
  calls: Pick<CallCounts, "list">;
  billed: Pick<BilledUnits, "list">;
  update(to: z.output<typeof updateSchema>): Promise<void>;
}

/**
 * Serves the console, and on its origin what it calls: the API, the simulator's control, and the
 * operator key of this run. The console is built when it is first opened.
 * `POST /_control/update` updates the functions, and takes `application/json` only; `/aws-calls` and
 * `/billed-units` list what they did.
 */
export function startConsole(options: ConsoleOptions): Promise<LocalServer> {
  let files: Promise<ReadonlyMap<string, ConsoleFile>> | undefined;
  const built = () => {
    files ??= buildConsole();
    // The next one who opens it tries again.
    files.catch(() => {
      files = undefined;
    });
    return files;
  };
  return startJsonServer(options.port, answer, isPage);

  async function answer(request: JsonRequest): Promise<JsonAnswer> {
    if (request.path === "/_control/update" && request.method === "POST") {
      return refuseUnlessJson(request) ?? update(options, request.text);
    }
    if (request.path === "/aws-calls") return { status: 200, body: options.calls.list() };
    if (request.path === "/billed-units") return { status: 200, body: options.billed.list() };
    if (request.path.startsWith("/v1/")) return callApi(options.addresses.apiUrl, request);
    if (request.path.startsWith("/local/")) return answerConsole(options, request);
    return file(await built(), request.path, options.frameAncestors);
  }
}

/** Whether the path is one of the console's own pages, and of none that does or returns something. */
function isPage(path: string): boolean {
  return !/^\/(v1|local|_control|aws-calls|billed-units)(\/|$)/.test(path);
}

async function update({ update }: ConsoleOptions, text: string): Promise<JsonAnswer> {
  const { data, error } = updateSchema.safeParse(text === "" ? {} : JSON.parse(text));
  if (!data) return { status: 400, body: { error: z.prettifyError(error) } };
  await update(data);
  return { status: 200, body: { updated: true } };
}

/** What only the console's own page may call: a page of another site cannot send this header. */
async function answerConsole(options: ConsoleOptions, request: JsonRequest): Promise<JsonAnswer> {
  const { path, headers } = request;
  if (headers["x-ackwire-console"] === undefined || headers["sec-fetch-site"] !== "same-origin") {
    return { status: 403, body: { error: "Only the console's own page may call this" } };
  }
  if (path === "/local/session") return { status: 200, body: { operatorKey: options.operatorKey } };
  const control = /^\/local\/simulator\/(\w+)$/.exec(path)?.[1];
  if (control === undefined) return { status: 404, body: { error: `There is no ${path}` } };
  return pass(`${options.addresses.providerUrl}/_control/${control}`, request, ["content-type"]);
}

function callApi(apiUrl: string, request: JsonRequest): Promise<JsonAnswer> {
  return pass(`${apiUrl}${request.path}${request.search}`, request, [
    "authorization",
    "content-type",
  ]);
}

/** Passes a call on with some of its headers, and the answer back. */
async function pass(
  url: string,
  { method, headers, text }: JsonRequest,
  passed: readonly string[],
): Promise<JsonAnswer> {
  const hasBody = method !== "GET" && method !== "HEAD";
  const response = await fetch(url, {
    method,
    headers: passed.flatMap((name) => {
      const value = headers[name];
      return typeof value === "string" ? [[name, value] as [string, string]] : [];
    }),
    ...(hasBody ? { body: text } : {}),
  });
  return {
    status: response.status,
    body: Buffer.from(await response.arrayBuffer()),
    contentType: response.headers.get("content-type") ?? "application/json",
    headers: { "cache-control": "no-store" },
  };
}

/** Every path but those of files is a page of the console, which its script shows. */
function file(
  files: ReadonlyMap<string, ConsoleFile>,
  path: string,
  frameAncestors: readonly string[],
): JsonAnswer {
  const found =
    files.get(path) ?? (path.startsWith("/assets/") ? undefined : files.get("/index.html"));
  if (found === undefined) return { status: 404, body: { error: `There is no ${path}` } };
  return {
    status: 200,
    body: found.bytes,
    contentType: found.contentType,
    headers: {
      ...consoleHeaders(frameAncestors),
      "cache-control": found.isImmutable ? "public, max-age=31536000, immutable" : "no-cache",
    },
  };
}
