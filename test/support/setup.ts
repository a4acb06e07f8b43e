import { Socket } from "node:net";
import { beforeEach, expect } from "vitest";

beforeEach(() => {
  expect.hasAssertions();
});

const connect = Socket.prototype.connect;

/** No test leaves this machine: a connection to any other address fails before it is tried. */
function connectToLoopback(this: Socket, ...args: unknown[]): Socket {
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
}

// The files of a worker share it.
if (connect.name !== connectToLoopback.name) {
  Socket.prototype.connect = connectToLoopback as typeof connect;
}
