import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Bill } from "../aws/billing/billed-units.ts";
import { httpUnits } from "../aws/billing/request-units.ts";
import { RequestTooLargeError } from "../lambda/invoke-result.ts";
import type { Lambdas } from "../lambda/lambdas.ts";
import { INSPECTED_TIMEOUT_MS } from "../lambda/limits.ts";
import { foreignRequest, listen } from "../loopback.ts";
import type { AnsweredCall } from "../run/activity.ts";
import type { Template } from "../template/resource.ts";
import { stageOf } from "../template/wiring.ts";
import { type HttpAnswer, httpAnswer, plainAnswer } from "./function-response.ts";
import { requestEvent } from "./request-event.ts";
import { makeRouteTable, type Route, type RouteTable } from "./route-table.ts";
import { answerUnreadable } from "./unreadable-request.ts";

// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const MAX_BODY_BYTES = 10_485_760;
const MAX_HEADER_BYTES = 10_240;
/**
 * Longer than clients keep connections in their pools, so that no connection
 * closes while a client uses it.
 */
const KEEP_ALIVE_MS = 75_000;
/** Maximum time that running requests get at close: API Gateway's own limit. */
const CLOSE_LIMIT_MS = 30_000;

export interface HttpApi {
  /** Without a trailing slash. */
  url: string;
  /** Accepts no new requests and waits until the running ones have ended. */
  close(): Promise<void>;
}

/** Serves the one HTTP API of the template on 127.0.0.1; its routes invoke the functions. */
export async function startHttpApi(options: {
  /** 0 takes a free one. */
  port: number;
  template: Template;
  lambdas: Pick<Lambdas, "invoke">;
  /** Logical ids of the functions that are debugged: their routes have no timeout. Default: none. */
  inspected?: ReadonlySet<string>;
  /** Bills requests. Default: nothing is billed. */
  bill?: Bill;
  /** Is told each call of a route. Default: nothing is. */
  onAnswered?: ((call: AnsweredCall) => void) | undefined;
  log(line: string): void;
}): Promise<HttpApi> {
  const { port, template, lambdas, log, inspected = new Set(), bill = () => {} } = options;
  const { onAnswered = () => {} } = options;
  const [api, ...others] = template.resources("AWS::ApiGatewayV2::Api");
  if (!api || others.length > 0) throw new Error("the template must have exactly one HTTP API");
  const stage = stageOf(template, api.logicalId)?.properties.StageName;
  if (stage !== "$default") {
    throw new Error(`${api.logicalId}: the local run serves the stage "$default" only`);
  }
  const respondTo = makeGateway({
    apiId: api.logicalId,
    routes: makeRouteTable(template, api),
    lambdas,
    inspected,
    bill,
    onAnswered,
    log,
  });
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (request, response) => {
    const requestId = `${randomBytes(11).toString("base64url")}=`;
    respondTo(request, requestId)
      .then((answer) => send(response, answer, { requestId, isLast: !server.listening }))
      .catch((error: Error) => {
        log(`${request.method} request ${requestId} failed: ${error.message}`);
        if (response.headersSent || request.socket.destroyed) response.destroy();
        else send(response, internalError, { requestId, isLast: !server.listening });
      });
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.on("clientError", answerUnreadable);
  return {
    url: `http://${await listen(server, port)}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), CLOSE_LIMIT_MS).unref();
      }),
  };
}

const internalError = plainAnswer(500, "Internal Server Error");
const tooLarge = plainAnswer(413, "Request Entity Too Large");

function makeGateway(gateway: {
  apiId: string;
  routes: RouteTable;
  lambdas: Pick<Lambdas, "invoke">;
  inspected: ReadonlySet<string>;
  bill: Bill;
  onAnswered: (call: AnsweredCall) => void;
  log(line: string): void;
}) {
  const { apiId, routes, lambdas, inspected, bill, onAnswered, log } = gateway;

  async function invoke(route: Route, event: object): Promise<HttpAnswer> {
    const { payload, functionError } = await lambdas.invoke(route.functionId, event);
    if (functionError) {
      log(`${route.key}: ${route.functionId} failed with ${functionError.errorType}`);
      return internalError;
    }
    const answer = httpAnswer(payload);
    if (typeof answer !== "string") return answer;
    log(
      `${route.key}: the response of ${route.functionId} is not valid for API Gateway: ${answer}`,
    );
    return internalError;
  }

  return async (request: IncomingMessage, requestId: string): Promise<HttpAnswer> => {
    // The body is always read: a response to a half-read request would close the sender's
    // connection.
    const body = await readBody(request);
    const reason = foreignRequest(request.headers);
    if (reason !== undefined) return plainAnswer(403, `Refused by the local run: ${reason}`);
    const [encodedPath = "/", ...query] = (request.url ?? "/").split("?");
    const rawQueryString = query.join("?");
    const path = decode(encodedPath);
    if (path === undefined || decode(rawQueryString) === undefined) {
      return plainAnswer(400, "Bad Request");
    }
    const match = routes(request.method ?? "", path);
    if (!match) return plainAnswer(404, "Not Found");
    if (!body) return tooLarge;
    const event = requestEvent({ request, path, rawQueryString, body, match, apiId, requestId });
    const { route } = match;
    const startedMs = performance.now();
    const timeoutMs = inspected.has(route.functionId) ? INSPECTED_TIMEOUT_MS : route.timeoutMs;
    const { promise: timedOut, resolve } = Promise.withResolvers<HttpAnswer>();
    const timer = setTimeout(() => {
      log(`${route.key}: ${route.functionId} took longer than ${timeoutMs} ms`);
      resolve(plainAnswer(503, "Service Unavailable"));
    }, timeoutMs);
    const answer = invoke(route, event).catch((error: unknown) => {
      if (error instanceof RequestTooLargeError) return tooLarge;
      throw error;
    });
    const sent = await Promise.race([answer, timedOut]).finally(() => clearTimeout(timer));
    bill({
      caller: route.functionId,
      operation: route.key,
      item: "http.request",
      units: httpUnits({ request: body.length, response: sent.body.length }),
    });
    onAnswered({
      ...{ method: request.method ?? "", routeKey: route.key, path },
      ...{ status: sent.statusCode, tookMs: performance.now() - startedMs },
    });
    return sent;
  };
}

function send(
  response: ServerResponse,
  answer: HttpAnswer,
  { requestId, isLast }: { requestId: string; isLast: boolean },
) {
  const hasBody = answer.statusCode !== 204 && answer.statusCode !== 304;
  response.writeHead(answer.statusCode, {
    ...answer.headers,
    "apigw-requestid": requestId,
    ...(hasBody && { "content-length": answer.body.length }),
    ...(isLast && { connection: "close" }),
  });
  response.end(hasBody ? answer.body : undefined);
}

/** @returns undefined for a body that is larger than API Gateway accepts */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return size <= MAX_BODY_BYTES ? Buffer.concat(chunks) : undefined;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
