import { Failure, type HttpFailureCode } from "../contracts/failures.ts";
import { providerId } from "../contracts/providers.ts";
import { equalSecrets, sha256Hex } from "./digest.ts";
import { readJsonObject } from "./json.ts";
import type { Clock, Connection, ConnectionReader, InboundQueue } from "./ports.ts";
import type { ProviderPack } from "./provider-pack.ts";

export interface IngestDeps {
  connections: ConnectionReader;
  queue: InboundQueue;
  packs: Readonly<Record<string, ProviderPack>>;
  clock: Clock;
  maxBodyBytes: number;
}

export interface IngestCommand {
  provider: string;
  connectionId: string;
  token: string;
  body: Uint8Array;
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
  /** Ends every call to a dependency: the sender is answered in time, whatever they do. */
  signal: AbortSignal;
}

export type IngestOutcome =
  | { kind: "accepted"; connectionId: string; bytes: number }
  | { kind: "refused"; code: HttpFailureCode; detail: string };

/**
 * Takes one webhook: proves that it is the provider's, makes it durable, and
 * only then says so (G1). Nothing that was refused leaves a trace downstream.
 */
export const makeIngestWebhook =
  (deps: IngestDeps) =>
  async (command: IngestCommand): Promise<IngestOutcome> => {
    try {
      const connection = await connectionFor(deps, command);
      verify(deps, connection, command);
      await deps.queue.send(
        {
          v: 1,
          provider: connection.provider,
          clientId: connection.clientId,
          connectionId: connection.connectionId,
          receivedAtMs: deps.clock.businessMs(),
          bodyBase64: Buffer.from(command.body).toString("base64"),
        },
        command.signal,
      );
      return {
        kind: "accepted",
        connectionId: connection.connectionId,
        bytes: command.body.byteLength,
      };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return { kind: "refused", code: error.code as HttpFailureCode, detail: error.message };
    }
  };

/** The address is `provider`, connection and token together: a wrong part looks like any other. */
async function connectionFor(deps: IngestDeps, command: IngestCommand): Promise<Connection> {
  const unknown = new Failure("CONNECTION_UNKNOWN", "no connection has this address");
  if (!providerId.safeParse(command.provider).success) throw unknown;
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(command.connectionId)) throw unknown;
  const connection = await deps.connections.read(command.connectionId, command.signal);
  if (connection?.provider !== command.provider) throw unknown;
  if (!equalSecrets(sha256Hex(command.token), connection.tokenSha256)) throw unknown;
  return connection;
}

function verify(deps: IngestDeps, connection: Connection, command: IngestCommand): void {
  const bytes = command.body.byteLength;
  if (bytes > deps.maxBodyBytes) {
    throw new Failure("BODY_TOO_LARGE", `${bytes} bytes; at most ${deps.maxBodyBytes} are taken`);
  }
  const pack = deps.packs[connection.provider];
  if (pack === undefined) throw new Error(`No provider pack for ${connection.provider}`);
  const webhook = { ...readJsonObject(command.body), headers: command.headers };
  if (!pack.verify(webhook, connection.secrets.webhookSecrets)) {
    throw new Failure("SIGNATURE_REJECTED", "not signed with a secret of this connection");
  }
  pack.read(webhook);
}
