import { Failure, type HttpFailureCode } from "../../contracts/failures.ts";
import type { InboundMessage } from "../../contracts/messages/inbound.ts";
import { providerId } from "../../contracts/providers.ts";
import { hashForm } from "../../contracts/webhook-forms.ts";
import type { Clock } from "../clock.ts";
import type { Connection, ConnectionReader } from "../connections/ports.ts";
import { validAt } from "../connections/rotation.ts";
import { equalSecrets, sha256Hex } from "../crypto/digest.ts";
import type { InboundEvent } from "../events/inbound-event.ts";
import { readJsonObject } from "../json/json.ts";
import type {
  ProviderPack,
  SignatureForm,
  Verification,
  Webhook,
} from "../providers/provider-pack.ts";
import type { BlobStore, InboundQueue, QuarantineStore } from "./ports.ts";

export interface IngestDeps {
  connections: Pick<ConnectionReader, "read" | "readThrottled">;
  queue: InboundQueue;
  bodies: BlobStore;
  quarantine: QuarantineStore;
  packs: Readonly<Record<string, ProviderPack>>;
  clock: Clock;
  maxBodyBytes: number;
  /** A larger body is stored, and its message holds the key. */
  maxInlineBytes: number;
}

export interface IngestCommand {
  provider: string;
  connectionId: string;
  token: string;
  body: Uint8Array;
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
  /** Ends every call to a dependency, so that the sender gets an answer in time. */
  signal: AbortSignal;
}

export type IngestOutcome =
  | {
      kind: "accepted";
      connectionId: string;
      bytes: number;
      form: SignatureForm;
      /** The connection accepts several forms of signature: `form` can be pinned. */
      isCalibrating: boolean;
    }
  /** Answered 200 and stored aside: its signature failed on a connection that quarantines. */
  | { kind: "quarantined"; connectionId: string; bytes: number }
  | { kind: "refused"; code: HttpFailureCode; detail: string };

/**
 * Accepts one webhook: verifies its sender and puts it into the inbound queue.
 * `accepted` means that the queue has it (G1). A refused webhook is not stored.
 *
 * @throws Error for what is not a `Failure`
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
  const { connection, verification } = await verifySender(deps, command);
  const { connectionId, settings } = connection;
  const { body, signal } = command;
  const bytes = body.byteLength;
  const receivedAtMs = deps.clock.businessMs();
  if (verification.kind === "invalid") {
    if (settings.signature === "enforce") {
      throw new Failure("SIGNATURE_REJECTED", "not signed with a secret of this connection");
    }
    await deps.quarantine.put({ connectionId, body, receivedAtMs }, signal);
    return { kind: "quarantined", connectionId, bytes };
  }
  const mustConfirm = verification.kind === "unbound" || settings.verifyByFetch;
  const of = { body, receivedAtMs, mustConfirm, signal };
  await deps.queue.send(await storeAndBuildMessage(deps, connection, of), signal);
  const { form } = verification;
  const isCalibrating = hashForm.safeParse(form).success && settings.hashForms.length > 1;
  return { kind: "accepted", connectionId, bytes, form, isCalibrating };
}

interface VerifiedSender {
  connection: Connection;
  verification: Verification;
}

/**
 * Finds the connection and verifies the webhook against it. A webhook that does
 * not fit the cached connection is verified against the stored one too, because
 * a token or secret may have been rotated since.
 *
 * @throws CONNECTION_UNKNOWN, BODY_…, FRAME_INVALID, DEPENDENCY_DOWN
 */
async function verifySender(deps: IngestDeps, command: IngestCommand): Promise<VerifiedSender> {
  const { provider, connectionId, signal } = command;
  const isAddress = providerId.safeParse(provider).success && /^[\w-]{1,64}$/.test(connectionId);
  if (!isAddress) throw new Failure("CONNECTION_UNKNOWN", "no connection has this address");
  const cached = await deps.connections.read(connectionId, signal);
  const first = verifyAgainst(deps, cached, command);
  if (first && first.verification.kind !== "invalid") return first;
  const stored = await deps.connections.readThrottled(connectionId, signal);
  const second = stored === cached ? first : verifyAgainst(deps, stored, command);
  if (second) return second;
  throw new Failure("CONNECTION_UNKNOWN", "no connection has this address");
}

/** @returns `undefined` when the provider or the token is not the connection's: its address is another */
function verifyAgainst(
  deps: IngestDeps,
  connection: Connection | undefined,
  command: IngestCommand,
): VerifiedSender | undefined {
  if (connection?.provider !== command.provider) return undefined;
  const nowMs = deps.clock.businessMs();
  const digest = sha256Hex(command.token);
  // Every token is compared, so that the time does not tell which one fits.
  const fits = validAt(connection.tokens, nowMs).map(({ sha256 }) => equalSecrets(digest, sha256));
  if (!fits.includes(true)) return undefined;

  const bytes = command.body.byteLength;
  if (bytes > deps.maxBodyBytes) {
    throw new Failure(
      "BODY_TOO_LARGE",
      `${bytes} bytes; at most ${deps.maxBodyBytes} are accepted`,
    );
  }
  const pack = deps.packs[connection.provider];
  if (pack === undefined) throw new Error(`No provider pack for ${connection.provider}`);
  const webhook = { ...readJsonObject(command.body), headers: command.headers };
  const verification = pack.verify(webhook, {
    secrets: validAt(connection.secrets.webhookSecrets, nowMs).map(({ secret }) => secret),
    settings: connection.settings,
    nowMs: deps.clock.realMs(),
  });
  // A quarantined body is stored as it is, readable or not.
  if (verification.kind === "invalid") return { connection, verification };
  const event = assertReadable(pack, webhook);
  const isUsable = verification.kind === "verified" || canConfirm(pack, event, connection);
  return { connection, verification: isUsable ? verification : { kind: "invalid" } };
}

/** Refuses a body that `consume` could not read, while its sender can still be told. */
function assertReadable(pack: ProviderPack, webhook: Webhook): InboundEvent {
  return pack.read(webhook);
}

/** Whether `consume` can ask the provider if an unbound webhook is true. */
function canConfirm(pack: ProviderPack, event: InboundEvent, { secrets }: Connection): boolean {
  return pack.confirmation?.request(event, secrets.credentials ?? {}) !== undefined;
}

/** Builds the message of a verified webhook. Stores a large body first. @throws DEPENDENCY_DOWN */
export async function storeAndBuildMessage(
  deps: Pick<IngestDeps, "bodies" | "maxInlineBytes">,
  { provider, clientId, connectionId }: Connection,
  of: Pick<IngestCommand, "body" | "signal"> & { receivedAtMs: number; mustConfirm: boolean },
): Promise<InboundMessage> {
  const { body, signal, receivedAtMs, mustConfirm } = of;
  const common = {
    v: 1 as const,
    provider,
    clientId,
    connectionId,
    receivedAtMs,
    ...(mustConfirm ? { verifyByFetch: true as const } : {}),
  };
  if (body.byteLength <= deps.maxInlineBytes) {
    return { ...common, bodyBase64: Buffer.from(body).toString("base64") };
  }
  const bodyKey = `inbound/${connectionId}/${sha256Hex(body)}`;
  await deps.bodies.put(bodyKey, body, signal);
  return { ...common, bodyKey };
}
