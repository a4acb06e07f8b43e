import { Failure, type HttpFailureCode } from "../../contracts/failures.ts";
import type { InboundMessage } from "../../contracts/messages/inbound.ts";
import { providerId } from "../../contracts/providers.ts";
import { readTraceparent, TRACEPARENT_HEADER } from "../../contracts/traceparent.ts";
import type { Clock } from "../clock.ts";
import type { Connection, ConnectionReader } from "../connections/ports.ts";
import { validAt } from "../connections/rotation.ts";
import { equalSecrets, sha256Hex } from "../crypto/digest.ts";
import { type ProviderEvent, removeFutureTime } from "../events/provider-event.ts";
import { decodeBody } from "../json/decode-body.ts";
import { parseJsonObject } from "../json/json.ts";
import type { ProviderPack, SignatureForm, Verification } from "../providers/provider-pack.ts";
import type { CorrelationStore } from "../requests/state/correlation-ports.ts";
import { recordCorrelatedEvent } from "./correlated-events.ts";
import type { BlobStore, InboundQueue, QuarantineStore } from "./ports.ts";
import { makeRefusedMemory, type StoreRefused } from "./refused-webhooks.ts";
import { type FormObservation, makeFormMemory, type StoreSettledForm } from "./settled-form.ts";
import { signatureHeadersOf } from "./signature-headers.ts";

export interface IngestDeps {
  connections: Pick<ConnectionReader, "read" | "readThrottled">;
  queue: InboundQueue;
  correlations: Pick<CorrelationStore, "recordEvent">;
  bodies: BlobStore;
  quarantine: QuarantineStore;
  packs: Readonly<Record<string, ProviderPack>>;
  clock: Clock;
  storeSettledForm: StoreSettledForm;
  storeRefused: StoreRefused;
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
  /** Where it came from. */
  sourceIp?: string | undefined;
  /** Ends every call to a dependency, so that the sender gets an answer in time. */
  signal: AbortSignal;
}

export type IngestOutcome =
  | {
      kind: "accepted";
      connectionId: string;
      bytes: number;
      form: SignatureForm;
      /** What its form says about the connection. */
      formObservation: FormObservation;
      /** The provider's time of the event cannot be used: the event gets the time of receipt. */
      isTimeReplaced: boolean;
    }
  /** Answered 200 and stored aside: its signature failed on a connection that quarantines. */
  | { kind: "quarantined"; connectionId: string; bytes: number }
  | {
      kind: "refused";
      code: HttpFailureCode;
      detail: string;
      /** Whose webhook it is; absent while its address is not known to be right. */
      addressee?: Addressee;
    };

/** The connection that a webhook's address names. */
export type Addressee = Pick<Connection, "connectionId" | "clientId" | "provider">;

/**
 * Accepts one webhook: verifies its sender and puts it into the inbound queue.
 * `accepted` means that the queue has it: it is durable before it is acknowledged
 * (G1). A refused webhook is not stored: only that there was one, where its address was right.
 *
 * @throws Error for what is not a `Failure`
 */
export function makeIngestWebhook(ports: IngestDeps) {
  const forms = makeFormMemory(ports.storeSettledForm);
  const noteRefused = makeRefusedMemory(ports.storeRefused);
  return async (command: IngestCommand): Promise<IngestOutcome> => {
    let addressee: Addressee | undefined;
    const onAddressee = ({ connectionId, clientId, provider }: Connection) => {
      addressee = { connectionId, clientId, provider };
    };
    try {
      return await ingest({ ...ports, forms, noteRefused, onAddressee }, command);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const code = error.code as HttpFailureCode;
      return { kind: "refused", code, detail: error.message, ...(addressee && { addressee }) };
    }
  };
}

interface Deps extends IngestDeps {
  forms: ReturnType<typeof makeFormMemory>;
  noteRefused: ReturnType<typeof makeRefusedMemory>;
  /** Is told the connection of a webhook as soon as its address is known to be right. */
  onAddressee: (connection: Connection) => void;
}

const SIGNATURE_INVALID = "not signed with a secret of this connection";
const SIGNATURE_UNCONFIRMABLE =
  "the signature does not cover the body, and the provider cannot confirm the webhook";

async function ingest(deps: Deps, command: IngestCommand): Promise<IngestOutcome> {
  const checked = await authenticateWebhook(deps, command);
  const { connection, verification, body } = checked;
  const { connectionId, settings } = connection;
  const { signal } = command;
  const bytes = body.byteLength;
  const receivedAtMs = deps.clock.businessMs();
  if (verification.kind === "invalid") {
    if (settings.signature === "enforce") {
      const nowRealMs = deps.clock.realMs();
      const address = command.sourceIp;
      await deps.noteRefused(connection, { address, nowMs: receivedAtMs, nowRealMs, signal });
      throw new Failure("SIGNATURE_REJECTED", checked.rejection ?? SIGNATURE_INVALID);
    }
    const headers = signatureHeadersOf(checked.pack, command.headers);
    await deps.quarantine.put({ connectionId, body, headers, receivedAtMs }, signal);
    return { kind: "quarantined", connectionId, bytes };
  }
  const verifyByFetch = verification.kind === "bodyNotSigned" || settings.verifyByFetch;
  const traceparent = readTraceparent(command.headers[TRACEPARENT_HEADER]);
  const received = { body, receivedAtMs, verifyByFetch, traceparent, signal };
  const message = await storeAndBuildMessage(deps, connection, received);
  // The correlated event is stored before the ack, so that a reply that was acked stops requests
  // that must not follow it.
  const [formObservation] = await Promise.all([
    deps.forms.observe(connection, verification, signal),
    deps.queue.send(message, signal),
    recordCorrelatedEvent(deps.correlations, checked, message, signal),
  ]);
  const { form } = verification;
  const { isTimeReplaced } = checked;
  return { kind: "accepted", connectionId, bytes, form, formObservation, isTimeReplaced };
}

interface CheckedWebhook {
  pack: ProviderPack;
  /** Absent if the webhook was not parsed. */
  event?: ProviderEvent;
  connection: Connection;
  verification: Verification;
  /** Why a signature that matches a secret is treated as invalid. */
  rejection?: string;
  /** Decompressed, and in UTF-8. */
  body: Uint8Array;
  isTimeReplaced: boolean;
}

/**
 * Finds the connection and verifies the webhook against it. A webhook that does
 * not fit the cached connection is verified against the stored one too, because
 * a token or secret may have been rotated since.
 *
 * @throws CONNECTION_UNKNOWN, BODY_NOT_UTF8, BODY_NOT_JSON, BODY_TOO_DEEP,
 *   BODY_TOO_LARGE, FRAME_INVALID, DEPENDENCY_DOWN
 */
async function authenticateWebhook(deps: Deps, command: IngestCommand): Promise<CheckedWebhook> {
  const { provider, connectionId, signal } = command;
  const isWellFormed = providerId.safeParse(provider).success && /^[\w-]{1,64}$/.test(connectionId);
  if (!isWellFormed) throw new Failure("CONNECTION_UNKNOWN", "no connection has this address");
  const cached = await deps.connections.read(connectionId, signal);
  const first = checkWebhook(deps, cached, command);
  if (first && first.verification.kind !== "invalid") return first;
  const stored = await deps.connections.readThrottled(connectionId, signal);
  const second = stored === cached ? first : checkWebhook(deps, stored, command);
  if (second) return second;
  throw new Failure("CONNECTION_UNKNOWN", "no connection has this address");
}

/**
 * Checks address, size, signature and format, and decodes the body.
 *
 * @returns `undefined` when the provider or the token is not the connection's. The
 *   caller answers as for a connection that does not exist, and does not reveal
 *   which part of the address is wrong
 * @throws BODY_NOT_UTF8, BODY_NOT_JSON, BODY_TOO_DEEP, BODY_TOO_LARGE, FRAME_INVALID
 */
function checkWebhook(
  deps: Deps,
  connection: Connection | undefined,
  command: IngestCommand,
): CheckedWebhook | undefined {
  if (connection?.provider !== command.provider) return undefined;
  const nowMs = deps.clock.businessMs();
  if (!hasToken(connection, command.token, nowMs)) return undefined;
  deps.onAddressee(connection);
  const bytes = command.body.byteLength;
  if (bytes > deps.maxBodyBytes) {
    throw new Failure(
      "BODY_TOO_LARGE",
      `${bytes} bytes; at most ${deps.maxBodyBytes} are accepted`,
    );
  }
  const pack = deps.packs[connection.provider];
  if (pack === undefined) throw new Error(`No provider pack for ${connection.provider}`);
  const body = decodeBody(command.body, command.headers, deps.maxBodyBytes);
  const webhook = { ...parseJsonObject(body), bytes: body, headers: command.headers };
  const verification = pack.verify(webhook, {
    secrets: validAt(connection.secrets.webhookSecrets, nowMs).map(({ secret }) => secret),
    settings: connection.settings,
    lastEncoding: deps.forms.encodingOf(connection),
    nowMs: deps.clock.realMs(),
  });
  // A webhook with an invalid signature is quarantined without being parsed.
  const checked = { pack, connection, verification, body, isTimeReplaced: false };
  if (verification.kind === "invalid") return checked;
  // Parsed here too, so that the sender of a malformed webhook gets a 400.
  const event = removeFutureTime(pack.parseWebhook(webhook), nowMs);
  const isTimeReplaced = event.data.createdAtReplaced === true;
  const parsed = { ...checked, event, isTimeReplaced };
  if (verification.kind === "verified" || canConfirm(pack, event, connection)) return parsed;
  return { ...parsed, verification: { kind: "invalid" }, rejection: SIGNATURE_UNCONFIRMABLE };
}

function hasToken({ tokens }: Connection, token: string, nowMs: number): boolean {
  const digest = sha256Hex(token);
  // Every token is compared, so that the duration does not reveal which one matched.
  return validAt(tokens, nowMs)
    .map(({ sha256 }) => equalSecrets(digest, sha256))
    .includes(true);
}

/** Whether the provider has a call with which `consume` can confirm a webhook whose signature does not cover the body. */
function canConfirm(pack: ProviderPack, event: ProviderEvent, { secrets }: Connection): boolean {
  return pack.confirmation?.request(event, secrets.credentials ?? {}) !== undefined;
}

/** Builds the message of a verified webhook. Stores a large body first. @throws DEPENDENCY_DOWN */
export async function storeAndBuildMessage(
  deps: Pick<IngestDeps, "bodies" | "maxInlineBytes">,
  { provider, clientId, connectionId }: Connection,
  received: Pick<IngestCommand, "body" | "signal"> & {
    receivedAtMs: number;
    verifyByFetch: boolean;
    traceparent?: string | undefined;
  },
): Promise<InboundMessage> {
  const { body, signal, receivedAtMs, verifyByFetch, traceparent } = received;
  const common = {
    v: 1 as const,
    provider,
    clientId,
    connectionId,
    receivedAtMs,
    ...(verifyByFetch ? { verifyByFetch: true as const } : {}),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
  if (body.byteLength <= deps.maxInlineBytes) {
    return { ...common, bodyBase64: Buffer.from(body).toString("base64") };
  }
  const bodyKey = `inbound/${connectionId}/${sha256Hex(body)}`;
  await deps.bodies.put(bodyKey, body, signal);
  return { ...common, bodyKey };
}
