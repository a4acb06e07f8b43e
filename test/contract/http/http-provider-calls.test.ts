import { createServer as createHttp, type RequestListener, type Server } from "node:http";
import { createServer as createHttps } from "node:https";
import { createServer as createTcp, type Socket, type Server as TcpServer } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { closeServer, freePort, listen } from "../../../local/loopback.ts";
import { makeHttpProviderCalls } from "../../../shared/adapters/http/http-provider-calls.ts";
import { limits } from "../../../shared/contracts/limits.ts";
import { type ProviderId, providerId } from "../../../shared/contracts/providers.ts";
import { bodyOfAnswer } from "../../../shared/core/providers/answer-body.ts";
import type { ProviderHttpCall } from "../../../shared/core/providers/http-call.ts";
import { readWeLinkSubmission } from "../../../shared/providers/we-link/answers.ts";
import { recordTimeouts } from "../../support/fakes/armed-timeouts.ts";
import { makeLoopbackCertificate } from "../../support/fakes/loopback-certificate.ts";
import { TEST_TIMEOUT_MS } from "../../support/wait-timeout.ts";

let opened = new AsyncDisposableStack();
afterEach(async () => {
  await opened.disposeAsync();
  opened = new AsyncDisposableStack();
});

const request: ProviderHttpCall = {
  method: "POST",
  path: "/api/v1/invite?x=1",
  headers: { "x-api-key": "key" },
  body: '{"text":"ü"}',
};

const callsOf = (baseUrl: string) =>
  makeHttpProviderCalls({
    baseUrls: { ...providersAt("http://127.0.0.1:1"), "we-link": baseUrl },
  });

function providersAt(url: string): Record<ProviderId, string> {
  return Object.fromEntries(providerId.options.map((id) => [id, url])) as Record<
    ProviderId,
    string
  >;
}

const exchange = (baseUrl: string, timeoutMs = 5_000, of: Partial<ProviderHttpCall> = {}) =>
  callsOf(baseUrl).send("we-link", { ...request, ...of }, timeoutMs);

/** Starts an HTTP server; open connections are closed at the end of the test. */
async function httpServer(serve: RequestListener, scheme: "http" | "https" = "http") {
  const server: Server =
    scheme === "http" ? createHttp(serve) : createHttps(makeLoopbackCertificate(), serve);
  const url = `${scheme}://${await listen(server, 0)}`;
  opened.defer(() => closeServer(server));
  return url;
}

/** Starts a TCP server whose connections the test handles itself. */
async function tcpServer(serve: (socket: Socket) => void, scheme = "http") {
  const sockets = new Set<Socket>();
  const server: TcpServer = createTcp((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    serve(socket);
  });
  const url = `${scheme}://${await listen(server as Server, 0)}`;
  opened.defer(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return url;
}

/** Runs `work` when the first bytes of the request arrive. */
const onRequest = (work: (socket: Socket) => void) => (socket: Socket) =>
  void socket.once("data", () => work(socket));

describe("Responses of a provider", () => {
  test("A provider call sends the request unchanged and returns the whole response", async () => {
    const seen: unknown[] = [];
    const url = await httpServer(async (incoming, response) => {
      let body = "";
      for await (const chunk of incoming) body += chunk;
      const { method, url: path, headers } = incoming;
      seen.push({ method, path, headers, body });
      response.setHeader("Retry-After", "7").setHeader("Set-Cookie", ["a=1", "b=2"]);
      response.writeHead(201).end('{"requestId":"1"}');
    });
    const found = await exchange(`${url}/`);
    expect(found).toMatchObject({
      kind: "answered",
      answer: { status: 201, headers: { "retry-after": "7", "set-cookie": "a=1, b=2" } },
    });
    expect(found.kind === "answered" && Buffer.from(found.answer.body).toString()).toBe(
      '{"requestId":"1"}',
    );
    expect(seen).toMatchObject([
      {
        method: "POST",
        path: "/api/v1/invite?x=1",
        body: request.body,
        headers: {
          "x-api-key": "key",
          "content-type": "application/json",
          "content-length": "13",
          "accept-encoding": "identity",
          connection: "close",
        },
      },
    ]);
  });

  test("A provider call appends its path to the path of the base URL", async () => {
    const url = await httpServer((incoming, response) => response.end(incoming.url));
    const found = await exchange(`${url}/base/`, 5_000, { method: "GET", path: "/x" });
    expect(found.kind === "answered" && Buffer.from(found.answer.body).toString()).toBe("/base/x");
  });

  test.each([
    ["with a byte order mark", {}, Buffer.from('\ufeff{"requestId":7}')],
    ["in gzip", { "content-encoding": "gzip" }, gzipSync('{"requestId":7}')],
    ["in gzip that no header tells", {}, gzipSync('\ufeff{"requestId":7}')],
    ["in Brotli", { "content-encoding": "br" }, brotliCompressSync('{"requestId":7}')],
    [
      "in UTF-16",
      { "content-type": "application/json; charset=utf-16" },
      Buffer.from('\ufeff{"requestId":7}', "utf16le"),
    ],
  ])(
    "A response %s, although it was not asked for, is read (n8n#35933)",
    async (_, headers, body) => {
      const url = await httpServer((_incoming, response) =>
        response.writeHead(200, headers).end(body),
      );
      const found = await exchange(url);
      expect(found.kind === "answered" && bodyOfAnswer(found.answer)?.value).toEqual({
        requestId: 7,
      });
      // A request id that is a number is read as text.
      expect(found.kind === "answered" && readWeLinkSubmission(found.answer, "connect")).toEqual({
        kind: "accepted",
        providerRequestId: "7",
      });
    },
  );

  test("A response that is too large after its decompression is not read", async () => {
    const body = gzipSync(Buffer.alloc(limits.maxAnswerBytes + 1, 0x20));
    const url = await httpServer((_incoming, response) =>
      response.writeHead(200, { "content-encoding": "gzip" }).end(body),
    );
    expect(await exchange(url)).toEqual({ kind: "incomplete", reason: "ANSWER_TOO_LARGE" });
  });

  test.each([200, 302, 404, 429, 500, 503])(
    "A response with the status %d is returned, and no redirect is followed",
    async (status) => {
      let calls = 0;
      const url = await httpServer((incoming, response) => {
        calls++;
        response.writeHead(status, { location: `http://${incoming.headers.host}/elsewhere` }).end();
      });
      expect(await exchange(url)).toMatchObject({ kind: "answered", answer: { status } });
      expect(calls).toBe(1);
    },
  );

  test("Each provider call uses a new connection", async () => {
    const ports = new Set<number | undefined>();
    const url = await httpServer((incoming, response) => {
      ports.add(incoming.socket.remotePort);
      response.end("{}");
    });
    for (let n = 0; n < 3; n++) await exchange(url);
    expect(ports.size).toBe(3);
  });

  test("A slow response that ends within the timeout is returned whole", async () => {
    const url = await tcpServer(
      onRequest((socket) => {
        const bytes = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone";
        let at = 0;
        const timer = setInterval(() => {
          socket.write(bytes.slice(at, at + 8));
          at += 8;
          if (at >= bytes.length) clearInterval(timer);
        }, 5);
        socket.once("close", () => clearInterval(timer));
      }),
    );
    const found = await exchange(url);
    expect(found.kind === "answered" && Buffer.from(found.answer.body).toString()).toBe("done");
  });
});

describe("Requests that were not sent (G3)", () => {
  const notSent = (reason: unknown = expect.any(String)) => ({ kind: "notSent", reason });

  test("A refused connection is reported as not sent", async () => {
    expect(await exchange(`http://127.0.0.1:${await freePort()}`)).toEqual(notSent("ECONNREFUSED"));
  });

  test("An invalid header or URL is reported as not sent", async () => {
    const url = await httpServer((_, response) => response.end());
    expect(await exchange(url, 5_000, { headers: { "x-key": "line\nbreak" } })).toEqual(
      notSent("ERR_INVALID_CHAR"),
    );
    expect(await exchange("no address")).toEqual(notSent("ERR_INVALID_URL"));
  });

  test("A TLS call to a server without TLS is reported as not sent", async () => {
    const url = await tcpServer(
      onRequest((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
      "https",
    );
    expect(await exchange(url)).toEqual(notSent());
  });

  test("An untrusted certificate is reported as not sent", async () => {
    let calls = 0;
    const url = await httpServer((_, response) => {
      calls++;
      response.end();
    }, "https");
    expect(await exchange(url)).toEqual(notSent("DEPTH_ZERO_SELF_SIGNED_CERT"));
    expect(calls).toBe(0);
  });

  test("A TLS handshake that times out or is cut is reported as not sent", async () => {
    const hangs = await tcpServer(() => undefined, "https");
    expect(await exchange(hangs, 150)).toEqual(notSent("TIMEOUT"));
    const cuts = await tcpServer((socket) => void socket.resetAndDestroy(), "https");
    expect(await exchange(cuts)).toEqual(notSent());
  });
});

describe("Requests that may have arrived, without a whole response (G3)", () => {
  const lost = (reason: unknown = expect.any(String)) => ({ kind: "incomplete", reason });

  test("A server that accepts the connection and does not respond is reported as incomplete", async () => {
    expect(await exchange(await tcpServer(() => undefined), 150)).toEqual(lost("TIMEOUT"));
  });

  test("A call without a response is pending until the timeout of the call ends it", async () => {
    const timeoutMs = 2 * TEST_TIMEOUT_MS;
    const armed = recordTimeouts(timeoutMs);
    const arrived = Promise.withResolvers<void>();
    const silent = await tcpServer(onRequest(() => arrived.resolve()));
    const exchanging = exchange(silent, timeoutMs);
    await arrived.promise;
    expect(armed).toHaveLength(1);
    armed[0]?.();
    expect(await exchanging).toEqual(lost("TIMEOUT"));
  });

  test("A connection that is reset or closed after the request is reported as incomplete", async () => {
    const resets = await tcpServer(onRequest((socket) => socket.resetAndDestroy()));
    expect(await exchange(resets)).toEqual(lost("ECONNRESET"));
    const closes = await tcpServer(onRequest((socket) => socket.end()));
    expect(await exchange(closes)).toEqual(lost());
  });

  test("A cut response is reported as incomplete", async () => {
    const cut = (answer: string) => tcpServer(onRequest((socket) => socket.end(answer)));
    const head = "HTTP/1.1 200 OK\r\n";
    for (const answer of [
      "HTTP/1.1 200",
      head,
      `${head}content-length: 10\r\n\r\n{}`,
      `${head}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n`,
    ]) {
      expect(await exchange(await cut(answer))).toEqual(lost());
    }
  });

  test("A response that is not HTTP or that switches the protocol is reported as incomplete", async () => {
    const noise = await tcpServer(onRequest((socket) => socket.end("noise\r\n\r\n")));
    expect(await exchange(noise)).toEqual(lost());
    const upgrade = "HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
    const upgrades = await tcpServer(onRequest((socket) => socket.write(upgrade)));
    expect(await exchange(upgrades)).toEqual(lost());
  });

  test("A response that is still arriving at the deadline of the whole call is reported as incomplete", async () => {
    const drips = await tcpServer(
      onRequest((socket) => {
        socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        const timer = setInterval(() => socket.write("1\r\nx\r\n"), 20);
        socket.once("close", () => clearInterval(timer));
      }),
    );
    expect(await exchange(drips, 200)).toEqual(lost("TIMEOUT"));
  });

  test("A response one byte above the size limit is reported as incomplete, and one at the limit is returned", async () => {
    const sized = (bytes: number) => httpServer((_, response) => response.end(Buffer.alloc(bytes)));
    expect(await exchange(await sized(limits.maxAnswerBytes + 1))).toEqual(
      lost("ANSWER_TOO_LARGE"),
    );
    const whole = await exchange(await sized(limits.maxAnswerBytes));
    expect(whole.kind === "answered" && whole.answer.body.byteLength).toBe(limits.maxAnswerBytes);
  });

  test("A connection that is closed after the TLS handshake and the request is reported as incomplete", async () => {
    const { key, cert } = makeLoopbackCertificate();
    const usual = getCACertificates("default");
    setDefaultCACertificates([...usual, cert]);
    opened.defer(() => setDefaultCACertificates(usual));
    let calls = 0;
    const server = createHttps({ key, cert }, (incoming) => {
      calls++;
      incoming.socket.destroy();
    });
    const url = `https://${await listen(server, 0)}`;
    opened.defer(() => closeServer(server));
    expect(await exchange(url)).toEqual(lost("ECONNRESET"));
    expect(calls).toBe(1);
  });
});
