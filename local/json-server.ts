import { createServer, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { closeServer, foreignRequest, listen } from "./loopback.ts";

export interface JsonAnswer {
  status: number;
  /** Text and bytes are sent as they are, anything else as JSON. */
  body: unknown;
  contentType?: string;
  /** With lower-case names. */
  headers?: Readonly<Record<string, string | string[]>>;
  /** Closes the connection in the middle of the body. */
  isCut?: boolean;
}

/** The handler sends no response: the connection stays open without an answer, or is closed. */
export interface NoAnswer {
  withheld: "hold" | "cut";
}

export interface JsonRequest {
  method: string;
  path: string;
  /** The query with its `?`, or empty. */
  search: string;
  headers: IncomingHttpHeaders;
  text: string;
}

export interface LocalServer {
  /** Without a trailing slash. */
  url: string;
  close(): Promise<void>;
}

/**
 * Starts a small HTTP server on loopback. An error of the handler becomes a 500
 * with its message.
 *
 * @param isPage whether another site may link to this path
 */
export async function startJsonServer(
  port: number,
  handle: (request: JsonRequest) => Promise<JsonAnswer | NoAnswer>,
  isPage: (path: string) => boolean = () => false,
): Promise<LocalServer> {
  const server = createServer(async (request, response) => {
    const answer = await readBody(request)
      .then((text) => {
        const [path = "/", ...query] = (request.url ?? "/").split("?");
        const reason = foreignRequest(request.headers, request.method === "GET" && isPage(path));
        if (reason !== undefined) return { status: 403, body: { error: `Refused: ${reason}` } };
        return handle({
          method: request.method ?? "GET",
          headers: request.headers,
          path,
          search: query.length === 0 ? "" : `?${query.join("?")}`,
          text,
        });
      })
      .catch(
        (error: unknown): JsonAnswer => ({
          status: 500,
          body: { error: error instanceof Error ? error.message : "unknown error" },
        }),
      );
    if ("withheld" in answer) {
      if (answer.withheld === "cut") request.socket.destroy();
      return;
    }
    response.writeHead(answer.status, {
      "content-type": answer.contentType ?? "application/json",
      ...answer.headers,
    });
    const isRaw = typeof answer.body === "string" || Buffer.isBuffer(answer.body);
    const body = Buffer.from(isRaw ? (answer.body as string) : JSON.stringify(answer.body));
    if (answer.isCut) {
      response.write(body.subarray(0, body.length / 2), () => request.socket.destroy());
    } else response.end(body);
  });
  return {
    url: `http://${await listen(server, port)}`,
    close: () => closeServer(server),
  };
}

/**
 * Refuses a request whose type is not `application/json`: a web page of another origin can send a
 * POST of any other type without asking this server first.
 *
 * @returns the answer, or undefined if the type is right
 */
export function refuseUnlessJson({ headers }: JsonRequest): JsonAnswer | undefined {
  if (/^application\/json\s*(;|$)/i.test(headers["content-type"] ?? "")) return undefined;
  return { status: 415, body: { error: "The content-type must be application/json" } };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
