import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { plainAnswer } from "./function-response.ts";

/** Codes of Node's HTTP parser; any other error is a malformed request. */
const statuses: Readonly<Record<string, 408 | 431>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/**
 * Answers a request that cannot be read as HTTP, and closes its connection:
 * nothing after it can be read either. Node alone would answer without a body.
 */
export function answerUnreadable({ code }: NodeJS.ErrnoException, socket: Duplex): void {
  // The sender is gone, or has had a part of another response.
  if (code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = statuses[code ?? ""] ?? 400;
  const reason = STATUS_CODES[status] ?? "";
  const { headers, body } = plainAnswer(status, reason);
  const lines = [
    `HTTP/1.1 ${status} ${reason}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${body.length}`,
    "connection: close",
  ];
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}
