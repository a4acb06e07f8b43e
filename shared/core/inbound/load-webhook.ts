import { Failure } from "../../contracts/failures.ts";
import { parseJsonOrUndefined } from "../../contracts/json-text.ts";
import { limits } from "../../contracts/limits.ts";
import { type InboundMessage, inboundMessage } from "../../contracts/messages/inbound.ts";
import type { Clock } from "../clock.ts";
import { credentialsOf } from "../connections/credentials.ts";
import type {
  AccountReader,
  Connection,
  ConnectionReader,
  KnownAccount,
} from "../connections/ports.ts";
import { type ProviderEvent, removeFutureTime } from "../events/provider-event.ts";
import { parseJsonObject } from "../json/json.ts";
import type { Credentials } from "../providers/provider-client.ts";
import type { ProviderPack } from "../providers/provider-pack.ts";
import type { ProviderCalls } from "../requests/state/ports.ts";
import type { BlobStore } from "./ports.ts";

/** Real time in which a provider must confirm a webhook. */
const CONFIRM_TIMEOUT_MS = 5_000;

/** Business time for which a provider's answer may lag behind its webhook of the end. */
const ANSWER_LAG_MS = 120_000;

export interface LoadWebhookDeps {
  packs: Readonly<Record<string, ProviderPack>>;
  bodies: BlobStore;
  accounts: AccountReader;
  connections: Pick<ConnectionReader, "read" | "readUncached">;
  calls: ProviderCalls;
  clock: Clock;
  /** The dedupe window: business time for which a published event is remembered. */
  dedupeRetentionMs: number;
}

/** The webhook of a message of the inbound queue. */
export interface LoadedWebhook {
  message: InboundMessage;
  event: ProviderEvent;
  /** True when `event` has numbers as text, because the bus cannot carry all of their digits. */
  numbersAsText: boolean;
  /** The exact bytes, when `numbersAsText`; absent where they are too large for the event's item. */
  raw?: Uint8Array;
}

/**
 * Loads the webhook of one message of the inbound queue: its body and, where
 * needed, whether its account is registered. When the message says
 * `verifyByFetch`, calls the provider, and the event is the provider's answer
 * instead of the webhook's body. Otherwise the provider is called only for a completion without a
 * result, where the connection has credentials.
 *
 * @throws MESSAGE_MALFORMED, MESSAGE_STALE, UNCONFIRMED, BODY_GONE, DEPENDENCY_DOWN
 */
export const makeLoadWebhook =
  (deps: LoadWebhookDeps) =>
  async (text: string): Promise<LoadedWebhook> => {
    const message = parseMessage(text);
    if (deps.clock.businessMs() - message.receivedAtMs > deps.dedupeRetentionMs) {
      // The record of its event may have expired, so publishing it could be a second time.
      throw new Failure(
        "MESSAGE_STALE",
        "accepted longer ago than the dedupe window: its event may have been published already",
      );
    }
    const pack = deps.packs[message.provider];
    if (!pack) throw new Failure("MESSAGE_MALFORMED", "names a provider without a pack");
    const received = parseBody(pack, await loadBody(deps, message), message.receivedAtMs);
    const { accountId } = received.event.data;
    const account =
      pack.marksUnknownAccounts && accountId
        ? await deps.accounts.find(message.connectionId, accountId)
        : undefined;
    const content = message.verifyByFetch
      ? await fetchConfirmedContent(deps, { message, pack, received, account })
      : await fetchMissingResult(deps, { message, pack, received, account });
    const isAccountUnknown =
      pack.marksUnknownAccounts && content.event.data.accountId !== undefined && !account;
    const { numbersAsText, bytes } = content;
    return {
      message,
      event: isAccountUnknown ? withData(content.event, { accountUnknown: true }) : content.event,
      numbersAsText,
      ...(numbersAsText && bytes.byteLength <= limits.maxRawBytes ? { raw: bytes } : {}),
    };
  };

/** An event and the bytes from which it was read. */
interface Content {
  event: ProviderEvent;
  numbersAsText: boolean;
  bytes: Uint8Array;
}

function parseMessage(text: string): InboundMessage {
  const { data } = inboundMessage.safeParse(parseJsonOrUndefined(text));
  if (data) return data;
  throw new Failure("MESSAGE_MALFORMED", "not in the format of the inbound queue");
}

async function loadBody(deps: LoadWebhookDeps, message: InboundMessage): Promise<Uint8Array> {
  if (message.bodyKey !== undefined) return deps.bodies.get(message.bodyKey);
  return Buffer.from(message.bodyBase64 ?? "", "base64");
}

/** `ingest` has checked every body: one that fails here did not come from `ingest`. */
function parseBody(pack: ProviderPack, bytes: Uint8Array, receivedAtMs: number): Content {
  return failAs("MESSAGE_MALFORMED", "its body was refused", () => {
    const json = parseJsonObject(bytes);
    const event = removeFutureTime(
      pack.parseWebhook({ ...json, bytes, headers: {} }),
      receivedAtMs,
    );
    return { event, numbersAsText: json.numbersAsText, bytes };
  });
}

/**
 * Asks the provider for what the webhook reports. An event of a type for which
 * the provider has no call is passed on, marked `unverified`.
 */
async function fetchConfirmedContent(
  deps: LoadWebhookDeps,
  input: {
    message: InboundMessage;
    pack: ProviderPack;
    received: Content;
    account: KnownAccount | undefined;
  },
): Promise<Content> {
  const { message, pack, received, account } = input;
  const { provider, connectionId } = message;
  const connection = await deps.connections.read(connectionId);
  const request = pack.confirmation?.request(received.event, credentialsOf(connection, account));
  if (!pack.confirmation || !request) {
    // The webhook is only a hint, of which somebody with these credentials could ask.
    if (lacksCredentials(pack, received.event, { connection, account })) {
      throw new Failure("UNCONFIRMED", "the connection was deleted, or has no credentials");
    }
    return { ...received, event: withData(received.event, { unverified: true }) };
  }
  const result = await deps.calls.send(provider, request, CONFIRM_TIMEOUT_MS);
  if (result.kind !== "answered") {
    throw new Failure("DEPENDENCY_DOWN", `${provider} gave no answer: ${result.reason}`);
  }
  const { status, body: bytes } = result.answer;
  if (status === 404) throw new Failure("UNCONFIRMED", "the provider answered 404");
  if (status !== 200) throw new Failure("DEPENDENCY_DOWN", `the provider answered ${status}`);
  const json = failAs("UNCONFIRMED", "the provider's answer cannot be read", () =>
    parseJsonObject(bytes),
  );
  const confirmed = pack.confirmation.read(received.event, json.value);
  if (!confirmed) throw new Failure("UNCONFIRMED", "the provider reports another state");
  const { accountId } = received.event.data;
  // The answer names no account. The call was made with the account's own token, if it has one:
  // only then does the answer prove that the webhook names the right account.
  const event =
    account?.identificationToken && accountId ? withData(confirmed, { accountId }) : confirmed;
  // A start tells nothing of an answer that has the result already.
  const numbersAsText = json.numbersAsText && event.type !== "workflow.started";
  return { event, numbersAsText, bytes };
}

/**
 * Fetches the result of a thin completion from a provider that can be asked, so that the
 * request does not end without it. Where the provider cannot be asked, does not know the
 * request, or has no result either, the webhook counts as it is.
 *
 * @throws DEPENDENCY_DOWN when the provider gives no answer for now, or refuses credentials that
 *   were replaced; UNCONFIRMED when it does not report the end yet
 */
async function fetchMissingResult(
  deps: LoadWebhookDeps,
  input: Parameters<typeof fetchConfirmedContent>[1],
): Promise<Content> {
  const { message, pack, received, account } = input;
  const { event } = received;
  const isSuccess = event.type === "workflow.completed" && event.data.status === "completed";
  const hasResult = (event.data.result ?? null) !== null;
  if (!isSuccess || hasResult) return received;
  const connection = await deps.connections.read(message.connectionId);
  const { confirmation } = pack;
  if (!confirmation || !connection?.secrets.credentials) return received;
  const credentials = credentialsOf(connection, account);
  // An id that cannot be asked for has none.
  const request = undefinedIfRefused(() => confirmation.request(event, credentials));
  if (!request) return received;
  const result = await deps.calls.send(message.provider, request, CONFIRM_TIMEOUT_MS);
  const status = result.kind === "answered" ? result.answer.status : 0;
  if (result.kind !== "answered" || status === 429 || status >= 500) {
    throw new Failure("DEPENDENCY_DOWN", "the provider gave no result of a thin webhook");
  }
  const isRefused = status === 401 || status === 403;
  if (isRefused && (await wereReplaced(deps, input, credentials))) {
    throw new Failure("DEPENDENCY_DOWN", "the credentials were replaced meanwhile");
  }
  if (status !== 200) return received;
  const { body: bytes } = result.answer;
  const answer = undefinedIfRefused(() => {
    const json = parseJsonObject(bytes);
    return { ...json, fetched: confirmation.read(event, json.value) };
  });
  if (!answer) return received;
  const { fetched, numbersAsText } = answer;
  if (!fetched && deps.clock.businessMs() - message.receivedAtMs < ANSWER_LAG_MS) {
    throw new Failure("UNCONFIRMED", "the provider does not report the end yet");
  }
  if (fetched?.data.result === undefined) return received;
  const { createdAt, data } = event;
  // It is still this webhook's event, whatever the answers to its copies are.
  const { providerObjectId, discriminator } = event;
  const whole = {
    ...fetched,
    providerObjectId,
    ...(discriminator === undefined ? {} : { discriminator }),
    ...(createdAt ? { createdAt } : {}),
  };
  const { accountId, createdAtReplaced } = data;
  return {
    event: withData(whole, {
      ...(accountId ? { accountId } : {}),
      ...(createdAtReplaced ? { createdAtReplaced } : {}),
    }),
    numbersAsText,
    bytes,
  };
}

/**
 * Whether the stored credentials differ from these, which the provider refused. What is cached of
 * them is read again.
 */
async function wereReplaced(
  deps: LoadWebhookDeps,
  { message, pack, received }: Parameters<typeof fetchConfirmedContent>[1],
  used: Credentials,
): Promise<boolean> {
  const { connectionId } = message;
  const { accountId } = received.event.data;
  const connection = await deps.connections.readUncached(connectionId);
  const account =
    pack.marksUnknownAccounts && accountId
      ? await deps.accounts.findUncached(connectionId, accountId)
      : undefined;
  return JSON.stringify(credentialsOf(connection, account)) !== JSON.stringify(used);
}

/** Whether the provider has a call about this event, for which the connection lacks credentials. */
function lacksCredentials(
  { confirmation, credentialHeaders, accountTokenHeader }: ProviderPack,
  event: ProviderEvent,
  of: { connection: Connection | undefined; account: KnownAccount | undefined },
): boolean {
  const given = of.connection?.secrets.credentials ?? {};
  if (credentialHeaders.every((header) => given[header] !== undefined)) return false;
  const hasToken = of.account?.identificationToken !== undefined;
  const tokenHeader = hasToken && accountTokenHeader ? [accountTokenHeader] : [];
  const complete = Object.fromEntries(
    [...credentialHeaders, ...tokenHeader].map((header) => [header, "any"]),
  );
  return confirmation?.request(event, complete) !== undefined;
}

function withData(event: ProviderEvent, more: Partial<ProviderEvent["data"]>): ProviderEvent {
  return { ...event, data: { ...event.data, ...more } };
}

/** Runs `read`; `undefined` where it throws a `Failure`. Any other error is a bug and passes. */
function undefinedIfRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/** Runs `read`; its `Failure` becomes one of this code. Any other error is a bug and passes. */
function failAs<T>(code: "MESSAGE_MALFORMED" | "UNCONFIRMED", detail: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause;
    throw new Failure(code, `${detail}: ${cause.code}`, { cause });
  }
}
