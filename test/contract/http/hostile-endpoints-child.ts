import { createServer, type Server, type Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";
import { gzipSync } from "node:zlib";
import { makeLoopbackCertificate } from "../../support/fakes/loopback-certificate.ts";

/**
 * Endpoints that misbehave, one server each. They run in a separate process so
 * that they do not slow the measured client. Prints their ports.
 */
type Behaviour = (socket: Socket) => void;

const head = "HTTP/1.1 200 OK\r\n";
const chunked = `${head}transfer-encoding: chunked\r\n\r\n`;

/** Runs the behaviour when the first bytes of a request arrive. */
const onRequest =
  (answer: Behaviour): Behaviour =>
  (socket) =>
    void socket.once("data", () => answer(socket));
const sends = (text: string | Buffer) => onRequest((socket) => void socket.end(text));
const sendsAndStaysOpen = (text: string) => onRequest((socket) => void socket.write(text));

/** Writes `start`, then repeats `again` as fast as the client reads, or every `everyMs`. */
const endless = (start: string | Buffer, again: string | Buffer, everyMs?: number) =>
  onRequest((socket) => {
    socket.write(start);
    if (everyMs !== undefined) {
      const timer = setInterval(() => socket.write(again), everyMs);
      socket.once("close", () => clearInterval(timer));
      return;
    }
    const pour = () => {
      while (!socket.destroyed && socket.write(again));
    };
    socket.on("drain", pour);
    pour();
  });

let followedCount = 0;
const { key, cert } = makeLoopbackCertificate();
const secureContext = createSecureContext({ key, cert });
const bomb = gzipSync(Buffer.alloc(50_000_000));

const overTls =
  (answer: Behaviour): Behaviour =>
  (socket) => {
    const secured = new TLSSocket(socket, { isServer: true, secureContext });
    secured.on("error", () => undefined);
    answer(secured);
  };

const behaviours: Record<string, Behaviour> = {
  silent: () => undefined,
  "never reads": (socket) => void socket.pause(),
  "closes at once": (socket) => void socket.end(),
  "resets at once": (socket) => void socket.resetAndDestroy(),
  "resets before the headers": onRequest((socket) => void socket.resetAndDestroy()),
  "resets after the headers": onRequest((socket) => {
    socket.write(`${head}content-length: 100\r\n\r\nhalf`);
    setTimeout(() => socket.resetAndDestroy(), 30);
  }),
  "endless 103": endless("", "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n", 5),
  "endless 100 at once": endless("", "HTTP/1.1 100 Continue\r\n\r\n"),
  "large 103s": endless("", `HTTP/1.1 103 Early Hints\r\nlink: ${"x".repeat(8_000)}\r\n\r\n`),
  "ten 103s, then 200": sends(`${"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(10)}${head}\r\nok`),
  "header drip": endless(head, "x-drip: 1\r\n", 50),
  "status line drip": endless("HTTP/1.1 200 ", "O", 50),
  "body drip": endless(`${head}\r\n`, "x", 50),
  "200 KB header": sends(`${head}x-large: ${"x".repeat(200_000)}\r\n\r\n`),
  "a space before a colon": sends(`${head}X-A : x\r\ncontent-length: 2\r\n\r\nok`),
  "a folded header": sends(`${head}x-a: x\r\n  y\r\ncontent-length: 2\r\n\r\nok`),
  "lines that end with LF": sends("HTTP/1.1 200 OK\ncontent-length: 2\n\nok"),
  "one LF among the headers": sends(`${head}x-a: x\nx-b: y\r\n\r\nok`),
  "the same length twice": sends(`${head}${"content-length: 2\r\n".repeat(2)}\r\nok`),
  "a length that is no number": sends(`${head}content-length: two\r\n\r\nok`),
  "a line without a colon": sends(`${head}nonsense\r\n\r\nok`),
  "a 103, then a malformed header": sends(
    "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 202 Accepted\r\nX-A : x\r\n\r\nok",
  ),
  "a malformed header of a 503": sends("HTTP/1.1 503 Busy\r\nX-A : x\r\nRetry-After: 7\r\n\r\n"),
  "a malformed header of a redirect": sends(
    "HTTP/1.1 308 Moved\r\nX-A : x\r\nLocation: https://example.com/\r\n\r\n",
  ),
  "ends after the status line": sends(head),
  "many headers": sends(`${head}${"x-many: 1\r\n".repeat(20_000)}\r\n`),
  "gzip bomb": sends(Buffer.concat([Buffer.from(`${head}content-encoding: gzip\r\n\r\n`), bomb])),
  "body of 5 GB": endless(`${head}content-length: 5000000000\r\n\r\n`, Buffer.alloc(65_536, "x")),
  "endless body": endless(`${head}\r\n`, Buffer.alloc(65_536, "x")),
  "endless chunks of one byte": endless(chunked, "1\r\nx\r\n".repeat(1_000)),
  "endless chunk extension": endless(`${chunked}1;`, "x".repeat(1_000)),
  "endless trailers": endless(`${chunked}0\r\n`, "x-trailer: 1\r\n".repeat(100)),
  "short body": sends(`${head}content-length: 100\r\n\r\nshort`),
  "wrong chunk size": sends(`${chunked}zz\r\nbody\r\n0\r\n\r\n`),
  "a length and chunks": sends(
    `${head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  ),
  "two lengths": sends(`${head}content-length: 1\r\ncontent-length: 2\r\n\r\nok`),
  "trailing data": sends(`${head}content-length: 2\r\n\r\nokHTTP/1.1 500 Oh\r\n\r\n`),
  "204 with a body": sends("HTTP/1.1 204 No Content\r\ncontent-length: 4\r\n\r\nbody"),
  "status 999": sends("HTTP/1.1 999 Odd\r\n\r\n"),
  "no HTTP": sends("220 mail.example.com ESMTP\r\n"),
  "HTTP/0.9": sends("<html>hello</html>"),
  "control characters in a header": sends(`${head}x-odd: a\u0000b\r\n\r\n`),
  "control characters in the body": sends(
    Buffer.concat([
      Buffer.from(`${head}\r\n\u001b[2Ja\tb\r\nc\u0000\u009b`),
      Buffer.of(0xff, 0xc3),
    ]),
  ),
  "endless CR LF": endless("", "\r\n".repeat(1_000)),
  "endless noise": endless("", Buffer.alloc(65_536, 0xaa)),
  upgrade: sendsAndStaysOpen(
    "HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nx",
  ),
  "unasked upgrade on 200": sends(`${head}connection: upgrade\r\nupgrade: x\r\n\r\nok`),
  redirect: onRequest((socket) => {
    socket.end(`HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1:${portOf("followed")}/\r\n\r\n`);
  }),
  followed: onRequest((socket) => {
    followedCount++;
    socket.end(`${head}\r\n`);
  }),
  "how many followed": onRequest((socket) => void socket.end(`${head}\r\n${followedCount}`)),
  "answers before it has read": (socket) => void socket.end("HTTP/1.1 413 Large\r\n\r\n"),
  "TLS: silent": () => undefined,
  "TLS: no TLS": sends("HTTP/1.1 400 Bad Request\r\n\r\n"),
  "TLS: cut in the handshake": onRequest((socket) => void socket.resetAndDestroy()),
  "TLS: handshake drip": endless(Buffer.from("1603034000", "hex"), Buffer.of(0), 50),
  "TLS: not trusted": overTls(sends(`${head}\r\nok`)),
};

const servers = new Map<string, Server>();
for (const [name, behave] of Object.entries(behaviours)) {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    // The request is read and discarded unless the behaviour reads it itself or must not read it.
    if (name !== "never reads" && !name.startsWith("TLS: not")) socket.resume();
    behave(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", 1_024, resolve));
  servers.set(name, server);
}

function portOf(name: string): number {
  const address = servers.get(name)?.address();
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

console.log(
  JSON.stringify(Object.fromEntries([...servers.keys()].map((name) => [name, portOf(name)]))),
);
// This process ends with its parent.
process.stdin.on("end", () => process.exit()).resume();
