import { Failure, type HttpFailureCode } from "../../contracts/failures.ts";
import type { InboundMessage } from "../../contracts/messages/inbound.ts";
import { providerId } from "../../contracts/providers.ts";
import { hashForm } from "../../contracts/webhook-forms.ts";
import type { Clock } from "../clock.ts";
import type { Connection, ConnectionReader } from "../connections/ports.ts";
import { validAt } from "../connections/rotation.ts";
import { equalSecrets, sha256Hex } from "../crypto/digest.ts";
import { readJsonObject } from "../json/json.ts";
import type { ProviderPack, SignatureForm, Verification } from "../providers/provider-pack.ts";
import type { BlobStore, InboundQueue, QuarantineStore } from "./ports.ts";

export interface IngestDeps {
  connections: Pick<ConnectionReader, "read" | "readThrottled">;
  queue: InboundQueue;
  bodies: BlobStore;
  quarantine: QuarantineStore;
  packs: Readonly<Record<string, ProviderPack>>;
  clock: Clock;
  maxBodyBytes: number;
  /** Larger bodies travel by reference. */
  maxInlineBytes: number;
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
  | {
      kind: "accepted";
      connectionId: string;
      bytes: number;
      form: SignatureForm;
      /** Other forms of the signature would be taken too: what was seen is worth telling. */
      isCalibrating: boolean;
    }
  /** Acked and kept aside: its signature failed on a connection that is being calibrated. */
  | { kind: "quarantined"; connectionId: string; bytes: number }
  | { kind: "refused"; code: HttpFailureCode; detail: string };

/**
 * Takes one webhook: proves that it is the provider's, makes it durable, and
 * only then says so (G1). Nothing that was refused leaves a trace downstream.
 */
export const makeIngestWebhook =
  (deps: IngestDeps) =>
  async (command: IngestCommand): Promise<IngestOutcome> => {
    try {
      return await ingest(deps, command);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return { kind: "refused", code: error.code as HttpFailureCode, detail: error.message };
    }
  };

async function ingest(deps: IngestDeps, command: IngestCommand): Promise<IngestOutcome> {
  const { connection, proof } = await proveSender(deps, command);
  const { connectionId } = connection;
  const bytes = command.body.byteLength;
  if (proof.kind === "invalid") {
    if (connection.settings.signature === "enforce") {
      throw new Failure("SIGNATURE_REJECTED", "not signed with a secret of this connection");
    }
    await deps.quarantine.put(
      { connectionId, body: command.body, receivedAtMs: deps.clock.businessMs() },
      command.signal,
    );
    return { kind: "quarantined", connectionId, bytes };
  }
  const mustConfirm = proof.kind === "unbound" || connection.settings.verifyByFetch;
  const message = await storeAndBuildMessage(deps, connection, { ...command, mustConfirm });
  await deps.queue.send(message, command.signal);
  const isCalibrating =
    hashForm.safeParse(proof.form).success && connection.settings.hashForms.length > 1;
  return { kind: "accepted", connectionId, bytes, form: proof.form, isCalibrating };
}

/**
 * Finds the connection and checks the webhook against it. What fails against a
 * remembered connection is checked once more against the stored one: its token
 * or secret may have been rotated since.
 */
async function proveSender(
  deps: IngestDeps,
  command: IngestCommand,
): Promise<{ connection: Connection; proof: Verification }> {
  const address = addressOf(command);
  const remembered = await deps.connections.read(address.connectionId, command.signal);
  const first = verifyAgainst(deps, remembered, command);
  if (first && first.proof.kind !== "invalid") return first;
  const stored = await deps.connections.readThrottled(address.connectionId, command.signal);
  const second = stored === remembered ? first : verifyAgainst(deps, stored, command);
  if (second) return second;
  throw new Failure("CONNECTION_UNKNOWN", "no connection has this address");
}

function addressOf({ provider, connectionId }: IngestCommand): { connectionId: string } {
  const isAddress = providerId.safeParse(provider).success && /^[\w-]{1,64}$/.test(connectionId);
  if (isAddress) return { connectionId };
  throw new Failure("CONNECTION_UNKNOWN", "no connection has this address");
}

/** The address is provider, connection and token together: a wrong part looks like any other. */
function verifyAgainst(
  deps: IngestDeps,
  connection: Connection | undefined,
  command: IngestCommand,
): { connection: Connection; proof: Verification } | undefined {
  if (connection?.provider !== command.provider) return undefined;
  const nowMs = deps.clock.businessMs();
  const token = sha256Hex(command.token);
  const known = validAt(connection.tokens, nowMs).map(({ sha256 }) => equalSecrets(token, sha256));
  if (!known.includes(true)) return undefined;

  const bytes = command.body.byteLength;
  if (bytes > deps.maxBodyBytes) {
    throw new Failure("BODY_TOO_LARGE", `${bytes} bytes; at most ${deps.maxBodyBytes} are taken`);
  }
  const pack = deps.packs[connection.provider];
  if (pack === undefined) throw new Error(`No provider pack for ${connection.provider}`);
  const webhook = { ...readJsonObject(command.body), headers: command.headers };
  const proof = pack.verify(webhook, {
    secrets: validAt(connection.secrets.webhookSecrets, nowMs).map(({ secret }) => secret),
    settings: connection.settings,
    nowMs: deps.clock.realMs(),
  });
  // Only what is proven is looked at more closely; a quarantined body is kept as it came.
  if (proof.kind === "invalid") return { connection, proof };
  const event = pack.read(webhook);
  if (proof.kind === "verified") return { connection, proof };
  // What the provider cannot be asked for stays unproven.
  const question = pack.confirmation?.request(event, connection.secrets.credentials ?? {});
  return { connection, proof: question ? proof : { kind: "invalid" } };
}

/** The message for a proven webhook; a large body is stored before. */
export async function storeAndBuildMessage(
  deps: Pick<IngestDeps, "bodies" | "clock" | "maxInlineBytes">,
  { provider, clientId, connectionId }: Connection,
  of: Pick<IngestCommand, "body" | "signal"> & { mustConfirm: boolean },
): Promise<InboundMessage> {
  const common = {
    v: 1 as const,
    provider,
    clientId,
    connectionId,
    receivedAtMs: deps.clock.businessMs(),
    ...(of.mustConfirm ? { verifyByFetch: true as const } : {}),
  };
  const { body, signal } = of;
  if (body.byteLength <= deps.maxInlineBytes) {
    return { ...common, bodyBase64: Buffer.from(body).toString("base64") };
  }
  const bodyKey = `inbound/${connectionId}/${sha256Hex(body)}`;
  await deps.bodies.put(bodyKey, body, signal);
  return { ...common, bodyKey };
}
