import { sha256Hex } from "../crypto/digest.ts";
import type { ProviderEvent } from "../events/provider-event.ts";

/**
 * What a provider's event and the requests that it is about have in common. A correlation key is
 * the digest of the provider's id of a request, of a person or of a conversation, so that no
 * table lists people. Two texts that name one thing have one key.
 */

/** The events that release or stop dependent requests. */
export const correlatedTypes = ["connection.accepted", "message.reply"] as const;

export type CorrelatedType = (typeof correlatedTypes)[number];

/** The names, in lower case and without `_` and `-`, of the members that hold such ids. */
export interface CorrelatedMembers {
  /** Ids, public identifiers and profile URLs of people. */
  person: RegExp;
  conversation: RegExp;
}

/** Keys that are kept of one event or request. */
const MAX_KEYS = 16;
const MAX_DEPTH = 8;
/** Characters of a value from which a key is made; a longer one names nobody. */
const MAX_VALUE_LENGTH = 2_048;
const KEY_DIGITS = 32;

/** The key of a request by its provider's id. */
export function requestKey(providerRequestId: string): string {
  return keyOf("request", providerRequestId);
}

/** The keys of an event: of the request that it names, and of the people and conversations in it. */
export function eventKeys({ data }: ProviderEvent, members?: CorrelatedMembers): string[] {
  const { providerRequestId, payload } = data;
  const named = providerRequestId === undefined ? [] : [requestKey(providerRequestId)];
  return unique([...named, ...keysIn(payload, members)]);
}

/**
 * The keys of the people and conversations that a JSON value names.
 *
 * @param entersLists `false` for results: the people in a list of results are not those whom
 *   the request was about
 */
export function keysIn(
  value: unknown,
  members: CorrelatedMembers | undefined,
  { entersLists = true } = {},
): string[] {
  if (!members) return [];
  // By their texts, which cost less than keys: one that is repeated takes no place of another.
  const named = new Map<string, { kind: NamedKind; text: string }>();
  const visit = (part: unknown, depth: number): void => {
    if (typeof part !== "object" || part === null || depth > MAX_DEPTH) return;
    if (Array.isArray(part) && !entersLists) return;
    for (const [name, member] of Object.entries(part)) {
      if (named.size >= MAX_KEYS) return;
      const kind = typeof member === "string" ? kindOf(name, member, members) : undefined;
      if (kind) named.set(`${kind} ${member}`, { kind, text: member });
      else visit(member, depth + 1);
    }
  };
  visit(value, 0);
  const keys = [...named.values()].map(({ kind, text }) =>
    keyOf(kind, kind === "person" ? personOf(text) : text),
  );
  return unique(keys);
}

type NamedKind = "person" | "conversation";

/** What a member with this name and text names, if it names anything. */
function kindOf(name: string, text: string, members: CorrelatedMembers): NamedKind | undefined {
  if (text === "" || text.length > MAX_VALUE_LENGTH || name.length > 64) return undefined;
  const plain = name.replace(/[_-]/g, "").toLowerCase();
  if (members.person.test(plain)) return "person";
  return members.conversation.test(plain) ? "conversation" : undefined;
}

/**
 * The person whom an id or the URL of a profile names: the last segment of the URL's path,
 * without what Sales Navigator adds behind a comma. Letter case does not matter.
 */
function personOf(idOrUrl: string): string {
  const [path = ""] = idOrUrl.trim().split(/[?#]/);
  const segment = path.split("/").findLast((part) => part !== "") ?? "";
  const [id = segment] = segment.split(",");
  return decoded(id).normalize("NFC").toLowerCase();
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function keyOf(kind: "request" | "person" | "conversation", value: string): string {
  return sha256Hex(`${kind} ${value}`).slice(0, KEY_DIGITS);
}

function unique(keys: readonly string[]): string[] {
  return [...new Set(keys)].slice(0, MAX_KEYS);
}
