import { Failure } from "../contracts/failures.ts";
import { type InboundMessage, inboundMessage } from "../contracts/inbound-message.ts";
import { type FinalEvent, unmatchedEvent } from "./envelope.ts";
import { type ReadJson, readJsonObject } from "./json.ts";
import type {
  AccountReader,
  BlobStore,
  Clock,
  ConnectionReader,
  KnownAccount,
  ProviderHttp,
} from "./ports.ts";
import type { InboundEvent, ProviderPack } from "./provider-pack.ts";

export interface ReadInboundDeps {
  packs: Readonly<Record<string, ProviderPack>>;
  bodies: BlobStore;
  accounts: AccountReader;
  connections: ConnectionReader;
  providers: ProviderHttp;
  clock: Clock;
  /** Business time for which an event is known as seen. */
  windowMs: number;
}

/**
 * Turns a message of the inbound queue into the event that it stands for.
 *
 * @throws MESSAGE_MALFORMED, MESSAGE_STALE, UNCONFIRMED, DEPENDENCY_DOWN
 */
export const makeReadInbound =
  (deps: ReadInboundDeps) =>
  async (text: string): Promise<FinalEvent> => {
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
    const event = message.verifyByFetch
      ? await confirm(deps, { message, pack, said, account })
      : said;
    const isUnknown = pack.marksUnknownAccounts && accountId !== undefined && !account;
    if (isUnknown) event.data.accountUnknown = true;
    return unmatchedEvent(event, {
      ...message,
      numbersAsText: read.numbersAsText,
      ...(read.numbersAsText ? { raw: body } : {}),
    });
  };

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
    const code = cause instanceof Failure ? cause.code : "unknown error";
    throw new Failure("MESSAGE_MALFORMED", `its body was refused: ${code}`, { cause });
  }
}

/** Asks the provider: the webhook was only a hint. */
async function confirm(
  deps: ReadInboundDeps,
  of: {
    message: InboundMessage;
    pack: ProviderPack;
    said: InboundEvent;
    account: KnownAccount | undefined;
  },
): Promise<InboundEvent> {
  const { message, pack, said } = of;
  const credentials = await credentialsOf(deps, message, of.account);
  const request = pack.confirmation?.request(said, credentials);
  if (!pack.confirmation || !request) return { ...said, data: { ...said.data, unverified: true } };
  const { status, body } = await deps.providers.call(message.provider, request);
  if (status === 404) throw new Failure("UNCONFIRMED", "the provider knows nothing of it");
  if (status !== 200) throw new Failure("DEPENDENCY_DOWN", `the provider answered ${status}`);
  const told = pack.confirmation.read(said, readJsonObject(body).value);
  if (told) return told;
  throw new Failure("UNCONFIRMED", "the provider says that it is in another state");
}

async function credentialsOf(
  deps: ReadInboundDeps,
  { connectionId }: InboundMessage,
  account: KnownAccount | undefined,
): Promise<Record<string, string>> {
  const connection = await deps.connections.read(connectionId, AbortSignal.timeout(READ_LIMIT_MS));
  const token = account?.identificationToken;
  return {
    ...connection?.secrets.credentials,
    ...(token === undefined ? {} : { "identification-token": token }),
  };
}

const READ_LIMIT_MS = 3_000;
