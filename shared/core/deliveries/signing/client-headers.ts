import type { WebhookItem } from "../../../contracts/config-items.ts";
import { Failure } from "../../../contracts/failures.ts";
import { type WebhookHeaders, webhookHeaders } from "../../../contracts/webhook-headers.ts";
import { type MasterKeys, seal, sealedWith, unseal } from "../../crypto/master-keys.ts";
import { InvalidRequest, validate } from "../../input/invalid-request.ts";
import type { FetchMasterKeys } from "./signing.ts";

type StoredHeaders = NonNullable<WebhookItem["headers"]>;

/** Encrypts the headers that a client adds to its webhooks. Names are kept in lower case, and readable. */
export function sealHeaders(
  { pk }: Pick<WebhookItem, "pk">,
  headers: WebhookHeaders,
  deps: { masterKeys: MasterKeys; randomHex: (bytes: number) => string },
): StoredHeaders {
  const byName = lowerCased(headers);
  return { names: Object.keys(byName), sealed: seal(deps, pk, JSON.stringify(byName)) };
}

/**
 * Returns the headers that a client adds to its webhooks, by name in lower case.
 *
 * @throws DEPENDENCY_DOWN if their master key is missing: it was removed, or this process has
 *   not read a new key yet
 */
export async function openHeaders(
  { pk, headers }: Pick<WebhookItem, "pk" | "headers">,
  read: FetchMasterKeys,
): Promise<WebhookHeaders> {
  if (!headers) return {};
  const keyId = sealedWith(headers.sealed);
  const master = await read(keyId);
  if (!master.keys.has(keyId)) {
    const advice = "try again; if it was removed, put it back or set the webhook's headers again";
    throw new Failure("DEPENDENCY_DOWN", `the master secret has no key ${keyId}: ${advice}`);
  }
  return JSON.parse(unseal(master, pk, headers.sealed)) as WebhookHeaders;
}

/** Whether the stored headers are these. Headers that cannot be opened are not. */
export async function hasHeaders(
  webhook: Pick<WebhookItem, "pk" | "headers">,
  headers: WebhookHeaders | undefined,
  read: FetchMasterKeys,
): Promise<boolean> {
  const stored = await openHeaders(webhook, read).catch(() => undefined);
  return stored !== undefined && textOf(stored) === textOf(lowerCased(headers ?? {}));
}

/**
 * Returns the stored headers with one set or removed; `null` when none is left.
 *
 * @throws REQUEST_INVALID that names `name` or `value`; DEPENDENCY_DOWN
 */
export async function changedHeaders(
  webhook: Pick<WebhookItem, "pk" | "headers">,
  { name, value }: { name: string; value: string | null },
  read: FetchMasterKeys,
): Promise<WebhookHeaders | null> {
  const key = name.toLowerCase();
  const { [key]: _, ...others } = await openHeaders(webhook, read);
  const headers = value === null ? others : { ...others, [key]: value };
  if (Object.keys(headers).length === 0) return null;
  const { errors } = validate(webhookHeaders, headers);
  if (errors.length === 0) return headers;
  const isValue = errors.some(({ message }) => message.includes("printable"));
  throw new InvalidRequest(
    errors.map(({ message }) => ({ field: isValue ? "value" : "name", message })),
  );
}

/** Header names are case-insensitive. */
function lowerCased(headers: WebhookHeaders): WebhookHeaders {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

function textOf(headers: WebhookHeaders): string {
  return JSON.stringify(Object.entries(headers).sort());
}
