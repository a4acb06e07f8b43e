import { Socket } from "node:net";
import { beforeEach, expect } from "vitest";

beforeEach(() => {
  expect.hasAssertions();
});

/** No test leaves this machine: a connection to any other address fails before it is tried. */
const connect = Socket.prototype.connect;
Socket.prototype.connect = function (this: Socket, ...args: unknown[]) {
  const [first, second] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args;
  const host =
    typeof first === "object" && first !== null
      ? ((first as { host?: string; path?: string }).host ?? "localhost")
      : typeof second === "string"
        ? second
        : "localhost";
  if (!["localhost", "127.0.0.1", "::1"].includes(host)) {
    throw new Error(`A test tried to connect to ${host}: only loopback is allowed`);
  }
  return Reflect.apply(connect, this, args) as Socket;
} as typeof connect;
