import { Failure } from "../../contracts/failures.ts";
import { type InboundMessage, inboundMessage } from "../../contracts/messages/inbound.ts";
import type { Clock } from "../clock.ts";
import { credentialsOf } from "../connections/credentials.ts";
import type { AccountReader, ConnectionReader, KnownAccount } from "../connections/ports.ts";
import { sha256Hex } from "../crypto/digest.ts";
import { type FinalEvent, truncateForBus, unmatchedEvent } from "../events/envelope.ts";
import type { InboundEvent } from "../events/inbound-event.ts";
import { type ReadJson, readJsonObject } from "../json/json.ts";
import type { ProviderPack } from "../providers/provider-pack.ts";
import { readDeadline } from "../read-deadline.ts";
import type { ProviderCalls } from "../requests/state/ports.ts";
import type { BlobStore } from "./ports.ts";

const CONFIRM_TIMEOUT_MS = 5_000;

export interface ReadInboundDeps {
  packs: Readonly<Record<string, ProviderPack>>;
  bodies: BlobStore;
  accounts: AccountReader;
  connections: ConnectionReader;
  calls: ProviderCalls;
  clock: Clock;
  /** Business time for which an event is known as seen. */
  windowMs: number;
}

/** A webhook as `consume` understands it. */
export interface DecodedWebhook {
  message: InboundMessage;
  event: InboundEvent;
  numbersAsText: boolean;
  /** The exact bytes, where an event could not carry each digit. */
  raw?: Uint8Array;
  /** The event that it is where it belongs to no request made here. @throws DEPENDENCY_DOWN */
  toEvent(): Promise<FinalEvent>;
}

/**
 * Reads a message of the inbound queue: what the webhook says, asked of the
 * provider where the connection wants that.
 *
 * @throws MESSAGE_MALFORMED, MESSAGE_STALE, UNCONFIRMED, DEPENDENCY_DOWN
 */
export const makeDecodeInbound =
  (deps: ReadInboundDeps) =>
  async (text: string): Promise<DecodedWebhook> => {
    const message = readMessage(text);
    if (deps.clock.businessMs() - message.receivedAtMs > deps.windowMs) {
      // It may be a copy of one that is forgotten by now: a person decides.
      throw new Failure("MESSAGE_STALE", "acked longer ago than events are known as seen");
    }
    const body = await bodyOf(deps, message);
    const pack = deps.packs[message.provider];
    if (!pack) throw new Failure("MESSAGE_MALFORMED", "names a provider that has no pack");
    const { read, event: said } = readBody(pack, body);
    const { accountId } = said.data;
    const account =
      pack.marksUnknownAccounts && accountId
        ? await deps.accounts.find(message.connectionId, accountId)
        : undefined;
    const heard = { event: said, read, bytes: body };
    const { event, ...source } = message.verifyByFetch
      ? await confirm(deps, { message, pack, heard, account })
      : heard;
    if (pack.marksUnknownAccounts && event.data.accountId !== undefined && !account) {
      event.data.accountUnknown = true;
    }
    const { numbersAsText } = source.read;
    const raw = numbersAsText ? { raw: source.bytes } : {};
    const toEvent = () =>
      keepWhole(deps, unmatchedEvent(event, { ...message, numbersAsText, ...raw }));
    return { message, event, numbersAsText, ...raw, toEvent };
  };

/** What the bus cannot carry stays in the bucket, and the event says so. */
async function keepWhole(deps: ReadInboundDeps, whole: FinalEvent): Promise<FinalEvent> {
  if (truncateForBus(whole) === whole) return whole;
  await deps.bodies.put(`events/${sha256Hex(whole.id)}/whole`, Buffer.from(whole.envelope));
  return truncateForBus(whole);
}

function readMessage(text: string): InboundMessage {
  try {
    return inboundMessage.parse(JSON.parse(text));
  } catch (cause) {
    throw new Failure("MESSAGE_MALFORMED", "not a message of ours", { cause });
  }
}

async function bodyOf(deps: ReadInboundDeps, message: InboundMessage): Promise<Uint8Array> {
  if (message.bodyKey !== undefined) return deps.bodies.get(message.bodyKey);
  return Buffer.from(message.bodyBase64 ?? "", "base64");
}

/** `ingest` read it before: what cannot be read now came into the queue by another way. */
function readBody(pack: ProviderPack, body: Uint8Array): { read: ReadJson; event: InboundEvent } {
  try {
    const read = readJsonObject(body);
    return { read, event: pack.read({ ...read, headers: {} }) };
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause;
    throw new Failure("MESSAGE_MALFORMED", `its body was refused: ${cause.code}`, { cause });
  }
}

/** What an event was made from. */
interface Heard {
  event: InboundEvent;
  read: ReadJson;
  bytes: Uint8Array;
}

/** Asks the provider: the webhook was only a hint. */
async function confirm(
  deps: ReadInboundDeps,
  of: {
    message: InboundMessage;
    pack: ProviderPack;
    heard: Heard;
    account: KnownAccount | undefined;
  },
): Promise<Heard> {
  const { message, pack, heard, account } = of;
  const said = heard.event;
  const connection = await deps.connections.read(message.connectionId, readDeadline());
  const request = pack.confirmation?.request(said, credentialsOf(connection, account));
  if (!pack.confirmation || !request) {
    return { ...heard, event: { ...said, data: { ...said.data, unverified: true } } };
  }
  const { provider } = message;
  const exchange = await deps.calls.exchange(provider, request, CONFIRM_TIMEOUT_MS);
  if (exchange.kind !== "answered") {
    throw new Failure("DEPENDENCY_DOWN", `${provider} gave no answer: ${exchange.reason}`);
  }
  const { status, body: bytes } = exchange.answer;
  if (status === 404) throw new Failure("UNCONFIRMED", "the provider knows nothing of it");
  if (status !== 200) throw new Failure("DEPENDENCY_DOWN", `the provider answered ${status}`);
  const read = readAnswer(bytes);
  const event = pack.confirmation.read(said, read.value);
  if (!event) throw new Failure("UNCONFIRMED", "the provider says that it is in another state");
  // An account is the webhook's word, but for one that we know and asked for by its own token.
  if (account?.identificationToken && said.data.accountId) {
    event.data.accountId = said.data.accountId;
  }
  return { event, read, bytes };
}

function readAnswer(bytes: Uint8Array): ReadJson {
  try {
    return readJsonObject(bytes);
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause;
    throw new Failure("UNCONFIRMED", "the provider's answer cannot be read", { cause });
  }
}
