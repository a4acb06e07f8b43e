import type { IncomingMessage, ServerResponse } from "node:http";
import { NodeHttpHandler as HttpHandler } from "@smithy/node-http-handler";

export * from "@smithy/node-http-handler";

type Serve = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** The emulators of this thread by the host and port at which they listen. */
const EMULATORS = Symbol.for("ackwire.emulators");

function emulators(): Map<string, Serve> {
  const shared = globalThis as { [EMULATORS]?: Map<string, Serve> };
  shared[EMULATORS] ??= new Map();
  return shared[EMULATORS];
}

/** Lets the calls of the SDK in this thread reach an emulator without a connection. */
export function reachDirectly(url: string, serve: Serve): void {
  emulators().set(new URL(url).host, serve);
}

type Handle = HttpHandler["handle"];
type SdkRequest = Parameters<Handle>[0];

/**
 * Takes the place of the SDK's handler of requests in the package. A call that names its operation in
 * a header, as those of DynamoDB, SQS, EventBridge and Secrets Manager do, is passed to the emulator
 * as it is; any other is made over HTTP. It is not timed: the emulator is in the same thread.
 */
export class NodeHttpHandler extends HttpHandler {
  static override create(given?: unknown): never {
    const isHandler = typeof Object(given).handle === "function";
    return (isHandler ? given : new NodeHttpHandler(given as object)) as never;
  }

  override async handle(...[request, options]: Parameters<Handle>): ReturnType<Handle> {
    const serve = emulators().get(`${request.hostname}:${request.port}`);
    if (serve === undefined || request.headers["x-amz-target"] === undefined) {
      return super.handle(request, options);
    }
    const response = await answerOf(
      serve,
      request,
      options?.abortSignal as AbortSignal | undefined,
    );
    return { response } as unknown as Awaited<ReturnType<Handle>>;
  }
}

interface Answer {
  statusCode: number;
  headers: Record<string, string>;
  body: Uint8Array;
}

function answerOf(serve: Serve, from: SdkRequest, signal?: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = { destroyed: false };
    const abort = () => {
      socket.destroyed = true;
      reject(Object.assign(new Error("Request aborted"), { name: "AbortError" }));
    };
    if (signal?.aborted) return abort();
    signal?.addEventListener("abort", abort, { once: true });
    const answer = { statusCode: 200, headers: {} as Record<string, string> };
    const request = {
      method: from.method,
      url: from.path,
      headers: lowerCased(from.headers),
      socket,
      async *[Symbol.asyncIterator]() {
        yield Buffer.from(from.body ?? "");
      },
    };
    const response = {
      headersSent: false,
      writeHead(statusCode: number, headers: Record<string, string | number> = {}) {
        response.headersSent = true;
        Object.assign(answer, { statusCode, headers: lowerCased(headers) });
        return response;
      },
      end(body: string | Uint8Array = "") {
        signal?.removeEventListener("abort", abort);
        resolve({ ...answer, body: Buffer.from(body as string) });
      },
      destroy: () => reject(new Error("The emulator closed the connection")),
    };
    serve(request as unknown as IncomingMessage, response as unknown as ServerResponse).catch(
      reject,
    );
  });
}

function lowerCased(headers: Readonly<Record<string, string | number>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
}
