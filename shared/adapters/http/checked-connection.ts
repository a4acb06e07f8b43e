import { isIP, connect as netConnect, type Socket, type TcpNetConnectOpts } from "node:net";
import { connect as tlsConnect } from "node:tls";
import type { WebhookTargets } from "../../contracts/webhook-targets.ts";
import { hostOf, mayConnectTo, portOf } from "../../core/deliveries/webhooks/target-url.ts";
import { makeNameLookup } from "./dns-name-lookup.ts";

/** Network functions that a connection uses; tests replace them. */
export interface Network {
  /** All addresses of a name; ends when the signal aborts. */
  lookup(hostname: string, signal: AbortSignal): Promise<readonly { address: string }[]>;
  connect(options: TcpNetConnectOpts): Socket;
}

export const systemNetwork: Network = {
  lookup: makeNameLookup(),
  connect: (options) => netConnect(options),
};

/** Bytes per read. Node's default of 64 KB exceeds the largest response that is allowed. */
const readBytes = 8_192;

/** A failure with a code in capitals and no other content. */
export class ConnectionFault extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** A shared instance, because capturing a stack trace for every connection that closes is expensive. */
export const connectionClosed = new ConnectionFault("CONNECTION_CLOSED");

/**
 * Opens a new connection to a URL's host, with TLS for https.
 *
 * The name is resolved once, every address is checked, and only these addresses are connected
 * to, so that a later change in DNS has no effect. One address that is not allowed refuses
 * the connection. When `signal` aborts, the connection is destroyed in any state.
 *
 * @throws ADDRESS_REFUSED, NAME_NOT_FOUND, the signal's reason, or an error with Node's code
 */
export async function connectToAllowedAddress(
  url: URL,
  { targets, network, signal }: { targets: WebhookTargets; network: Network; signal: AbortSignal },
): Promise<Socket> {
  const host = hostOf(url);
  const addresses = await orAbort(addressesOf(host, network, signal), signal);
  if (!addresses.every((address) => mayConnectTo(address, url, targets))) {
    throw new ConnectionFault("ADDRESS_REFUSED");
  }
  signal.throwIfAborted();
  const pinned = addresses.map((address) => ({ address, family: isIP(address) }));
  const socket = network.connect({
    host,
    port: portOf(url),
    autoSelectFamily: true,
    lookup: (_hostname, _options, done) => done(null, pinned),
    onread: {
      buffer: Buffer.alloc(readBytes),
      callback: (bytes, buffer) => socket.push(Buffer.from(buffer.subarray(0, bytes))),
    },
  });
  await opened(socket, "connect", signal);
  if (url.protocol === "http:") return socket;
  const secured = tlsConnect({
    socket,
    host,
    // TLS does not allow an address as the server's name; the certificate is checked against `host`.
    ...(isIP(host) ? {} : { servername: host }),
    ALPNProtocols: ["http/1.1"],
    // Overrides NODE_TLS_REJECT_UNAUTHORIZED.
    rejectUnauthorized: true,
  });
  await opened(secured, "secureConnect", signal);
  return secured;
}

async function addressesOf(
  host: string,
  { lookup }: Network,
  signal: AbortSignal,
): Promise<string[]> {
  if (isIP(host)) return [host];
  try {
    const found = await lookup(host, signal);
    if (found.length > 0) return found.map(({ address }) => address);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "ENOTFOUND" && code !== "ENODATA") throw error;
  }
  throw new ConnectionFault("NAME_NOT_FOUND");
}

function opened(socket: Socket, event: string, signal: AbortSignal): Promise<void> {
  signal.addEventListener("abort", () => socket.destroy(), { once: true });
  const done = new Promise<void>((resolve, reject) => {
    socket.once(event, resolve);
    // Stays for the connection's lifetime: an unhandled error event would end the process.
    socket.on("error", reject);
    socket.once("close", () => reject(connectionClosed));
  });
  return orAbort(done, signal);
}

function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  return Promise.race([work, aborted]);
}
