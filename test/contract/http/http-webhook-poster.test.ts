import { createSocket } from "node:dgram";
import { lookup as lookUp } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { createServer as createHttp, type RequestListener } from "node:http";
import { createServer as createHttps } from "node:https";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { closeServer, freePort, listen } from "../../../local/loopback.ts";
import { makeNameLookup } from "../../../shared/adapters/http/dns-name-lookup.ts";
import { makeHttpWebhookPoster } from "../../../shared/adapters/http/http-webhook-poster.ts";
import { VERSION } from "../../../shared/contracts/version.ts";
import { recordTimeouts } from "../../support/fakes/armed-timeouts.ts";
import { makeLoopbackCertificate } from "../../support/fakes/loopback-certificate.ts";
import { TEST_TIMEOUT_MS } from "../../support/wait-timeout.ts";

/** A timeout that only the test ends. */
const neverReachedMs = 2 * TEST_TIMEOUT_MS;

test("The version that receivers see is that of the package", () => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  expect(VERSION).toBe(version);
});

let opened = new AsyncDisposableStack();
afterEach(async () => {
  await opened.disposeAsync();
  opened = new AsyncDisposableStack();
});

async function serverThat(serve: RequestListener): Promise<string> {
  const server = createHttp(serve);
  const url = `http://${await listen(server, 0)}`;
  opened.defer(() => closeServer(server));
  return url;
}

const poster = makeHttpWebhookPoster({
  targets: { ports: [443], allowsLocal: true, refusedPorts: [] },
  timeoutMs: 5_000,
});
const headers = { "content-type": "application/json", "webhook-id": "workflow.completed:1" };
const postTo = (url: string, body = '{"text":"ü"}') => poster.post({ url, headers, body });

describe("POSTs", () => {
  test("A POST is sent once with its bytes and headers, and returns the start of the response", async () => {
    const seen: unknown[] = [];
    const url = await serverThat(async (incoming, response) => {
      let body = "";
      for await (const chunk of incoming) body += chunk;
      seen.push({ method: incoming.method, url: incoming.url, headers: incoming.headers, body });
      response.writeHead(201).end("thanks");
    });
    const posted = await postTo(`${url}/hooks?a=b`);
    expect(posted).toEqual({
      httpStatus: 201,
      bodyStart: "thanks",
      durationMs: expect.any(Number),
    });
    const host = url.replace("http://", "");
    expect(seen).toEqual([
      {
        method: "POST",
        url: "/hooks?a=b",
        body: '{"text":"ü"}',
        headers: {
          ...headers,
          host,
          "content-length": "13",
          "accept-encoding": "identity",
          accept: "*/*",
          "user-agent": expect.stringMatching(/^ackwire\/\d+\.\d+\.\d+ \(\+https:\/\/\S+\)$/),
          connection: "close",
        },
      },
    ]);
  });

  test("Each POST uses a new connection", async () => {
    const ports = new Set<number | undefined>();
    const url = await serverThat((incoming, response) => {
      ports.add(incoming.socket.remotePort);
      response.end();
    });
    for (let n = 0; n < 3; n++) await postTo(url);
    expect(ports.size).toBe(3);
  });

  test.each([200, 204, 301, 307, 400, 401, 404, 408, 409, 410, 425, 429, 500, 503])(
    "A POST returns the status %d unchanged",
    async (status) => {
      const url = await serverThat((_, response) => response.writeHead(status).end());
      expect(await postTo(url)).toEqual({ httpStatus: status, durationMs: expect.any(Number) });
    },
  );

  test.each([
    ["7", 7_000],
    ["-1", 0],
    ["1000000000000", 86_400_000],
    ["1.2", 2_000],
    ["Saturday, 21-Nov-26 10:01:00 GMT", 60_000],
    ["Sat Nov 21 10:01:00 2026", 60_000],
    ["soon", undefined],
    ["Sat, 21 Nov 2026 10:01:00 GMT", 60_000],
    ["Sat, 21 Nov 2026 09:59:00 GMT", 0],
  ])("A response with retry-after %s gives a wait of %s ms", async (retryAfter, retryAfterMs) => {
    const url = await serverThat((_, response) => {
      const date = "Sat, 21 Nov 2026 10:00:00 GMT";
      response.writeHead(503, { "retry-after": retryAfter, date }).end();
    });
    expect((await postTo(url)).retryAfterMs).toBe(retryAfterMs);
  });

  test.each([301, 302, 303, 307, 308])(
    "A POST returns the Location of a %d, which is not followed (trigger.dev#543)",
    async (status) => {
      const location = "https://www.example.com/hooks?a=b";
      const url = await serverThat((_, response) => response.writeHead(status, { location }).end());
      expect(await postTo(url)).toMatchObject({ httpStatus: status, location });
    },
  );

  test("A POST returns the Location of a redirect only, cut at 1,024 characters", async () => {
    const url = await serverThat((incoming, response) => {
      const location = `/${"x".repeat(2_000)}`;
      response.writeHead(incoming.url === "/created" ? 201 : 308, { location }).end();
    });
    expect(await postTo(`${url}/created`)).not.toHaveProperty("location");
    expect((await postTo(url)).location).toBe(`/${"x".repeat(1_023)}`);
  });

  test("A POST returns the first 512 bytes of the response as text", async () => {
    const url = await serverThat((_, response) => response.end(`ü${"x".repeat(5_000)}`));
    expect((await postTo(url)).bodyStart).toBe(`ü${"x".repeat(510)}`);
  });

  test("What is no UTF-8 takes as few bytes in the stored attempt as any other answer", async () => {
    const url = await serverThat((_, response) => {
      const location = `/${Buffer.alloc(2_000, 0xff).toString("latin1")}`;
      response.writeHead(302, { location }).end(Buffer.alloc(600, 0xff));
    });
    const { bodyStart = "", location = "" } = await postTo(url);
    expect(bodyStart).toBe("\ufffd".repeat(170));
    expect(location).toBe(`/${"\ufffd".repeat(341)}`);
  });
});

test("A POST that gets no response is pending until the configured timeout ends it", async () => {
  const armed = recordTimeouts(neverReachedMs);
  const arrived = Promise.withResolvers<void>();
  const url = await serverThat(() => arrived.resolve());
  const posting = makeHttpWebhookPoster({
    targets: { ports: [443], allowsLocal: true, refusedPorts: [] },
    timeoutMs: neverReachedMs,
  }).post({ url, headers, body: "{}" });
  await arrived.promise;
  expect(armed).toHaveLength(1);
  armed[0]?.();
  expect(await posting).toEqual({ error: "TIMEOUT", durationMs: expect.any(Number) });
});

describe("POSTs that cannot be sent", () => {
  test("A POST that cannot be sent returns an error code and its duration only", async () => {
    expect(await postTo(`http://127.0.0.1:${await freePort()}/`)).toEqual({
      error: "ECONNREFUSED",
      durationMs: expect.any(Number),
    });
    const url = await serverThat((_, response) => response.end());
    const broken = await poster.post({ url, headers: { "x-key": "line\nbreak" }, body: "" });
    expect(broken).toEqual({ error: "ERR_INVALID_CHAR", durationMs: expect.any(Number) });
    expect(await postTo("no url")).toMatchObject({ error: "ADDRESS_REFUSED" });
  });
});

describe("Host names", () => {
  test("A host name is resolved by the system", async () => {
    const url = await serverThat((_, response) => response.end());
    expect(await postTo(url.replace("127.0.0.1", "localhost"))).toMatchObject({ httpStatus: 200 });
  });

  test("The next address of a host name is tried when one does not respond", async () => {
    const url = await serverThat((_, response) => response.end());
    const twoAddresses = makeHttpWebhookPoster({
      targets: { ports: [443], allowsLocal: true, refusedPorts: [] },
      timeoutMs: 5_000,
      lookup: async () => [{ address: "::1" }, { address: "127.0.0.1" }],
    });
    const posted = twoAddresses.post({
      url: url.replace("127.0.0.1", "localhost"),
      headers,
      body: "",
    });
    expect(await posted).toMatchObject({ httpStatus: 200 });
  });
});

test("A trusted certificate is accepted for its host only", async () => {
  const { key, cert } = makeLoopbackCertificate();
  const usual = getCACertificates("default");
  setDefaultCACertificates([...usual, cert]);
  opened.defer(() => setDefaultCACertificates(usual));
  const server = createHttps({ key, cert }, (_, response) => response.end("sealed"));
  const address = await listen(server, 0);
  opened.defer(() => closeServer(server));
  const large = "x".repeat(300_000);
  expect(await postTo(`https://${address}/`, large)).toMatchObject({
    httpStatus: 200,
    bodyStart: "sealed",
  });
  // The certificate is valid for 127.0.0.1 only.
  const other = await postTo(`https://${address.replace("127.0.0.1", "localhost")}/`);
  expect(other).toMatchObject({ error: "ERR_TLS_CERT_ALTNAME_INVALID" });
});

describe("Host names whose DNS servers never respond", () => {
  test("Unresolvable host names time out and do not delay other lookups of the process", async () => {
    const blackHole = createSocket("udp4");
    await new Promise<void>((resolve) => blackHole.bind(0, "127.0.0.1", resolve));
    opened.defer(async () => void blackHole.close());
    const lookup = makeNameLookup([`127.0.0.1:${blackHole.address().port}`], neverReachedMs);
    let endedCount = 0;
    const deadlines = recordTimeouts(neverReachedMs);
    const posting = Array.from({ length: 30 }, (_, n) =>
      makeHttpWebhookPoster({
        targets: { ports: [443], allowsLocal: false, refusedPorts: [] },
        timeoutMs: neverReachedMs,
        lookup,
      })
        .post({ url: `https://tarpit-${n}.example.com/`, headers, body: "{}" })
        .finally(() => endedCount++),
    );
    // This lookup would wait for a libuv thread if the pending ones blocked those threads.
    await lookUp("localhost");
    expect(endedCount).toBe(0);
    expect(deadlines).toHaveLength(posting.length);
    for (const end of deadlines) end();
    for (const { error } of await Promise.all(posting)) expect(error).toBe("TIMEOUT");
  });

  test("localhost is resolved without a DNS query", async () => {
    const lookup = makeNameLookup(["127.0.0.1:1"]);
    const found = await lookup("localhost", new AbortController().signal);
    expect(found.map(({ address }) => address)).toEqual(["127.0.0.1", "::1"]);
  });
});
