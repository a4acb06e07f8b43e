import { isUtf8 } from "node:buffer";
import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { ACCOUNT_ID } from "../physical-name.ts";
import type { RouteMatch } from "./route-table.ts";

export interface RequestEventInput {
  request: IncomingMessage;
  /** Decoded, as API Gateway passes it to functions. */
  path: string;
  rawQueryString: string;
  body: Buffer;
  match: RouteMatch;
  apiId: string;
  requestId: string;
}

/**
 * The content types whose bodies API Gateway does not encode. AWS does not
 * document them; others have tested this.
 */
const TEXT_TYPE = /^(text\/.+|application\/(json|javascript|xml))$/;

/**
 * Builds an event in payload format 2.0:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 *
 * The body is text for the few textual content types when it is valid UTF-8, and
 * base64 otherwise.
 */
export function requestEvent(input: RequestEventInput): object {
  const { request, path, rawQueryString, body, match, apiId, requestId } = input;
  const headers = headersOf(request);
  const cookies = request.headers.cookie?.split(/;\s*/).filter((cookie) => cookie !== "");
  const query = [...new URLSearchParams(rawQueryString)];
  const isBase64Encoded = body.length > 0 && !isText(headers["content-type"], body);
  const domainName = (headers.host ?? "").replace(/:\d+$/, "");
  const now = new Date();
  return {
    version: "2.0",
    routeKey: match.route.key,
    rawPath: path,
    rawQueryString,
    ...(cookies && { cookies }),
    headers,
    ...(query.length > 0 && { queryStringParameters: joined(query) }),
    requestContext: {
      accountId: ACCOUNT_ID,
      apiId,
      domainName,
      domainPrefix: domainName.split(".")[0],
      http: {
        method: request.method,
        path,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: sourceIp(request),
        userAgent: headers["user-agent"] ?? "",
      },
      requestId,
      routeKey: match.route.key,
      stage: "$default",
      time: commonLogTime(now),
      timeEpoch: now.getTime(),
    },
    ...(Object.keys(match.pathParameters).length > 0 && { pathParameters: match.pathParameters }),
    ...(body.length > 0 && { body: body.toString(isBase64Encoded ? "base64" : "utf8") }),
    isBase64Encoded,
  };
}

/**
 * Returns headers with lower-case names and repeated values joined by a comma,
 * without cookies and hop-by-hop headers.
 */
function headersOf(request: IncomingMessage): Record<string, string> {
  const left = new Set(["cookie", "connection", "keep-alive", "transfer-encoding", "expect"]);
  const forwarded = request.headers["x-forwarded-for"];
  return {
    ...Object.fromEntries(
      Object.entries(request.headersDistinct)
        .filter(([name]) => !left.has(name))
        .map(([name, values]) => [name, (values ?? []).join(",")]),
    ),
    "x-amzn-trace-id": `Root=1-${Math.floor(Date.now() / 1_000).toString(16)}-${randomBytes(12).toString("hex")}`,
    "x-forwarded-for": [forwarded, sourceIp(request)].filter(Boolean).join(", "),
    "x-forwarded-port": String(request.socket.localPort),
    "x-forwarded-proto": "http",
  };
}

function joined(pairs: [name: string, value: string][]): Record<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of pairs) {
    const earlier = values.get(name);
    values.set(name, earlier === undefined ? value : `${earlier},${value}`);
  }
  return Object.fromEntries(values);
}

function isText(contentType: string | undefined, body: Buffer): boolean {
  const type = (contentType ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  return TEXT_TYPE.test(type) && isUtf8(body);
}

function sourceIp(request: IncomingMessage): string {
  return (request.socket.remoteAddress ?? "").replace(/^::ffff:/, "");
}

/** `12/Mar/2020:19:03:58 +0000` */
function commonLogTime(date: Date): string {
  const [, day, month, year, time] = date.toUTCString().split(" ");
  return `${day}/${month}/${year}:${time} +0000`;
}
