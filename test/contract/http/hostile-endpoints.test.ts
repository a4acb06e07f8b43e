import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { makeHttpWebhookPoster } from "../../../shared/adapters/http/http-webhook-poster.ts";
import type { Posted } from "../../../shared/core/deliveries/state/ports.ts";
import { TEST_TIMEOUT_MS } from "../../support/wait-timeout.ts";

const maxReadBytes = 65_536;
const maxHeapGrowthBytes = 8_000_000;
const cut = expect.stringMatching(/^HPE_|^ANSWER_TOO_LARGE$/);

/** What each endpoint of the child process comes to. */
const expected: Record<string, Partial<Record<keyof Posted, unknown>>> = {
  silent: { error: "TIMEOUT" },
  "never reads": { error: "TIMEOUT" },
  "closes at once": { error: expect.stringMatching(/^ECONNRESET$|^EPIPE$/) },
  "resets at once": { error: expect.stringMatching(/^ECONNRESET$|^EPIPE$/) },
  "resets before the headers": { error: "ECONNRESET" },
  "resets after the headers": { httpStatus: 200, bodyStart: "half" },
  "endless 103": { error: "TOO_MANY_INFORMATIONAL" },
  "endless 100 at once": { error: "TOO_MANY_INFORMATIONAL" },
  "large 103s": { error: "ANSWER_TOO_LARGE" },
  "ten 103s, then 200": { httpStatus: 200, bodyStart: "ok" },
  "header drip": { error: "TIMEOUT" },
  "status line drip": { error: "TIMEOUT" },
  // Left after a second, long before the timeout: a body that never ends.
  "body drip": { httpStatus: 200, bodyStart: expect.stringMatching(/^x+$/) },
  "200 KB header": { error: "HPE_HEADER_OVERFLOW" },
  "many headers": { error: "HPE_HEADER_OVERFLOW" },
  "gzip bomb": { httpStatus: 200, bodyStart: expect.stringMatching(/^.{1,512}$/s) },
  "body of 5 GB": { httpStatus: 200, bodyStart: "x".repeat(512) },
  "endless body": { httpStatus: 200, bodyStart: "x".repeat(512) },
  "endless chunks of one byte": { httpStatus: 200, bodyStart: "x".repeat(512) },
  "endless chunk extension": { httpStatus: 200 },
  "endless trailers": { httpStatus: 200 },
  "short body": { httpStatus: 200, bodyStart: "short" },
  "wrong chunk size": { httpStatus: 200 },
  "a length and chunks": { error: cut },
  "two lengths": { error: cut },
  "trailing data": { httpStatus: 200, bodyStart: "ok" },
  "204 with a body": { httpStatus: 204 },
  "status 999": { httpStatus: 999 },
  "no HTTP": { error: cut },
  "HTTP/0.9": { error: cut },
  "control characters in a header": { error: cut },
  "control characters in the body": { httpStatus: 200, bodyStart: "[2Ja\tb\nc��" },
  "endless CR LF": { error: cut },
  "endless noise": { error: cut },
  upgrade: { error: "UPGRADE_REFUSED" },
  "unasked upgrade on 200": { httpStatus: 200, bodyStart: "ok" },
  redirect: { httpStatus: 307 },
  "answers before it has read": { httpStatus: 413 },
  "TLS: silent": { error: "TIMEOUT" },
  "TLS: no TLS": { error: expect.stringMatching(/^ERR_SSL_|^EPROTO$/) },
  "TLS: cut in the handshake": { error: "ECONNRESET" },
  "TLS: handshake drip": { error: "TIMEOUT" },
  "TLS: not trusted": { error: "DEPTH_ZERO_SELF_SIGNED_CERT" },
};
const names = Object.keys(expected);

/** Short where it is to end the exchange. Else a busy machine does not reach it. */
const timeoutOf = (name: string) =>
  expected[name]?.error === "TIMEOUT" ? 1_000 : 2 * TEST_TIMEOUT_MS;

let child: ChildProcess;
let ports: Record<string, number>;
beforeAll(async () => {
  const file = new URL("./hostile-endpoints-child.ts", import.meta.url).pathname;
  child = spawn(process.execPath, [file], { stdio: ["pipe", "pipe", "inherit"] });
  if (!child.stdout) throw new Error("a child without an output");
  const [line] = await once(createInterface(child.stdout), "line");
  ports = JSON.parse(line);
});
afterAll(async () => {
  child.stdin?.end();
  await once(child, "exit");
});

/** One POST, and the sockets that it took. */
async function postTo(name: string, body = "{}") {
  const sockets: Socket[] = [];
  const poster = makeHttpWebhookPoster({
    targets: { ports: [443], allowsLocal: true, refusedPorts: [] },
    timeoutMs: timeoutOf(name),
    connect(options) {
      const socket = connect(options);
      sockets.push(socket);
      return socket;
    },
  });
  const url = `${name.startsWith("TLS") ? "https" : "http"}://127.0.0.1:${ports[name]}/hooks`;
  const posted = await poster.post({ url, headers: { "content-type": "application/json" }, body });
  return {
    posted,
    sockets,
    readBytes: sockets.reduce((sum, one) => sum + one.bytesRead, 0),
  };
}

describe("an endpoint that is hostile or broken (S2)", () => {
  test.concurrent.each(names)("%s", async (name) => {
    const body = name === "never reads" ? "x".repeat(10_000_000) : "{}";
    const { posted, readBytes, sockets } = await postTo(name, body);
    expect(posted).toEqual({ durationMs: expect.any(Number), ...expected[name] });
    expect(readBytes).toBeLessThanOrEqual(maxReadBytes);
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true]);
  });

  test("a redirect is followed nowhere", async () => {
    await postTo("redirect");
    expect((await postTo("how many followed")).posted).toMatchObject({ bodyStart: "0" });
  });

  test("a certificate is checked, whatever the environment says", async () => {
    // Node warns of it on the terminal.
    const warn = vi.spyOn(process, "emitWarning").mockReturnValue(undefined);
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    const { posted } = await postTo("TLS: not trusted");
    expect(posted.error).toBe("DEPTH_ZERO_SELF_SIGNED_CERT");
    warn.mockRestore();
  });

  test("a thousand of them at once end as one does, with little read and nothing kept", async () => {
    setFlagsFromString("--expose-gc");
    const collect: () => void = runInNewContext("gc");
    const heapBytes = () => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    const crowd = (count: number) =>
      Promise.all(
        Array.from({ length: count }, async (_, n) => {
          const name = names[n % names.length] ?? "";
          const { posted, readBytes } = await postTo(name);
          return { name, outcome: posted, readBytes };
        }),
      );
    // The first time, code is compiled and the runtime makes what it keeps.
    await crowd(200);
    const beforeBytes = heapBytes();
    const ended = await crowd(1_000);
    const heapGrowthBytes = heapBytes() - beforeBytes;

    for (const { name, outcome, readBytes } of ended) {
      expect(readBytes, name).toBeLessThanOrEqual(maxReadBytes);
      const { httpStatus, error } = expected[name] ?? {};
      expect(outcome.httpStatus ?? outcome.error, name).toEqual(httpStatus ?? error);
    }
    expect(heapGrowthBytes).toBeLessThanOrEqual(maxHeapGrowthBytes);
  });
});
